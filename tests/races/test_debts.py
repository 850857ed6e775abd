"""A debt and the dollars that many acts free at once: all of them go to it, and none twice."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from app.access import Actor
from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD, XAU
from app.funding.receivables import service as receivables
from app.kit import clock
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.drill import choose_size, rounds, seeded_random
from tests.people import credit, set_prices
from tests.races.contest import THREADS, Act, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(20, 200)
TEN = Amount(USD, 1000)
OUNCES = Amount(XAU, 300_000)


def test_dollars_freed_by_many_pay_the_debt_and_nothing_else(
    arena: Arena, record_property: Callable[[str, object], None]
) -> None:
    random, paid_in_full = seeded_random("debts"), 0
    quarter = THREADS // 4
    for _ in rounds(ROUNDS, "one debt paid by all"):
        set_prices(arena.database, AU="4000")
        person = arena.people.customer(USD=f"{quarter * 10}.00", XAU_s="1")
        account, holds = chart.customer(person.user_id, USD), [uuid4() for _ in range(quarter)]
        with arena.database.transaction() as session:
            for hold_id in holds:
                ledger.place_hold(
                    session, hold_id=hold_id, account=account, amount=TEN, cause="race",
                    placed_at=clock.now(),
                )  # fmt: skip
        # A claim of 5.00 to 35.00 by each quarter of the threads, less what they free.
        claim = Amount(USD, random.randrange(500, 3500))
        outcomes = arena.all_at_once(_acts(arena, person, holds, claim), random)
        sold = [order.received for order in winners(outcomes) if order is not None]
        freed = sum((received.units for received in sold), 2 * quarter * TEN.units)
        left = freed - quarter * claim.units
        with arena.database.reading() as session:
            owed = receivables.amount_owed(session, person.user_id).units
            [balance] = [
                balance
                for balance in ledger_queries.customer_balances(session, person.user_id)
                if balance.asset == "USD"
            ]
        assert (balance.posted, balance.held, owed) == (max(left, 0), 0, max(-left, 0))
        paid_in_full += owed == 0
    record_property(
        "evidence",
        f"One debt paid by all: {ROUNDS} rounds of {THREADS} threads that sell gold, pay in, "
        f"release holds and take payments back; {paid_in_full} debts were paid in full, and of the "
        "others nothing was free.",
    )


def _acts(arena: Arena, person: Actor, holds: list[UUID], claim: Amount) -> list[Act]:
    def sell() -> object:
        with arena.database.transaction() as session:
            wish = RequestedConversion(XAU, USD, OUNCES, None)
            return trading.convert_at_market(session, person, wish)

    def pay_in() -> None:
        with arena.database.transaction() as session:
            credit(session, person.user_id, str(TEN), "USD")

    def take_back() -> None:
        with arena.database.transaction() as session:
            receivables.record_receivable(
                session, person.user_id, reference=uuid4().hex, owed=claim,
                taken_from=chart.processor(USD, STRIPE),
            )  # fmt: skip

    def release(hold_id: UUID) -> None:
        with arena.database.transaction() as session:
            ledger.void_holds(session, [hold_id], at=clock.now())

    releases = [lambda hold_id=hold_id: release(hold_id) for hold_id in holds]
    return [*releases, *[sell, pay_in, take_back] * len(holds)]
