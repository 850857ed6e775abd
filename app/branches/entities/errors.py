"""The refusals of legal entities."""

from app.kit.errors import Conflict


class EntityCodeTaken(Conflict):
    """Another legal entity has this code."""

    code = "entity_code_taken"
    title = "Another legal entity already has this code. Enter another code."
    field = "code"


class RegimeUnchanged(Conflict):
    """The legal entity reports cash under this regime already."""

    code = "cash_report_regime_unchanged"
    title = "The legal entity reports cash in this way already."
    field = "regime"
