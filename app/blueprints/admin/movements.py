"""Movements of goods: what the ledger posted on the units at locations."""

from app.access import Permission
from app.blueprints import references
from app.blueprints.admin import location_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.kit import ids
from app.vault.movements import queries as movements_queries
from app.vault.movements.queries import StockMovement
from app.vault.movements.rules import label_of
from app.vault.stock.rules import StockState

blp = PageBlueprint("movements", "/admin/vault/movements")


def _reference(movement: StockMovement) -> ReferenceCell | str:
    """Return what the entry is about."""
    subject = references.subject_of(movement.reference)
    return ReferenceCell(subject) if ids.prefix_of(subject) else subject


MOVEMENTS = ListPage(
    name="movements",
    title="Movements of goods",
    about="Units that came to a state at a location, or left it.",
    source=lambda _session, _actor: movements_queries.MOVEMENTS,
    columns=(
        Column("posted", "Posted", lambda movement: movement.posted_at, sort="posted"),
        Column("cause", "Cause", lambda movement: label_of(movement.cause)),
        Column("sku", "SKU", lambda movement: movement.sku, is_code=True),
        Column("location", "Location", lambda movement: movement.location_code, is_code=True),
        Column("state", "State", lambda movement: movement.state),
        Column("units", "Units", lambda movement: f"{movement.units:+,}", is_figure=True),
        Column("reference", "Reference", _reference),
    ),
    default_sort="-posted",
    filters=(
        Filter("sku", "SKU"),
        location_field.location_filter(),
        EnumFilter("state", "State", StockState),
    ),
    empty=("No movements yet", "They appear here when goods are received, moved or sold."),
)
blp.add_list("", MOVEMENTS, permission=Permission.VAULT_READ)
