"""Refusals of redemptions, by name."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied
from app.trading.errors import QuoteUsed
from app.vault.lots.errors import InsufficientStock


class NoPieces(InsufficientStock):
    """No pieces that are free cover the amount."""

    title = "There are no pieces for this amount at the moment. Choose another amount or format."
    field = "amount"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        #: The field with its message, as the API names it.
        self.problems = [(self.field, self.detail)]


class PiecesGone(NoPieces):
    """The pieces of a quote were sold meanwhile."""

    title = "The pieces of this quote are no longer free. Get a new quote."
    field = "quoteId"


class WrongRedemptionStatus(Conflict):
    """The redemption is in another status than the act needs."""

    code = "wrong_redemption_status"
    title = "The redemption has moved on. Look at it again."


class RecipientUnderReview(Conflict):
    """The recipient of the goods may be a listed party: compliance decides that first."""

    code = "recipient_under_review"
    title = "The recipient is not cleared. Compliance has to decide the case first."


class OwnRedemption(PermissionDenied):
    """Members of staff cannot decide about a redemption of their own, from when they were a
    customer."""

    title = "This redemption is yours. Another member of staff must decide it."


register_refusal("redemptions_quote_id_key", lambda _detail: QuoteUsed())
