"""Rails that do what a test says: providers in memory, with their own books and their own moods."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import TypeVar
from uuid import UUID

from app.catalog.provider_ids import BANK, STRIPE
from app.catalog.rules import USD
from app.funding.ports import (
    Dispute,
    IncomingTransfer,
    Payment,
    PaymentRequest,
    PaymentState,
    Payout,
    PayoutOrder,
    PayoutState,
    VirtualAccount,
)
from app.kit.money import Amount
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

T = TypeVar("T")


class Mood(Enum):
    """How the next call goes."""

    AWAY = auto()
    """Nothing happens there."""
    LOST_BEFORE = auto()
    """Nobody knows; it was not done."""
    LOST_AFTER = auto()
    """Nobody knows; it was done."""
    REFUSED = auto()
    KILLED_BEFORE = auto()
    """Our own process ends before the call."""
    KILLED_AFTER = auto()
    """Our own process ends after the provider did it."""


class Killed(BaseException):
    """Our process ended here."""


@dataclass
class Moody:
    """A provider whose next calls go wrong as ordered."""

    moods: list[Mood] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def go(self, name: str, do: Callable[[], T]) -> T:
        self.calls.append(name)
        mood = self.moods.pop(0) if self.moods else None
        if mood is Mood.KILLED_BEFORE:
            raise Killed
        if mood is Mood.AWAY:
            raise ProviderUnavailable("away")
        if mood is Mood.LOST_BEFORE:
            raise ProviderOutcomeUnknown("lost")
        if mood is Mood.REFUSED:
            raise ProviderRefused("card_declined")
        done = do()
        if mood is Mood.LOST_AFTER:
            raise ProviderOutcomeUnknown("lost")
        if mood is Mood.KILLED_AFTER:
            raise Killed
        return done


@dataclass
class Cards(Moody):
    """Cards that authorise first."""

    name: str = "stripe"
    provider_id: UUID = STRIPE
    repeatable: bool = True
    made: dict[str, Payment] = field(default_factory=dict)
    argued: dict[str, Dispute] = field(default_factory=dict)
    #: What opening a payment leads to.
    opens: PaymentState = PaymentState.AUTHORISED
    cost: Amount = field(default_factory=lambda: Amount.parse(USD, "3.20"))

    def create(self, request: PaymentRequest) -> Payment:
        def do() -> Payment:
            # A provider that knows repetitions makes one payment of them; another makes two.
            suffix = "" if self.repeatable else f"_{len(self.made)}"
            ref = f"pi_{request.reference}{suffix}"
            told = {"clientSecret": "secret"} if self.opens is PaymentState.PENDING else {}
            made = Payment(ref, request.reference, self.opens, request.amount, instructions=told)
            return self.made.setdefault(ref, made)

        return self.go("open", do)

    def fetch(self, provider_ref: str) -> Payment:
        return self.go("look", lambda: self.made[provider_ref])

    def find(self, reference: str) -> Payment | None:
        return self.go(
            "find",
            lambda: next((p for p in self.made.values() if p.reference == reference), None),
        )

    def capture(self, provider_ref: str, reference: str) -> Payment:
        def do() -> Payment:
            paid = replace(self.made[provider_ref], state=PaymentState.PAID, cost=self.cost)
            self.made[provider_ref] = paid
            return paid

        return self.go("capture", do)

    def release(self, provider_ref: str, reference: str) -> Payment:
        raise NotImplementedError

    def become(self, state: PaymentState, code: str = "") -> None:
        for ref, payment in self.made.items():
            self.made[ref] = replace(payment, state=state, code=code)

    def payments(self, since: datetime) -> list[Payment]:
        return list(self.made.values())

    def dispute(self, provider_ref: str) -> Dispute:
        return self.go("dispute", lambda: self.argued[provider_ref])

    def disputes(self, since: datetime) -> list[Dispute]:
        return list(self.argued.values())


@dataclass
class Bank(Moody):
    """A bank that gives accounts and pays out; it knows every reference once."""

    name: str = "bank"
    provider_id: UUID = BANK
    came: list[IncomingTransfer] = field(default_factory=list)
    sent: dict[str, Payout] = field(default_factory=dict)
    #: What sending a payout leads to.
    sends: PayoutState = PayoutState.SENT
    #: Another amount than it was asked to pay.
    wrong: Amount | None = None

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        details = {"accountNumber": "12345", "holder": holder}
        return self.go("account", lambda: VirtualAccount(f"acc_{reference}", details))

    def transfers_to(self, account_ref: str) -> list[IncomingTransfer]:
        return self.go("arrivals", lambda: [a for a in self.came if a.account_ref == account_ref])

    def transfers_since(self, since: datetime) -> list[IncomingTransfer]:
        return list(self.came)

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        return self.go(
            "arrival", lambda: next(a for a in self.came if a.provider_ref == provider_ref)
        )

    def send(self, order: PayoutOrder) -> Payout:
        def do() -> Payout:
            amount = self.wrong or order.amount
            made = Payout(f"po_{order.reference}", order.reference, self.sends, amount, BANK)
            return self.sent.setdefault(order.reference, made)

        return self.go("send", do)

    def find(self, reference: str) -> Payout | None:
        return self.go("find", lambda: self.sent.get(reference))

    def become(self, state: PayoutState, code: str = "") -> None:
        for reference, payout in self.sent.items():
            self.sent[reference] = replace(payout, state=state, code=code)

    def payouts(self, since: datetime) -> list[Payout]:
        return list(self.sent.values())
