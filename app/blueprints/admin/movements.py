"""Movements of goods: what the ledger posted on the units at locations."""

import re

from app.access import Permission
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.vault.movements import queries as movements_queries
from app.vault.movements.queries import StockMovement
from app.vault.movements.rules import label_of
from app.vault.stock.rules import StockState

blp = PageBlueprint("movements", "/admin/vault/movements")

_PUBLIC_ID = re.compile(r"([a-z]{3}_[0-9a-z]{26})(?::.*)?", re.ASCII)


def _reference(movement: StockMovement) -> ReferenceCell | str:
    """Return what the entry is about: a reference may say which step of it."""
    named = _PUBLIC_ID.fullmatch(movement.reference)
    return ReferenceCell(named[1]) if named else movement.reference


MOVEMENTS = ListPage(
    name="movements",
    title="Movements of goods",
    about="Units that came to a state at a location, or left it.",
    source=lambda _session, _actor: movements_queries.MOVEMENTS,
    columns=(
        Column("posted", "Posted", lambda movement: movement.posted_at, sort="posted"),
        Column("cause", "Cause", lambda movement: label_of(movement.cause)),
        Column("sku", "SKU", lambda movement: movement.sku),
        Column("location", "Location", lambda movement: movement.location_code),
        Column("state", "State", lambda movement: movement.state),
        Column("units", "Units", lambda movement: f"{movement.units:+,}", is_figure=True),
        Column("reference", "Reference", _reference),
    ),
    default_sort="-posted",
    filters=(
        Filter("sku", "SKU"),
        Filter("location", "Location"),
        EnumFilter("state", "State", StockState),
    ),
    empty=("No movements yet", "They appear here when goods are received, moved or sold."),
)
blp.add_list("", MOVEMENTS, permission=Permission.VAULT_READ)
