"""Tables of the ledger. The application reads them; only the database's ledger functions write."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, XactId


class AccountClassRow(Base):
    """A class of the chart of accounts. Accounts of a guarded class cannot go below zero."""

    __tablename__ = "account_classes"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('asset', 'liability', 'equity', 'income', 'expense')", name="kind_known"
        ),
    )

    code: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    guarded: Mapped[bool]
    name: Mapped[str] = mapped_column(sa.Text)


class Account(Base):
    """An account: one class, one owner, one asset. Opened by its first posting."""

    __tablename__ = "accounts"
    __table_args__ = (
        sa.UniqueConstraint("owner_id", "class", "asset"),
        sa.CheckConstraint("normal IN (1, -1)", name="normal_is_a_sign"),
        sa.Index(
            "accounts_of_goods_idx",
            "asset",
            postgresql_where=sa.text(
                "class IN ('stock.available', 'stock.quarantine', 'stock.in_transit',"
                " 'stock.allocated', 'stock.picked', 'stock.shipped')"
            ),
        ),
        sa.Index(
            "accounts_of_the_exchange_idx",
            "id",
            postgresql_where=sa.text(
                "class NOT IN ('customer.funding', 'customer.trading', 'customer.goods',"
                " 'stock.available', 'stock.quarantine', 'stock.in_transit', 'stock.allocated',"
                " 'stock.picked', 'stock.shipped', 'stock.position')"
            ),
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    account_class: Mapped[str] = mapped_column("class", sa.ForeignKey("account_classes.code"))
    #: A person, a provider, …; the nil UUID is PBCEx itself.
    owner_id: Mapped[UUID]
    asset: Mapped[str] = mapped_column(sa.ForeignKey("assets.code"))
    guarded: Mapped[bool]
    #: 1 where debits increase the balance, -1 where credits do.
    normal: Mapped[int] = mapped_column(sa.SmallInteger)
    opened_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()")
    )


class Entry(Base):
    """A fact with its postings. `reference` makes it happen once; `cause` says why."""

    __tablename__ = "entries"
    __table_args__ = (
        sa.Index("entries_xid_idx", "xid"),
        sa.Index(
            "entries_posted_at_idx",
            "posted_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
        sa.Index(
            "entries_reversed_once",
            "reverses_id",
            unique=True,
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    cause: Mapped[str] = mapped_column(sa.Text)
    reference: Mapped[str] = mapped_column(sa.Text, unique=True)
    #: The entry that this one reverses. An entry is reversed at most once.
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("entries.id"))
    #: When it happened, by the application's clock.
    posted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: When the database wrote it.
    recorded_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()")
    )
    #: The transaction that wrote it: the roll-up's watermark.
    xid: Mapped[int] = mapped_column(XactId(), server_default=sa.text("pg_current_xact_id()"))


class Posting(Base):
    """The units that one entry moves on one account: debit positive, credit negative."""

    __tablename__ = "postings"
    __table_args__ = (
        sa.CheckConstraint("units <> 0", name="posting_moves_something"),
        sa.Index("postings_account_id_entry_id_idx", "account_id", "entry_id"),
    )

    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entries.id"), primary_key=True)
    #: An account's id, without a foreign key: a posting never locks a house account's row.
    account_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    units: Mapped[int] = mapped_column(sa.BigInteger)


class Balance(Base):
    """The guarded balance of an account, in its normal direction."""

    __tablename__ = "balances"
    __table_args__ = (
        sa.CheckConstraint(
            "held >= 0 AND least(owed, posted - held) = 0",
            name="available_not_negative",
        ),
    )

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"), primary_key=True)
    posted: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    held: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: The balance of the owner's receivable in this asset. While it is above zero, whatever comes
    #: free on this account goes to it in the same transaction.
    owed: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))


class Hold(Base):
    """Units set aside: pending until posted (all or part), voided or expired."""

    __tablename__ = "holds"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="hold_is_positive"),
        sa.CheckConstraint(
            "status IN ('pending', 'posted', 'voided', 'expired')", name="hold_status_known"
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status = 'pending')", name="settled_at_unless_pending"
        ),
        sa.CheckConstraint("(entry_id IS NOT NULL) = (status = 'posted')", name="entry_if_posted"),
        sa.Index(
            "holds_pending_expires_at_idx",
            "expires_at",
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index(
            "holds_pending_account_id_idx",
            "account_id",
            postgresql_where=sa.text("status = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    cause: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("'pending'"))
    placed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    entry_id: Mapped[int | None] = mapped_column(sa.ForeignKey("entries.id"))


class AccountClosing(Base):
    """A customer's account in one asset at the end of a period whose statement was issued.

    Entries after `last_entry_id` belong to later periods, whatever their time.
    """

    __tablename__ = "account_closings"
    __table_args__ = (sa.CheckConstraint("held >= 0", name="closing_held_not_negative"),)

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(sa.ForeignKey("assets.code"), primary_key=True)
    #: The end of the period, which does not belong to it.
    ends_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), primary_key=True)
    last_entry_id: Mapped[int] = mapped_column(sa.BigInteger)
    held: Mapped[int] = mapped_column(sa.BigInteger)
    closed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Rollup(Base):
    """Units of a house account up to the watermark, debit positive. Reads add what came since."""

    __tablename__ = "rollups"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"), primary_key=True)
    units: Mapped[int] = mapped_column(postgresql.NUMERIC)


class DailyTotal(Base):
    """Units that moved on one day (UTC) up to the watermark, debit positive, by class, owner and
    asset. Customers' accounts of a class are one total, of the nil owner; goods have none."""

    __tablename__ = "daily_totals"

    day: Mapped[date] = mapped_column(primary_key=True)
    account_class: Mapped[str] = mapped_column(
        "class", sa.ForeignKey("account_classes.code"), primary_key=True
    )
    #: Who owns the house accounts: a branch, a provider, or the nil UUID.
    owner: Mapped[UUID] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(sa.ForeignKey("assets.code"), primary_key=True)
    units: Mapped[int] = mapped_column(postgresql.NUMERIC)


class RollupWatermark(Base):
    """The transaction up to which roll-ups and daily totals reach: every one below `xid` is
    included."""

    __tablename__ = "rollup_watermark"
    __table_args__ = (sa.CheckConstraint("singleton", name="one_watermark"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=sa.text("true"))
    xid: Mapped[int] = mapped_column(XactId())
