"""Named reads of movements of goods."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.kit.list_query import ListSource
from app.ledger.models import Account, Entry, Posting
from app.vault.locations.models import Location
from app.vault.stock.rules import StockState


@dataclass(frozen=True, slots=True)
class StockMovement:
    """Units of a product that came to a state at a location, or left it (negative)."""

    entry_id: int
    account_id: int
    posted_at: datetime
    cause: str
    reference: str
    sku: str
    location_code: str
    account_class: str
    units: int

    @property
    def state(self) -> StockState:
        """The state that they came to or left."""
        return StockState(self.account_class.removeprefix("stock."))


_CLASS = Account.account_class
_SELECT = (
    sa.select(
        Posting.entry_id,
        Posting.account_id,
        Entry.posted_at,
        Entry.cause,
        Entry.reference,
        Account.asset.label("sku"),
        Location.code.label("location_code"),
        _CLASS.label("account_class"),
        Posting.units,
    )
    .join(Account, Account.id == Posting.account_id)
    .join(Entry, Entry.id == Posting.entry_id)
    .join(Location, Location.id == Account.owner_id)
    # As the index of the accounts of goods has it.
    .where(_CLASS.in_([state.account_class.value for state in StockState]))
)
MOVEMENTS = ListSource(
    StockMovement,
    _SELECT,
    key=Posting.account_id,
    sorts={"posted": Posting.entry_id},
    filters={
        "sku": lambda text: Account.asset == text.upper(),
        "location": lambda text: (
            Account.owner_id
            == sa.select(Location.id).where(Location.code == text.upper()).scalar_subquery()
        ),
        "state": lambda state: state.account_class.value == _CLASS,
    },
)
