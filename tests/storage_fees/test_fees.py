"""What a month of storage costs and how it is paid: dollars, metal by consent, or a debt."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.catalog.rules import Metal
from app.funding.errors import ReceivableOutstanding
from app.funding.receivables import service as receivables
from app.kit.db import Database
from app.kit.errors import PermissionDenied
from app.ledger.chart import AccountClass
from app.pricing.models import MarketPriceRow
from app.privacy.personal_data_tables import list_erasure_blockers
from app.storage_fees import accruals, queries, waiving
from app.storage_fees.errors import AlreadyWaived, OwnStorageFee
from app.storage_fees.models import StorageAccrual, StorageDay
from app.storage_fees.queries import Charge
from app.storage_fees.rules import ChargeStatus
from tests.people import People, credit, set_prices
from tests.rows import count_rows, delete_rows, read_values
from tests.second_person import approve
from tests.storage_fees.customers import TERMS, Vault, accept_price, change_setting, days_of
from tests.vault.goods import Goods, postings_of

#: A month of 30 days.
MONTH, NEXT = date(2025, 11, 1), date(2025, 12, 1)
BEFORE = datetime(2025, 10, 31, 12, tzinfo=UTC)


@pytest.fixture
def vault(lone_app: Flask) -> Vault:
    database = lone_app.extensions["database"]
    with database.transaction() as session:
        for metal, mid in (("AU", "4000"), ("AG", "50")):
            accept_price(session, metal, BEFORE, mid)
    return Vault(database, People(database))


def close_month_of(vault: Vault, dollars: str = "", gold: str = "101") -> tuple[Actor, Charge]:
    """Return a customer who had this gold all month, and their charge, which is due.

    100 ounces above the free one cost 400,000 x 0.12 % x 30/365 = 39.45.
    """
    customer = vault.customer(**({"USD": dollars} if dollars else {}))
    vault.move(customer, BEFORE, "XAU-s", gold)
    vault.accrue(days_of(MONTH, 30))
    vault.close(MONTH)
    [charge] = vault.charges(customer)
    return customer, charge


def owed(database: Database, customer: Actor) -> str:
    with database.reading() as session:
        return str(receivables.amount_owed(session, customer.user_id))


def message_kinds(database: Database, customer: Actor) -> list[str]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT args ->> 'kind' FROM outbox WHERE task = 'messages.deliver'"
            " AND args ->> 'user_id' = %s ORDER BY id",
            (str(customer.user_id),),
        )
    return [kind for (kind,) in rows]


def test_month_is_charged_once_from_dollars_with_its_arithmetic(vault: Vault) -> None:
    customer, due = close_month_of(vault, dollars="100.00")
    assert (due.status, str(due.fee)) == (ChargeStatus.DUE, "39.45")
    charged = vault.charge(customer)
    assert vault.charge(customer) == charged
    assert charged.status is ChargeStatus.CHARGED
    assert vault.people.balances(customer) == {"XAU-s": "101.00000000", "USD": "60.55"}
    assert postings_of(vault.database, charged.public_id) == {
        ("customer.funding", "USD"): "39.45",
        ("storage_fees.au", "USD"): "-39.45",
    }
    assert [line.explanation for line in charged.lines] == [
        (
            "Gold: 101 ozt on average, 1 ozt free; worth 400,000.00 USD x 0.12 % x 30/365 days = "
            "39.45 USD"
        )
    ]
    assert message_kinds(vault.database, customer) == ["storage_fee_charged"]


def test_each_metal_is_rounded_once_and_has_an_account_of_its_own(vault: Vault) -> None:
    customer = vault.customer(USD="100.00")
    vault.move(customer, BEFORE, "XAU-s", "2.00012")
    vault.move(customer, BEFORE, "XAG-s", "61.5")
    with vault.database.transaction() as session:
        # From the second day on, whenever of the day it takes effect; a midnight is the next day's.
        change_setting(session, "rate_au", "0.48", datetime(2025, 11, 2, 23, 59, tzinfo=UTC))
        change_setting(session, "rate_ag", "1", datetime(2025, 11, 3, tzinfo=UTC))
    vault.accrue(days_of(MONTH, 3))
    vault.close(MONTH)
    charged = vault.charge(customer)
    # 4,000.48 x (0.12 + 2 x 0.48) % / 365 = 0.1184, in two parts; 575 x (2 x 0.48 + 1) % / 365.
    assert [(line.metal, line.days, str(line.fee)) for line in charged.lines] == [
        ("AG", 2, "0.02"), ("AG", 1, "0.01"), ("AU", 1, "0.01"), ("AU", 2, "0.11"),
    ]  # fmt: skip
    assert postings_of(vault.database, charged.public_id) == {
        ("customer.funding", "USD"): "0.15",
        ("storage_fees.au", "USD"): "-0.12",
        ("storage_fees.ag", "USD"): "-0.03",
    }


def test_only_metal_above_the_allowance_of_those_who_agreed_to_the_fee_costs(vault: Vault) -> None:
    below, unaware = vault.customer(), vault.people.customer()
    vault.accept_terms(unaware, TERMS.version - 1)
    vault.move(below, BEFORE, "XAU-s", "1")
    vault.move(unaware, BEFORE, "XAU-s", "100")
    # Never priced: it cannot be valued.
    unpriced = vault.customer()
    vault.move(unpriced, BEFORE, "XPT-s", "100")
    vault.accrue(days_of(MONTH, 2))
    with vault.database.reading() as session:
        assert count_rows(session, StorageAccrual) == 0
        assert count_rows(session, StorageDay, StorageDay.mid.is_(None)) == 6


def test_day_is_valued_at_the_last_price_before_its_midnight_and_never_again(vault: Vault) -> None:
    customer = vault.customer()
    vault.move(customer, BEFORE, "XAU-s", "2")
    with vault.database.transaction() as session:
        accept_price(session, "AU", datetime(2025, 11, 3, 0, tzinfo=UTC), "5000")
        accept_price(session, "AU", datetime(2025, 11, 3, 0, 0, 1, tzinfo=UTC), "6000")
    vault.accrue(days_of(MONTH, 3))
    with vault.database.transaction() as session:
        assert not accruals.accrue_day(session, MONTH)
    # What is booked late, with a time of a day that is accrued, counts from the next one on.
    vault.move(customer, datetime(2025, 11, 1, 9, tzinfo=UTC), "XAU-s", "7")
    vault.accrue([date(2025, 11, 4)])
    with vault.database.reading() as session:
        mids = read_values(session, StorageDay.mid, StorageDay.metal == Metal.AU)
        ounces = read_values(session, StorageAccrual.ounces_units)
    assert [str(mid.normalize()) for mid in mids] == ["4E+3", "5E+3", "6E+3", "6E+3"]
    assert [units // 10**8 for units in ounces] == [2, 2, 2, 9]


def test_closed_month_is_not_changed_by_what_is_booked_late(vault: Vault) -> None:
    customer, due = close_month_of(vault)
    vault.move(customer, datetime(2025, 11, 2, tzinfo=UTC), "XAU-s", "500")
    assert not vault.close(MONTH)
    assert vault.charges(customer) == [due]


def test_missed_days_are_caught_up_and_their_month_is_closed(vault: Vault) -> None:
    customer = vault.customer()
    vault.move(customer, BEFORE, "XAU-s", "101")
    vault.accrue([date(2025, 11, 28)])
    with time_machine.travel(datetime(2025, 12, 1, 0, 14, tzinfo=UTC), tick=False):
        accruals.catch_up(vault.database)
        assert vault.charges(customer) == []
    with time_machine.travel(datetime(2025, 12, 1, 0, 15, tzinfo=UTC), tick=False):
        accruals.catch_up(vault.database)
        accruals.catch_up(vault.database)
    [charge] = vault.charges(customer)
    assert [line.days for line in charge.lines] == [3]


def test_what_dollars_do_not_cover_is_owed_and_collected_later(vault: Vault) -> None:
    customer, _ = close_month_of(vault, dollars="10.00")
    charged = vault.charge(customer)
    assert (str(charged.paid_in_dollars), str(charged.owed)) == ("10.00", "29.45")
    assert vault.people.balances(customer) == {"XAU-s": "101.00000000"}
    with vault.database.reading() as session, pytest.raises(ReceivableOutstanding):
        receivables.require_nothing_owed(session, customer.user_id)
    with vault.database.transaction() as session:
        credit(session, customer.user_id, "30.00", "USD")
    assert owed(vault.database, customer) == "0.00"
    assert vault.people.balances(customer)["USD"] == "0.55"
    assert message_kinds(vault.database, customer) == ["storage_fee_owed"]


def test_metal_is_sold_for_the_rest_by_consent_at_the_bid_without_a_fee(vault: Vault) -> None:
    customer, _ = close_month_of(vault, dollars="10.00")
    vault.agree_to_sales(customer)
    set_prices(vault.database, AU="4000")
    charged = vault.charge(customer)
    # 29.45 at 3,992.00.
    assert (str(charged.sold), str(charged.paid_by_sale), str(charged.owed)) == (
        "0.00737726", "29.45", "0.00",
    )  # fmt: skip
    assert vault.people.balances(customer) == {"XAU-s": "100.99262274"}
    assert postings_of(vault.database, charged.public_id) == {
        ("customer.trading", "XAU-s"): "0.00737726",
        ("position", "XAU-s"): "-0.00737726",
        ("customer.funding", "USD"): "10.00",
        ("position", "USD"): "29.51",
        ("spread", "USD"): "-0.06",
        ("storage_fees.au", "USD"): "-39.45",
    }


def test_sale_waits_for_its_market_some_days_and_then_the_rest_is_owed(vault: Vault) -> None:
    customer, due = close_month_of(vault)
    vault.agree_to_sales(customer)
    with vault.database.transaction() as session:
        delete_rows(session, MarketPriceRow)
    assert vault.charge(customer).status is ChargeStatus.DUE
    with time_machine.travel(due.closed_at + timedelta(days=5)):
        assert str(vault.charge(customer).owed) == "39.45"


def test_without_consent_or_enough_metal_nothing_is_sold(vault: Vault) -> None:
    customer, _ = close_month_of(vault)
    vault.agree_to_sales(customer)
    vault.agree_to_sales(customer, given=False)
    set_prices(vault.database, AU="4000")
    charged = vault.charge(customer)
    assert (charged.sold, str(charged.owed)) == (None, "39.45")


def test_goods_that_wait_for_their_owner_count_after_thirty_days(lone_app: Flask) -> None:
    database = lone_app.extensions["database"]
    people = People(database)
    vault = Vault(database, people)
    start = datetime(2025, 10, 2, 12, tzinfo=UTC)
    with database.transaction() as session:
        accept_price(session, "AU", start, "4000")
    with time_machine.travel(start):
        customer, coins = vault.customer(), Goods.at_a_new_location(people)
        coins.receive()
        coins.sell(customer.user_id, units=3, price="12600.00", spot="4000")
    with time_machine.travel(start + timedelta(days=10)):
        coins.sell(customer.user_id, units=4, price="16800.00", spot="4000")
    with time_machine.travel(start + timedelta(days=31)):
        coins.change_state(1, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED)
        coins.deliver(1, customer.user_id)
    vault.accrue(days_of(date(2025, 10, 31), 14))
    with database.reading() as session:
        days = read_values(session, StorageAccrual.day)
        ounces = read_values(session, StorageAccrual.ounces_units)
    # Three until one of them is delivered, and four more from ten days later on.
    assert [(f"{day:%d}", units // 10**8) for day, units in zip(days, ounces, strict=True)] == [
        ("01", 3), ("02", 2), ("03", 2), ("04", 2), ("05", 2), ("06", 2), ("07", 2), ("08", 2),
        ("09", 2), ("10", 2), ("11", 6), ("12", 6), ("13", 6),
    ]  # fmt: skip


def test_waived_charge_gives_back_dollars_and_metal_and_cancels_the_debt(vault: Vault) -> None:
    customer, due = close_month_of(vault, dollars="10.00")
    vault.charge(customer)
    support = vault.people.staff(Role.SUPPORT)
    with vault.database.transaction() as session:
        assert waiving.waive(session, support, due.id, reason="our mistake") is None
    assert vault.people.balances(customer) == {"XAU-s": "101.00000000", "USD": "10.00"}
    assert owed(vault.database, customer) == "0.00"
    [waived] = vault.charges(customer)
    assert (waived.status, waived.waived_by, waived.waive_reason) == (
        ChargeStatus.WAIVED, support.user_id, "our mistake",
    )  # fmt: skip
    assert message_kinds(vault.database, customer) == ["storage_fee_owed", "storage_fee_waived"]
    with pytest.raises(AlreadyWaived), vault.database.transaction() as session:
        waiving.waive(session, support, due.id, reason="once more")


def test_large_charge_is_waived_by_two_people_and_then_never_charged(vault: Vault) -> None:
    customer, due = close_month_of(vault, gold="201")
    support, admin = vault.people.staff(Role.SUPPORT), vault.people.staff(Role.ADMIN)
    with vault.database.transaction() as session:
        request = waiving.waive(session, support, due.id, reason="our mistake")
    approve(vault.database, admin, request)
    assert vault.charge(customer).status is ChargeStatus.WAIVED
    assert message_kinds(vault.database, customer) == []


def test_staff_waive_no_fee_of_their_own_and_customers_none(vault: Vault) -> None:
    customer, due = close_month_of(vault)
    support = vault.people.staff(Role.SUPPORT)
    own = Actor(customer.user_id, None, "", Role.SUPPORT, support.permissions)
    for actor, refusal in ((own, OwnStorageFee), (customer, PermissionDenied)):
        with pytest.raises(refusal), vault.database.transaction() as session:
            waiving.waive(session, actor, due.id, reason="because")


def test_fees_that_are_not_charged_keep_their_customer(vault: Vault) -> None:
    customer, _ = close_month_of(vault, dollars="39.45")

    def blockers() -> list[str]:
        with vault.database.reading() as session:
            return [each.field for each in list_erasure_blockers(session, customer.user_id)]

    assert "storageFees" in blockers()
    vault.charge(customer)
    assert "storageFees" not in blockers()


def test_customer_sees_what_is_accrued_this_month(vault: Vault) -> None:
    customer = vault.customer()
    vault.move(customer, BEFORE, "XAU-s", "101")
    vault.accrue(days_of(MONTH, 2))
    with (
        time_machine.travel(datetime(2025, 11, 3, 12, tzinfo=UTC)),
        vault.database.reading() as session,
    ):
        accrued = queries.accrued_fees(session, customer.user_id)
    assert (accrued.last_day, str(accrued.total)) == (date(2025, 11, 2), "2.63")
