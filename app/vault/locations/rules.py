"""What a location is for, and its code."""

import re

from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum

_LOCATION_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,15}", re.ASCII)


class LocationKind(LabelledEnum):
    """What a location is for."""

    VAULT = "vault", "Vault"
    STORE = "store", "Store"
    RECEIVING = "receiving", "Receiving"
    PICKING = "picking", "Picking"
    STAGING = "staging", "Staging"
    DEPOT = "depot", "Partner's depot"


#: Where goods wait for buyers: elsewhere they pass through, and none need be there.
RESTOCKED_KINDS = frozenset({LocationKind.VAULT, LocationKind.STORE, LocationKind.DEPOT})


def clean_location_code(text: str) -> str:
    """Return the code in capital letters. Raises `Invalid` for another form."""
    code = text.upper()
    if not _LOCATION_CODE.fullmatch(code):
        raise Invalid(
            "code", "Enter a code (2 to 16 capital letters, digits and hyphens), like NYC-VAULT."
        )
    return code
