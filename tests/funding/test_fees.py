"""Fees of payments: agreed to beforehand, taken from the amount, booked, and never below cost."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import PAXG, USD, USDC, PaymentMethod
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.errors import FeeChanged, PaymentMethodDisabled
from app.funding.fees import FeeRate, PaymentDirection, PaymentFees
from app.funding.payment_methods import list_terms, quote_fee
from app.funding.ports import PayoutRails, PayoutState
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.integrations.anchorage.adapter import AnchorageCustodian
from app.integrations.paxos.adapter import PaxosCustodian
from app.integrations.primetrust.adapter import PrimeTrustCustodian
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset
from app.kit.ports import provide
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountKey
from tests.fixed_settings import fixed_settings
from tests.paying_customer import BANK_ACCOUNT, NO_FEES, PayingCustomer, usd
from tests.unchanged_database import database_unchanged

WITHDRAWAL, DEPOSIT = PaymentDirection.WITHDRAWAL, PaymentDirection.DEPOSIT


class Booked:
    """What a test changes on accounts of PBCEx itself, in cents."""

    def __init__(self, customer: PayingCustomer) -> None:
        self._database = customer.database
        self._accounts = {
            "fees": chart.fees(USD),
            "costs": chart.processing_costs(USD),
            "bank": chart.bank(USD, customer.bank.provider_id),
            "processor": chart.processor(USD, customer.cards.provider_id),
        }
        self._before = {name: self._units(account) for name, account in self._accounts.items()}

    def changes(self) -> dict[str, int]:
        """Return the changes that are not zero."""
        now = {name: self._units(account) for name, account in self._accounts.items()}
        return {
            name: now[name] - self._before[name] for name in now if now[name] != self._before[name]
        }

    def _units(self, account: AccountKey) -> int:
        with self._database.reading() as session:
            return ledger_queries.account_balance(session, account)


class TestSettings:
    @pytest.mark.parametrize(
        "name", [each.name for each in fields(PaymentFees) if "_cost" in each.name]
    )
    def test_fee_may_equal_its_cost_and_not_be_below(self, name: str) -> None:
        def of(units: int) -> Any:
            default = getattr(NO_FEES, name)
            return units if isinstance(default, int) else Amount(default.asset, units)

        fee = name.replace("_cost", "_fee")
        replace(NO_FEES, **{name: of(5), fee: of(5)})
        with pytest.raises(ValueError, match="cannot be below its cost"):
            replace(NO_FEES, **{name: of(5), fee: of(4)})

    def test_known_costs_cover_every_custodian(self) -> None:
        dearest: dict[Asset, int] = {}
        for custodian in (AnchorageCustodian, PaxosCustodian, PrimeTrustCustodian):
            for cost in custodian.send_fees:
                dearest[cost.asset] = max(cost.units, dearest.get(cost.asset, 0))
        known = PaymentFees()
        assert dearest == {
            PAXG: known.paxg_withdrawal_cost.units, USDC: known.usdc_withdrawal_cost.units
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("amount", "fee"),
        # 2.9 % and 0.30; a share of a cent is a cent.
        [("100.00", "3.20"), ("10000.00", "290.30"), ("33.33", "1.27"), ("10.01", "0.60")],
    )
    def test_card_fee_has_a_fixed_part_and_a_share(self, amount: str, fee: str) -> None:
        rate = PaymentFees().rate(DEPOSIT, PaymentMethod.CARD, USD)
        assert rate == FeeRate(usd("0.30"), 290)
        assert rate.fee_on(usd(amount)) == usd(fee)


def test_card_fee_covers_the_processors_fee_of_any_amount() -> None:
    rate = PaymentFees().rate(DEPOSIT, PaymentMethod.CARD, USD)
    for cents in [*range(100, 2000), 999_999, 1_000_000]:
        assert rate.fee_on(Amount(USD, cents)).units >= (cents * 29 + 500) // 1000 + 30


@given(st.integers(1, 10**8), st.integers(0, 100_00), st.integers(0, 1000))
def test_least_amount_that_leaves_a_sum_leaves_just_that(cents: int, fixed: int, bps: int) -> None:
    rate, received = FeeRate(Amount(USD, fixed), bps), Amount(USD, cents)
    amount = rate.amount_leaving(received)
    assert amount - rate.fee_on(amount) == received
    one_less = amount - Amount(USD, 1)
    assert one_less - rate.fee_on(one_less) < received


def test_card_deposit_is_credited_less_its_fee(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()):
        booked = Booked(customer)
        deposit_id = customer.deposit("100.00")
        with customer.database.reading() as session:
            requested = deposit_queries.deposit(session, deposit_id)
        assert (str(requested.fee), str(requested.receives)) == ("3.20", "96.80")
        customer.advance_deposit(deposit_id)
        assert customer.balances() == {"USD": "596.80"}
        assert booked.changes() == {"fees": 320, "costs": 320, "processor": 9680}
        [message] = customer.messages()
        assert (message["amount"], message["fee"], message["receives"]) == (
            "100.00", "3.20", "96.80",
        )  # fmt: skip


def test_withdrawal_is_paid_out_less_its_fee(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()):
        booked = Booked(customer)
        withdrawal_id = customer.withdraw("100.00")
        assert customer.held_cents() == 10_000
        customer.bank.payout_state = PayoutState.COMPLETED
        customer.send_withdrawal(withdrawal_id)
        assert customer.withdrawal_status(withdrawal_id) == "completed"
        [payout] = customer.bank.payouts_by_reference.values()
        assert payout.amount == usd("99.75")
        assert customer.balances() == {"USD": "400.00"}
        assert booked.changes() == {"fees": 25, "bank": -9975}
        # It comes back without the fee.
        customer.bank.set_state(PayoutState.RETURNED, "R03")
        customer.send_withdrawal(withdrawal_id)
        assert customer.balances() == {"USD": "499.75"}
        assert booked.changes() == {"fees": 25}
        assert customer.messages()[-1]["released"] == "99.75"


def test_unpaid_withdrawal_costs_nothing(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()):
        booked = Booked(customer)
        withdrawal_id = customer.withdraw("100.00")
        with customer.database.transaction() as session:
            withdrawals.cancel(session, customer.actor, withdrawal_id)
        assert (customer.balances(), booked.changes()) == ({"USD": "500.00"}, {})


def test_payment_must_exceed_its_fee(customer: PayingCustomer) -> None:
    """Twenty payouts of a dollar used to cost us twenty dollars of fees."""
    provide(PayoutRails, PayoutRails({PaymentMethod.BANK: customer.bank}))
    with fixed_settings(replace(NO_FEES, bank_withdrawal_fee=usd("1.50"))):
        with database_unchanged(customer.database), pytest.raises(Invalid, match=r"1\.50 USD"):
            customer.withdraw("1.50")
        withdrawal_id = customer.withdraw("1.51")
        with customer.database.reading() as session:
            withdrawal = withdrawal_queries.withdrawal(session, withdrawal_id)
        assert withdrawal.receives == usd("0.01")
    with fixed_settings(replace(NO_FEES, card_deposit_fee=usd("5.00"))):
        with database_unchanged(customer.database), pytest.raises(Invalid, match=r"5\.00 USD"):
            customer.deposit("5.00")
        customer.deposit("5.01")


def test_fee_above_the_agreed_one_is_refused(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()), customer.database.transaction() as session:
        for agreed in ("0.24", "0.25"):
            withdraw = {
                "method": PaymentMethod.BANK, "amount": usd("10.00"),
                "destination": BANK_ACCOUNT, "fee_max": usd(agreed),
            }  # fmt: skip
            if agreed == "0.24":
                with pytest.raises(FeeChanged, match=r"0\.25 USD"):
                    withdrawals.request(session, customer.actor, **withdraw)
            else:
                assert withdrawals.request(session, customer.actor, **withdraw).fee == usd("0.25")
        with pytest.raises(FeeChanged):
            deposits.request(
                session, customer.actor, method=PaymentMethod.CARD, amount=usd("100"),
                source="pm_card_visa", fee_max=usd("3.19"),
            )  # fmt: skip


def test_agreed_fee_is_charged_although_it_has_risen_since(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()):
        deposit_id = customer.deposit("100.00")
    with fixed_settings(replace(PaymentFees(), card_deposit_fee=usd("10.00"))):
        customer.advance_deposit(deposit_id)
    assert customer.balances() == {"USD": "596.80"}


def test_transfer_below_the_fee_goes_to_the_fee(customer: PayingCustomer) -> None:
    with fixed_settings(replace(NO_FEES, bank_deposit_fee=usd("2.00"))):
        booked = Booked(customer)
        first = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(first)
        customer.deposit("100.00", PaymentMethod.BANK)
        for amount in ("1.00", "2.50"):
            transfer = customer.receive_transfer(f"in_{customer.actor.user_id}_{amount}", amount)
        for _ in range(2):
            customer.fetch_transfers(first)
        assert transfer.amount == usd("2.50")
        assert customer.balances() == {"USD": "500.50"}
        assert booked.changes() == {"fees": 300, "bank": 350}


def test_offered_payments_are_listed_with_their_terms(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentFees()), customer.database.reading() as session:
        offered = {
            (terms.direction.value, terms.method.value): (
                str(terms.rate.fixed), terms.rate.bps, terms.min_usd, terms.max_usd,
            )
            for terms in list_terms(session)
        }  # fmt: skip
        assert offered == {
            ("deposit", "card"): ("0.30", 290, usd("1"), usd("10000")),
            ("deposit", "bank"): ("0.00", 0, None, None),
            ("withdrawal", "bank"): ("0.25", 0, usd("1"), None),
        }
        quote = quote_fee(session, WITHDRAWAL, PaymentMethod.BANK, usd("0.26"))
        assert (quote.fee, quote.receives) == (usd("0.25"), usd("0.01"))
        for method, asset, refusal in (
            (PaymentMethod.CARD, USD, Invalid),
            (PaymentMethod.BANK, USDC, Invalid),
            (PaymentMethod.CRYPTO, USDC, PaymentMethodDisabled),
        ):
            with pytest.raises(refusal):
                quote_fee(session, WITHDRAWAL, method, Amount.parse(asset, "100"))
