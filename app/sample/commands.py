"""`flask sample`: the sample business, and play money; for development and tests, never in
production."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click
import flask_migrate
from flask import current_app
from flask.cli import AppGroup, ScriptInfo

from app.audit.actions import AuditAction
from app.catalog.rules import TRADABLE
from app.identity.accounts import email_verification
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound, Refusal
from app.kit.formatting import format_number_of
from app.kit.money import Amount, InvalidAmount
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger import service as ledger
from app.pricing import queries as pricing_queries
from app.pricing.ports import PriceFeed
from app.pricing.service import record_ticks
from app.privacy import consents
from app.sample import state
from app.sample.business import record_by_command
from app.sample.lists import import_list
from app.sample.state import SampleState
from app.screening import queries as screening_queries

sample = AppGroup("sample", help="The sample business and play money. Refused in production.")


@sample.command()
@click.option("--migrate", is_flag=True, help="Migrate the database first, as its owner.")
def load(*, migrate: bool) -> None:
    """Add the sample business to an empty database; any other is left as it is.

    Prices are recorded in any case, so that the first order does not wait for the first tick.
    """
    _refuse_in_production()
    app = click.get_current_context().ensure_object(ScriptInfo).load_app()
    if migrate:
        flask_migrate.upgrade()
    with _transaction() as session:
        found = state.find_state(session)
    if found is SampleState.BROKEN_OFF:
        click.echo("Loading the sample broke off: beginning again")
        state.clear(app.extensions["settings"])
        flask_migrate.upgrade()
    if found in {SampleState.EMPTY, SampleState.BROKEN_OFF}:
        from app.sample import load as business_load  # noqa: PLC0415 - imports the sandbox

        count = business_load.load(app, _simulated_feeds(), click.echo)
        click.echo(f"{format_number_of(count, 'person', 'people')} added")
    else:
        click.echo("The database has people already: nothing is added")
    with _transaction() as session:
        has_list = bool(screening_queries.list_versions(session, limit=1))
        now = clock.now()
        observations = {feed.name: feed.fetch(now) for feed in _simulated_feeds()}
        record_ticks(session, observations, now, pricing_queries.current_rules(session))
    if not has_list:
        # Without a list, no check passes.
        import_list(app.extensions["database"])


@sample.command()
@click.argument("email")
@click.argument("asset", type=click.Choice(list(TRADABLE)))
@click.argument("amount")
def credit(email: str, asset: str, amount: str) -> None:
    """Confirm EMAIL, accept the policies for its owner, raise them to KYC tier 3 and credit them
    AMOUNT of ASSET from capital."""
    try:
        credited = Amount.parse(TRADABLE[asset], amount)
    except InvalidAmount as error:
        raise click.ClickException(str(error)) from error
    with _transaction() as session:
        user_id = _find_person(session, email)
        if user_id is None:
            raise click.ClickException(f"No person has the email {email}.")
        email_verification.confirm_email(session, user_id)
        consents.accept_required_policies(session, user_id)
        _raise_to_tier_3(session, user_id)
        _credit(session, user_id, credited)
    click.echo(f"{credited} {asset} credited to {email}")


def _simulated_feeds() -> list[PriceFeed]:
    """Return the simulated feeds; feeds on the network are left to the ticker process."""
    feeds: list[PriceFeed] = current_app.extensions["price_feeds"]
    return [feed for feed in feeds if feed.name == "simulated"]


def _refuse_in_production() -> None:
    if current_app.extensions["settings"].is_production:
        raise click.ClickException("Sample data is refused in production and staging.")


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
    record_by_command(session, AuditAction.ACCOUNT_CREDITED, user_id, after)
