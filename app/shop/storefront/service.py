"""The verb of the storefront. What else `listings` has, triggers of the database keep."""

from app.kit import clock
from app.kit.db import Session

_REFRESH = """
SELECT list_own_terms(sku, %(at)s) FROM listings
WHERE own_terms_until <= %(at)s OR own_terms_from > %(at)s ORDER BY sku
"""


def refresh_terms(session: Session) -> None:
    """Store the terms that products have now by their own rules, where the ones stored are of
    another time. Until then they are read from the rules, which takes longer."""
    session.send(_REFRESH, {"at": clock.now()})
