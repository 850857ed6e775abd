"""Export the journal for independent accounting programs: Beancount and hledger.

Both formats list every entry with its cause and reference, and end with an assertion of each
account's balance as our own tables hold it. A program that accepts the file has added up every
posting and found the same totals. Debits are positive in both formats and in our books.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from typing import ClassVar, NamedTuple, Protocol

from app.catalog import queries as catalog_queries
from app.catalog.provider_ids import PROVIDER_NAMES as PARTNERS
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger import queries as ledger_queries
from app.ledger.chart import HOUSE, AccountClass
from app.ledger.queries import AccountBalance, JournalPosting


class JournalFormat(StrEnum):
    """The programs that we export for."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


class AccountLine(NamedTuple):
    """One posting or balance as text."""

    account: str
    number: str
    commodity: str


class ExportStyle(Protocol):
    """How one program writes accounts, entries and assertions."""

    def line(self, item: "JournalPosting | AccountBalance") -> AccountLine:
        """Return the account and amount of a posting or balance."""
        ...

    def heading(self, accounts: Iterable[AccountBalance], first: date) -> Iterator[str]:
        """Yield the lines before the entries. `first` is the day of the first entry."""
        ...

    def entry(self, on: date, first: JournalPosting, lines: list[AccountLine]) -> Iterator[str]:
        """Yield the lines of one entry. `first` is any of its postings."""
        ...

    def assertion(self, on: date, line: AccountLine) -> Iterator[str]:
        """Yield an assertion of an account's balance at the start of a day."""
        ...


def export_journal(session: Session, journal_format: JournalFormat) -> Iterator[str]:
    """Yield the whole journal line by line. Call it in one repeatable-read transaction."""
    assets = catalog_queries.assets_by_code(session)
    is_beancount = journal_format is JournalFormat.BEANCOUNT
    style: ExportStyle = Beancount(assets) if is_beancount else Hledger(assets)
    accounts = ledger_queries.account_balances(session)
    first, last = ledger_queries.journal_dates(session)
    yield from style.heading(accounts, first)
    for _, group in groupby(ledger_queries.journal(session), key=lambda posting: posting.entry_id):
        postings = list(group)
        lines = [style.line(posting) for posting in postings]
        yield from style.entry(postings[0].posted_at.date(), postings[0], lines)
    for account in accounts:
        yield from style.assertion(last + timedelta(days=1), style.line(account))


#: What owns accounts of a class, by the prefix of its ids. Others are customers'.
_OWNERS = {
    AccountClass.STOCK_AVAILABLE: "loc",
    AccountClass.STOCK_QUARANTINE: "loc",
    AccountClass.STOCK_IN_TRANSIT: "loc",
    AccountClass.STOCK_ALLOCATED: "loc",
    AccountClass.STOCK_PICKED: "loc",
    AccountClass.STOCK_SHIPPED: "loc",
    AccountClass.STOCK_POSITION: "brn",
    AccountClass.INVENTORY_METAL: "brn",
    AccountClass.INVENTORY_PREMIUM: "brn",
    AccountClass.PAYABLES: "brn",
    AccountClass.SALES_PREMIUM: "brn",
    AccountClass.SALES_PREMIUM_COST: "brn",
    AccountClass.SHRINKAGE: "brn",
    AccountClass.SALES_TAX: "brn",
    AccountClass.SALES_SHIPPING: "brn",
    AccountClass.SALES_INSURANCE: "brn",
    AccountClass.TILL_CASH: "til",
    AccountClass.BRANCH_CASH: "brn",
    AccountClass.CASH_OVER_SHORT: "brn",
    AccountClass.PURCHASE_VARIANCE: "brn",
}


def _owner_id(item: JournalPosting | AccountBalance) -> str:
    return ids.encode(_OWNERS.get(AccountClass(item.account_class), "usr"), item.owner_id)


class Beancount:
    """Capitalised account names; every account is opened before its first use."""

    _ROOTS: ClassVar = {
        "asset": "Assets",
        "liability": "Liabilities",
        "equity": "Equity",
        "income": "Income",
        "expense": "Expenses",
    }

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    def line(self, item: JournalPosting | AccountBalance) -> AccountLine:
        parts = [self._ROOTS[item.kind], *(part.title() for part in item.account_class.split("."))]
        if item.owner_id in PARTNERS:
            parts.append(PARTNERS[item.owner_id].title())
        elif item.owner_id != HOUSE:
            parts.append(_owner_id(item).upper())
        return AccountLine(
            ":".join(parts).replace("_", "-"),
            str(Amount(self._assets[item.asset], item.units)),
            item.asset.upper(),
        )

    def heading(self, accounts: Iterable[AccountBalance], first: date) -> Iterator[str]:
        yield 'option "title" "PBCEx"'
        yield 'option "operating_currency" "USD"'
        yield ""
        for name in sorted({self.line(account).account for account in accounts}):
            yield f"{first} open {name}"
        yield ""

    def entry(self, on: date, first: JournalPosting, lines: list[AccountLine]) -> Iterator[str]:
        yield f'{on} * "{first.cause}"'
        yield f'  reference: "{first.reference}"'
        for line in lines:
            yield f"  {line.account}  {line.number} {line.commodity}"
        yield ""

    def assertion(self, on: date, line: AccountLine) -> Iterator[str]:
        # No tolerance: the totals agree to the last minor unit or the file is rejected.
        yield f"{on} balance {line.account}  {line.number} ~ 0 {line.commodity}"


class Hledger:
    """Commodities with other characters than letters are quoted; amounts carry their assertion."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    def line(self, item: JournalPosting | AccountBalance) -> AccountLine:
        parts = [item.kind, *item.account_class.split(".")]
        if item.owner_id != HOUSE:
            parts.append(PARTNERS.get(item.owner_id) or _owner_id(item))
        commodity = item.asset.upper()
        return AccountLine(
            ":".join(parts),
            str(Amount(self._assets[item.asset], item.units)),
            commodity if commodity.isalpha() else f'"{commodity}"',
        )

    def heading(self, accounts: Iterable[AccountBalance], first: date) -> Iterator[str]:
        yield f"; PBCEx, from {first}"
        for kind, letter in zip(
            ("asset", "liability", "equity", "income", "expense"), "ALERX", strict=True
        ):
            yield f"account {kind}  ; type: {letter}"
        for name in sorted({self.line(account).account for account in accounts}):
            yield f"account {name}"
        for commodity, scale in sorted(
            {(self.line(a).commodity, self._assets[a.asset].scale) for a in accounts}
        ):
            yield f"commodity 0.{'0' * scale} {commodity}"
        yield ""

    def entry(self, on: date, first: JournalPosting, lines: list[AccountLine]) -> Iterator[str]:
        yield f"{on} * ({first.reference}) {first.cause}"
        for line in lines:
            yield f"  {line.account}  {line.number} {line.commodity}"
        yield ""

    def assertion(self, on: date, line: AccountLine) -> Iterator[str]:
        yield f"{on} * balance"
        yield f"  {line.account}  0 {line.commodity} = {line.number} {line.commodity}"
        yield ""
