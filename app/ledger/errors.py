"""Refusals of the ledger. The database raises them; this module names them."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, NotFound


class InsufficientFunds(Conflict):
    """The customer's available balance does not cover the entry or hold."""

    code = "insufficient_funds"
    title = "The available balance is too small. Enter a smaller amount."


class AlreadyPosted(Conflict):
    """An entry with this reference is already in the books."""

    code = "already_posted"
    title = "This entry is already posted."


class AlreadyReversed(Conflict):
    """An entry is reversed at most once."""

    code = "already_reversed"
    title = "This entry is already reversed."


class AlreadyHeld(Conflict):
    """A hold with this id exists already."""

    code = "already_held"
    title = "This amount is already held."


class HoldNotPending(Conflict):
    """The hold was posted, voided or expired before, or does not exist."""

    code = "hold_not_pending"
    title = "The hold is no longer pending."


class HoldExpired(Conflict):
    """A hold can be posted only until it expires, and expire only after that."""

    code = "hold_expired"
    title = "The hold has expired."


class HoldExceeded(Conflict):
    """The entry that posts a hold takes more than was held, or from another account."""

    code = "hold_exceeded"
    title = "The entry takes more than was held."


class UnbalancedEntry(AssertionError):
    """A programming error: the entry or hold is not valid. Nothing was posted."""


register_refusal("available_not_negative", lambda _detail: InsufficientFunds())
register_refusal("entries_reference_key", lambda _detail: AlreadyPosted())
register_refusal("entries_reversed_once", lambda _detail: AlreadyReversed())
register_refusal("reverses_an_entry", lambda _detail: NotFound("This entry does not exist."))
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
