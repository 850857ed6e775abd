"""Deliveries of goods as rows of a CSV file: received, and exported as they came."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.access import Actor, Permission
from app.catalog.products import rules as products_rules
from app.catalog.rules import USD
from app.imports import registry
from app.imports.registry import ImportColumn, ImportKind, RowWriter, Texts, WrittenRow
from app.imports.rules import RowOutcome
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.vault.bars.models import Bar
from app.vault.deliveries import rules, service
from app.vault.deliveries.service import NewReceipt
from app.vault.locations.models import Location
from app.vault.lots.models import Lot
from app.vault.rules import clean_text, parse_units

_FIELDS = ("sku", "location", "units", "cost", "spot", "supplier", "supplier_reference")
_KEYS = ("supplier", "supplier_reference", "sku")


@dataclass(frozen=True, slots=True)
class _Received:
    """A delivery of a product that came before."""

    sku: str
    location: str
    units: int
    cost_units: int
    spot: str
    supplier: str
    supplier_reference: str

    @property
    def texts(self) -> Texts:
        """The cells of its row."""
        return {
            "sku": self.sku,
            "location": self.location,
            "units": str(self.units),
            "cost": str(Amount(USD, self.cost_units)),
            "spot": self.spot,
            "supplier": self.supplier,
            "supplier_reference": self.supplier_reference,
        }


_RECEIVED = (
    sa.select(
        Lot.sku,
        Location.code.label("location"),
        Lot.units,
        (Lot.metal_usd + Lot.premium_usd).label("cost_units"),
        sa.cast(sa.func.trim_scale(Lot.spot), sa.Text).label("spot"),
        Lot.supplier,
        Lot.supplier_reference,
    )
    .join(Location, Location.id == Lot.location_id)
    # Bars have serials and weights of their own, for which a row has no place.
    .where(~sa.exists().where(Bar.lot_id == Lot.id))
)


def _named(column: str, parse: Callable[[str], object]) -> ImportColumn:
    return ImportColumn(column, _ABOUT[column], parse, is_required=True)


_ABOUT = {
    "sku": "Of a product without serials",
    "location": "The code of the location",
    "units": "How many came",
    "cost": "Of all units, in US dollars",
    "spot": "The price of the metal that was agreed, in US dollars per troy ounce",
    "supplier": "Who delivered",
    "supplier_reference": "The number of the supplier's invoice or delivery note",
}
_COLUMNS = (
    _named("sku", products_rules.clean_sku),
    _named("location", str),
    _named("units", lambda text: parse_units("units", text)),
    _named("cost", rules.parse_cost),
    _named("spot", rules.parse_spot),
    _named("supplier", lambda text: clean_text("supplier", text)),
    _named("supplier_reference", lambda text: clean_text("supplier_reference", text)),
)


def _open_batch(session: Session, actor: Actor, _rows: Sequence[Texts]) -> RowWriter:
    def write(texts: Texts) -> WrittenRow:
        cells = {name: texts[name].strip() for name in _FIELDS}
        subject = f"{cells['supplier_reference']} {cells['sku'].upper()}"
        known = _find_received(session, cells)
        if known is not None:
            _require_same(known, cells)
            return WrittenRow(RowOutcome.SAME, subject)
        service.receive_goods(session, actor, NewReceipt(**cells))
        return WrittenRow(RowOutcome.ADDED, subject)

    return write


def _find_received(session: Session, cells: Texts) -> _Received | None:
    return session.find(
        _Received,
        _RECEIVED.where(
            Lot.supplier == clean_text("supplier", cells["supplier"]),
            Lot.supplier_reference == clean_text("supplier_reference", cells["supplier_reference"]),
            Lot.sku == products_rules.clean_sku(cells["sku"]),
        ),
    )


def _require_same(known: _Received, cells: Texts) -> None:
    given = {
        "location": cells["location"].upper(),
        "units": parse_units("units", cells["units"]),
        "cost": rules.parse_cost(cells["cost"]).units,
        "spot": rules.parse_spot(cells["spot"]),
    }
    booked = {
        "location": known.location,
        "units": known.units,
        "cost": known.cost_units,
        "spot": rules.parse_spot(known.spot),
    }
    for column, value in given.items():
        if value != booked[column]:
            raise Invalid(
                column,
                "This delivery was received with another value. Correct goods that are booked by an"
                " adjustment.",
            )


def _export(session: Session) -> Iterator[Texts]:
    for received in session.select(_Received, _RECEIVED.order_by(Lot.id)):
        yield received.texts


registry.register(
    ImportKind(
        name="deliveries",
        title="Deliveries",
        about="A row for each product of a delivery. One that was received already is not received"
        " again.",
        permission=Permission.VAULT_RECEIVE,
        columns=_COLUMNS,
        keys=_KEYS,
        open_batch=_open_batch,
        export=_export,
        subject="Delivery",
    )
)
