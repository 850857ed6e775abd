"""A model of the ledger in a few dictionaries. The real one must agree with it after each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.kit.money import Asset
from app.ledger import chart
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
Postings = Mapping[AccountKey, int]
Reasons = set[type[Exception]]


@dataclass
class Hold:
    """A hold and its status."""

    account: AccountKey
    units: int
    expires_at: datetime | None
    status: str = "pending"
    reference: str | None = None


@dataclass(frozen=True)
class Entry:
    """An entry: units by account, debit positive, none of them zero."""

    postings: Postings
    posted_at: datetime
    reverses: str | None


@dataclass
class Books:
    """The model. Each verb returns why it is refused; if there is no reason, it takes effect."""

    #: Debit positive, of every account that was ever posted to or held against.
    units: dict[AccountKey, int] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    #: What was collected for debts, or returned: entries whose references the database makes.
    collections: list[Entry] = field(default_factory=list)

    def held(self, account: AccountKey) -> int:
        """Return the units of pending holds on the account."""
        return sum(
            hold.units
            for hold in self.holds.values()
            if hold.account == account and hold.status == "pending"
        )

    def available(self, account: AccountKey) -> int:
        """Return what may be taken from a customer's account."""
        return -self.units.get(account, 0) - self.held(account)

    def post(
        self,
        reference: str,
        postings: Postings,
        at: datetime,
        *,
        hold_id: UUID | None = None,
        reverses: str | None = None,
    ) -> Reasons:
        """Post an entry, with or without a hold."""
        postings = {account: units for account, units in postings.items() if units}
        hold = self.holds.get(hold_id) if hold_id is not None else None
        reasons = self._against_entry(reference, postings, reverses)
        if hold_id is not None:
            reasons |= self._against_posting(hold, postings, at)
        if any(self._overdraws(account, units, hold) for account, units in postings.items()):
            reasons.add(InsufficientFunds)
        if reasons:
            return reasons
        self.entries[reference] = Entry(postings, at, reverses)
        for account, units in postings.items():
            self.units[account] = self.units.get(account, 0) + units
        if hold:
            hold.status, hold.reference = "posted", reference
        for account in postings:
            if account.account_class == AccountClass.RECEIVABLE:
                self.units.setdefault(chart.customer(account.owner_id, account.asset), 0)
            self.settle(account.owner_id, account.asset, at)
        return set()

    def settle(self, owner_id: UUID, asset: Asset, at: datetime) -> None:
        """Settle what is free on a customer's account with what the customer owes in the asset."""
        account, receivable = chart.customer(owner_id, asset), chart.receivable(owner_id, asset)
        collected = min(self.units.get(receivable, 0), max(self.available(account), 0))
        if collected:
            postings = {account: collected, receivable: -collected}
            for key, units in postings.items():
                self.units[key] = self.units.get(key, 0) + units
            self.collections.append(Entry(postings, at, None))

    def _against_entry(self, reference: str, postings: Postings, reverses: str | None) -> Reasons:
        reasons: Reasons = set()
        if len(postings) < 2 or any(self._sums(postings).values()):
            reasons.add(UnbalancedEntry)
        if reference in self.entries:
            reasons.add(AlreadyPosted)
        if reverses and any(entry.reverses == reverses for entry in self.entries.values()):
            reasons.add(AlreadyReversed)
        return reasons

    def _overdraws(self, account: AccountKey, units: int, hold: Hold | None) -> bool:
        released = 0
        if hold and hold.account == account and 1 <= units <= hold.units:
            released = hold.units
        return account.account_class in GUARDED and units > self.available(account) + released

    def _against_posting(self, hold: Hold | None, postings: Postings, at: datetime) -> Reasons:
        if hold is None or hold.status != "pending":
            return {HoldNotPending}
        reasons: Reasons = set()
        if hold.expires_at is not None and hold.expires_at <= at:
            reasons.add(HoldExpired)
        if not 1 <= postings.get(hold.account, 0) <= hold.units:
            reasons.add(HoldExceeded)
        return reasons

    def reverse(self, reference: str, reverses: str, at: datetime) -> Reasons:
        """Post the mirror of an entry."""
        mirror = {account: -units for account, units in self.entries[reverses].postings.items()}
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

    def void(self, hold_id: UUID, at: datetime) -> Reasons:
        """Release a hold."""
        hold = self.holds.get(hold_id)
        if hold is None or hold.status != "pending":
            return {HoldNotPending}
        hold.status = "voided"
        self.settle(hold.account.owner_id, hold.account.asset, at)
        return set()

    def expire(self, now: datetime) -> int:
        """Release the holds that have expired. Return how many."""
        due = [
            hold
            for hold in self.holds.values()
            if hold.status == "pending" and hold.expires_at is not None and hold.expires_at <= now
        ]
        for hold in due:
            hold.status = "expired"
            self.settle(hold.account.owner_id, hold.account.asset, now)
        return len(due)

    @staticmethod
    def _sums(postings: Postings) -> dict[str, int]:
        sums: dict[str, int] = {}
        for account, units in postings.items():
            sums[account.asset.code] = sums.get(account.asset.code, 0) + units
        return sums
