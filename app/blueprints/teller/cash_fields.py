"""The fields in which a teller counts notes, coins and cheques."""

from functools import partial
from typing import cast

from marshmallow import fields

from app.blueprints.forms import FormSchema, text_field
from app.catalog.rules import CashInstrument
from app.counter.drawers.rules import PIECES, parse_piece


def declare_count(
    name: str, *instruments: CashInstrument, **others: fields.String
) -> type[FormSchema]:
    """Return a schema with a field for each note and coin, or whatever else these instruments are,
    after the others. An empty field is none."""
    counts = {
        piece.name: text_field(piece.label, None, check=partial(parse_piece, piece))
        for piece in PIECES
        if piece.instrument in (instruments or tuple(CashInstrument))
    }
    # The library does not say that it returns a class of this kind.
    return cast("type[FormSchema]", FormSchema.from_dict({**others, **counts}, name=name))
