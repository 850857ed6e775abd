"""Customers who keep metal, prices of the past, and the days and months that are charged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.access.consents import POLICIES, PolicyName
from app.catalog.rules import TRADABLE, USD
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.pricing.models import AcceptedPrice
from app.privacy import consents
from app.settings.models import SettingChange
from app.storage_fees import accruals, charging, queries
from app.storage_fees.queries import Charge
from tests.people import People
from tests.rows import change_rows

TERMS = POLICIES[PolicyName.TERMS]


@dataclass
class Vault:
    """The metal of customers, and what keeping it costs."""

    database: Database
    people: People

    def customer(self, **amounts: str) -> Actor:
        """Create a customer who agreed to terms with storage fees and has dollars."""
        customer = self.people.customer(**amounts)
        self.accept_terms(customer, TERMS.version)
        return customer

    def accept_terms(self, customer: Actor, *versions: int) -> None:
        accepted = [TERMS.name_version(version) for version in versions]
        with self.database.transaction() as session:
            change_rows(session, User, User.id == customer.user_id, accepted_policies=accepted)

    def agree_to_sales(self, customer: Actor, *, given: bool = True) -> None:
        with self.database.transaction() as session:
            consents.record_decision(
                session, customer, policy=PolicyName.STORAGE_SALES, version=1, given=given
            )

    def move(self, customer: Actor, at: datetime, code: str, amount: str) -> None:
        """Book at an instant of the past that metal came in, or went out."""
        with self.database.transaction() as session:
            book(session, customer.user_id, at, code, amount)

    def accrue(self, days: Iterable[date]) -> None:
        with self.database.transaction() as session:
            for day in days:
                assert accruals.accrue_day(session, day)

    def close(self, month: date) -> bool:
        with self.database.transaction() as session:
            return accruals.close_month(session, month)

    def charges(self, customer: Actor) -> list[Charge]:
        with self.database.reading() as session:
            return queries.list_charges(session, customer.user_id)

    def charge(self, customer: Actor) -> Charge:
        """Try to charge what the customer's only month cost."""
        [charge] = self.charges(customer)
        with self.database.transaction() as session:
            charging.charge(session, charge.id)
        [charge] = self.charges(customer)
        return charge


def book(session: Session, owner_id: UUID, at: datetime, code: str, amount: str) -> None:
    sign, text = (-1, amount[1:]) if amount.startswith("-") else (1, amount)
    moved = Amount.parse(TRADABLE[code], text)
    signed = Amount(moved.asset, sign * moved.units)
    ledger.post(
        session,
        cause="test_credit",
        reference=f"credit:{ids.new()}",
        posted_at=at,
        postings=[
            ledger.debit(chart.capital(signed.asset), signed),
            ledger.credit(chart.customer(owner_id, signed.asset), signed),
        ],
    )


def accept_price(session: Session, metal: str, at: datetime, mid: str) -> None:
    session.write(sa.insert(AcceptedPrice).values(metal=metal, as_of=at, mid=Decimal(mid)))


def change_setting(session: Session, name: str, value: str, at: datetime) -> None:
    session.write(
        sa.insert(SettingChange).values(
            id=ids.new(),
            name=f"storage_fees.{name}",
            value=value,
            effective_at=at,
            reason="A test of fees",
            made_at=at,
        )
    )


def days_of(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def usd(text: str) -> Amount:
    return Amount.parse(USD, text)
