"""Reads of the books: statements at an instant, over a period, of a legal entity or branch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.approvals.models import Approval
from app.books import rules
from app.books.models import AdjustingEntry, BookClosing
from app.books.periods import BooksPeriod, ClosingStatus, ComparedPeriod
from app.books.rules import (
    TRADED_CLASSES,
    AccountKind,
    BalanceSheet,
    BookLine,
    BooksAt,
    CapitalMovement,
    IncomeStatement,
    TrialLine,
)
from app.branches.entities.models import LegalEntity
from app.branches.models import Branch
from app.branches.rules import HEAD_OFFICE
from app.branches.tills.models import Till
from app.catalog.provider_ids import PROVIDER_NAMES
from app.catalog.rules import DOLLARS, TRADABLE
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Asset
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.ledger.models import Account, AccountClassRow, Entry, Posting
from app.ledger.queries import ClassTotal
from app.pricing import queries as pricing_queries


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose books: of these branches, or all of them (None)."""

    key: str
    #: The code of the legal entity or branch.
    code: str
    name: str
    branch_ids: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class BooksStatement:
    """The statements of a period, with a second column for the one that it is compared with."""

    scope: Scope
    periods: tuple[BooksPeriod, ...]
    trial_balance: list[TrialLine]
    #: Both are None while an asset in the books never had a price.
    balance_sheet: BalanceSheet | None
    income_statement: IncomeStatement | None
    unpriced: list[Asset]


def list_scopes(session: Session) -> list[Scope]:
    """Return whose books can be read: everything, each legal entity, and each branch."""
    branches = _list_branches(session)
    of_entity: defaultdict[tuple[str, UUID], set[UUID]] = defaultdict(set)
    for branch in branches:
        of_entity[branch.entity_code, branch.entity_id].add(branch.id)
    return [
        Scope("all", "", "All legal entities", None),
        *(
            Scope(ids.encode("ent", entity_id), code, f"Legal entity {code}", frozenset(branch_ids))
            for (code, entity_id), branch_ids in sorted(of_entity.items())
        ),
        *(
            Scope(
                ids.encode("brn", branch.id),
                branch.code,
                f"{branch.code}: {branch.name}",
                frozenset({branch.id}),
            )
            for branch in branches
        ),
    ]


class _BranchOfEntity(NamedTuple):
    """A branch with its legal entity."""

    id: UUID
    code: str
    name: str
    entity_id: UUID
    entity_code: str


def _list_branches(session: Session) -> list[_BranchOfEntity]:
    """Return all branches in order of code: who may read the books may read all of them."""
    branches = sa.select(
        Branch.id,
        Branch.code,
        Branch.name,
        LegalEntity.id.label("entity_id"),
        LegalEntity.code.label("entity_code"),
    ).join(LegalEntity, LegalEntity.id == Branch.legal_entity_id)
    return session.select(_BranchOfEntity, branches.order_by(Branch.code))


def read_statement(
    session: Session, scope: Scope, period: BooksPeriod, comparison: ComparedPeriod
) -> BooksStatement:
    """Return the statements. Call it in one snapshot."""
    compared = comparison.of(period)
    periods = (period,) if compared is None else (period, compared)
    instants = [instant for each in periods for instant in (each.end, each.start)]
    whole = books_at(session, instants, _branches_of_owners(session))
    columns = [books.of(scope.branch_ids) for books in whole]
    ends, starts = columns[::2], columns[1::2]
    unpriced = sorted(
        {asset for books in whole for asset in books.unpriced()}, key=lambda asset: asset.code
    )
    return BooksStatement(
        scope,
        periods,
        rules.trial_balance(ends[0]),
        None if unpriced else rules.balance_sheet(ends),
        None if unpriced else rules.income_statement(list(zip(starts, ends, strict=True))),
        unpriced,
    )


def books_at(
    session: Session, instants: Sequence[datetime], branches: Mapping[UUID, UUID]
) -> list[BooksAt]:
    """Return the books before each instant. What no branch owns is head office's: cash with
    providers, and what is owed to customers."""
    totals = ledger_queries.totals_before(session, instants)
    capital = ledger_queries.equity_movements(
        session, max(instants), except_classes=TRADED_CLASSES, except_assets=DOLLARS
    )
    prices = pricing_queries.mids_at(
        session, [*instants, *(movement.posted_at for movement in capital)]
    )
    paid_in = [
        CapitalMovement(
            branches.get(movement.owner_id, HEAD_OFFICE),
            movement.posted_at,
            -(
                rules.value_in_cents(
                    TRADABLE[movement.asset], movement.units, prices[movement.posted_at]
                )
                or 0
            ),
        )
        for movement in capital
    ]
    return [
        BooksAt(
            instant,
            [_book_line(total, branches) for total in found],
            prices[instant],
            paid_in,
            [
                _book_line(total, branches)
                for total in session.select(ClassTotal, _ADJUSTED.where(Entry.posted_at < instant))
            ],
        )
        for instant, found in zip(instants, totals, strict=True)
    ]


#: What adjusting entries moved, in the form of the ledger's totals.
_ADJUSTED = (
    sa.select(
        AccountClassRow.kind,
        Account.account_class.label("account_class"),
        AccountClassRow.name,
        Account.owner_id,
        Account.asset,
        sa.cast(sa.func.sum(Posting.units), sa.BigInteger).label("units"),
    )
    .select_from(AdjustingEntry)
    .join(Entry, Entry.reference == AdjustingEntry.reference)
    .join(Posting, Posting.entry_id == Entry.id)
    .join(Account, Account.id == Posting.account_id)
    .join(AccountClassRow, AccountClassRow.code == Account.account_class)
    .group_by(
        AccountClassRow.kind,
        Account.account_class,
        AccountClassRow.name,
        Account.owner_id,
        Account.asset,
    )
)


def _branches_of_owners(session: Session) -> Mapping[UUID, UUID]:
    """Return the branch of each owner of accounts that is one, or a till of one."""
    tills = session.select(
        lambda till_id, branch_id: (till_id, branch_id),
        sa.select(Till.id.label("till_id"), Till.branch_id),
    )
    return {**{branch.id: branch.id for branch in _list_branches(session)}, **dict(tills)}


def _book_line(total: ClassTotal, branches: Mapping[UUID, UUID]) -> BookLine:
    return BookLine(
        AccountKind(total.kind),
        total.account_class,
        total.name,
        branches.get(total.owner_id, HEAD_OFFICE),
        TRADABLE[total.asset],
        total.units,
    )


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing of the books before an instant, with the people who decided it."""

    id: UUID
    ends_at: datetime
    closed_at: datetime
    maker_id: UUID
    checker_id: UUID
    reason: str
    reopened_at: datetime | None

    @property
    def status(self) -> ClosingStatus:
        """Whether it is in force."""
        return ClosingStatus.CLOSED if self.reopened_at is None else ClosingStatus.REOPENED

    @property
    def last_day(self) -> date:
        """The last day that is closed."""
        return (self.ends_at - timedelta(days=1)).date()


_CLOSING = sa.select(
    BookClosing.id,
    BookClosing.ends_at,
    BookClosing.closed_at,
    Approval.maker_id,
    Approval.checker_id,
    Approval.reason,
    BookClosing.reopened_at,
).join(Approval, Approval.id == BookClosing.approval_id)
_IN_FORCE = _CLOSING.where(BookClosing.reopened_at.is_(None)).order_by(BookClosing.ends_at.desc())
#: Every closing, also those that were reopened.
CLOSINGS = ListSource(
    Closing, _CLOSING, key=BookClosing.id, sorts={"closed": BookClosing.id}, filters={}
)


def find_last_closing(session: Session) -> Closing | None:
    """Return the closing in force that ends last."""
    return session.find(Closing, _IN_FORCE.limit(1))


def lock_last_closing(session: Session) -> Closing | None:
    """Return the closing in force that ends last, its row locked."""
    return session.find(Closing, _IN_FORCE.limit(1).with_for_update(of=BookClosing))


def find_closing_before(session: Session, instant: datetime) -> Closing | None:
    """Return the closing in force that ends last before an instant."""
    return session.find(Closing, _IN_FORCE.where(BookClosing.ends_at < instant).limit(1))


class HouseAccount(NamedTuple):
    """An account of PBCEx itself that can be adjusted. `key` is its class and owner."""

    key: str
    name: str


def list_house_accounts(session: Session) -> list[HouseAccount]:
    """Return the accounts that adjusting entries may use: of each branch, and with providers. Those
    of customers and goods are not among them."""
    names = dict(session.select(lambda code, name: (code, name), _HOUSE_CLASSES))
    branches = session.select(
        lambda branch_id, code: (branch_id, code),
        sa.select(Branch.id.label("branch_id"), Branch.code).order_by(Branch.code),
    )
    kept = session.select(lambda code, owner: (code, owner), _PROVIDER_ACCOUNTS)
    return [
        *(
            HouseAccount(f"{code}/{owner.hex}", f"{names[code]}, {PROVIDER_NAMES[owner]}")
            for code, owner in kept
        ),
        *(
            HouseAccount(f"{code}/{branch_id.hex}", f"{name}, {branch}")
            for code, name in names.items()
            if code not in _WITH_PROVIDERS
            for branch_id, branch in branches
        ),
    ]


_WITH_PROVIDERS = (AccountClass.CUSTODY, AccountClass.PROCESSOR, AccountClass.BANK)
_HOUSE_CLASSES = (
    sa.select(AccountClassRow.code, AccountClassRow.name)
    .where(
        AccountClassRow.guarded.is_(False),
        AccountClassRow.code.not_like("customer.%"),
        AccountClassRow.code.not_like("stock.%"),
    )
    .order_by(AccountClassRow.name)
)
_PROVIDER_ACCOUNTS = (
    sa.select(Account.account_class.label("code"), Account.owner_id.label("owner"))
    .where(Account.account_class.in_(_WITH_PROVIDERS), Account.owner_id.in_(PROVIDER_NAMES))
    .distinct()
    .order_by(Account.account_class, Account.owner_id)
)
