"""Refusals of sales tax."""

from app.kit.errors import Conflict


class TaxUnknown(Conflict):
    """No rule says what tax is due on such goods there, so they are not sold there."""

    code = "tax_unknown"
    title = "The sales tax of this destination is not known, so nothing can be delivered there."


class TaxRuleUnchanged(Conflict):
    """The version in effect says the same."""

    code = "tax_rule_unchanged"
    title = "The rule already says this. Change the rate, the threshold, the days or the source."
