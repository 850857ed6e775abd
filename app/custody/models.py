"""Tables of custody."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.custody.ports import Network
from app.custody.rules import SendState
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)
_OPEN = "settled_at IS NULL"


class CustodyAddress(Base):
    """A deposit address for one person and asset. It is never assigned to another person."""

    __tablename__ = "custody_addresses"
    __table_args__ = (
        sa.UniqueConstraint("network", "address_key", name="custody_addresses_network_address_key"),
        sa.CheckConstraint(
            "num_nulls(custodian, address, address_key, ready_at) IN (0, 4)",
            name="address_is_whole",
        ),
        sa.Index(
            "custody_addresses_current_key",
            "user_id",
            "asset",
            unique=True,
            postgresql_where=sa.text("retired_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    asset: Mapped[str] = mapped_column(sa.Text)
    network: Mapped[str] = mapped_column(sa.Text)
    custodian: Mapped[str | None] = mapped_column(sa.Text)
    #: As the custodian spells it.
    address: Mapped[str | None] = mapped_column(sa.Text)
    #: In lower case: two spellings are one address.
    address_key: Mapped[str | None] = mapped_column(sa.Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    ready_at: Mapped[datetime | None] = mapped_column(Instant)
    #: From then on it is no longer shown. Transfers to it are still the person's.
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class CustodyArrival(Base):
    """A final incoming transfer at a custodian. Never changes."""

    __tablename__ = "custody_arrivals"
    __table_args__ = (
        sa.UniqueConstraint("custodian", "provider_ref"),
        sa.CheckConstraint("units > 0", name="something_arrived"),
        sa.Index("custody_arrivals_address_id_idx", "address_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    custodian: Mapped[str] = mapped_column(sa.Text)
    provider_ref: Mapped[str] = mapped_column(sa.Text)
    #: Null for a transfer to an address without an owner.
    address_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("custody_addresses.id"))
    address: Mapped[str] = mapped_column(sa.Text)
    #: The asset that arrived, which may differ from the address's asset.
    asset: Mapped[str] = mapped_column(sa.Text)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    tx_hash: Mapped[str] = mapped_column(sa.Text)
    #: Whether it was too little to credit.
    is_dust: Mapped[bool] = mapped_column(server_default=sa.text("false"))
    #: By the custodian's clock.
    arrived_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class CustodySend(Base):
    """A send: the custodian that was called, and the outcome."""

    __tablename__ = "custody_sends"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="something_is_sent"),
        sa.CheckConstraint(
            "state IN ('planned', 'unknown', 'accepted', 'completed', 'failed', 'refused',"
            " 'disputed')",
            name="send_state_known",
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (state IN ('planned', 'unknown', 'accepted'))",
            name="settled_at_if_over",
        ),
        sa.CheckConstraint(
            "state NOT IN ('unknown', 'accepted', 'completed', 'failed') OR custodian IS NOT NULL",
            name="custodian_if_asked",
        ),
        sa.CheckConstraint(
            "(claim_id IS NULL) = (claimed_until IS NULL)", name="send_claim_is_whole"
        ),
        sa.Index("custody_sends_open_looked_at_idx", "looked_at", postgresql_where=sa.text(_OPEN)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The public id of the withdrawal: every custodian's idempotency key.
    reference: Mapped[str] = mapped_column(sa.Text, unique=True)
    asset: Mapped[str] = mapped_column(sa.Text)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    network: Mapped[Network] = mapped_column(StoredEnum(Network))
    address_sealed: Mapped[bytes] = mapped_column(Sealed)
    state: Mapped[SendState] = mapped_column(StoredEnum(SendState))
    #: The custodian that was called last. No other one has the send.
    custodian: Mapped[str | None] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: When this custodian was last called without a conclusive answer.
    unsettled_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The process that has claimed the send, and until when.
    claim_id: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    provider_ref: Mapped[str | None] = mapped_column(sa.Text)
    tx_hash: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("''"))
    cost_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: Why the send failed, was refused or is disputed.
    code: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("''"))
    planned_at: Mapped[datetime] = mapped_column(Instant)
    looked_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)


class CustodySendEvent(Base):
    """An event of a send: the evidence of what was called, and of the answer."""

    __tablename__ = "custody_send_events"
    __table_args__ = (sa.Index("custody_send_events_send_id_idx", "send_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    send_id: Mapped[UUID] = mapped_column(sa.ForeignKey("custody_sends.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    #: The state after the event.
    state: Mapped[str] = mapped_column(sa.Text)
    custodian: Mapped[str | None] = mapped_column(sa.Text)
    #: The event: `asked`, `away`, `refused`, `no_answer`, `known`, `not_known` …
    what: Mapped[str] = mapped_column(sa.Text)
    code: Mapped[str] = mapped_column(sa.Text)


class CustodyBalance(Base):
    """The balance that a custodian last reported."""

    __tablename__ = "custody_balances"

    custodian: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    asset: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    available_units: Mapped[int] = mapped_column(sa.BigInteger)
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    observed_at: Mapped[datetime] = mapped_column(Instant)


class CustodyPoll(Base):
    """The position up to which a custodian's incoming transfers are processed."""

    __tablename__ = "custody_polls"

    custodian: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: Every transfer first seen before is final, and recorded if it was completed.
    since: Mapped[datetime] = mapped_column(Instant)
    polled_at: Mapped[datetime] = mapped_column(Instant)
