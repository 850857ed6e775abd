"""`flask sample`: sample people and money, for development and tests; never in production."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import click
import flask_migrate
from flask import current_app
from flask.cli import AppGroup

from app.access import BRANCH_BOUND_ROLES, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.branches import service as branches
from app.catalog.rules import PAXG, TRADABLE, USD
from app.config import Environment
from app.funding.withdrawals.new_destinations import DestinationRules
from app.identity.accounts import email_verification
from app.identity.accounts import queries as account_queries
from app.identity.accounts import service as accounts
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound, Refusal
from app.kit.formatting import format_number_of
from app.kit.money import Amount, InvalidAmount
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.pricing import queries as pricing_queries
from app.pricing.ports import PriceFeed
from app.pricing.service import record_ticks
from app.screening import queries as screening_queries
from app.screening.lists import imports, sdn
from app.settings import service as settings
from app.settings.queries import current

PASSWORD = "demo-Passw0rd!"  # noqa: S105 - published on purpose: it opens the sample only
#: The sample people: the part of the email before @pbcex.local, role and names.
PEOPLE = (
    ("admin", Role.ADMIN, "Ada", "Admin"),
    ("support", Role.SUPPORT, "Sam", "Support"),
    ("teller", Role.TELLER, "Tess", "Teller"),
    ("inventory", Role.INVENTORY, "Ivo", "Inventory"),
    ("compliance", Role.COMPLIANCE, "Cleo", "Compliance"),
    ("auditor", Role.AUDITOR, "Aude", "Auditor"),
    ("customer", Role.USER, "Carl", "Customer"),
)
#: The teller's branch: code and name.
BRANCH = ("MAIN", "Main Street")
#: Fictitious parties, in the format of the real list.
SANCTIONS = Path(__file__).resolve().parent / "sample_sanctions"
#: The customer's opening balances.
OPENING_BALANCES = (Amount.parse(USD, "25000.00"), Amount.parse(PAXG, "2"))

sample = AppGroup("sample", help="Sample people and money. Refused in production.")


@sample.command()
@click.option("--migrate", is_flag=True, help="Migrate the database first, as its owner.")
def load(*, migrate: bool) -> None:
    """Add the sample people and the customer's money; a second run changes nothing.

    Prices are recorded at once, so that the first order does not wait for the first tick.
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
                    _raise_to_tier_3(session, user_id)
                    for amount in OPENING_BALANCES:
                        _credit(session, user_id, amount)
                added += 1
        now = clock.now()
        observations = {feed.name: feed.fetch(now) for feed in _simulated_feeds()}
        record_ticks(session, observations, now, pricing_queries.current_rules(session))
        load_sanctions(session)
        if added:
            _pay_new_destinations_at_once(session)
            # Custodians report balances once the sandbox runs; the job retries until then.
            outbox.stage(session, "custody.open_books", {})
    click.echo(
        f"{format_number_of(added, 'person', 'people')} added,"
        f" {len(PEOPLE) - added} existed already"
    )


@sample.command()
@click.argument("email")
@click.argument("asset", type=click.Choice(list(TRADABLE)))
@click.argument("amount")
def credit(email: str, asset: str, amount: str) -> None:
    """Confirm EMAIL, raise its owner to KYC tier 3 and credit them AMOUNT of ASSET from capital."""
    try:
        credited = Amount.parse(TRADABLE[asset], amount)
    except InvalidAmount as error:
        raise click.ClickException(str(error)) from error
    with _transaction() as session:
        user_id = _find_person(session, email)
        if user_id is None:
            raise click.ClickException(f"No person has the email {email}.")
        email_verification.confirm_email(session, user_id)
        _raise_to_tier_3(session, user_id)
        _credit(session, user_id, credited)
    click.echo(f"{credited} {asset} credited to {email}")


def load_sanctions(session: Session) -> None:
    """Import a list of fictitious parties unless there is a list; without one, no check passes."""
    if not screening_queries.list_versions(session, limit=1):
        imports.import_list(session, sdn.read_files(SANCTIONS), progress=lambda _stored: None)


def _pay_new_destinations_at_once(session: Session) -> None:
    """Let withdrawals to new destinations wait for nothing: people who try the sample do not."""
    if current(session, DestinationRules).wait_hours:
        name, reason = "destinations.wait_hours", "The sample pays out at once"
        settings.set_by_operator(session, name, "0", reason=reason, lead=timedelta())


def _simulated_feeds() -> list[PriceFeed]:
    """Return the simulated feeds; feeds on the network are left to the ticker process."""
    feeds: list[PriceFeed] = current_app.extensions["price_feeds"]
    return [feed for feed in feeds if feed.name == "simulated"]


def _refuse_in_production() -> None:
    if current_app.extensions["settings"].env is Environment.PRODUCTION:
        raise click.ClickException("Sample data is refused in production.")


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
    _record_act(session, AuditAction.PERSON_ADDED, user_id, {"role": role.value})
    return user_id


def _record_act(
    session: Session, action: AuditAction, user_id: UUID, after: dict[str, str]
) -> None:
    subject, reason = ids.encode("usr", user_id), click.get_current_context().command_path
    audit.record(session, actor=None, action=action, subject=subject, after=after, reason=reason)


def _sample_branch(session: Session) -> UUID:
    """Return the id of the sample branch, opened if it does not exist."""
    code, name = BRANCH
    existing = branches_queries.find_branch_id(session, code)
    return existing or branches.open_branch(session, None, code=code, name=name)


def _raise_to_tier_3(session: Session, user_id: UUID) -> None:
    submission.grant_tier_3(session, user_id, note=click.get_current_context().command_path)


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
    after = {"asset": amount.asset.code, "amount": str(amount)}
    _record_act(session, AuditAction.ACCOUNT_CREDITED, user_id, after)
