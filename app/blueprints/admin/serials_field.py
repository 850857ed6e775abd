"""The bars that a form names by their serials."""

from marshmallow import fields

from app.blueprints.forms import text_field
from app.vault.bars import rules as bars_rules


def serials_field() -> fields.String:
    """Return the field, empty for goods without serials. A scanner ends each serial with a line."""
    return text_field(
        "Serials",
        None,
        control="textarea",
        hint="For bars with serials: one on each line, or with commas between them. Add the refiner"
        " where several use a serial, like A123 (Valcambi).",
        check=lambda text: bars_rules.parse_named_bars("serials", text),
    )
