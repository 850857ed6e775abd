"""The verbs of quarantine: put units there, and record what an assay found."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals.rules import clean_reason
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.ledger.chart import AccountClass
from app.vault.assays import queries
from app.vault.assays.errors import OwnQuarantine
from app.vault.assays.models import Assay, Quarantine
from app.vault.assays.queries import PREFIX
from app.vault.assays.rules import AssayMethod, AssayResult
from app.vault.bars.rules import BarState, parse_named_bars
from app.vault.locations import queries as locations_queries
from app.vault.lots import service as lots
from app.vault.lots.service import Goods
from app.vault.rules import clean_text, parse_units
from app.vault.stock import service as stock

_AVAILABLE, _QUARANTINE = AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE


@dataclass(frozen=True, slots=True)
class NewAssay:
    """An assay as staff enter it."""

    units: str
    result: str
    method: str
    measured: str
    #: Of bars with serials, as `bars.rules.parse_named_bars` reads them.
    serials: str = ""


def put_into_quarantine(
    session: Session,
    actor: Actor,
    *,
    sku: str,
    location: str,
    units: str,
    reason: str,
    serials: str = "",
) -> UUID:
    """Put available units into quarantine, to be examined; return the quarantine's id. `serials`
    names bars with serials.

    Raises `PermissionDenied`, `Invalid` naming the field, and `InsufficientStock`: units that are
    reserved stay on the shelf.
    """
    require(actor, Permission.VAULT_ASSAY)
    product = _find_product(session, sku)
    place = locations_queries.find_location(session, location)
    if place is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    goods = Goods(product, place, parse_units("units", units))
    named = parse_named_bars("serials", serials)
    goods = lots.name_bars(session, goods, named, BarState.AVAILABLE, field="serials")
    return quarantine(session, actor, goods, reason=clean_reason(reason))


def quarantine(session: Session, actor: Actor | None, goods: Goods, *, reason: str) -> UUID:
    """Put available units into quarantine, as part of another act, such as their delivery; return
    the quarantine's id. `actor` is None on the command line. Raises `InsufficientStock`."""
    quarantine_id, now = ids.new(), clock.now()
    public_id = ids.encode(PREFIX, quarantine_id)
    session.write(
        sa.insert(Quarantine).values(
            id=quarantine_id,
            sku=goods.product.sku,
            location_id=goods.location.id,
            units=goods.units,
            reason=reason,
            put_by=actor.user_id if actor else None,
            put_at=now,
        )
    )
    stock.post(
        session,
        cause="stock_quarantined",
        reference=public_id,
        posted_at=now,
        postings=stock.change_state(
            session, goods, _AVAILABLE, _QUARANTINE, reference=public_id, at=now
        ),
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_QUARANTINED,
        subject=public_id,
        after={
            "sku": goods.product.sku,
            "location": goods.location.code,
            "units": goods.units,
        },
        reason=reason,
    )
    return quarantine_id


def record_assay(session: Session, actor: Actor, quarantine_id: UUID, assay: NewAssay) -> None:
    """Record what an assay of units in quarantine found. Units that passed are for sale again, and
    units that failed stay.

    Raises `PermissionDenied`, `NotFound`, `OwnQuarantine`, `Invalid` naming the field, and
    `InsufficientStock` if the units were adjusted away meanwhile.
    """
    require(actor, Permission.VAULT_ASSAY)
    units, measured = parse_units("units", assay.units), clean_text("measured", assay.measured)
    named = parse_named_bars("serials", assay.serials)
    result, method = AssayResult(assay.result), AssayMethod(assay.method)
    examined = queries.lock_quarantine(session, quarantine_id)
    if examined.put_by == actor.user_id:
        raise OwnQuarantine
    if units > examined.waiting:
        raise Invalid("units", f"At most {examined.waiting} units are to be examined.")
    goods = lots.name_bars(
        session,
        Goods(
            _find_product(session, examined.sku),
            locations_queries.get_location(session, examined.location_id),
            units,
        ),
        named,
        BarState.QUARANTINE,
        field="serials",
        came_with=examined.public_id,
    )
    assay_id, now = ids.new(), clock.now()
    session.write(
        sa.insert(Assay).values(
            id=assay_id,
            quarantine_id=quarantine_id,
            units=units,
            result=result,
            method=method,
            measured=measured,
            assayed_by=actor.user_id,
            assayed_at=now,
        )
    )
    session.write(
        sa.update(Quarantine)
        .where(Quarantine.id == quarantine_id)
        .values(examined_units=Quarantine.examined_units + units)
    )
    _move(session, goods, result, reference=f"{examined.public_id}:{assay_id}", at=now)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_ASSAYED,
        subject=examined.public_id,
        after={"units": units, "result": result, "method": method, "measured": measured},
    )


def _move(
    session: Session, goods: Goods, result: AssayResult, *, reference: str, at: datetime
) -> None:
    """Put goods that passed up for sale; leave those that failed."""
    if result is AssayResult.FAILED:
        stock.stay(session, goods, _QUARANTINE, reference=reference, at=at)
        return
    stock.post(
        session,
        cause="stock_passed",
        reference=reference,
        posted_at=at,
        postings=stock.change_state(
            session, goods, _QUARANTINE, _AVAILABLE, reference=reference, at=at
        ),
    )


def _find_product(session: Session, sku: str) -> ProductSummary:
    product = products_queries.find_product(session, sku)
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it.")
    return product
