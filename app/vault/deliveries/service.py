"""The verbs of deliveries: receive goods, and bars with serials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.service import NewPosting
from app.vault.assays import service as assays
from app.vault.bars import queries as bars_queries
from app.vault.bars import rules as bars_rules
from app.vault.bars import service as bars
from app.vault.bars.rules import MeasuredBar
from app.vault.deliveries import rules
from app.vault.deliveries.errors import DeliveryReceived
from app.vault.deliveries.rules import CostParts
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots import service as lots
from app.vault.lots.models import Lot
from app.vault.lots.rules import LotPart, share_out
from app.vault.lots.service import Goods
from app.vault.rules import clean_text, parse_units
from app.vault.stock import service as stock

register_refusal("lots_delivery_key", lambda _detail: DeliveryReceived())


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A delivery of one product, as staff enter it: `cost` of all units in US dollars, and the
    price of the metal that was agreed with the supplier, per troy ounce."""

    sku: str
    location: str
    units: str
    cost: str
    spot: str
    supplier: str
    supplier_reference: str
    #: Not empty for goods that are examined before they are for sale.
    quarantine: str = ""


@dataclass(frozen=True, slots=True)
class NewBarReceipt:
    """A delivery of bars with serials, as staff enter it: as of other goods, but for `bars`, which
    is their list, one a line."""

    sku: str
    location: str
    bars: str
    cost: str
    spot: str
    supplier: str
    supplier_reference: str


def receive_goods(session: Session, actor: Actor | None, receipt: NewReceipt) -> UUID:
    """Put a delivery on the shelf: its units for sale or into quarantine, its metal and premium at
    cost, and what we owe the supplier. Return the id of the lot. `actor` is None on the command
    line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `DeliveryReceived`.
    """
    if actor is not None:
        require(actor, Permission.VAULT_RECEIVE)
    units = parse_units("units", receipt.units)
    product = _find_product(session, receipt.sku)
    if product.is_serialized:
        raise Invalid("sku", "Bars of this product have serials. Receive them on the page Bars.")
    ounces = Amount(product.accounted.asset, product.accounted.units * units)
    lot_id = _receive(session, actor, receipt, product, [_Part(units, ounces.units)])
    if receipt.quarantine:
        goods = Goods(product, _find_location(session, receipt.location), units)
        assays.quarantine(session, actor, goods, reason="Received into quarantine")
    return lot_id


def receive_bars(session: Session, actor: Actor | None, receipt: NewBarReceipt) -> UUID:
    """Put bars with serials on the shelf, each a lot of one unit with its own ounces and its share
    of the cost by them. Return the id of the first lot. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, `BarInVault` and `DeliveryReceived`.
    """
    if actor is not None:
        require(actor, Permission.VAULT_RECEIVE)
    product = _find_product(session, receipt.sku)
    if not product.is_serialized:
        raise Invalid("sku", "This product has no serials. Receive it on the page Deliveries.")
    measured = bars_rules.parse_bars(receipt.bars, product.metal, product.gross_units)
    known = bars_queries.list_serials_in_vault(session, measured)
    if known:
        raise Invalid("bars", f"In the vault already: {', '.join(known)}. Check the serials.")
    parts = [_Part(1, bar.accounted_units(product.metal), bar) for bar in measured]
    return _receive(session, actor, receipt, product, parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """What becomes one lot."""

    units: int
    ounces_units: int
    bar: MeasuredBar | None = None


def _find_product(session: Session, sku: str) -> ProductSummary:
    product = products_queries.find_product(session, sku)
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it, or add the product.")
    return product


def _find_location(session: Session, code: str) -> LocationSummary:
    location = locations_queries.find_location(session, code)
    if location is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    return location


def _receive(
    session: Session,
    actor: Actor | None,
    receipt: NewReceipt | NewBarReceipt,
    product: ProductSummary,
    parts: Sequence[_Part],
) -> UUID:
    location = _find_location(session, receipt.location)
    units = sum(part.units for part in parts)
    ounces = Amount(product.accounted.asset, sum(part.ounces_units for part in parts))
    spot = rules.parse_spot(receipt.spot)
    cost = rules.divide_cost(rules.parse_cost(receipt.cost), ounces, spot)
    values: dict[str, object] = {
        "sku": product.sku,
        "location_id": location.id,
        "spot": spot,
        "supplier": clean_text("supplier", receipt.supplier),
        "supplier_reference": clean_text("supplier_reference", receipt.supplier_reference),
    }
    now, lot_parts = clock.now(), _divide(cost, parts)
    for number, (part, metal_usd) in enumerate(lot_parts, start=1):
        session.write(
            sa.insert(Lot).values(
                **values,
                id=part.lot_id,
                part=number,
                units=part.units,
                ounces_units=part.ounces_units,
                metal_usd=metal_usd,
                premium_usd=part.premium_usd,
                received_by=actor.user_id if actor else None,
                received_at=now,
            )
        )
    arrived = [part for part, _metal_usd in lot_parts]
    goods = Goods(product, location, units, tuple(part.lot_id for part in arrived))
    measured = [part.bar for part in parts if part.bar]
    for choice in goods.bars:
        bars.add(session, choice, measured)
    first_lot_id, *_ = goods.lot_ids
    reference, state = ids.encode("lot", first_lot_id), AccountClass.STOCK_AVAILABLE
    lots.put_into_lots(session, goods, arrived, state, reference=reference, at=now)
    stock.post(
        session,
        cause="goods_received",
        reference=reference,
        posted_at=now,
        postings=_receipt_postings(product, location, units, ounces, cost),
    )
    facts = values | {
        "location_id": ids.encode("loc", location.id),
        "spot": str(spot),
        "units": units,
        "ounces_units": ounces.units,
    }
    _audit_receipt(session, actor, facts, reference=reference, cost=cost, measured=measured)
    return first_lot_id


def _audit_receipt(
    session: Session,
    actor: Actor | None,
    facts: Mapping[str, object],
    *,
    reference: str,
    cost: CostParts,
    measured: Sequence[MeasuredBar],
) -> None:
    serials = {"bars": [f"{bar.refiner} {bar.serial}" for bar in measured]} if measured else {}
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_RECEIVED,
        subject=reference,
        after={
            **facts,
            "metal_usd": cost.metal.units,
            "premium_usd": cost.premium.units,
            **serials,
        },
    )


def _divide(cost: CostParts, parts: Sequence[_Part]) -> list[tuple[LotPart, int]]:
    """Return a lot for each part, with what its metal cost in cents: metal and premium are divided
    by ounces."""
    ounces = [part.ounces_units for part in parts]
    metal, premium = share_out(cost.metal.units, ounces), share_out(cost.premium.units, ounces)
    if not all(metal):
        raise Invalid("spot", "At this price the metal of a bar is worth less than a cent.")
    return [
        (LotPart(ids.new(), part.units, part.ounces_units, premium_usd), metal_usd)
        for part, metal_usd, premium_usd in zip(parts, metal, premium, strict=True)
    ]


def _receipt_postings(
    product: ProductSummary,
    location: LocationSummary,
    units: int,
    ounces: Amount,
    parts: CostParts,
) -> list[NewPosting]:
    goods, branch_id = Amount(product.asset, units), location.branch_id
    cost = parts.metal + parts.premium
    usd = cost.asset
    return [
        ledger.debit(chart.stock(product.asset, AccountClass.STOCK_AVAILABLE, location.id), goods),
        ledger.credit(chart.stock_position(product.asset, branch_id), goods),
        ledger.debit(chart.inventory_metal(ounces.asset, branch_id), ounces),
        ledger.credit(chart.position(ounces.asset), ounces),
        ledger.debit(chart.position(usd), parts.metal),
        ledger.debit(chart.inventory_premium(usd, branch_id), parts.premium),
        ledger.credit(chart.payables(usd, branch_id), cost),
    ]
