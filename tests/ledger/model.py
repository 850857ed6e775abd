"""A model of the ledger in a few dictionaries. The real one must agree with it after each step."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
        hold_ids: Sequence[UUID] = (),
        reverses: str | None = None,
    ) -> Reasons:
        """Post an entry, with or without holds."""
        postings = {account: units for account, units in postings.items() if units}
        holds = [self.holds.get(hold_id) for hold_id in set(hold_ids)]
        pending = [hold for hold in holds if hold is not None and hold.status == "pending"]
        held: Counter[AccountKey] = Counter()
        for hold in pending:
            held[hold.account] += hold.units
        reasons = self._against_entry(reference, postings, reverses)
        reasons |= {HoldNotPending} if len(pending) < len(holds) else set()
        reasons |= self._against_posting(pending, held, postings, at)
        if any(self._overdraws(account, units, held) for account, units in postings.items()):
            reasons.add(InsufficientFunds)
        if reasons:
            return reasons
        self.entries[reference] = Entry(postings, at, reverses)
        for account, units in postings.items():
            self.units[account] = self.units.get(account, 0) + units
        for hold in pending:
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

    def _overdraws(self, account: AccountKey, units: int, held: Mapping[AccountKey, int]) -> bool:
        released = held.get(account, 0) if 1 <= units <= held.get(account, 0) else 0
        return account.account_class in GUARDED and units > self.available(account) + released

    def _against_posting(
        self,
        holds: Sequence[Hold],
        held: Mapping[AccountKey, int],
        postings: Postings,
        at: datetime,
    ) -> Reasons:
        reasons: Reasons = set()
        if any(hold.expires_at is not None and hold.expires_at <= at for hold in holds):
            reasons.add(HoldExpired)
        if any(not 1 <= postings.get(account, 0) <= units for account, units in held.items()):
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

    def void(self, hold_ids: Sequence[UUID], at: datetime) -> Reasons:
        """Release holds, all or none."""
        holds = [self.holds.get(hold_id) for hold_id in set(hold_ids)]
        pending = [hold for hold in holds if hold is not None and hold.status == "pending"]
        if len(pending) < len(holds):
            return {HoldNotPending}
        self.release(pending, "voided", at)
        return set()

    def release(self, holds: Sequence[Hold], status: str, at: datetime) -> None:
        """End the holds, and settle what they free on each account with what is owed."""
        for hold in holds:
            hold.status = status
        for account in {hold.account for hold in holds}:
            self.settle(account.owner_id, account.asset, at)

    def expire(self, now: datetime) -> int:
        """Release the holds that have expired. Return how many."""
        due = [
            hold
            for hold in self.holds.values()
            if hold.status == "pending" and hold.expires_at is not None and hold.expires_at <= now
        ]
        self.release(due, "expired", now)
        return len(due)

    @staticmethod
    def _sums(postings: Postings) -> dict[str, int]:
        sums: dict[str, int] = {}
        for account, units in postings.items():
            sums[account.asset.code] = sums.get(account.asset.code, 0) + units
        return sums
