"""Refusals of trading."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, NotFound


class QuoteNotFound(NotFound):
    """The quote does not exist, or belongs to another person."""

    title = "This quote does not exist. Request a new one."


class QuoteExpired(Conflict):
    """The quote has expired."""

    code = "quote_expired"
    title = "The quote has expired. Request a new one."


class QuoteUsed(Conflict):
    """A quote is filled at most once."""

    code = "quote_used"
    title = "The quote is already filled. Request a new one."


class SlippageExceeded(Conflict):
    """The price is worse than the customer accepts."""

    code = "slippage_exceeded"
    title = "The price is worse than your slippage limit allows. Try again or raise the limit."


register_refusal("orders_quote_id_key", lambda _detail: QuoteUsed())
