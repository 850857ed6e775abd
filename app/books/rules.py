"""What the books say at an instant, and over a period. Pure.

Rounding: the units of a class, branch and asset are valued at the mid of the instant and rounded
once, half away from zero. Every other figure is a sum of these, so branches add up to the whole.
The result of metals and tokens at market is what closes a statement: net assets less capital, less
income, plus expenses. The residues of rounding are therefore in that line, and in no other.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import DOLLARS, USD, Priced
from app.kit.labels import LabelledEnum
from app.kit.money import Amount, Asset, Rounding
from app.ledger.chart import AccountClass
from app.pricing.valuation import value_in_usd

#: What conversions and goods pass through: the balance is a result at market, and no capital.
TRADED_CLASSES = (AccountClass.POSITION, AccountClass.BACKING, AccountClass.STOCK_POSITION)
_DUE = "head_office"


class AccountKind(LabelledEnum):
    """The five kinds of accounts."""

    ASSET = "asset", "Assets"
    LIABILITY = "liability", "Liabilities"
    EQUITY = "equity", "Equity"
    INCOME = "income", "Income"
    EXPENSE = "expense", "Expenses"

    @property
    def sign(self) -> int:
        """1 where debits increase the balance, -1 where credits do."""
        return 1 if self in {AccountKind.ASSET, AccountKind.EXPENSE} else -1


class BookLine(NamedTuple):
    """The units of a class, branch and asset: debit positive."""

    kind: AccountKind
    account_class: str
    name: str
    branch_id: UUID
    asset: Asset
    units: int


class CapitalMovement(NamedTuple):
    """What owners paid in other than dollars, in cents at the price of that moment."""

    branch_id: UUID
    posted_at: datetime
    cents: int


@dataclass(frozen=True, slots=True)
class BooksAt:
    """The books before an instant, with the prices of then."""

    instant: datetime
    lines: Sequence[BookLine]
    prices: Mapping[Priced, Decimal]
    capital: Sequence[CapitalMovement] = ()
    #: The part of the lines that came by adjusting entries.
    adjusting: Sequence[BookLine] = ()

    def of(self, branch_ids: Collection[UUID] | None) -> "BooksAt":
        """Return the part of these branches; None means all. What a branch has of another one is
        in a line of its own, so that each asset sums to zero."""
        lines = [*self.lines, *_balances_with_head_office(self.lines)]
        if branch_ids is None:
            return BooksAt(self.instant, lines, self.prices, self.capital, self.adjusting)
        return BooksAt(
            self.instant,
            [line for line in lines if line.branch_id in branch_ids],
            self.prices,
            [each for each in self.capital if each.branch_id in branch_ids],
            [line for line in self.adjusting if line.branch_id in branch_ids],
        )

    def unpriced(self) -> list[Asset]:
        """Return the assets that never had a price, without which nothing can be valued."""
        assets = {line.asset for line in self.lines}
        return sorted(
            (asset for asset in assets if value_in_cents(asset, 1, self.prices) is None),
            key=lambda asset: asset.code,
        )


class FigureLine(NamedTuple):
    """A line of a statement with an amount for each column. `account_class` names the accounts
    whose entries it sums; None for a line that is calculated."""

    name: str
    amounts: tuple[Amount, ...]
    account_class: str | None = None


class Section(NamedTuple):
    """Lines with their total."""

    title: str
    lines: tuple[FigureLine, ...]
    total: tuple[Amount, ...]


class BalanceSheet(NamedTuple):
    """Assets = liabilities + equity, in each column."""

    assets: Section
    liabilities: Section
    equity: Section


class IncomeStatement(NamedTuple):
    """Net result = income - expenses + the result of metals and tokens at market."""

    income: Section
    expenses: Section
    operating: FigureLine
    at_market: FigureLine
    net: FigureLine


class TrialLine(NamedTuple):
    """A class and asset in the trial balance. `adjusting` is the part that came by adjusting
    entries; debit positive."""

    kind: AccountKind
    #: None for a line that is calculated.
    account_class: str | None
    name: str
    balance: Amount
    adjusting: Amount
    value: Amount | None

    @property
    def before(self) -> Amount:
        """The balance without adjusting entries."""
        return self.balance - self.adjusting


def value_in_cents(asset: Asset, units: int, prices: Mapping[Priced, Decimal]) -> int | None:
    """Return what these units are worth, in cents; None if they never had a price."""
    value = value_in_usd([Amount(asset, units)], prices, Rounding.HALF_UP)
    return None if value is None else value.units


def balance_sheet(columns: Sequence[BooksAt]) -> BalanceSheet:
    """Return the balance sheet with a column for each instant. Everything in it has a price."""
    operating = [
        _total(column, AccountKind.INCOME) - _total(column, AccountKind.EXPENSE)
        for column in columns
    ]
    capital = [_paid_in(column) for column in columns]
    net = [_net_assets(column) for column in columns]
    equity = (
        FigureLine("Capital paid in", _dollars(capital), AccountClass.CAPITAL),
        FigureLine("Income less expenses", _dollars(operating)),
        FigureLine(
            "Metals and tokens at market, unrealised",
            _dollars(a - b - c for a, b, c in zip(net, capital, operating, strict=True)),
            AccountClass.POSITION,
        ),
    )
    return BalanceSheet(
        _section(AccountKind.ASSET, columns),
        _section(AccountKind.LIABILITY, columns),
        Section("Equity", equity, _dollars(net)),
    )


def income_statement(periods: Sequence[tuple[BooksAt, BooksAt]]) -> IncomeStatement:
    """Return the income statement with a column for each period. What was earned in metal counts at
    the price of the period's end."""
    moved = [_movement(start, end) for start, end in periods]
    income, expenses = (_section(kind, moved) for kind in (AccountKind.INCOME, AccountKind.EXPENSE))
    operating = [
        gained.units - spent.units
        for gained, spent in zip(income.total, expenses.total, strict=True)
    ]
    net = [
        _net_assets(end) - _net_assets(start) - (_paid_in(end) - _paid_in(start))
        for start, end in periods
    ]
    return IncomeStatement(
        income,
        expenses,
        FigureLine("Income less expenses", _dollars(operating)),
        FigureLine(
            "Metals and tokens at market, unrealised",
            _dollars(total - part for total, part in zip(net, operating, strict=True)),
            AccountClass.POSITION,
        ),
        FigureLine("Net result", _dollars(net)),
    )


def trial_balance(books: BooksAt) -> list[TrialLine]:
    """Return the balance of each class and asset. They sum to zero in each asset."""
    names = {
        line.account_class: (line.kind, line.name) for line in (*books.lines, *books.adjusting)
    }
    units, adjusting = _sum_by_class(books.lines), _sum_by_class(books.adjusting)
    values: dict[tuple[str, Asset], int | None] = {}
    for line in books.lines:
        key, cents = (line.account_class, line.asset), _cents(line, books.prices)
        before = values.get(key, 0)
        values[key] = None if cents is None or before is None else before + cents
    kinds = list(AccountKind)

    def place(key: tuple[str, Asset]) -> tuple[int, str, str]:
        account_class, asset = key
        kind, _name = names[account_class]
        return (kinds.index(kind), account_class, asset.code)

    trial = []
    for account_class, asset in sorted(units.keys() | adjusting.keys(), key=place):
        kind, name = names[account_class]
        cents = values.get((account_class, asset), 0)
        balance, adjusted = (
            Amount(asset, totals[account_class, asset]) for totals in (units, adjusting)
        )
        if balance or adjusted:
            value = None if cents is None else Amount(USD, cents)
            code = None if account_class == _DUE else account_class
            trial.append(TrialLine(kind, code, name, balance, adjusted, value))
    return trial


def _sum_by_class(lines: Iterable[BookLine]) -> Counter[tuple[str, Asset]]:
    totals: Counter[tuple[str, Asset]] = Counter()
    for line in lines:
        totals[line.account_class, line.asset] += line.units
    return totals


def _balances_with_head_office(lines: Iterable[BookLine]) -> list[BookLine]:
    """Return what each branch owes head office in each asset, and the mirror of it there."""
    rest: Counter[tuple[UUID, Asset]] = Counter()
    for line in lines:
        if line.branch_id != HEAD_OFFICE:
            rest[line.branch_id, line.asset] -= line.units
    return [
        BookLine(AccountKind.LIABILITY, _DUE, "Owed to head office", branch_id, asset, units)
        for (of_branch, asset), total in rest.items()
        if total
        for branch_id, units in ((of_branch, total), (HEAD_OFFICE, -total))
    ]


def _cents(line: BookLine, prices: Mapping[Priced, Decimal]) -> int | None:
    return value_in_cents(line.asset, line.units, prices)


def _valued(books: BooksAt, kind: AccountKind) -> Counter[str]:
    """Return the cents of each class of a kind, in its normal direction."""
    totals: Counter[str] = Counter()
    for line in books.lines:
        if line.kind is kind:
            cents = _cents(line, books.prices)
            assert cents is not None, line
            totals[line.account_class] += kind.sign * cents
    return totals


def _total(books: BooksAt, kind: AccountKind) -> int:
    return sum(_valued(books, kind).values())


def _net_assets(books: BooksAt) -> int:
    return _total(books, AccountKind.ASSET) - _total(books, AccountKind.LIABILITY)


def _paid_in(books: BooksAt) -> int:
    """Return the cents that owners paid in: dollars as they are, other assets at the price of the
    moment when they came."""
    dollars = sum(
        _cents(line, books.prices) or 0
        for line in books.lines
        if line.kind is AccountKind.EQUITY
        and line.account_class not in TRADED_CLASSES
        and line.asset in DOLLARS
    )
    others = sum(each.cents for each in books.capital if each.posted_at < books.instant)
    return others - dollars


def _movement(start: BooksAt, end: BooksAt) -> BooksAt:
    """Return what moved between two instants, at the prices of the later one."""
    moved: Counter[tuple[AccountKind, str, str, UUID, Asset]] = Counter()
    for sign, books in ((-1, start), (1, end)):
        for line in books.lines:
            if line.kind in {AccountKind.INCOME, AccountKind.EXPENSE}:
                moved[line[:5]] += sign * line.units
    lines = [BookLine(*key, units) for key, units in moved.items()]
    return BooksAt(end.instant, lines, end.prices)


def _section(kind: AccountKind, columns: Sequence[BooksAt]) -> Section:
    names = {line.account_class: line.name for column in columns for line in column.lines}
    values = [_valued(column, kind) for column in columns]
    classes = sorted({name for column in values for name, cents in column.items() if cents})
    return Section(
        kind.label,
        tuple(
            FigureLine(
                names[each],
                _dollars(column[each] for column in values),
                None if each == _DUE else each,
            )
            for each in classes
        ),
        _dollars(sum(column.values()) for column in values),
    )


def _dollars(cents: Iterable[int]) -> tuple[Amount, ...]:
    return tuple(Amount(USD, each) for each in cents)
