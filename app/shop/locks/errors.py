"""Refusals of price locks. A lock is the quote of the API."""

from app.kit.errors import Conflict
from app.vault.lots.errors import InsufficientStock


class QuoteVoided(Conflict):
    """The lock was cancelled, or the market moved too far from its prices. Its goods are free
    again."""

    code = "quote_voided"
    title = "These prices are no longer kept. Lock new ones."


class TooFewUnits(InsufficientStock):
    """Fewer units are free than a line of the request asks for."""

    title = "There are not enough units. Choose fewer."

    def __init__(self, detail: str | None = None, *, field: str = "items") -> None:
        self.field = field
        super().__init__(detail)
        #: The field with its message, as the API names it.
        self.problems = [(field, self.detail)]
