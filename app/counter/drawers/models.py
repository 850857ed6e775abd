"""Tables of drawers. Numbers of notes and coins are in the order of `rules.PIECES`."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.rules import CashInstrument
from app.counter.drawers.rules import PIECES, CashMovementKind, DrawerStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum

_ACTIVE = "status IN ('open', 'counted')"
_PIECES = sa.text(f"'{{{','.join('0' * len(PIECES))}}}'")
_WORTH = " + ".join(f"pieces[{at}] * {piece.units}" for at, piece in enumerate(PIECES, start=1))


class Drawer(Base):
    """The cash of one teller at one till, from its float to its close."""

    __tablename__ = "drawers"
    __table_args__ = (
        sa.CheckConstraint("status IN ('open', 'counted', 'closed')", name="drawer_status_known"),
        sa.CheckConstraint(
            f"0 <= ALL (pieces) AND cardinality(pieces) = {len(PIECES)}", name="drawer_holds_pieces"
        ),
        sa.CheckConstraint(
            f"0 <= ALL (counted) AND cardinality(counted) = {len(PIECES)}",
            name="drawer_counted_pieces",
        ),
        sa.CheckConstraint(
            "num_nulls(counted, counted_at) = CASE status WHEN 'open' THEN 2 ELSE 0 END",
            name="drawer_counted_unless_open",
        ),
        sa.CheckConstraint(
            "num_nulls(number, expected_units, closed_at)"
            " = CASE status WHEN 'closed' THEN 0 ELSE 3 END",
            name="drawer_numbered_when_closed",
        ),
        sa.Index(
            "drawers_active_till_key", "till_id", unique=True, postgresql_where=sa.text(_ACTIVE)
        ),
        sa.Index(
            "drawers_active_teller_key", "teller_id", unique=True, postgresql_where=sa.text(_ACTIVE)
        ),
        sa.UniqueConstraint("branch_id", "number"),
        sa.Index("drawers_teller_id_idx", "teller_id"),
        sa.Index("drawers_till_id_idx", "till_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    till_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tills.id"))
    teller_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[DrawerStatus] = mapped_column(StoredEnum(DrawerStatus))
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: What it holds by its movements.
    pieces: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    #: What the teller counted last.
    counted: Mapped[list[int] | None] = mapped_column(ARRAY(sa.BigInteger))
    counted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The number of its Z report, without gaps in each branch.
    number: Mapped[int | None]
    #: Cents that it held by its movements when it was closed.
    expected_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    closed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Safe(Base):
    """The cash of a branch that is in no drawer, and the number of its last receipt."""

    __tablename__ = "safes"
    __table_args__ = (
        sa.CheckConstraint(
            f"0 <= ALL (pieces) AND cardinality(pieces) = {len(PIECES)}", name="safe_holds_pieces"
        ),
    )

    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"), primary_key=True)
    pieces: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger), server_default=_PIECES)
    last_receipt: Mapped[int] = mapped_column(server_default=sa.text("0"))


class CashMovement(Base):
    """What came into a drawer or a safe (positive), or left it (negative). Never changes."""

    __tablename__ = "cash_movements"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('float', 'refill', 'drop', 'hand_over', 'delivery', 'collection', 'deposit',"
            " 'withdrawal', 'variance', 'close')",
            name="cash_movement_kind_known",
        ),
        sa.CheckConstraint(
            "instrument IN ('cash', 'cashiers_cheque', 'money_order')", name="instrument_known"
        ),
        sa.CheckConstraint(
            f"cardinality(pieces) = {len(PIECES)} AND units = {_WORTH}",
            name="movement_is_worth_its_pieces",
        ),
        sa.CheckConstraint("teller_id <> witness_id", name="movement_has_two_people"),
        sa.CheckConstraint(
            "(user_id IS NOT NULL) = (kind IN ('deposit', 'withdrawal'))",
            name="customer_if_with_one",
        ),
        sa.Index("cash_movements_drawer_id_idx", "drawer_id", "id"),
        sa.Index("cash_movements_branch_id_idx", "branch_id", "id"),
        sa.Index("cash_movements_user_id_idx", "user_id", "id"),
        sa.Index("cash_movements_reference_idx", "reference"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    #: None for the safe.
    drawer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("drawers.id"))
    kind: Mapped[CashMovementKind] = mapped_column(StoredEnum(CashMovementKind))
    instrument: Mapped[CashInstrument] = mapped_column(StoredEnum(CashInstrument))
    #: Cents. 0 where the count of a drawer found other notes of the same sum.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    pieces: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    teller_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: The second person.
    witness_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    #: The customer.
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    #: Of its entry in the ledger.
    reference: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
