"""Emails of a kind that comes often are sent as one, and none is lost."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine

from app.access import Actor
from app.catalog.rules import USD, XAU
from app.jobs.dispatch import execute_job
from app.kit import ids
from app.kit.db import Database
from app.kit.money import Amount
from app.messages import bundles
from app.messages import queries as messages_queries
from app.messages.ports import EmailNotSent, OutgoingEmail
from app.notifications import service as notifications
from app.notifications.kinds import TradeConfirmed
from app.notifications.registry import KINDS
from app.outbox.rules import Backoff
from tests.mailbox import Mailbox, run_pending_jobs
from tests.people import People

NOW = datetime(2026, 11, 28, 23, 21, tzinfo=UTC)
TRADES = 50


@pytest.fixture
def trader(people: People) -> Actor:
    return people.customer()


def trade(database: Database, trader: Actor, *dollars: int) -> None:
    """Confirm an order for each number of dollars, up to the inbox."""
    for number in dollars:
        order = ids.encode("trd", ids.new())
        spent, fee = Amount.parse(USD, f"{number}.00"), Amount.parse(USD, "0.50")
        bought = Amount.parse(XAU, "0.02500000")
        confirmed = TradeConfirmed(order, spent, bought, Decimal("4000.00"), fee, NOW)
        with database.transaction() as session:
            notifications.notify(session, confirmed, to=trader.user_id, event=order)
    run_pending_jobs(database, "messages.deliver")


def subject(dollars: int) -> str:
    return f"You converted {dollars}.00 USD to 0.0250 XAU-s"


def lines(email: OutgoingEmail) -> list[str]:
    return re.findall(r"^- (.*)$", email.text, re.MULTILINE)


def email_jobs(database: Database, trader: Actor) -> list[UUID]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT id FROM outbox WHERE task = 'messages.send_mail' AND args->>'user_id' = %s"
            " ORDER BY id",
            (str(trader.user_id),),
        )
    return [job_id for (job_id,) in rows]


def states(database: Database, trader: Actor) -> list[str]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT state FROM mails WHERE user_id = %s ORDER BY id", (trader.user_id,)
        )
    return [state for (state,) in rows]


def test_fifty_trades_are_fifty_messages_in_the_inbox_and_one_email(
    database: Database, trader: Actor, mailbox: Mailbox
) -> None:
    trade(database, trader, *range(1, TRADES + 1))
    run_pending_jobs(database, "messages.send_mail")
    wanted = [subject(number) for number in range(1, TRADES + 1)]
    [email] = mailbox.sent_to(trader.email)
    assert email.subject == "50 orders were filled"
    assert lines(email) == wanted
    assert email.html.count("<li>") == TRADES
    with database.reading() as session:
        inbox = messages_queries.list_messages(session, trader.user_id, limit=100)
    assert [message.subject for message in inbox.data] == wanted[::-1]
    assert states(database, trader) == ["sent", *["bundled"] * (TRADES - 1)]


def test_single_trade_has_the_email_of_its_own_after_the_window(
    database: Database, trader: Actor, mailbox: Mailbox
) -> None:
    with time_machine.travel(NOW, tick=False):
        trade(database, trader, 100)
        [job] = email_jobs(database, trader)
        with database.reading() as session:
            due_at = session.value("SELECT due_at FROM outbox WHERE id = %s", (job,))
        execute_job(database, job, Backoff())
    assert (
        due_at
        == NOW + timedelta(minutes=1)
        == NOW + (KINDS["trade_confirmed"].bundled_within or timedelta())
    )
    [email] = mailbox.sent_to(trader.email)
    assert email.subject == subject(100)
    assert "Price         4,000.00 USD an ounce" in email.text


def test_bundle_that_is_sent_again_has_the_same_lines_and_later_trades_the_next(
    database: Database, trader: Actor, mailbox: Mailbox
) -> None:
    trade(database, trader, 1, 2)
    first, second = email_jobs(database, trader)
    tried: list[OutgoingEmail] = []

    def fail(email: OutgoingEmail) -> None:
        tried.append(email)
        raise EmailNotSent("The server replied 421.")

    mailbox.before_send = fail
    execute_job(database, first, Backoff())
    mailbox.before_send = lambda _: None
    trade(database, trader, 3, 4)
    for job in (second, first, *email_jobs(database, trader)[2:]):
        execute_job(database, job, Backoff())
    again, later = mailbox.sent_to(trader.email)
    assert tried == [again]
    assert [lines(email) for email in (again, later)] == [
        [subject(1), subject(2)], [subject(3), subject(4)]
    ]  # fmt: skip
    assert states(database, trader) == ["sent", "bundled", "sent", "bundled"]


def test_trades_beyond_the_size_of_an_email_are_in_the_next(
    database: Database, trader: Actor, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "SIZE_MAX", 3)
    trade(database, trader, 1, 2, 3, 4)
    run_pending_jobs(database, "messages.send_mail")
    first, last = mailbox.sent_to(trader.email)
    assert lines(first) == [subject(1), subject(2), subject(3)]
    assert last.subject == subject(4)


def test_trades_of_others_and_messages_of_other_kinds_stay_apart(
    database: Database, trader: Actor, people: People, mailbox: Mailbox
) -> None:
    other = people.customer()
    trade(database, trader, 1, 2)
    trade(database, other, 3)
    run_pending_jobs(database, "messages.send_mail")
    [bundle], [single] = mailbox.sent_to(trader.email), mailbox.sent_to(other.email)
    assert lines(bundle) == [subject(1), subject(2)]
    assert single.subject == subject(3)


def test_person_who_turned_off_emails_of_trades_is_not_in_a_bundle(
    database: Database, trader: Actor, mailbox: Mailbox
) -> None:
    choose = (
        "INSERT INTO notification_choices VALUES (%s, 'trades', 'email', %s, now())"
        " ON CONFLICT (user_id, topic, channel) DO UPDATE SET wanted = excluded.wanted"
    )
    with database.transaction() as session:
        session.send(choose, (trader.user_id, False))
    trade(database, trader, 1)
    with database.transaction() as session:
        session.send(choose, (trader.user_id, True))
    trade(database, trader, 2)
    run_pending_jobs(database, "messages.send_mail")
    [email] = mailbox.sent_to(trader.email)
    assert email.subject == subject(2)


@pytest.mark.parametrize(
    "kind", [name for name, kind in KINDS.items() if kind.bundled_within is not None]
)
def test_kind_that_is_bundled_is_in_the_inbox_which_has_its_lines(kind: str) -> None:
    assert KINDS[kind].in_inbox
