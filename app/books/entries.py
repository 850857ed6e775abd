"""The entries behind a figure: every posting but those of goods, as a list."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.books.models import AdjustingEntry
from app.books.rules import AccountKind
from app.branches.models import Branch
from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import TRADABLE
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.ledger.models import Account, AccountClassRow, Entry, Posting


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One posting with its entry: debit positive."""

    entry_id: int
    posted_at: datetime
    kind: AccountKind
    class_name: str
    branch_code: str
    asset: str
    units: int
    cause: str
    reference: str

    @property
    def debit(self) -> Amount | None:
        """The amount, if it is a debit."""
        return Amount(TRADABLE[self.asset], self.units) if self.units > 0 else None

    @property
    def credit(self) -> Amount | None:
        """The amount, if it is a credit."""
        return Amount(TRADABLE[self.asset], -self.units) if self.units < 0 else None


_OWNER = aliased(Branch)
#: The branch of an account: its owner, or head office for what no branch owns.
_BRANCH_ID = sa.func.coalesce(_OWNER.id, sa.literal(HEAD_OFFICE, sa.Uuid))
_IS_ADJUSTING = sa.exists().where(AdjustingEntry.reference == Entry.reference)


def _row(kind: str, **columns: object) -> PostingRow:
    return PostingRow(kind=AccountKind(kind), **columns)  # type: ignore[arg-type] # the columns of the row


def _in_scope(key: str) -> sa.ColumnElement[bool]:
    """Return the condition for the books of a legal entity or branch, by its public id."""
    if ids.prefix_of(key) == "brn":
        return Branch.id.in_([ids.decode("brn", key)])
    entity = ids.decode("ent", key)
    return Branch.legal_entity_id == entity


POSTINGS = ListSource(
    _row,
    sa.select(
        Posting.entry_id,
        Entry.posted_at,
        AccountClassRow.kind,
        AccountClassRow.name.label("class_name"),
        Branch.code.label("branch_code"),
        Account.asset,
        Posting.units,
        Entry.cause,
        Entry.reference,
    )
    .join(Entry, Entry.id == Posting.entry_id)
    .join(Account, Account.id == Posting.account_id)
    .join(AccountClassRow, AccountClassRow.code == Account.account_class)
    .outerjoin(_OWNER, _OWNER.id == Account.owner_id)
    .join(Branch, Branch.id == _BRANCH_ID)
    .where(Account.asset.in_(TRADABLE)),
    # An entry has an account once.
    key=Posting.account_id,
    sorts={"posted": Posting.entry_id},
    filters={
        "account": lambda code: Account.account_class == code,
        "asset": lambda code: Account.asset == code,
        "scope": _in_scope,
        "from": lambda instant: Entry.posted_at >= instant,
        "to": lambda instant: Entry.posted_at < instant,
        "adjusting": lambda wanted: _IS_ADJUSTING if wanted else sa.not_(_IS_ADJUSTING),
    },
)


def list_classes(session: Session) -> list[tuple[str, str]]:
    """Return the code and name of every class of accounts but those of goods alone."""
    classes = sa.select(AccountClassRow.code, AccountClassRow.name).where(
        AccountClassRow.code.not_like("stock.%"), AccountClassRow.code != "customer.goods"
    )
    return session.select(lambda code, name: (code, name), classes.order_by(AccountClassRow.name))
