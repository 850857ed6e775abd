"""The verbs of claims: file one with the carrier, and note what it decided.

A filed claim is owed to us, against what the branch lost; what the carrier does not pay is lost
after all.
"""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.fulfillment.claims import queries
from app.fulfillment.claims.errors import ClaimDecided, ClaimFiled, NothingToClaim
from app.fulfillment.claims.models import CarrierClaim
from app.fulfillment.claims.rules import PREFIX, TRANSITIONS, ClaimStatus
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.vault.locations import queries as locations_queries

FILED_CAUSE, DECIDED_CAUSE = "claim_filed", "claim_decided"
_NOTHING = Amount(USD, 0)


def file(
    session: Session, actor: Actor, shipment_id: UUID, *, claimed: Amount, reference: str
) -> None:
    """Note that a claim was filed for the goods of a shipment that is lost, or came back, under the
    carrier's number `reference`, and book what is claimed.

    Raises `PermissionDenied`, `NotFound`, `NothingToClaim`, `ClaimFiled`, and `Invalid` for more
    than its parcels are insured for.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    shipment = shipments_queries.lock_shipment(session, shipment_id)
    if not _is_claimable(session, shipment):
        raise NothingToClaim
    if queries.find_claim(session, shipment_id) is not None:
        raise ClaimFiled
    parcels = parcels_queries.list_parcels(session, shipment_id)
    insured = Amount(USD, sum(parcel.value_units for parcel in parcels))
    if insured < claimed or claimed <= _NOTHING:
        raise Invalid("amount", f"Enter an amount up to the insured {format_amount(insured)}.")
    claim_id, now = ids.new(), clock.now()
    session.write(
        sa.insert(CarrierClaim).values(
            id=claim_id,
            shipment_id=shipment_id,
            status=ClaimStatus.FILED,
            reference=reference,
            claimed_units=claimed.units,
            filed_at=now,
        )
    )
    ledger.post(
        session,
        cause=FILED_CAUSE,
        reference=ids.encode(PREFIX, claim_id),
        posted_at=now,
        postings=[
            ledger.debit(chart.carrier_claims(USD), claimed),
            ledger.credit(_loss_account(session, shipment), claimed),
        ],
    )
    _record(session, actor, shipment, ClaimStatus.FILED, claimed)


def decide(session: Session, actor: Actor, shipment_id: UUID, *, paid: Amount) -> None:
    """Note what the carrier paid to our bank for a filed claim; nothing if it refused it.

    Raises `PermissionDenied`, `NotFound`, `NothingToClaim`, `ClaimDecided`, and `Invalid` for more
    than was claimed.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    shipment = shipments_queries.lock_shipment(session, shipment_id)
    claim = queries.lock_claim(session, shipment_id)
    if claim is None:
        raise NothingToClaim
    status = ClaimStatus.PAID if paid else ClaimStatus.REFUSED
    if not TRANSITIONS.allows(claim.status, status):
        raise ClaimDecided
    if claim.claimed < paid:
        raise Invalid("paid", f"Enter an amount up to the claimed {format_amount(claim.claimed)}.")
    now, lost = clock.now(), claim.claimed - paid
    session.write(
        sa.update(CarrierClaim)
        .where(CarrierClaim.id == claim.id)
        .values(
            status=TRANSITIONS.transition(claim.status, status),
            paid_units=paid.units,
            decided_at=now,
        )
    )
    postings: list[NewPosting] = [
        ledger.debit(chart.bank(USD, BANK), paid),
        ledger.debit(_loss_account(session, shipment), lost),
        ledger.credit(chart.carrier_claims(USD), claim.claimed),
    ]
    ledger.post(
        session,
        cause=DECIDED_CAUSE,
        reference=f"{claim.public_id}:decided",
        posted_at=now,
        postings=postings,
    )
    _record(session, actor, shipment, status, paid)


def _is_claimable(session: Session, shipment: ShipmentRow) -> bool:
    """Return whether the parcel of a shipment did not arrive, settled or not."""
    steps = shipments_queries.list_steps(session, [shipment.id])[shipment.id]
    return bool({ShipmentStatus.RETURNED, ShipmentStatus.LOST} & {step.status for step in steps})


def _loss_account(session: Session, shipment: ShipmentRow) -> chart.AccountKey:
    location = locations_queries.get_location(session, shipment.location_id)
    return chart.shrinkage(USD, location.branch_id)


def _record(
    session: Session, actor: Actor, shipment: ShipmentRow, status: ClaimStatus, amount: Amount
) -> None:
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CLAIM_CHANGED,
        subject=shipment.public_id,
        on_behalf_of=shipment.user_id,
        after={"status": status, "amount": str(amount)},
    )
