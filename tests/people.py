"""Customers and staff for tests, new ones each time, so that tests do not share people."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.branches import service as branches
from app.branches.entities.rules import FIRST_ENTITY
from app.catalog.rules import TRADABLE, parse_priced
from app.identity.accounts import email_verification
from app.identity.accounts import service as accounts
from app.identity.models import User
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.pricing.models import MarketPriceRow, SourcePrice
from app.pricing.ports import Observation
from app.pricing.rules import PricingRules
from app.pricing.service import record_ticks
from tests.rows import change_rows, delete_rows

#: The password of people who can sign in.
PASSWORD = "a password of tests"

_INSERT_PERSON = """
INSERT INTO users (id, email, email_key, password_hash, first_name, last_name, role, created_at,
    email_confirmed_at)
VALUES (%s, %s, %s, 'not a hash: no sign-in', 'Ada', 'Lovelace', %s, %s, %s)
"""
_LIFT_HALTS = """
UPDATE market_halts SET lifted_at = halted_at, lifted_note = 'The test is over.'
WHERE lifted_at IS NULL AND asset = ANY(%s)
"""


def credit(session: Session, owner_id: UUID, text: str, code: str) -> None:
    """Credit an amount to a customer, out of capital."""
    amount = Amount.parse(TRADABLE[code], text)
    ledger.post(
        session,
        cause="test_credit",
        reference=f"credit:{uuid4()}",
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.capital(amount.asset), amount),
            ledger.credit(chart.customer(owner_id, amount.asset), amount),
        ],
    )


def verify_phone(session: Session, owner_id: UUID, phone: str) -> None:
    """Give the person this phone, verified, as the code that is sent to it does."""
    person = User.id == owner_id
    change_rows(session, User, person, phone=phone, phone_verified_at=clock.now())


@dataclass(frozen=True)
class People:
    """Creates customers and staff, and reads their balances."""

    database: Database

    def customer(self, **amounts: str) -> Actor:
        """Create a customer who holds these amounts; `XAU_s="1"` means 1 XAU-s."""
        user_id = ids.new()
        email, now = f"{user_id.hex}@example.com", clock.now()
        with self.database.transaction() as session:
            session.send(_INSERT_PERSON, (user_id, email, email, Role.USER, now, now))
            for name, text in amounts.items():
                credit(session, user_id, text, name.replace("_", "-"))
        permissions = DEFAULT_PERMISSIONS[Role.USER]
        return Actor(
            user_id, None, email, Role.USER, permissions, email_confirmed=True, proven_at=now
        )

    def branch(self) -> UUID:
        """Create a branch. Return its id."""
        code = f"T{ids.new().hex[-11:].upper()}"
        with self.database.transaction() as session:
            return branches.open_branch(
                session, None, code=code, name="A branch of tests", entity_id=FIRST_ENTITY
            )

    def staff(self, role: Role, branch_id: UUID | None = None) -> Actor:
        """Create a person in a role, who can sign in with `PASSWORD`; a teller at a branch."""
        email = f"{ids.new().hex}@example.com"
        registration = accounts.prepare_registration(
            email=email, password=PASSWORD, first_name="Grace", last_name="Hopper"
        )
        with self.database.transaction() as session:
            user_id = accounts.add_person(session, registration, role, branch_id=branch_id)
            email_verification.confirm_email(session, user_id)
        permissions = DEFAULT_PERMISSIONS[role]
        return Actor(user_id, None, email, role, permissions, branch_id, email_confirmed=True)

    def balances(self, person: Actor) -> dict[str, str]:
        """Return the person's posted balances that are not zero, as text by asset."""
        with self.database.reading() as session:
            return {
                balance.asset: str(Amount(TRADABLE[balance.asset], balance.posted))
                for balance in ledger_queries.customer_balances(session, person.user_id)
                if balance.posted
            }


def set_prices(database: Database, **mids: str) -> None:
    """Replace the market prices with these mids as of now, and lift halts: `AU="4000"`."""
    now = clock.now()
    observations = [
        Observation(parse_priced(code), None, None, Decimal(mid), now) for code, mid in mids.items()
    ]
    with database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal.in_(list(mids)))
        delete_rows(session, SourcePrice, SourcePrice.metal.in_(list(mids)))
        session.send(_LIFT_HALTS, (list(mids),))
        record_ticks(session, {"test": observations}, now, PricingRules())
