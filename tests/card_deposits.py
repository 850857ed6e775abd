"""Card deposits, and what their processor says of them later."""

from dataclasses import dataclass
from uuid import UUID

from app.catalog.rules import USD
from app.funding.deposits import queries as deposit_queries
from app.funding.disputes import service as disputes
from app.funding.ports import Dispute, DisputeKind
from app.kit import ids
from app.kit.money import Amount
from tests.paying_customer import PayingCustomer, usd

FEE, NO_FEE = usd("15.00"), Amount(USD, 0)


@dataclass
class CardDeposit:
    """A credited card deposit, and what its processor says of it."""

    customer: PayingCustomer
    id: UUID
    ref: str

    def dispute(
        self, state: str, name: str = "dp", amount: str = "100.00", cost: Amount = FEE
    ) -> bool | None:
        return self.apply(Dispute(f"{name}_{self.ref}", self.ref, state, usd(amount), cost))

    def refund(self, state: str, name: str = "re", amount: str = "80.00") -> bool | None:
        kind = DisputeKind.REFUND
        return self.apply(Dispute(f"{name}_{self.ref}", self.ref, state, usd(amount), NO_FEE, kind))

    def apply(self, dispute: Dispute) -> bool | None:
        with self.customer.database.transaction() as session:
            cards = self.customer.cards
            return disputes.apply_dispute(session, cards.name, cards.provider_id, dispute)

    @property
    def shown_status(self) -> object:
        with self.customer.database.reading() as session:
            return deposit_queries.deposit(session, self.id).shown_status

    @property
    def status(self) -> str:
        return self.customer.deposit_status(self.id)


def pay_by_card(customer: PayingCustomer) -> CardDeposit:
    """Return a new credited deposit of 100.00."""
    deposit_id = customer.deposit()
    customer.advance_deposit(deposit_id)
    [ref] = [
        ref
        for ref, payment in customer.cards.payments_by_ref.items()
        if payment.reference == ids.encode("dep", deposit_id)
    ]
    return CardDeposit(customer, deposit_id, ref)
