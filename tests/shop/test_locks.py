"""Price locks: what they keep, how they end, and what is refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine

from app.access import Actor
from app.branches import service as branches
from app.branches.service import BranchDetails
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD, Metal
from app.hedging import queries as hedging_queries
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.ports import provide
from app.kit.postal_addresses import PostalAddress
from app.ledger import service as ledger
from app.limits.errors import LimitExceeded
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.rules import HaltReason, MarketHours
from app.pricing.service import halt_market
from app.shop import personal
from app.shop.locks import queries, rules, service
from app.shop.locks.errors import QuoteVoided, TooFewUnits
from app.shop.locks.models import PriceLockRow
from app.shop.locks.queries import PriceLock
from app.shop.locks.rules import LockSettings, LockStatus, VoidReason
from app.shop.locks.service import LockRequest
from app.shop.prices.errors import NotForSale
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed
from app.vault.stock.rules import Shelf, take_from_shelves
from tests.fixed_settings import fixed_settings
from tests.people import People, set_prices
from tests.rows import count_rows
from tests.shop.sales_range import SalesRange, tier
from tests.unchanged_database import database_unchanged

ADDRESS = PostalAddress("US", "5 Wall Street", city="New York", state="NY", zip_code="10005")
PICKUP = BranchDetails("Wall Street", ADDRESS, "", "America/New_York", offers_pickup=True)


@pytest.fixture
def goods(database: Database) -> SalesRange:
    """Products for sale, with gold at 4,000 and silver at 50 dollars."""
    set_prices(database, AU="4000", AG="50")
    return SalesRange(database)


def lock(
    goods: SalesRange, actor: Actor, *items: tuple[str, int], branch_id: UUID | None = None
) -> PriceLock:
    with goods.database.transaction() as session:
        return service.lock_prices(session, actor, LockRequest(items, branch_id))


def claim(goods: SalesRange, actor: Actor, lock_id: UUID) -> PriceLock:
    with goods.database.transaction() as session:
        return service.claim(session, actor, lock_id, clock.now())


def status(goods: SalesRange, actor: Actor, lock_id: UUID) -> LockStatus:
    with goods.database.reading() as session:
        return queries.get_lock(session, actor.user_id, lock_id).status


def test_lock_keeps_prices_and_takes_the_fullest_shelves_first(
    goods: SalesRange, people: People, person: Actor
) -> None:
    eagle = goods.add(tier("5"), tier("4", from_quantity=5), fine="1")
    silver = goods.add(tier(per_ounce="2"), metal=Metal.AG, gross="10")
    few, many = (goods.stock(people, eagle, units) for units in (2, 6))
    shelf = goods.stock(people, silver, 3)
    made = lock(goods, person, (silver.lower(), 1), (eagle, 7))
    assert [(line.sku, line.quantity, str(line.unit_price)) for line in made.lines] == [
        (silver, 1, "522.00"),
        (eagle, 7, "4168.32"),
    ]
    assert (str(made.total), made.expires_at - made.locked_at) == (
        "29700.24",
        timedelta(minutes=10),
    )
    parts = {(part.location_id, part.units) for part in made.lines[1].parts}
    assert parts == {(many.location.id, 6), (few.location.id, 1)}
    assert (few.free(), many.free(), shelf.free()) == (1, 0, 2)
    assert {metal: (str(each.ask), str(each.bid)) for metal, each in made.metals.items()} == {
        Metal.AU: ("4008.000000", "3992.000000"),
        Metal.AG: ("50.200000", "49.800000"),
    }
    with pytest.raises(TooFewUnits, match="Only 1 unit"):
        lock(goods, person, (eagle, 2))
    set_prices(goods.database, AU="4020", AG="50")
    assert claim(goods, person, made.id).lines == made.lines


def test_each_bar_is_locked_at_the_price_of_its_own_weight(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku = goods.add(
        tier(per_ounce="1"), form=ProductForm.BAR, gross="400", fineness="0.995", is_serialized=True
    )
    shelf, code = goods.shelf(people, sku), ids.new().hex[-8:].upper()
    bars = f"A{code}, Rand Refinery, 401.125, 995\nB{code}, Rand Refinery, 398.5, 995"
    shelf.receive_bars(bars, cost="3200000.00")
    with fixed_settings(LockSettings(value_max=Amount(USD, 10**10))):
        made = lock(goods, person, (sku, 2))
        with pytest.raises(TooFewUnits, match="No unit"):
            lock(goods, person, (sku, 1))
    assert [(line.quantity, str(line.ounces), str(line.unit_price)) for line in made.lines] == [
        (1, "399.11900000", "1600068.07"),
        (1, "396.50800000", "1589600.57"),
    ]
    assert [part.lot_id for line in made.lines for part in line.parts] == list(shelf.lots())


def test_pick_up_takes_units_of_the_branch_alone(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku, here = goods.add(tier("5")), people.branch()
    goods.stock(people, sku, 9)
    shelf = goods.stock(people, sku, 2, here)
    for branch_id in (here, ids.new()):
        with pytest.raises(Invalid, match="pickupBranchId"):
            lock(goods, person, (sku, 1), branch_id=branch_id)
    with goods.database.transaction() as session:
        branches.change_details(session, None, here, PICKUP)
    made = lock(goods, person, (sku, 2), branch_id=here)
    assert [part.location_id for part in made.lines[0].parts] == [shelf.location.id]
    with pytest.raises(TooFewUnits):
        lock(goods, person, (sku, 1), branch_id=here)


def test_refused_lock_changes_nothing(goods: SalesRange, people: People, person: Actor) -> None:
    sku, unpriced = goods.add(tier("5")), goods.add(form=ProductForm.SHEET)
    goods.stock(people, sku, 3)

    def field_of(*items: tuple[str, int]) -> str:
        with pytest.raises((Invalid, NotForSale, TooFewUnits)) as refused:
            lock(goods, person, *items)
        return refused.value.field

    with database_unchanged(goods.database):
        assert field_of() == "items"
        assert field_of((sku, 1), (sku.lower(), 1)) == "items.1.sku"
        assert field_of((sku, 1), ("NO-SUCH", 1)) == "items.1.sku"
        assert field_of((sku, 1), (unpriced, 1)) == "items.1.sku"
        assert field_of((sku, 0)) == "items.0.quantity"
        assert field_of((sku, 10_001)) == "items.0.quantity"
        assert field_of((sku, 4)) == "items.0.quantity"
        assert field_of(*((f"S{n}", 1) for n in range(51))) == "items"


def test_person_has_limits_of_open_locks(goods: SalesRange, people: People) -> None:
    sku, person = goods.add(tier("0"), fine="1"), people.customer()
    goods.stock(people, sku, 20)
    with (
        fixed_settings(LockSettings(value_max=Amount(USD, 4007_99))),
        pytest.raises(LimitExceeded, match=r"4,007\.99 USD"),
    ):
        lock(goods, person, (sku, 1))
    with fixed_settings(LockSettings(pieces_max=5)):
        first = lock(goods, person, (sku, 3))
        with pytest.raises(LimitExceeded) as refused:
            lock(goods, person, (sku, 3))
        assert (refused.value.left, refused.value.frees_at) == ("2", first.expires_at)
        with goods.database.transaction() as session:
            service.cancel(session, person, first.id)
        second = lock(goods, person, (sku, 5))
        # Expired, though no sweep has noted it.
        with time_machine.travel(second.expires_at, tick=False):
            set_prices(goods.database, AU="4000")
            lock(goods, person, (sku, 5))
    set_prices(goods.database, AU="4000")


def test_lock_is_used_once(goods: SalesRange, people: People, person: Actor) -> None:
    sku, other = goods.add(tier("5")), people.customer()
    goods.stock(people, sku, 1)
    made, checkout_id = lock(goods, person, (sku, 1)), ids.new()
    for actor, lock_id in ((other, made.id), (person, ids.new())):
        with pytest.raises(QuoteNotFound):
            claim(goods, actor, lock_id)
    with goods.database.transaction() as session:
        claimed = service.claim(session, person, made.id, clock.now())
        service.use(session, claimed, checkout_id, at=clock.now())
    with goods.database.reading() as session:
        used = queries.get_lock(session, person.user_id, made.id)
    assert (used.status, used.checkout_id) == (LockStatus.USED, checkout_id)
    with pytest.raises(QuoteUsed):
        claim(goods, person, made.id)
    with pytest.raises(QuoteUsed), goods.database.transaction() as session:
        service.cancel(session, person, made.id)


def test_released_lock_frees_its_units_at_once(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku = goods.add(tier("5"))
    goods.stock(people, sku, 2)
    made = lock(goods, person, (sku, 2))
    with pytest.raises(QuoteNotFound), goods.database.transaction() as session:
        service.cancel(session, people.customer(), made.id)
    for _ in range(2):
        with goods.database.transaction() as session:
            service.cancel(session, person, made.id)
    lock(goods, people.customer(), (sku, 2))
    with pytest.raises(QuoteVoided):
        claim(goods, person, made.id)


def test_lock_past_its_time_is_expired_before_and_after_a_sweep(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku = goods.add(tier("5"))
    shelf = goods.stock(people, sku, 2)
    made = lock(goods, person, (sku, 2))
    before, step = made.expires_at - timedelta(microseconds=1), timedelta(days=31)
    with time_machine.travel(before, tick=False):
        set_prices(goods.database, AU="4000")
        claim(goods, person, made.id)
    with time_machine.travel(made.expires_at, tick=False):
        for swept in (False, True):
            with pytest.raises(QuoteExpired):
                claim(goods, person, made.id)
            assert (status(goods, person, made.id) is LockStatus.EXPIRED) is swept
            with goods.database.transaction() as session:
                service.expire_due_locks(session)
                ledger.expire_due_holds(session)
    assert shelf.free() == 2
    with time_machine.travel(made.expires_at + step), goods.database.transaction() as session:
        service.expire_due_locks(session)
    with goods.database.reading() as session:
        assert count_rows(session, PriceLockRow, PriceLockRow.id == made.id) == 0
    set_prices(goods.database, AU="4000")


@pytest.mark.parametrize(
    ("mid", "is_void"), [("4080", False), ("3920", False), ("4080.01", True), ("3919.99", True)]
)
def test_lock_is_void_once_the_market_moved_further_than_the_setting(
    goods: SalesRange, people: People, person: Actor, mid: str, is_void: bool
) -> None:
    sku = goods.add(tier("5"))
    shelf = goods.stock(people, sku, 2)
    made = lock(goods, person, (sku, 2))
    set_prices(goods.database, AU=mid)
    if not is_void:
        claim(goods, person, made.id)
        return
    with pytest.raises(QuoteVoided, match="more than 2 %"):
        claim(goods, person, made.id)
    set_prices(goods.database, AU="4000")
    # It stays void though the price is back.
    with pytest.raises(QuoteVoided):
        claim(goods, person, made.id)
    with goods.database.reading() as session:
        voided = queries.get_lock(session, person.user_id, made.id)
    assert (voided.status, voided.voided_reason) == (LockStatus.VOIDED, VoidReason.PRICE_MOVED)
    assert shelf.free() == 2


def test_lock_is_not_claimed_while_its_market_is_halted_or_has_no_price(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku = goods.add(tier("5"))
    goods.stock(people, sku, 1)
    made = lock(goods, person, (sku, 1))
    with goods.database.transaction() as session:
        halt_market(session, None, Metal.AU, HaltReason.EVENT, note="a test of halts")
    with pytest.raises(MarketHalted):
        claim(goods, person, made.id)
    set_prices(goods.database, AU="4000")
    stale = clock.now() + timedelta(minutes=3)
    with pytest.raises(PriceStale), time_machine.travel(stale, tick=False):
        claim(goods, person, made.id)
    claim(goods, person, made.id)


def test_promise_is_kept_after_the_market_has_closed(
    goods: SalesRange, people: People, person: Actor
) -> None:
    provide(MarketHours, MarketHours.REAL)
    friday = datetime(2026, 11, 20, 21, 59, 30, tzinfo=UTC)
    with time_machine.travel(friday, tick=False):
        set_prices(goods.database, AU="4000")
        sku = goods.add(tier("5"))
        goods.stock(people, sku, 2)
        made = lock(goods, person, (sku, 1))
    with time_machine.travel(friday + timedelta(minutes=5), tick=False):
        with pytest.raises(MarketHalted):
            lock(goods, person, (sku, 1))
        claim(goods, person, made.id)
    set_prices(goods.database, AU="4000")


def test_open_locks_count_as_open_quotes_of_the_exposure(
    goods: SalesRange, people: People, person: Actor
) -> None:
    """No other test locks platinum."""
    set_prices(goods.database, PT="1500")
    sku = goods.add(tier("5"), metal=Metal.PT, gross="10", fineness="0.9995")
    goods.stock(people, sku, 4)

    def quoted() -> str:
        with goods.database.transaction(SNAPSHOT) as session:
            exposure = hedging_queries.current_exposure(session)
        return next(str(each.open_quotes) for each in exposure.metals if each.metal is Metal.PT)

    assert quoted() == "0.00000000"
    made = lock(goods, person, (sku, 3))
    assert quoted() == "30.00000000"
    with time_machine.travel(made.expires_at, tick=False):
        assert quoted() == "0.00000000"
    with goods.database.transaction() as session:
        service.cancel(session, person, made.id)
    assert quoted() == "0.00000000"


def test_open_lock_blocks_an_erasure_and_unused_ones_are_deleted(
    goods: SalesRange, people: People, person: Actor
) -> None:
    sku = goods.add(tier("5"))
    goods.stock(people, sku, 2)
    made = lock(goods, person, (sku, 2))
    with goods.database.transaction() as session:
        [blocker] = personal.PERSONAL_DATA.erasure_blockers(session, person.user_id)
        assert made.public_id in blocker.field
        [line] = personal.PERSONAL_DATA.export_sections(session, person.user_id)["priceLocks"]
        assert (line["sku"], line["unitPrice"]) == (sku, str(made.lines[0].unit_price))
        service.cancel(session, person, made.id)
        assert personal.PERSONAL_DATA.erasure_blockers(session, person.user_id) == []
        personal.PERSONAL_DATA.erase(session, person.user_id)
        assert count_rows(session, PriceLockRow, PriceLockRow.id == made.id) == 0


@pytest.mark.parametrize(
    ("shelves", "quantity", "taken"),
    [
        ([("A", 5), ("B", 3)], 4, [("A", 4)]),
        ([("B", 3), ("A", 3)], 4, [("A", 3), ("B", 1)]),
        ([("A", 1), ("B", 9)], 10, [("B", 9), ("A", 1)]),
        ([("A", 1)], 2, [("A", 1)]),
        ([], 2, []),
    ],
)
def test_fullest_shelves_come_first(
    shelves: list[tuple[str, int]], quantity: int, taken: list[tuple[str, int]]
) -> None:
    location_ids = {code: ids.new() for code, _ in shelves}
    free = [Shelf(location_ids[code], code, units) for code, units in shelves]
    assert take_from_shelves(free, quantity) == [
        (location_ids[code], units) for code, units in taken
    ]


def test_movement_is_measured_from_the_locked_price() -> None:
    moves = [Decimal(102), Decimal(98), Decimal("102.000001"), Decimal("97.999999")]
    moved = [rules.has_moved(Decimal(100), now, Decimal(2)) for now in moves]
    assert moved == [False, False, True, True]
