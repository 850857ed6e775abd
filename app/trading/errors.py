"""What trading refuses, by name."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, NotFound


class QuoteNotFound(NotFound):
    """No such quote, or another person's."""

    title = "There is no such quote"


class QuoteExpired(Conflict):
    """The quote's time is over."""

    code = "quote_expired"
    title = "The quote has expired; ask for a new one"


class QuoteUsed(Conflict):
    """A quote is filled at most once."""

    code = "quote_used"
    title = "The quote has been filled already"


class SlippageExceeded(Conflict):
    """The price is worse than the customer accepts."""

    code = "slippage_exceeded"
    title = "The price is worse than the slippage bound allows"


register_refusal("orders_quote_id_key", lambda _detail: QuoteUsed())
