"""Counts: blind, against the books at the moment of each line, and append-only."""

from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from app.access import Actor, Role
from app.cases import service as cases
from app.cases.models import Case
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.ledger.chart import AccountClass
from app.vault.counts import booking
from app.vault.counts import queries as counts_queries
from app.vault.counts import service as counts
from app.vault.counts.errors import CountEnded, CountUnderway, NothingCounted, OwnVariance
from app.vault.counts.queries import CurrentLine
from app.vault.counts.rules import CountStatus, parse_skus
from tests.people import People, set_prices
from tests.rows import read_values
from tests.second_person import approve
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods


@pytest.fixture
def goods(people: People) -> Goods:
    """Ten eagles on the shelf."""
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return goods


@pytest.fixture
def counter(people: People) -> Actor:
    return people.staff(Role.INVENTORY)


def start(goods: Goods, counter: Actor, skus: str = "") -> UUID:
    with goods.database.transaction() as session:
        return counts.start_count(session, counter, location=goods.location.code, skus=skus)


def enter(goods: Goods, counter: Actor, count_id: UUID, units: str, sku: str = "") -> None:
    with goods.database.transaction() as session:
        counts.enter_line(session, counter, count_id, sku=sku or goods.sku, units=units)


def submit(goods: Goods, counter: Actor, count_id: UUID) -> CountStatus:
    with goods.database.transaction() as session:
        return counts.submit_count(session, counter, count_id)


def lines_of(goods: Goods, count_id: UUID) -> list[CurrentLine]:
    with goods.database.reading() as session:
        return list(counts_queries.list_lines(session, count_id))


def test_count_that_agrees_ends_at_once(goods: Goods, counter: Actor, people: People) -> None:
    """Units count in whatever state they are, and not while they are on their way."""
    goods.sell(people.customer().user_id, units=3, price="12300.00", spot="4000")
    goods.change_state(1, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED)
    goods.change_state(1, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE)
    goods.change_state(2, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_IN_TRANSIT)
    count_id = start(goods, counter)
    enter(goods, counter, count_id, "8")
    assert submit(goods, counter, count_id) is CountStatus.AGREED
    [line] = lines_of(goods, count_id)
    assert (line.units, line.expected_units, line.variance) == (8, 8, 0)
    start(goods, counter)


def test_line_is_compared_with_the_books_of_its_own_moment(
    goods: Goods, counter: Actor, people: People
) -> None:
    """Nine are counted, a unit is delivered to a customer, and five arrive: no variance."""
    owner = people.customer().user_id
    goods.sell(owner, units=1, price="4100.00", spot="4000")
    goods.change_state(1, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED)
    goods.deliver(1, owner)
    count_id = start(goods, counter)
    enter(goods, counter, count_id, "9")
    goods.receive(units="5", cost="19950.00")
    assert submit(goods, counter, count_id) is CountStatus.AGREED


def test_variance_waits_with_a_case(goods: Goods, counter: Actor) -> None:
    count_id = start(goods, counter)
    enter(goods, counter, count_id, "12")
    enter(goods, counter, count_id, "8")
    assert submit(goods, counter, count_id) is CountStatus.VARIANCE
    [line] = lines_of(goods, count_id)
    assert (line.units, line.variance) == (8, -2)
    subject = ids.encode("cnt", count_id)
    with goods.database.reading() as session:
        titles = read_values(session, Case.title, Case.subject == subject)
    assert titles == ["A count differs from the books"]
    with pytest.raises(CountUnderway):
        start(goods, counter)


def test_variance_that_another_person_dismisses_ends_the_count(
    goods: Goods, counter: Actor, people: People
) -> None:
    """Who entered a line, even one that was replaced, does not decide."""
    other, count_id = people.staff(Role.ADMIN), start(goods, counter)
    enter(goods, other, count_id, "9")
    enter(goods, counter, count_id, "8")
    submit(goods, counter, count_id)
    with goods.database.transaction() as session:
        case_id = cases.lock_open_case(
            session, kind=counts.CASE_KIND, key=ids.encode("cnt", count_id)
        )
    assert case_id is not None
    outcome = {"disposition": counts.DISMISSED, "reason": "A box was in the next room."}
    with pytest.raises(OwnVariance), goods.database.transaction() as session:
        cases.close(session, other, case_id, **outcome)
    checker = people.staff(Role.COMPLIANCE)
    with goods.database.transaction() as session:
        cases.close(session, checker, case_id, **outcome)
        ended = counts_queries.get_count(session, count_id)
    assert ended.status is CountStatus.DISMISSED
    start(goods, counter)


def test_variances_that_a_second_person_approves_are_booked_together(
    goods: Goods, counter: Actor, people: People
) -> None:
    """Two eagles are missing, which cost 180.00 above their metal, and two of another coin are
    found."""
    set_prices(goods.database, AU="4000")
    other = replace(Goods.at_a_new_location(people), location=goods.location)
    other.receive()
    checker, count_id = people.staff(Role.ADMIN), start(goods, counter)
    enter(goods, counter, count_id, "8")
    enter(goods, counter, count_id, "12", other.sku)
    submit(goods, counter, count_id)
    with goods.database.transaction() as session:
        request_id = booking.request_booking(
            session, counter, count_id, reason="Searched twice, by two people."
        )
    approve(goods.database, checker, request_id)
    with goods.database.reading() as session:
        ended = counts_queries.get_count(session, count_id)
        states = read_values(session, Case.state, Case.key == ended.public_id)
    assert (ended.status, states) == (CountStatus.BOOKED, ["closed"])
    assert goods.left() == {"units": 8, "premium": "720.00"}
    assert other.left() == {"units": 12, "premium": "900.00"}
    assert (goods.available(), other.available()) == (8, 12)
    start(goods, counter)


def test_product_without_a_line_is_counted_as_none(
    goods: Goods, counter: Actor, people: People
) -> None:
    other = Goods.at_a_new_location(people)
    count_id = start(goods, counter)
    enter(goods, counter, count_id, "0", sku=other.sku)
    assert submit(goods, counter, count_id) is CountStatus.VARIANCE
    assert {line.sku: line.variance for line in lines_of(goods, count_id)} == {
        goods.sku: -10,
        other.sku: 0,
    }


def test_count_of_chosen_products_leaves_out_the_others(
    goods: Goods, counter: Actor, people: People
) -> None:
    other = Goods.at_a_new_location(people)
    count_id = start(goods, counter, f"{other.sku.lower()}, {other.sku}")
    with database_unchanged(goods.database), pytest.raises(Invalid, match="not part of the count"):
        enter(goods, counter, count_id, "10")
    enter(goods, counter, count_id, "0", sku=other.sku)
    assert submit(goods, counter, count_id) is CountStatus.AGREED
    [line] = lines_of(goods, count_id)
    assert line.sku == other.sku


def test_count_that_ended_takes_no_more(goods: Goods, counter: Actor) -> None:
    count_id = start(goods, counter)
    with database_unchanged(goods.database), pytest.raises(NothingCounted):
        submit(goods, counter, count_id)
    enter(goods, counter, count_id, "10")
    with goods.database.transaction() as session:
        counts.cancel_count(session, counter, count_id)
    with database_unchanged(goods.database):
        with pytest.raises(CountEnded):
            enter(goods, counter, count_id, "10")
        with pytest.raises(CountEnded):
            submit(goods, counter, count_id)
    start(goods, counter)


@pytest.mark.parametrize("units", ["", "-1", "1.5", "1000001", "9" * 5000, "٣"])
def test_other_than_a_number_of_units_is_refused(goods: Goods, counter: Actor, units: str) -> None:
    count_id = start(goods, counter)
    with database_unchanged(goods.database), pytest.raises(Invalid, match="units: Enter a whole"):
        enter(goods, counter, count_id, units)


def test_what_does_not_exist_is_refused_at_its_field(goods: Goods, counter: Actor) -> None:
    with goods.database.transaction() as session, pytest.raises(Invalid, match="location: "):
        counts.start_count(session, counter, location="NOWHERE")
    with pytest.raises(Invalid, match="skus: There is no product NO-SUCH-COIN"):
        start(goods, counter, "NO-SUCH-COIN")
    with pytest.raises(Invalid, match="skus: Enter a SKU of 3 to 24"):
        start(goods, counter, "?")
    with pytest.raises(Invalid, match="skus: Enter at most 200"):
        parse_skus(" ".join(f"SKU-{number}" for number in range(201)))
    assert len(parse_skus(" ".join(f"SKU-{number}" for number in range(200)))) == 200
    count_id = start(goods, counter)
    with pytest.raises(Invalid, match="sku: There is no product"):
        enter(goods, counter, count_id, "1", sku="NO-SUCH-COIN")


def test_who_may_only_read_counts_does_not_count(goods: Goods, people: People) -> None:
    auditor = people.staff(Role.AUDITOR)
    with database_unchanged(goods.database), pytest.raises(PermissionDenied):
        start(goods, auditor)


def test_lines_are_never_changed(database: Database, goods: Goods, counter: Actor) -> None:
    count_id = start(goods, counter)
    enter(goods, counter, count_id, "10")
    for statement in ("UPDATE count_lines SET units = 9", "DELETE FROM count_lines"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as session:
            session.rows(f"{statement} WHERE count_id = %s", (count_id,))
