"""Set up customers with money and sessions, and prices."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from flask import Flask

from app.catalog.rules import USD, XAU, Metal, Token
from app.identity.accounts import email_verification
from app.identity.accounts import service as accounts
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.pricing.ports import Observation
from app.pricing.rules import PricingRules
from app.pricing.service import record_ticks
from app.privacy import consents

MID_PRICES: dict[Metal | Token, str] = {
    Metal.AU: "4000",
    Metal.AG: "50",
    Metal.PT: "1550",
    Metal.PD: "1400",
    Metal.CU: "0.35",
    Token.PAXG: "4000",
}


@dataclass(frozen=True)
class SignedInCustomer:
    """A customer with an access token."""

    user_id: UUID
    token: str


def database_of(app: Flask) -> Database:
    """Return the application's database."""
    database: Database = app.extensions["database"]
    return database


def set_prices(app: Flask) -> None:
    """Record current prices, as of a source that has not reported them before."""
    now = clock.now()
    observations = [
        Observation(asset, None, None, Decimal(mid), now) for asset, mid in MID_PRICES.items()
    ]
    with database_of(app).transaction() as session:
        record_ticks(session, {f"bench {now:%H:%M:%S.%f}": observations}, now, PricingRules())


def add_customers(app: Flask, count: int) -> list[SignedInCustomer]:
    """Add `count` customers with ten million dollars each."""
    people = []
    for number in range(count):
        registration = accounts.prepare_registration(
            email=f"bench-{clock.now().timestamp()}-{number}@example.com",
            password="correct horse battery",
            first_name="Ada",
            last_name="Lovelace",
        )
        with database_of(app).transaction() as session:
            registered = accounts.register(session, registration)
            email_verification.confirm_email(session, registered.user.id)
            consents.accept_required_policies(session, registered.user.id)
            for amount in (Amount(USD, 10**9), Amount(XAU, 10**10)):
                ledger.post(
                    session,
                    cause="bench_credit",
                    reference=f"bench:{registered.user.id}:{amount.asset.code}",
                    posted_at=clock.now(),
                    postings=[
                        ledger.debit(chart.capital(amount.asset), amount),
                        ledger.credit(chart.customer(registered.user.id, amount.asset), amount),
                    ],
                )
        people.append(SignedInCustomer(registered.user.id, registered.access_token))
    return people
