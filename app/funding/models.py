"""Tables of funding."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.rules import PaymentMethod
from app.funding.states import CardRefundStatus, DepositStatus, DisputeStatus, WithdrawalStatus
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)
_METHODS = "method IN ('card', 'bank', 'crypto', 'mobile_money')"
_HAS_COME = "status IN ('credited', 'disputed', 'taken_back')"


class TransferRow(Base):
    """A transfer between a customer's two accounts, one to one by weight."""

    __tablename__ = "transfers"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="transfer_moves_something"),
        sa.CheckConstraint("from_asset <> to_asset", name="transfer_sides_differ"),
        sa.Index("transfers_user_id_transferred_at_idx", "user_id", "transferred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    from_asset: Mapped[str] = mapped_column(sa.Text)
    to_asset: Mapped[str] = mapped_column(sa.Text)
    #: Minor units of either asset: both have eight decimals of a troy ounce.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    transferred_at: Mapped[datetime] = mapped_column(Instant)


class DepositRow(Base):
    """Money that a customer announced, or that arrived."""

    __tablename__ = "deposits"
    __table_args__ = (
        sa.CheckConstraint(_METHODS, name="deposit_method_known"),
        sa.CheckConstraint(
            "status IN ('requested', 'unknown', 'pending', 'credited', 'disputed', 'taken_back',"
            " 'failed', 'cancelled')",
            name="deposit_status_known",
        ),
        sa.CheckConstraint("asked_units > 0", name="deposit_asks_for_something"),
        sa.CheckConstraint("credited_units > 0", name="deposit_credits_something"),
        sa.CheckConstraint("cost_units >= 0", name="deposit_cost_not_negative"),
        sa.CheckConstraint("usd_units >= 0", name="deposit_worth_not_negative"),
        sa.CheckConstraint("fee_units >= 0", name="deposit_fee_not_negative"),
        sa.CheckConstraint(
            "fee_units <= coalesce(credited_units, asked_units)", name="deposit_covers_its_fee"
        ),
        sa.CheckConstraint(f"({_HAS_COME}) = (credited_at IS NOT NULL)", name="credited_says_when"),
        sa.CheckConstraint(
            "(credited_at IS NULL) = (credited_units IS NULL)", name="credited_says_how_much"
        ),
        sa.CheckConstraint(
            "credited_at IS NULL OR provider_ref IS NOT NULL", name="credited_has_evidence"
        ),
        sa.CheckConstraint(
            "asked_units IS NOT NULL OR credited_units IS NOT NULL", name="deposit_has_an_amount"
        ),
        sa.UniqueConstraint("provider", "provider_ref", name="deposits_provider_provider_ref_key"),
        sa.Index("deposits_user_id_id_idx", "user_id", "id"),
        sa.Index(
            "deposits_source_index_idx",
            "source_index",
            postgresql_where=sa.text("source_index IS NOT NULL"),
        ),
        sa.Index("deposits_requested_at_id_idx", "requested_at", "id"),
        sa.Index("deposits_status_requested_at_id_idx", "status", "requested_at", "id"),
        sa.Index("deposits_method_requested_at_id_idx", "method", "requested_at", "id"),
        sa.Index(
            "deposits_provider_ref_idx",
            "provider_ref",
            postgresql_where=sa.text("provider_ref IS NOT NULL"),
        ),
        sa.Index(
            "deposits_open_looked_at_idx",
            "looked_at",
            postgresql_where=sa.text("status IN ('requested', 'unknown', 'pending')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    method: Mapped[PaymentMethod] = mapped_column(StoredEnum(PaymentMethod))
    asset: Mapped[str] = mapped_column(sa.Text)
    #: Minor units, like all amounts here. Null for money that was not announced.
    asked_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    credited_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: The value in cents, as limits count it: at the credit, until then at the announcement.
    usd_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The provider's fee, kept from the payment.
    cost_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: Our fee, taken from the amount: the one agreed to until the money has arrived.
    fee_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    status: Mapped[DepositStatus] = mapped_column(StoredEnum(DepositStatus))
    provider: Mapped[str] = mapped_column(sa.Text)
    #: The provider's id of the payment, once known.
    provider_ref: Mapped[str | None] = mapped_column(sa.Text)
    #: The processor's token of a card, or a phone number; cleared once the deposit has ended.
    source_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: Blind index of the phone that mobile money prompts; cleared with the number.
    source_index: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: What the customer needs to complete the payment: an account to send to, a client secret.
    instructions_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: Why the deposit failed.
    code: Mapped[str | None] = mapped_column(sa.Text)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    #: When the provider was first called.
    opened_at: Mapped[datetime | None] = mapped_column(Instant)
    looked_at: Mapped[datetime] = mapped_column(Instant)
    credited_at: Mapped[datetime | None] = mapped_column(Instant)


class DepositEvent(Base):
    """A change of a deposit's status, with its evidence."""

    __tablename__ = "deposit_events"
    __table_args__ = (sa.Index("deposit_events_deposit_id_id_idx", "deposit_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    deposit_id: Mapped[UUID] = mapped_column(sa.ForeignKey("deposits.id"))
    from_status: Mapped[DepositStatus | None] = mapped_column(StoredEnum(DepositStatus))
    to_status: Mapped[DepositStatus] = mapped_column(StoredEnum(DepositStatus))
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(Instant)


class VirtualAccountRow(Base):
    """A virtual account at a provider that one customer can send to."""

    __tablename__ = "given_accounts"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "method", name="given_accounts_user_id_method_key"),
        sa.UniqueConstraint(
            "provider", "account_ref", name="given_accounts_provider_account_ref_key"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    method: Mapped[str] = mapped_column(sa.Text)
    provider: Mapped[str] = mapped_column(sa.Text)
    account_ref: Mapped[str] = mapped_column(sa.Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    given_at: Mapped[datetime] = mapped_column(Instant)


class DisputeRow(Base):
    """A part of a deposit that is taken back: by the customer's bank, or by a refund."""

    __tablename__ = "disputes"
    __table_args__ = (
        sa.CheckConstraint("status IN ('open', 'won', 'lost')", name="dispute_status_known"),
        sa.CheckConstraint("kind IN ('dispute', 'refund')", name="dispute_kind_known"),
        sa.CheckConstraint("units > 0", name="dispute_is_about_something"),
        sa.CheckConstraint("cost_units >= 0", name="dispute_cost_not_negative"),
        sa.CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="open_until_closed"),
        sa.UniqueConstraint("provider", "provider_ref", name="disputes_provider_provider_ref_key"),
        sa.Index("disputes_deposit_id_idx", "deposit_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    deposit_id: Mapped[UUID] = mapped_column(sa.ForeignKey("deposits.id"))
    provider: Mapped[str] = mapped_column(sa.Text)
    provider_ref: Mapped[str] = mapped_column(sa.Text)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    cost_units: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[DisputeStatus] = mapped_column(StoredEnum(DisputeStatus))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("'dispute'"))
    #: How often its status or cost changed: an answer from before the last change is old.
    changes: Mapped[int] = mapped_column(server_default=sa.text("1"))


class CardRefundRow(Base):
    """A part of a card payment that we give back to its card. It is held until that is done."""

    __tablename__ = "card_refunds"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('requested', 'refunded', 'failed')", name="card_refund_status_known"
        ),
        sa.CheckConstraint("units > 0", name="card_refund_gives_back_something"),
        sa.CheckConstraint(
            "status <> 'refunded' OR provider_ref IS NOT NULL", name="made_refund_has_evidence"
        ),
        sa.Index("card_refunds_deposit_id_idx", "deposit_id"),
        sa.Index("card_refunds_user_id_idx", "user_id", "id"),
        sa.Index("card_refunds_because_of_idx", "because_of"),
        sa.Index(
            "card_refunds_open_looked_at_idx",
            "looked_at",
            postgresql_where=sa.text("status = 'requested'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    deposit_id: Mapped[UUID] = mapped_column(sa.ForeignKey("deposits.id"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: Cents.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[CardRefundStatus] = mapped_column(StoredEnum(CardRefundStatus))
    #: The public id of the act that gives the money back.
    because_of: Mapped[str] = mapped_column(sa.Text)
    hold_id: Mapped[UUID] = mapped_column(sa.ForeignKey("holds.id"), unique=True)
    provider_ref: Mapped[str | None] = mapped_column(sa.Text)
    code: Mapped[str | None] = mapped_column(sa.Text)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    #: When the processor was first called, before each call that may make a refund.
    opened_at: Mapped[datetime | None] = mapped_column(Instant)
    looked_at: Mapped[datetime] = mapped_column(Instant)


class WithdrawalRow(Base):
    """Money that a customer withdraws. It is held until it is paid out or released."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        sa.CheckConstraint(_METHODS, name="withdrawal_method_known"),
        sa.CheckConstraint(
            "status IN ('in_review', 'awaiting_approval', 'approved', 'sending', 'unknown', 'sent',"
            " 'completed', 'returned', 'failed', 'rejected', 'cancelled')",
            name="withdrawal_status_known",
        ),
        sa.CheckConstraint("units > 0", name="withdrawal_pays_something"),
        sa.CheckConstraint("usd_units >= 0", name="withdrawal_worth_not_negative"),
        sa.CheckConstraint(
            "fee_units >= 0 AND fee_units < units", name="withdrawal_leaves_something"
        ),
        sa.CheckConstraint(
            "status NOT IN ('sent', 'completed', 'returned') OR provider_ref IS NOT NULL",
            name="sent_has_evidence",
        ),
        sa.CheckConstraint(
            "(status IN ('completed', 'returned')) = (completed_at IS NOT NULL)",
            name="completed_says_when",
        ),
        sa.Index("withdrawals_user_id_id_idx", "user_id", "id"),
        sa.Index("withdrawals_requested_at_id_idx", "requested_at", "id"),
        sa.Index("withdrawals_status_requested_at_id_idx", "status", "requested_at", "id"),
        sa.Index("withdrawals_method_requested_at_id_idx", "method", "requested_at", "id"),
        sa.Index(
            "withdrawals_under_way_looked_at_idx",
            "looked_at",
            postgresql_where=sa.text(
                "status IN ('in_review', 'approved', 'sending', 'unknown', 'sent')"
            ),
        ),
        sa.Index("withdrawals_user_id_destination_index_idx", "user_id", "destination_index"),
        sa.Index("withdrawals_provider_provider_ref_idx", "provider", "provider_ref"),
        sa.Index(
            "withdrawals_provider_ref_idx",
            "provider_ref",
            postgresql_where=sa.text("provider_ref IS NOT NULL"),
        ),
        sa.Index("withdrawals_last_four_idx", sa.text('"right"(destination_masked, 4)')),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    method: Mapped[PaymentMethod] = mapped_column(StoredEnum(PaymentMethod))
    asset: Mapped[str] = mapped_column(sa.Text)
    #: What leaves the customer's account.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Our fee, taken from these units: the rest is paid out.
    fee_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: The value in cents at the request, as limits count it.
    usd_units: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[WithdrawalStatus] = mapped_column(StoredEnum(WithdrawalStatus))
    destination_sealed: Mapped[bytes] = mapped_column(Sealed)
    #: It is not sent before: a while after the first use of its destination.
    payable_from: Mapped[datetime] = mapped_column(Instant)
    #: Blind index: equal for equal destinations.
    destination_index: Mapped[bytes] = mapped_column(sa.LargeBinary)
    destination_masked: Mapped[str] = mapped_column(sa.Text)
    provider: Mapped[str] = mapped_column(sa.Text)
    provider_ref: Mapped[str | None] = mapped_column(sa.Text)
    code: Mapped[str | None] = mapped_column(sa.Text)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    looked_at: Mapped[datetime] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)


class WithdrawalEvent(Base):
    """A change of a withdrawal's status, with the actor and the evidence."""

    __tablename__ = "withdrawal_events"
    __table_args__ = (sa.Index("withdrawal_events_withdrawal_id_id_idx", "withdrawal_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    withdrawal_id: Mapped[UUID] = mapped_column(sa.ForeignKey("withdrawals.id"))
    from_status: Mapped[WithdrawalStatus | None] = mapped_column(StoredEnum(WithdrawalStatus))
    to_status: Mapped[WithdrawalStatus] = mapped_column(StoredEnum(WithdrawalStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(Instant)
