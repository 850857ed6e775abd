"""The search over everything: what staff type, and what they may see of it."""

from dataclasses import replace

import pytest

from app.access import Role
from app.helpdesk.search import rules
from app.helpdesk.search.queries import search
from app.helpdesk.search.rules import ResultKind
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.house.authorization import OBJECT_KINDS
from tests.people import People
from tests.rows import change_rows

#: A route that shows an object of each kind, and what people call the object by.
CALLED = {
    ResultKind.ORDER: ("/admin/orders/<order_id>", "SELECT number FROM shop_orders WHERE id = %s"),
    ResultKind.SHIPMENT: (
        "/admin/shipments/<shipment_id>", "SELECT number FROM shipments WHERE id = %s"
    ),
    ResultKind.BAR: (
        "/admin/vault/bars/<bar_id>", "SELECT lower(serial) FROM bars WHERE lot_id = %s"
    ),
    ResultKind.DEPOSIT: (
        "/admin/payments/deposits/<deposit_id>",
        "UPDATE deposits SET provider_ref = 'pi_3' || id WHERE id = %s RETURNING provider_ref",
    ),
    ResultKind.WITHDRAWAL: (
        "/admin/payments/withdrawals/<withdrawal_id>",
        "UPDATE withdrawals SET provider_ref = 'po_3' || id WHERE id = %s RETURNING provider_ref",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLED)
def test_exact_name_is_found_alone_by_those_who_may_see_it(
    database: Database, people: People, kind: ResultKind
) -> None:
    admin, customer = people.staff(Role.ADMIN), people.customer()
    route, statement = CALLED[kind]
    public_id = OBJECT_KINDS[route].create(database, customer)
    object_id = ids.decode(public_id.partition("_")[0], public_id)
    with database.transaction() as session:
        text = str(session.value(statement, (object_id,)))
        groups = search(session, admin, f" {text} ")
        [result] = groups[0].results
        assert (result.kind, result.key, result.is_exact) == (kind, public_id, True)
        assert rules.find_only_exact(groups) == result
        assert search(session, replace(admin, permissions=frozenset()), text) == []


def test_person_is_found_by_parts_and_with_what_is_theirs(
    database: Database, people: People
) -> None:
    support, customer = people.staff(Role.SUPPORT), people.customer()
    mark = customer.user_id.hex[-8:]
    phone = f"+25471{customer.user_id.int % 10**7:07}"
    deposit = OBJECT_KINDS["/admin/payments/deposits/<deposit_id>"].create(database, customer)
    with database.transaction() as session:
        change_rows(
            session, User, User.id == customer.user_id, phone=phone, first_name=f"Zoë_{mark}"
        )
        public_id = ids.encode("usr", customer.user_id)
        for text in (f"ZOË_{mark} lov", customer.email[:20], phone[-9:], f"0{phone[4:]}"):
            found = {result.key: result for result in search(session, support, text)[0].results}
            assert not found[public_id].is_exact, text
        for text in (customer.email.upper(), phone):
            groups = search(session, support, text)
            assert [(group.kind, [each.key for each in group.results]) for group in groups] == [
                (ResultKind.CUSTOMER, [public_id]),
                (ResultKind.DEPOSIT, [deposit]),
            ]
            assert groups[1].results[0].person == f"Zoë_{mark} Lovelace"
        assert search(session, support, f"Zoë%{mark}") == []


def test_only_what_a_role_may_see_is_looked_for(database: Database, people: People) -> None:
    staff = people.staff(Role.COMPLIANCE)
    with database.reading() as session:
        for role, kinds in (
            (Role.ADMIN, {ResultKind.STAFF, ResultKind.SETTING}),
            (Role.SUPPORT, {ResultKind.STAFF}),
            (Role.TELLER, set()),
        ):
            actor = people.staff(role)
            for text, kind in (
                (staff.email, ResultKind.STAFF),
                ("daily limit", ResultKind.SETTING),
            ):
                found = {group.kind for group in search(session, actor, text)}
                assert (kind in found) == (kind in kinds), (role, text)


@pytest.mark.parametrize("text", ["", " ", "a", "%", "~", "'", "\\", "\u0000", "9" * 40, "ß" * 400])
def test_any_text_can_be_typed(database: Database, people: People, text: str) -> None:
    with database.reading() as session:
        assert not [
            result
            for group in search(session, people.staff(Role.ADMIN), text)
            for result in group.results
            if result.is_exact
        ]
