"""The ledger as a few dictionaries: what the real one must agree with after every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.ledger.chart import AccountClass, AccountKey
from app.ledger.errors import (
    AlreadyPosted,
    AlreadyReversed,
    HoldExceeded,
    HoldExpired,
    HoldNotPending,
    InsufficientFunds,
    UnbalancedEntry,
)

GUARDED = {AccountClass.CUSTOMER_FUNDING, AccountClass.CUSTOMER_TRADING}
Legs = Mapping[AccountKey, int]
Reasons = set[type[Exception]]


@dataclass
class Hold:
    """A hold and what became of it."""

    account: AccountKey
    units: int
    expires_at: datetime | None
    status: str = "pending"
    reference: str | None = None


@dataclass(frozen=True)
class Entry:
    """Legs by account, debit positive, none of them zero."""

    legs: Legs
    posted_at: datetime
    reverses: str | None


@dataclass
class Books:
    """Every verb says why it would be refused; where nothing speaks against it, it happens."""

    #: Debit positive, of every account that was ever posted to or held against.
    units: dict[AccountKey, int] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def held(self, account: AccountKey) -> int:
        """What pending holds set aside."""
        return sum(
            hold.units
            for hold in self.holds.values()
            if hold.account == account and hold.status == "pending"
        )

    def available(self, account: AccountKey) -> int:
        """What may be taken from a customer's account."""
        return -self.units.get(account, 0) - self.held(account)

    def post(
        self,
        reference: str,
        legs: Legs,
        at: datetime,
        *,
        hold_id: UUID | None = None,
        reverses: str | None = None,
    ) -> Reasons:
        """Post an entry, perhaps a hold with it."""
        legs = {account: units for account, units in legs.items() if units}
        reasons: Reasons = set()
        if len(legs) < 2 or any(self._sums(legs).values()):
            reasons.add(UnbalancedEntry)
        if reference in self.entries:
            reasons.add(AlreadyPosted)
        if reverses and any(entry.reverses == reverses for entry in self.entries.values()):
            reasons.add(AlreadyReversed)
        hold = None
        if hold_id is not None:
            hold = self.holds.get(hold_id)
            reasons |= self._against_posting(hold, legs, at)
        if any(self._overdraws(account, units, hold) for account, units in legs.items()):
            reasons.add(InsufficientFunds)
        if reasons:
            return reasons
        self.entries[reference] = Entry(legs, at, reverses)
        for account, units in legs.items():
            self.units[account] = self.units.get(account, 0) + units
        if hold:
            hold.status, hold.reference = "posted", reference
        return set()

    def _overdraws(self, account: AccountKey, units: int, hold: Hold | None) -> bool:
        released = 0
        if hold and hold.account == account and 1 <= units <= hold.units:
            released = hold.units
        return account.account_class in GUARDED and units > self.available(account) + released

    def _against_posting(self, hold: Hold | None, legs: Legs, at: datetime) -> Reasons:
        if hold is None or hold.status != "pending":
            return {HoldNotPending}
        reasons: Reasons = set()
        if hold.expires_at is not None and hold.expires_at <= at:
            reasons.add(HoldExpired)
        if not 1 <= legs.get(hold.account, 0) <= hold.units:
            reasons.add(HoldExceeded)
        return reasons

    def reverse(self, reference: str, reverses: str, at: datetime) -> Reasons:
        """Post the mirror of an entry."""
        mirror = {account: -units for account, units in self.entries[reverses].legs.items()}
        return self.post(reference, mirror, at, reverses=reverses)

    def place(
        self, hold_id: UUID, account: AccountKey, units: int, expires_at: datetime | None
    ) -> Reasons:
        """Set units aside."""
        if units > self.available(account):
            return {InsufficientFunds}
        self.units.setdefault(account, 0)
        self.holds[hold_id] = Hold(account, units, expires_at)
        return set()

    def void(self, hold_id: UUID) -> Reasons:
        """Release a hold."""
        hold = self.holds.get(hold_id)
        if hold is None or hold.status != "pending":
            return {HoldNotPending}
        hold.status = "voided"
        return set()

    def expire(self, now: datetime) -> int:
        """Release the holds whose time has come; answers how many."""
        due = [
            hold
            for hold in self.holds.values()
            if hold.status == "pending" and hold.expires_at is not None and hold.expires_at <= now
        ]
        for hold in due:
            hold.status = "expired"
        return len(due)

    @staticmethod
    def _sums(legs: Legs) -> dict[str, int]:
        sums: dict[str, int] = {}
        for account, units in legs.items():
            sums[account.asset.code] = sums.get(account.asset.code, 0) + units
        return sums
