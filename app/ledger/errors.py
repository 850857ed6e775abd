"""What the ledger refuses, by name. The database raises these; here they get their names."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, NotFound


class InsufficientFunds(Conflict):
    """A customer's available balance does not cover the entry or hold."""

    code = "insufficient_funds"
    title = "The available balance is too small"


class AlreadyPosted(Conflict):
    """An entry with this reference is in the books already."""

    code = "already_posted"
    title = "This has been posted already"


class AlreadyReversed(Conflict):
    """An entry is reversed at most once."""

    code = "already_reversed"
    title = "This entry has been reversed already"


class AlreadyHeld(Conflict):
    """A hold with this id was placed before."""

    code = "already_held"
    title = "This has been held already"


class HoldNotPending(Conflict):
    """The hold was posted, voided or expired before, or there is none."""

    code = "hold_not_pending"
    title = "The hold is no longer pending"


class HoldExpired(Conflict):
    """A hold can be posted until it expires, and expired only after."""

    code = "hold_expired"
    title = "The hold has expired"


class HoldExceeded(Conflict):
    """An entry that posts a hold takes more than was held, or from another account."""

    code = "hold_exceeded"
    title = "The entry takes more than was held"


class UnbalancedEntry(AssertionError):
    """A programming error: the database was asked to post what is no entry. Nothing was posted."""


register_refusal("available_not_negative", lambda _detail: InsufficientFunds())
register_refusal("entries_reference_key", lambda _detail: AlreadyPosted())
register_refusal("entries_reversed_once", lambda _detail: AlreadyReversed())
register_refusal("reverses_an_entry", lambda _detail: NotFound("There is no such entry"))
register_refusal("holds_pkey", lambda _detail: AlreadyHeld())
register_refusal("hold_is_pending", lambda _detail: HoldNotPending())
register_refusal("hold_expiry", lambda _detail: HoldExpired())
register_refusal("posts_within_hold", lambda _detail: HoldExceeded())
for _rule in (
    "entry_has_two_postings",
    "entry_balances",
    "entry_in_order",
    "account_class_known",
    "posting_moves_something",
    "reversal_mirrors",
    "hold_is_positive",
    "hold_on_guarded_account",
):
    register_refusal(_rule, UnbalancedEntry)
