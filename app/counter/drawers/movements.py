"""Move cash: the only writer of movements, and of what drawers and safes hold.

A movement returns its posting, which belongs into the entry with its reference, together with where
the cash came from or went: so one entry has all of one act.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD, CashInstrument
from app.counter.drawers.errors import TooFewPieces
from app.counter.drawers.models import CashMovement, Drawer, Safe
from app.counter.drawers.queries import LockedDrawer, LockedSafe
from app.counter.drawers.rules import CashMovementKind, CashPieces
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.formatting import format_amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.ledger.service import NewPosting

#: Prefix of the references of entries that move cash only.
PREFIX = "csh"

for _rule in ("drawer_holds_pieces", "safe_holds_pieces"):
    register_refusal(_rule, lambda _detail: TooFewPieces())


@dataclass(frozen=True, slots=True)
class CashAct:
    """An act that moves cash: why, for whom, and with which entry of the ledger."""

    kind: CashMovementKind
    reference: str
    teller_id: UUID
    at: datetime
    #: The second person, where there is one.
    witness_id: UUID | None = None
    customer_id: UUID | None = None


def begin_act(kind: CashMovementKind, teller_id: UUID, witness_id: UUID | None = None) -> CashAct:
    """Return an act within a branch, with a reference of its own."""
    return CashAct(kind, ids.encode(PREFIX, ids.new()), teller_id, clock.now(), witness_id)


def move(
    session: Session, place: LockedDrawer | LockedSafe, pieces: CashPieces, act: CashAct
) -> list[NewPosting]:
    """Put pieces into a place, or take those that are negative out of it, and return the posting
    for the entry of the act. A place takes part in an act once.

    Raises `TooFewPieces` for more than the place holds.
    """
    left = place.pieces + pieces
    if not left.is_payable:
        raise TooFewPieces
    drawer_id = place.id if isinstance(place, LockedDrawer) else None
    for instrument in CashInstrument:
        part = pieces.of_instrument(instrument)
        if part:
            session.write(
                sa.insert(CashMovement).values(
                    id=ids.new(),
                    branch_id=place.branch_id,
                    drawer_id=drawer_id,
                    kind=act.kind,
                    instrument=instrument,
                    units=part.amount.units,
                    pieces=list(part.counts),
                    teller_id=act.teller_id,
                    witness_id=act.witness_id,
                    user_id=act.customer_id,
                    reference=act.reference,
                    at=act.at,
                )
            )
    _hold(session, place, left)
    return [NewPosting(account_of(place), pieces.amount.units)]


def post(session: Session, act: CashAct, postings: list[NewPosting]) -> None:
    """Post the entry of an act within a branch, unless it moves no money."""
    if any(posting.units for posting in postings):
        ledger.post(
            session,
            cause=f"cash_{act.kind}",
            reference=act.reference,
            posted_at=act.at,
            postings=postings,
        )


def account_of(place: LockedDrawer | LockedSafe) -> AccountKey:
    """Return the account of the cash in a drawer or safe."""
    if isinstance(place, LockedDrawer):
        return chart.till_cash(USD, place.till_id)
    return chart.branch_cash(USD, place.branch_id)


def describe(pieces: CashPieces) -> dict[str, str]:
    """Return what the audit trail says about pieces."""
    return {"amount": format_amount(pieces.amount), "pieces": str(pieces)}


def _hold(session: Session, place: LockedDrawer | LockedSafe, pieces: CashPieces) -> None:
    counts = list(pieces.counts)
    if isinstance(place, LockedDrawer):
        session.write(sa.update(Drawer).where(Drawer.id == place.id).values(pieces=counts))
    else:
        is_safe = Safe.branch_id == place.branch_id
        session.write(sa.update(Safe).where(is_safe).values(pieces=counts))
