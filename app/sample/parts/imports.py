"""Files of products: one that was imported, and one that waits with wrong rows."""

from app.imports import service as imports
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()
_TEXTS = """\
sku,short_text
AU-EAGLE-1OZ,"The American Eagle: one ounce of fine gold in a coin of 22 carats."
AG-EAGLE-1OZ,"The American Eagle in silver: one ounce, .999 fine."
"""
_WITH_ERRORS = """\
sku,short_text,published_until
PT-EAGLE-1OZ,"One ounce of platinum, .9995 fine.",
AU-EAGEL-1OZ,A coin that is not in the catalogue.,
AG-MAPLE-1OZ,One ounce of silver.,next summer
"""


@PART.ago(days=24)
def import_texts(business: Business) -> None:
    """Import new texts of two coins."""
    with business.transaction() as session:
        import_id = imports.request_import(
            session,
            business.actor("inventory"),
            "products",
            raw=_TEXTS.encode(),
            file_name="eagles.csv",
        )
    business.settle()
    with business.transaction() as session:
        imports.confirm_import(session, business.actor("inventory"), import_id)


@PART.ago(days=1)
def send_file_with_errors(business: Business) -> None:
    """Send a file with two wrong rows, to be corrected and sent again."""
    with business.transaction() as session:
        imports.request_import(
            session,
            business.actor("inventory2"),
            "products",
            raw=_WITH_ERRORS.encode(),
            file_name="texts of November.csv",
        )
