"""A branch with a safe, tellers and their drawers, for tests."""

from dataclasses import dataclass, replace
from uuid import UUID

from app.access import Actor, Role
from app.branches.tills import service as tills
from app.catalog.rules import USD
from app.counter.drawers import closing, movements, queries
from app.counter.drawers import service as drawers
from app.counter.drawers.movements import CashAct
from app.counter.drawers.queries import DrawerRow
from app.counter.drawers.rules import CashMovementKind, CashPieces, DrawerStatus
from app.identity.pins import service as pins
from app.kit import ids
from app.kit.db import Database, Session
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from tests.people import People

#: Of a second person.
PIN = "480219"
#: What is in the safe at first: 20,165.00.
SAFE = CashPieces.of(
    {
        "usd_10000": 100,
        "usd_2000": 400,
        "usd_1000": 150,
        "usd_500": 100,
        "usd_100": 150,
        "usd_1": 1500,
    }
)


def cash(**counts: int) -> CashPieces:
    """Return notes and coins: `cash(usd_10000=2)` are two of 100 dollars."""
    return CashPieces.of(counts)


@dataclass
class Branch:
    """A branch, and its first teller."""

    people: People
    id: UUID
    teller: Actor

    @classmethod
    def with_cash(cls, people: People, pieces: CashPieces = SAFE) -> "Branch":
        """Open a branch with two tellers, to whose safe the bank delivered cash."""
        branch_id = people.branch()
        branch = cls(people, branch_id, people.staff(Role.TELLER, branch_id))
        with branch.database.transaction() as session:
            drawers.take_delivery(
                session, branch.teller, branch_id, pieces, witness_id=branch.hire().user_id
            )
        return branch

    @property
    def database(self) -> Database:
        """The database."""
        return self.people.database

    def hire(self) -> Actor:
        """Add a teller."""
        return self.people.staff(Role.TELLER, self.id)

    def hire_with_pin(self) -> Actor:
        """Add a teller whose PIN is `PIN`."""
        teller = self.hire()
        with self.database.transaction() as session:
            pins.choose_pin(session, teller, PIN)
        return teller

    def open_till(self) -> UUID:
        """Open a till. Return its id."""
        code = f"T{ids.new().hex[-8:].upper()}"
        with self.database.transaction() as session:
            return tills.open_till(session, None, branch_id=self.id, code=code, name="A till")

    def open_drawer(self, teller: Actor | None = None, pieces: CashPieces | None = None) -> UUID:
        """Open a drawer at a new till with this float: 200.00 unless it is given."""
        till_id = self.open_till()
        float_pieces = cash(usd_2000=8, usd_500=6, usd_100=10) if pieces is None else pieces
        with self.database.transaction() as session:
            return drawers.open_drawer(session, teller or self.teller, till_id, float_pieces)

    def take_in(
        self, session: Session, teller: Actor, customer: Actor, pieces: CashPieces
    ) -> CashAct:
        """Take cash of a customer into the teller's drawer, verified or not, and credit it."""
        begun = movements.begin_act(CashMovementKind.DEPOSIT, teller.user_id)
        act = replace(begun, customer_id=customer.user_id)
        postings = drawers.take_in(session, queries.lock_own_drawer(session, teller), pieces, act)
        postings.append(ledger.credit(chart.customer(customer.user_id, USD), pieces.amount))
        movements.post(session, act, postings)
        return act

    def count(self, pieces: CashPieces, teller: Actor | None = None) -> DrawerStatus:
        """Count the teller's drawer."""
        with self.database.transaction() as session:
            return closing.count_drawer(session, teller or self.teller, pieces)

    def drawer(self, drawer_id: UUID) -> DrawerRow:
        """Return a drawer."""
        with self.database.reading() as session:
            return queries.get_drawer(session, self.teller, drawer_id)

    def pieces(self, drawer_id: UUID) -> CashPieces:
        """Return what a drawer holds."""
        with self.database.reading() as session:
            return queries.read_pieces(session, drawer_id)

    def safe(self) -> CashPieces:
        """Return what the safe holds."""
        with self.database.reading() as session:
            return queries.read_safe(session, self.id)

    def over_short(self) -> int:
        """Return the cents of cash short, less cash over, in the books."""
        with self.database.reading() as session:
            return ledger_queries.account_balance(session, chart.cash_over_short(USD, self.id))
