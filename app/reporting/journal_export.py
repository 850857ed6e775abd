"""The journal in the forms that independent accounting programs read: Beancount and hledger.

Both forms list every entry with its cause and reference and end with an assertion of each account's
balance as our own tables hold it. So the program that accepts the file has added up every posting
and found the same totals. Debits are positive in all three books.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

from app.catalog.providers import NAMES as PARTNERS
from app.catalog.rules import TRADABLE
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger.chart import HOUSE
from app.ledger.queries import AccountBalance, JournalPosting


class BooksFormat(StrEnum):
    """The programs we can write for."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


class Line(NamedTuple):
    """One posting as text: account, number, commodity."""

    account: str
    number: str
    commodity: str


class Style(Protocol):
    """How one program writes accounts, entries and assertions."""

    def line(self, item: "JournalPosting | AccountBalance") -> Line:
        """The account and amount of a posting or balance."""
        ...

    def heading(self, opened: Iterable[AccountBalance], first: date) -> Iterator[str]:
        """What stands before the entries."""
        ...

    def entry(self, on: date, first: JournalPosting, lines: list[Line]) -> Iterator[str]:
        """One entry."""
        ...

    def assertion(self, on: date, line: Line) -> Iterator[str]:
        """That an account holds so much at the start of a day."""
        ...


def export(session: Session, form: BooksFormat) -> Iterator[str]:
    """The whole journal, line by line. Call inside one repeatable-read transaction."""
    style: Style = Beancount() if form is BooksFormat.BEANCOUNT else Hledger()
    accounts = ledger_queries.account_balances(session)
    first, last = ledger_queries.journal_dates(session)
    yield from style.heading(accounts, first)
    for _, postings in groupby(
        ledger_queries.journal(session), key=lambda posting: posting.entry_id
    ):
        legs = list(postings)
        yield from style.entry(legs[0].posted_at.date(), legs[0], [style.line(leg) for leg in legs])
    for account in accounts:
        yield from style.assertion(last + timedelta(days=1), style.line(account))


def _person(owner_id: UUID) -> str:
    return ids.encode("usr", owner_id)


def _number(item: JournalPosting | AccountBalance) -> str:
    return str(Amount(TRADABLE[item.asset], item.units))


class Beancount:
    """Capitalised account names; every account is opened before its first use."""

    _ROOTS: ClassVar = {
        "asset": "Assets",
        "liability": "Liabilities",
        "equity": "Equity",
        "income": "Income",
        "expense": "Expenses",
    }

    def line(self, item: JournalPosting | AccountBalance) -> Line:
        parts = [self._ROOTS[item.kind], *(part.title() for part in item.account_class.split("."))]
        if item.owner_id in PARTNERS:
            parts.append(PARTNERS[item.owner_id].title())
        elif item.owner_id != HOUSE:
            parts.append(_person(item.owner_id).upper())
        return Line(":".join(parts).replace("_", "-"), _number(item), item.asset.upper())

    def heading(self, opened: Iterable[AccountBalance], first: date) -> Iterator[str]:
        yield 'option "title" "PBCEx"'
        yield 'option "operating_currency" "USD"'
        yield ""
        for name in sorted({self.line(account).account for account in opened}):
            yield f"{first} open {name}"
        yield ""

    def entry(self, on: date, first: JournalPosting, lines: list[Line]) -> Iterator[str]:
        yield f'{on} * "{first.cause}"'
        yield f'  reference: "{first.reference}"'
        for line in lines:
            yield f"  {line.account}  {line.number} {line.commodity}"
        yield ""

    def assertion(self, on: date, line: Line) -> Iterator[str]:
        # No tolerance: the totals agree to the last minor unit or the file is refused.
        yield f"{on} balance {line.account}  {line.number} ~ 0 {line.commodity}"


class Hledger:
    """Commodities with other characters than letters are quoted; amounts carry their assertion."""

    def line(self, item: JournalPosting | AccountBalance) -> Line:
        parts = [item.kind, *item.account_class.split(".")]
        if item.owner_id != HOUSE:
            parts.append(PARTNERS.get(item.owner_id) or _person(item.owner_id))
        commodity = item.asset.upper()
        return Line(
            ":".join(parts), _number(item), commodity if commodity.isalpha() else f'"{commodity}"'
        )

    def heading(self, opened: Iterable[AccountBalance], first: date) -> Iterator[str]:
        yield f"; PBCEx, from {first}"
        for kind, letter in zip(
            ("asset", "liability", "equity", "income", "expense"), "ALERX", strict=True
        ):
            yield f"account {kind}  ; type: {letter}"
        for name in sorted({self.line(account).account for account in opened}):
            yield f"account {name}"
        for commodity, number in sorted(
            {(self.line(a).commodity, str(Amount(TRADABLE[a.asset], 0))) for a in opened}
        ):
            yield f"commodity {number} {commodity}"
        yield ""

    def entry(self, on: date, first: JournalPosting, lines: list[Line]) -> Iterator[str]:
        yield f"{on} * ({first.reference}) {first.cause}"
        for line in lines:
            yield f"  {line.account}  {line.number} {line.commodity}"
        yield ""

    def assertion(self, on: date, line: Line) -> Iterator[str]:
        yield f"{on} * balance"
        yield f"  {line.account}  0 {line.commodity} = {line.number} {line.commodity}"
        yield ""
