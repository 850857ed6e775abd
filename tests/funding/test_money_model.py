"""A customer's dollars and debt against a model: any order of what processors and customers do.

Of all that came in, less what went out, is held or was taken back by processors, the rest is free;
if it is negative, it is owed. So nothing is free beside a debt, and the debt is what was taken back
and not covered.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.catalog.rules import USD, XAU
from app.funding.errors import ReceivableOutstanding
from app.funding.limits import PaymentLimits
from app.funding.ports import Dispute, DisputeKind
from app.funding.receivables import service as receivables
from app.funding.withdrawals import service as withdrawals
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger.errors import InsufficientFunds
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.drill import choose_size
from tests.fixed_settings import fixed_settings
from tests.funding.test_disputes import NO_FEE, CardDeposit, pay_by_card
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People, set_prices

EXAMPLES = choose_size(10, 500)
#: Two disputes and a refund of each deposit, of amounts that differ.
PARTS = (("a", DisputeKind.DISPUTE, 3000), ("b", DisputeKind.DISPUTE, 2000), ("r", "refund", 5000))
STATES = ("inquiry", "open", "won", "lost")


@dataclass
class Books:
    """The customer, and the model of their dollars in cents."""

    customer: PayingCustomer
    deposits: list[CardDeposit] = field(default_factory=list)
    withdrawals: list[tuple[UUID, int]] = field(default_factory=list)
    #: What came in less what went out.
    paid: int = 50_000
    held: int = 0
    #: What processors took back and have not given back, by deposit and part.
    taken: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def rest(self) -> int:
        return self.paid - self.held - sum(self.taken.values())

    def pay(self, _pick: int, _more: int) -> None:
        if len(self.deposits) < 3:
            self.deposits.append(pay_by_card(self.customer))
            self.paid += 10_000

    def take(self, pick: int, more: int) -> None:
        """A processor tells a state of a part, in any order and perhaps for the second time."""
        if not self.deposits:
            return
        number, part = pick % len(self.deposits), pick // 3 % len(PARTS)
        name, kind, units = PARTS[part]
        deposit, kind = self.deposits[number], DisputeKind(kind)
        # A refund has no inquiry and stays open no longer than an instant.
        state = STATES[more % 4] if kind is DisputeKind.DISPUTE else STATES[2 + more % 2]
        for _ in range(1 + more % 2):
            deposit.apply(
                Dispute(
                    f"{name}_{deposit.ref}", deposit.ref, state, Amount(USD, units), NO_FEE, kind
                )
            )
        if state != "inquiry":
            self.taken[number, part] = 0 if state == "won" else units

    def trade(self, pick: int, more: int) -> None:
        """Buy gold for dollars, or sell some of it."""
        amount = Amount(USD, 1000 + more) if pick % 2 else Amount(XAU, 1_000_000 + more)
        wish = RequestedConversion(amount.asset, XAU if pick % 2 else USD, amount, None)
        try:
            with self.customer.database.transaction() as session:
                order = trading.convert_at_market(session, self.customer.actor, wish)
        except InsufficientFunds:
            assert amount.asset == XAU or self.rest < amount.units
            return
        self.paid += -amount.units if pick % 2 else order.received.units

    def withdraw(self, _pick: int, more: int) -> None:
        units = 10_000 + more
        try:
            withdrawal_id = self.customer.withdraw(str(Amount(USD, units)))
        except ReceivableOutstanding:
            assert self.rest < 0
            return
        except InsufficientFunds:
            assert 0 <= self.rest < units
            return
        self.withdrawals.append((withdrawal_id, units))
        self.held += units

    def end_withdrawal(self, pick: int, _more: int) -> None:
        """Cancel a withdrawal, or have it sent: it is rejected if the customer owes."""
        if not self.withdrawals:
            return
        withdrawal_id, units = self.withdrawals.pop(pick % len(self.withdrawals))
        if pick % 2:
            with self.customer.database.transaction() as session:
                withdrawals.cancel(session, self.customer.actor, withdrawal_id)
        else:
            was_owing = self.rest < 0
            self.customer.send_withdrawal(withdrawal_id)
            assert self.customer.withdrawal_status(withdrawal_id) == (
                "rejected" if was_owing else "sent"
            )
            if not was_owing:
                # Its money is gone for the customer, whether it is still held or was paid.
                self.paid -= units
        self.held -= units

    def check(self) -> None:
        user_id = self.customer.actor.user_id
        with self.customer.database.reading() as session:
            owed = receivables.amount_owed(session, user_id).units
            booked = ledger_queries.account_balance(session, chart.receivable(user_id, USD))
            free = sum(
                balance.posted - balance.held
                for balance in ledger_queries.customer_balances(session, user_id)
                if balance.asset == "USD"
            )
        assert (free, owed) == (max(self.rest, 0), max(-self.rest, 0))
        assert booked == owed
        for number, deposit in enumerate(self.deposits):
            parts = [self.taken.get((number, part), 0) for part in range(len(PARTS))]
            assert (deposit.status == "credited") == (not any(parts))


VERBS: tuple[Callable[[Books, int, int], None], ...] = (
    Books.pay, Books.take, Books.take, Books.take, Books.trade, Books.withdraw,
    Books.end_withdrawal,
)  # fmt: skip
steps: st.SearchStrategy[tuple[Any, int, int]] = st.tuples(
    st.sampled_from(VERBS), st.integers(0, 8), st.integers(0, 20)
)


def explore(app: Flask, model: type[Books]) -> int:
    """Run the examples, each with a customer of its own; return how many acts they had."""
    database: Database = app.extensions["database"]
    done = 0

    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(st.lists(steps, min_size=6, max_size=14))
    def run(chosen: list[tuple[Any, int, int]]) -> None:
        nonlocal done
        set_prices(database, AU="4000")
        books = model(create_paying_customer(database, People(database)))
        # The model has no limits.
        with fixed_settings(PaymentLimits(card_disputes_max=100, card_payments_per_day=1000)):
            books.pay(0, 0)
            for verb, pick, more in chosen:
                verb(books, pick, more)
                books.check()
                done += 1

    run()
    return done


@pytest.mark.drill(name="model")
@pytest.mark.timeout(3600)
def test_dollars_and_debt_agree_with_their_model(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    done = explore(app, Books)
    record_property(
        "evidence",
        f"{done:,} acts of processors and customers, in any order: disputes, refunds, their ends, "
        "trades and withdrawals; after each the free dollars and the debt were those of the model.",
    )


class ForgetsRefunds(Books):
    """Wrong: a refund made at the processor is not owed."""

    @property
    def rest(self) -> int:
        refunds = sum(units for (_, part), units in self.taken.items() if PARTS[part][0] == "r")
        return super().rest + refunds


@pytest.mark.drill(name="model")
def test_control_model_without_refunds_is_detected(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    with pytest.raises(AssertionError):
        explore(app, ForgetsRefunds)
    record_property("evidence", "Control: a model in which refunds are not owed was caught.")
