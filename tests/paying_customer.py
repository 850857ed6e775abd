"""A verified customer who pays in and out through scripted rails."""

from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any
from uuid import UUID

from app.access import Actor
from app.catalog.rules import TRADABLE, PaymentMethod
from app.custody.ports import Custodians
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.funding.card_money import CardMoneyRules
from app.funding.card_refunds import service as card_refunds
from app.funding.deposits import incoming_transfers, payments
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.fees import PaymentFees
from app.funding.ports import IncomingTransfer, IncomingTransferRails, PaymentRails, PayoutRails
from app.funding.withdrawals import payouts
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals.new_destinations import DestinationRules
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import provide
from app.kyc.models import Verification
from app.kyc.submission import service as submission
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from app.settings.ports import CurrentSettings
from app.vault.depots.ports import DepotKeepers
from tests import sanctions
from tests.fixed_settings import FixedSettings
from tests.people import People
from tests.rows import change_rows
from tests.scripted_rails import ProcessKilled, ScriptedBankRail, ScriptedCardRail

#: Payments without fees: their tests count what was paid, and those of fees set them.
NO_FEES = PaymentFees(
    **{
        each.name: 0 if each.name.endswith("_bps") else Amount(each.default.asset, 0)
        for each in fields(PaymentFees)
    }
)
#: Payouts to a new destination at once: the tests of new destinations set the wait.
NO_WAIT = DestinationRules(wait_hours=0)
BANK_ACCOUNT = {
    "accountHolder": "Ada Lovelace",
    "accountNumber": "000123456789",
    "routingNumber": "110000000",
}


@dataclass
class PayingCustomer:
    """A customer, the rails for their payments, and the jobs that move these on."""

    database: Database
    people: People
    actor: Actor
    cards: ScriptedCardRail = field(default_factory=ScriptedCardRail)
    bank: ScriptedBankRail = field(default_factory=ScriptedBankRail)

    def deposit(self, amount: str = "100.00", method: PaymentMethod = PaymentMethod.CARD) -> UUID:
        with self.database.transaction() as session:
            deposit = deposits.request(
                session, self.actor, method=method, amount=usd(amount), source="pm_card_visa"
            )
        return deposit.id

    def withdraw(self, amount: str = "100.00", **destination: str) -> UUID:
        """Withdraw just after signing in."""
        return self.withdraw_as(replace(self.actor, proven_at=clock.now()), amount, **destination)

    def withdraw_as(self, actor: Actor, amount: str = "100.00", **destination: str) -> UUID:
        """Withdraw as the customer whose identity was proven when `actor` says."""
        with self.database.transaction() as session:
            withdrawal = withdrawals.request(
                session, actor, method=PaymentMethod.BANK, amount=usd(amount),
                destination=destination or BANK_ACCOUNT,
            )  # fmt: skip
        return withdrawal.id

    def receive_transfer(
        self, name: str, amount: str, *, is_returned: bool = False
    ) -> IncomingTransfer:
        """Let a transfer to the customer's virtual account arrive, or be returned."""
        account = f"acc_{ids.encode('usr', self.actor.user_id)}"
        transfer = IncomingTransfer(
            name, account, usd(amount), clock.now(), is_returned=is_returned
        )
        self.bank.transfers = [a for a in self.bank.transfers if a.provider_ref != name] + [
            transfer
        ]
        return transfer

    def advance_deposit(self, deposit_id: UUID) -> None:
        """Run the job once, whatever its outcome."""
        with suppress(ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled):
            payments.advance(self.database, deposit_id)

    def refund_card(self, refund_id: UUID) -> None:
        """Run the job of a refund to the card once, whatever its outcome."""
        with suppress(ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled):
            card_refunds.advance(self.database, refund_id)

    def fetch_transfers(self, deposit_id: UUID) -> None:
        with suppress(ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled):
            incoming_transfers.fetch_transfers(self.database, deposit_id)

    def send_withdrawal(self, withdrawal_id: UUID) -> None:
        with suppress(ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled):
            payouts.advance(self.database, withdrawal_id)

    def deposit_status(self, deposit_id: UUID) -> str:
        with self.database.reading() as session:
            return deposit_queries.deposit(session, deposit_id).status

    def withdrawal_status(self, withdrawal_id: UUID) -> str:
        with self.database.reading() as session:
            return withdrawal_queries.withdrawal(session, withdrawal_id).status

    def balances(self) -> dict[str, str]:
        """Return the customer's balances that are not zero."""
        return self.people.balances(self.actor)

    def held_cents(self) -> int:
        """Return the cents that are held."""
        with self.database.reading() as session:
            row = session.row(
                "SELECT coalesce(sum(b.held), 0) FROM balances b JOIN accounts a ON a.id = "
                "b.account_id WHERE a.owner_id = %s",
                (self.actor.user_id,),
            )
        assert row is not None
        return int(row[0])

    def message_kinds(self) -> list[str]:
        """Return the kinds of the customer's staged payment messages, oldest first."""
        return [kind for kind, _ in self._messages()]

    def messages(self) -> list[dict[str, str]]:
        """Return the values of the same messages."""
        return [values for _, values in self._messages()]

    def _messages(self) -> list[Any]:
        with self.database.reading() as session:
            return session.rows(
                "SELECT args ->> 'kind', args -> 'values' FROM outbox"
                " WHERE task = 'messages.deliver' AND args ->> 'kind' ~ '^(deposit|withdrawal)'"
                " AND args ->> 'user_id' = %s ORDER BY id",
                (str(self.actor.user_id),),
            )


def usd(text: str) -> Amount:
    return Amount.parse(TRADABLE["USD"], text)


def verify_without_evidence(database: Database, user_id: UUID) -> None:
    """Give the person tier 3."""
    with database.transaction() as session:
        submission.grant_tier_3(session, user_id, note="test")


def create_paying_customer(database: Database, people: People, *, name: str = "") -> PayingCustomer:
    """Return a customer with 500 dollars and tier 3; imports the sample's sanctions list.

    They pay no fees, wait for no destination, and their card payments are settled at once.

    A `name` gives the rails names of their own, whose lists hold no payments of other tests.
    """
    sanctions.import_sample_list(database)
    actor = people.customer(USD="500")
    verify_without_evidence(database, actor.user_id)
    customer = PayingCustomer(database, people, actor)
    customer.cards.name, customer.bank.name = f"stripe{name}", f"bank{name}"
    settings = FixedSettings(NO_FEES, NO_WAIT, CardMoneyRules(withheld_days=0))
    provide(CurrentSettings, settings)
    provide(PaymentRails, PaymentRails({PaymentMethod.CARD: customer.cards}))
    provide(IncomingTransferRails, IncomingTransferRails({PaymentMethod.BANK: customer.bank}))
    provide(Custodians, Custodians({}))
    provide(DepotKeepers, DepotKeepers({}))
    provide(LabelSellers, LabelSellers({}))
    provide(Wholesalers, Wholesalers({}))
    provide(ParcelTrackers, ParcelTrackers({}))
    provide(PayoutRails, PayoutRails({PaymentMethod.BANK: customer.bank}))
    return customer


def second_account(customer: PayingCustomer) -> PayingCustomer:
    """Return another account of the same person, who submitted the same ID number for both."""
    other = create_paying_customer(customer.database, customer.people)
    make_one_person(customer.database, customer.actor.user_id, other.actor.user_id)
    return other


def make_one_person(database: Database, *user_ids: UUID) -> None:
    """Let accounts be of one person, who submitted the same ID number for all."""
    number = ids.new().bytes * 2
    with database.transaction() as session:
        is_theirs = Verification.user_id.in_(user_ids)
        change_rows(session, Verification, is_theirs, id_number_index=number)
