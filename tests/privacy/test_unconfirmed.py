"""Accounts whose email address was not confirmed lapse."""

from datetime import timedelta

from flask import Flask

from app.identity.models import User
from app.kit import clock
from app.kit.db import Database
from app.privacy import unconfirmed
from app.privacy.unconfirmed import AccountRules
from tests.api_client import ApiClient
from tests.fixed_settings import fixed_settings
from tests.mailbox import Mailbox, run_pending_jobs
from tests.rows import change_rows

DAYS = 30


def register(app: Flask, database: Database, age: timedelta) -> ApiClient:
    """Return a customer who registered that long ago."""
    client = ApiClient(app)
    client.register()
    with database.transaction() as session:
        registered_at = clock.now() - age
        change_rows(session, User, User.id == client.user_id, created_at=registered_at)
    return client


def test_account_lapses_unless_its_email_address_is_confirmed_in_time(
    app: Flask, database: Database, mailbox: Mailbox
) -> None:
    days, minute = timedelta(days=DAYS), timedelta(minutes=1)
    lapsed = register(app, database, days + minute)
    young = register(app, database, days - minute)
    confirmed = register(app, database, days + minute)
    confirmed.credit()
    run_pending_jobs(database)
    sent = len(mailbox.sent)
    with fixed_settings(AccountRules(unconfirmed_days=DAYS)):
        for _ in range(2):
            unconfirmed.erase_lapsed(database)
    assert lapsed.get("/api/auth/me").status_code == 401
    for kept in (young, confirmed):
        assert kept.get("/api/auth/me").status_code == 200
    # The address may be another person's: it gets no email, and can be registered again.
    run_pending_jobs(database)
    assert len(mailbox.sent) == sent
    owner = ApiClient(app)
    owner.email = lapsed.email
    owner.register()
