"""Everything that happened to a customer, newest first: entries of many rooms in one list.

A page of it is one statement. Each source gives its newest entries before an id, and ids sort by
the time when they were made, in all tables alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.cases import registry as cases_registry
from app.cases.models import Case
from app.cases.service import PREFIX as CASE_PREFIX
from app.catalog.rules import TRADABLE, USD
from app.funding.deposits.service import PREFIX as DEPOSIT_PREFIX
from app.funding.models import DepositRow, WithdrawalRow
from app.funding.withdrawals.service import PREFIX as WITHDRAWAL_PREFIX
from app.helpdesk.customers.rules import TimelineKind
from app.identity.models import LoginSession
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.labels import LabelledEnum, StatusEnum
from app.kit.list_query import ListColumn
from app.kit.money import Amount
from app.kit.pagination import Page, paginate
from app.kit.statements import AnySelect, CompiledSelect, StoredEnum, any_of, compile_select
from app.kyc.models import Verification
from app.kyc.queries import PREFIX as VERIFICATION_PREFIX
from app.messages.models import Message
from app.redemption.quotes.models import RedemptionQuoteRow
from app.redemption.requests.models import RedemptionRow
from app.redemption.requests.rules import PREFIX as REDEMPTION_PREFIX
from app.shop.orders.models import ShopOrder
from app.shop.orders.rules import PREFIX as ORDER_PREFIX
from app.trading.models import OrderRow

_ID_MAX = UUID(int=2**128 - 1)
#: The columns of every source.
_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = MappingProxyType(
    {
        "at": sa.DateTime(timezone=True),
        "text": sa.Text(),
        "status": sa.Text(),
        "asset": sa.Text(),
        "units": sa.BigInteger(),
    }
)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened. `public_id` is None for what has no page of its own."""

    id: UUID
    kind: TimelineKind
    at: datetime
    text: str
    status: StatusEnum | None = None
    amount: Amount | None = None
    public_id: PublicId | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    kind: TimelineKind
    #: That of the public ids of rows that have a page.
    prefix: str | None
    #: The id, and the columns of `_TYPES`: members as they are stored.
    select: AnySelect
    #: What the text and the status are members of.
    text_type: type[LabelledEnum] | None
    status_type: type[StatusEnum] | None

    def make_entry(
        self,
        *,
        entry_id: UUID,
        at: datetime,
        text: str | None,
        status: str | None,
        asset: str | None,
        units: int | None,
    ) -> TimelineEntry:
        """Return the entry of a row."""
        return TimelineEntry(
            entry_id,
            self.kind,
            at,
            self.text_type(text).label if self.text_type and text else text or "",
            self.status_type(status) if self.status_type and status else None,
            None if units is None else Amount(TRADABLE[asset or USD.code], units),
            None if self.prefix is None else ids.encode(self.prefix, entry_id),
        )


def _source(
    kind: TimelineKind,
    prefix: str | None,
    select: AnySelect,
    *,
    key: ListColumn,
    owner: ListColumn,
) -> _Source:
    """Return a source of the newest rows of a person, `owner`, before an id.

    `select` has the column `at`, and those of `text`, `status`, `asset` and `units` that its
    entries have.
    """
    found = select.selected_columns
    columns = [
        sa.cast(found[name] if name in found else sa.null(), column_type).label(name)
        for name, column_type in _TYPES.items()
    ]
    newest = (
        select.with_only_columns(
            sa.literal_column(f"'{kind}'", sa.Text).label("kind"),
            key.label("entry_id"),
            *columns,
            maintain_column_froms=True,
        )
        .where(owner == sa.bindparam("person_id"), key < sa.bindparam("before"))
        .order_by(key.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    return _Source(kind, prefix, newest, _members(found, "text"), _members(found, "status"))


def _members(columns: Any, name: str) -> Any:
    """Return the enum of the members in a column; None for another one."""
    column_type = columns[name].type if name in columns else None
    return column_type.members if isinstance(column_type, StoredEnum) else None


def _payment_columns(table: type[DepositRow | WithdrawalRow]) -> tuple[Any, ...]:
    return (
        table.requested_at.label("at"),
        table.status,
        table.method.label("text"),
        table.asset,
    )


_SOURCES = (
    _source(
        TimelineKind.ORDER,
        ORDER_PREFIX,
        sa.select(
            ShopOrder.placed_at.label("at"),
            ShopOrder.status,
            sa.cast(ShopOrder.number, sa.Text).label("text"),
            ShopOrder.total_units.label("units"),
        ),
        key=ShopOrder.id,
        owner=ShopOrder.user_id,
    ),
    _source(
        TimelineKind.REDEMPTION,
        REDEMPTION_PREFIX,
        sa.select(
            RedemptionRow.submitted_at.label("at"),
            RedemptionRow.status,
            RedemptionQuoteRow.asset,
            RedemptionQuoteRow.amount_units.label("units"),
        ).join_from(
            RedemptionRow, RedemptionQuoteRow, RedemptionQuoteRow.id == RedemptionRow.quote_id
        ),
        key=RedemptionRow.id,
        owner=RedemptionRow.user_id,
    ),
    _source(
        TimelineKind.DEPOSIT,
        DEPOSIT_PREFIX,
        sa.select(
            *_payment_columns(DepositRow),
            sa.func.coalesce(DepositRow.credited_units, DepositRow.asked_units).label("units"),
        ),
        key=DepositRow.id,
        owner=DepositRow.user_id,
    ),
    _source(
        TimelineKind.WITHDRAWAL,
        WITHDRAWAL_PREFIX,
        sa.select(*_payment_columns(WithdrawalRow), WithdrawalRow.units),
        key=WithdrawalRow.id,
        owner=WithdrawalRow.user_id,
    ),
    _source(
        TimelineKind.TRADE,
        None,
        sa.select(
            OrderRow.executed_at.label("at"),
            sa.func.concat(OrderRow.from_asset, " to ", OrderRow.to_asset).label("text"),
            OrderRow.from_asset.label("asset"),
            OrderRow.given_units.label("units"),
        ),
        key=OrderRow.id,
        owner=OrderRow.user_id,
    ),
    _source(
        TimelineKind.VERIFICATION,
        VERIFICATION_PREFIX,
        sa.select(
            Verification.submitted_at.label("at"),
            Verification.status,
            Verification.kind.label("text"),
        ),
        key=Verification.id,
        owner=Verification.user_id,
    ),
    _source(
        TimelineKind.MESSAGE,
        None,
        sa.select(Message.created_at.label("at"), Message.subject.label("text")),
        key=Message.id,
        owner=Message.user_id,
    ),
    _source(
        TimelineKind.SIGN_IN,
        None,
        sa.select(
            LoginSession.created_at.label("at"),
            sa.func.coalesce(LoginSession.network, "By a program").label("text"),
        ),
        key=LoginSession.id,
        owner=LoginSession.user_id,
    ),
    _source(
        TimelineKind.CASE,
        CASE_PREFIX,
        sa.select(
            Case.opened_at.label("at"), Case.state.label("status"), Case.title.label("text")
        ).where(sa.not_(Case.kind == any_of("hidden_kinds", sa.Text))),
        key=Case.id,
        owner=Case.person_id,
    ),
)


_BY_KIND = {source.kind: source for source in _SOURCES}


def list_kinds(actor: Actor) -> list[TimelineKind]:
    """Return the kinds of entries that the actor may see."""
    return [kind for kind in TimelineKind if kind.permission in actor.permissions]


def list_entries(
    session: Session,
    actor: Actor,
    person_id: UUID,
    *,
    kinds: Sequence[TimelineKind],
    limit: int,
    before: UUID | None = None,
) -> Page[TimelineEntry]:
    """Return a page of the entries of these kinds that the actor may see, newest first; with
    `before`, only older ones than that."""
    wanted = frozenset(kinds) & frozenset(list_kinds(actor))
    if not wanted:
        return Page([], None)
    statement = _compile(wanted)
    values: dict[str, object] = {
        "person_id": person_id,
        "before": before or _ID_MAX,
        "limit": limit + 1,
        "hidden_kinds": cases_registry.hidden_kinds(actor),
    }
    needed = {name: values[name] for name in statement.parameters}
    entries = session.select(_make_entry, statement, **needed)
    return paginate(entries, limit, lambda entry: entry.id)


@cache
def _compile(kinds: frozenset[TimelineKind]) -> CompiledSelect:
    """Return the statement of the newest entries of these kinds, newest first."""
    selects = [source.select for kind, source in _BY_KIND.items() if kind in kinds]
    entries = sa.union_all(*selects).subquery("entries")
    newest = sa.select(entries).order_by(entries.c.entry_id.desc())
    return compile_select(newest.limit(sa.bindparam("limit", type_=sa.Integer)))


def _make_entry(kind: str, **columns: Any) -> TimelineEntry:
    return _BY_KIND[TimelineKind(kind)].make_entry(**columns)
