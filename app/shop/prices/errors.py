"""Refusals of prices."""

from app.kit.errors import Conflict


class NotForSale(Conflict):
    """The product is not published, or no price rule covers it."""

    code = "not_for_sale"
    title = "This product is not for sale."

    def __init__(self, sku: str = "", *, field: str = "sku") -> None:
        self.field = field
        super().__init__(f"{sku} is not for sale. Take it off the list." if sku else None)
        #: The field with its message, as the API names it.
        self.problems = [(field, self.detail)]


class PriceRuleUnchanged(Conflict):
    """The rule in effect says the same."""

    code = "price_rule_unchanged"
    title = "The rule already says this. Change its tiers or its times."


class PricePreviewOutdated(Conflict):
    """Rules, products or their categories have changed since the effect was shown, or it was shown
    too long ago."""

    code = "price_preview_outdated"
    title = "The effect is no longer what was shown. Show it again, then confirm."


class PriceChangeSettled(Conflict):
    """The change has been made, or waits for a second person."""

    code = "price_change_settled"
    title = "This change was confirmed before. See what became of it."


class PriceRuleOver(Conflict):
    """The rule has ended, or was replaced."""

    code = "price_rule_over"
    title = "This rule is over. Record a new one."
