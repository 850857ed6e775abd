"""`flask sample`: sample people and play money, for development and tests; never in production."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import click
import flask_migrate
from flask import current_app
from flask.cli import AppGroup

from app.access import BRANCH_BOUND_ROLES, Role
from app.audit import service as audit
from app.branches import queries as branches_queries
from app.branches import service as branches
from app.catalog.rules import PAXG, TRADABLE, USD
from app.config import Environment
from app.identity.accounts import email_verification
from app.identity.accounts import queries as account_queries
from app.identity.accounts import service as accounts
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound, Refusal
from app.kit.money import Amount, InvalidAmount
from app.kit.ports import resolve
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.pricing.ports import PriceFeed
from app.pricing.rules import PricingRules
from app.pricing.service import record_ticks
from app.screening import queries as screening_queries
from app.screening.lists import imports, sdn

PASSWORD = "demo-Passw0rd!"  # noqa: S105 - published on purpose: it opens the sample only
#: Who is in the sample: the part of the address before @pbcex.local, role and names.
PEOPLE = (
    ("admin", Role.ADMIN, "Ada", "Admin"),
    ("support", Role.SUPPORT, "Sam", "Support"),
    ("teller", Role.TELLER, "Tess", "Teller"),
    ("inventory", Role.INVENTORY, "Ivo", "Inventory"),
    ("compliance", Role.COMPLIANCE, "Cleo", "Compliance"),
    ("auditor", Role.AUDITOR, "Aude", "Auditor"),
    ("customer", Role.USER, "Carl", "Customer"),
)
#: Where the teller works: code and name.
BRANCH = ("MAIN", "Main Street")
#: Invented parties, in the form of the real list.
SANCTIONS = Path(__file__).resolve().parent / "sample_sanctions"
#: What the customer has to begin with.
OPENING_BALANCES = (Amount.parse(USD, "25000.00"), Amount.parse(PAXG, "2"))

sample = AppGroup("sample", help="Sample people and play money. Refused in production.")


@sample.command()
@click.option("--migrate", is_flag=True, help="First bring the database up to date, as its owner.")
def load(*, migrate: bool) -> None:
    """Add the sample people, and give the customer money once; again changes nothing.

    Prices are recorded at once, so that the first order need not wait for the first tick.
    """
    _refuse_in_production()
    if migrate:
        flask_migrate.upgrade()
    added = 0
    with _transaction() as session:
        for local, role, first_name, last_name in PEOPLE:
            email = f"{local}@pbcex.local"
            if _find_person(session, email) is None:
                user_id = _add_person(session, email, role, first_name, last_name)
                if role is Role.USER:
                    _verify(session, user_id)
                    for amount in OPENING_BALANCES:
                        _credit(session, user_id, amount)
                added += 1
        now = clock.now()
        observations = {feed.name: feed.fetch(now) for feed in _simulated_feeds()}
        record_ticks(session, observations, now, resolve(PricingRules))
        load_sanctions(session)
        if added:
            # Custodians can be asked what they keep once the sandbox runs: a job asks until then.
            outbox.stage(session, "custody.open_books", {})
    click.echo(f"{added} people are new, {len(PEOPLE) - added} were there already")


@sample.command()
@click.argument("email")
@click.argument("asset", type=click.Choice(list(TRADABLE)))
@click.argument("amount")
def credit(email: str, asset: str, amount: str) -> None:
    """Confirm EMAIL's address, lift its owner to KYC tier 3 and give them AMOUNT of ASSET out of
    the owners' capital."""
    try:
        given = Amount.parse(TRADABLE[asset], amount)
    except InvalidAmount as error:
        raise click.ClickException(str(error)) from error
    with _transaction() as session:
        user_id = _find_person(session, email)
        if user_id is None:
            raise click.ClickException(f"nobody has the address {email}")
        email_verification.confirm_email(session, user_id)
        _verify(session, user_id)
        _credit(session, user_id, given)
    click.echo(f"{email} has {given} {asset} more")


def load_sanctions(session: Session) -> None:
    """A list of invented parties, unless there is a list: without any, nobody passes."""
    if not screening_queries.list_versions(session, limit=1):
        imports.import_list(session, sdn.read(SANCTIONS), progress=lambda _stored: None)


def _simulated_feeds() -> list[PriceFeed]:
    """Those that are there at once: a feed on the network is left to the process for it."""
    feeds: list[PriceFeed] = current_app.extensions["price_feeds"]
    return [feed for feed in feeds if feed.name == "simulated"]


def _refuse_in_production() -> None:
    if current_app.extensions["settings"].env is Environment.PRODUCTION:
        raise click.ClickException("there is no sample data in production")


@contextmanager
def _transaction() -> Iterator[Session]:
    _refuse_in_production()
    database: Database = current_app.extensions["database"]
    try:
        with database.transaction() as session:
            yield session
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal


def _find_person(session: Session, email: str) -> UUID | None:
    try:
        return account_queries.get_person_by_email(session, email).id
    except NotFound:
        return None


def _add_person(session: Session, email: str, role: Role, first_name: str, last_name: str) -> UUID:
    branch_id = _sample_branch(session) if role in BRANCH_BOUND_ROLES else None
    registration = accounts.prepare_registration(
        email=email, password=PASSWORD, first_name=first_name, last_name=last_name
    )
    user_id = accounts.add_person(session, registration, role, branch_id=branch_id)
    email_verification.confirm_email(session, user_id)
    _record_act(session, "person.added", user_id, {"role": role.value})
    return user_id


def _record_act(session: Session, action: str, user_id: UUID, after: dict[str, str]) -> None:
    subject, reason = ids.encode("usr", user_id), click.get_current_context().command_path
    audit.record(session, actor=None, action=action, subject=subject, after=after, reason=reason)


def _sample_branch(session: Session) -> UUID:
    """The branch of the sample."""
    code, name = BRANCH
    found = branches_queries.find_branch_id(session, code)
    return found or branches.open_branch(session, None, code=code, name=name)


def _verify(session: Session, user_id: UUID) -> None:
    submission.lift(session, user_id, note=click.get_current_context().command_path)


def _credit(session: Session, user_id: UUID, amount: Amount) -> None:
    ledger.post(
        session,
        cause="sample_credit",
        reference=f"sample_credit {ids.new()}",
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.capital(amount.asset), amount),
            ledger.credit(chart.customer(user_id, amount.asset), amount),
        ],
    )
    given = {"asset": amount.asset.code, "amount": str(amount)}
    _record_act(session, "account.credited", user_id, given)
