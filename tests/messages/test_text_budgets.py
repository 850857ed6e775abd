"""Text messages are bundled where they come often, and a person and a phone get so many at most."""

from datetime import timedelta

import time_machine

from app.access import Actor
from app.kit.db import Database
from app.messages import preferences, service
from app.messages.models import TextMessage
from app.messages.text_budgets import TextBudgets
from app.notifications.rules import NotificationChannel, Topic
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.message_samples import sample_values
from tests.messages.test_sms_delivery import (
    NOW,
    carrier,
    carrier_messages,
    phone,
    recipient,
    send,
    with_phone,
)
from tests.people import People, verify_phone
from tests.provider_sandbox import Sandbox
from tests.rows import read_values

__all__ = ["carrier", "recipient"]


def states(database: Database, recipient: Actor) -> list[str]:
    with database.reading() as session:
        return read_values(session, TextMessage.state, TextMessage.user_id == recipient.user_id)


def test_person_receives_so_many_texts_an_hour(
    carrier: Sandbox, database: Database, recipient: Actor
) -> None:
    with fixed_settings(TextBudgets(per_person_hour=2)):
        for number in range(3):
            send(database, recipient, f"deposit_credited:{number}")
        assert states(database, recipient) == ["sent", "sent", "dropped"]
        with time_machine.travel(NOW + timedelta(hours=1), tick=False):
            send(database, recipient, "deposit_credited:later")
    assert states(database, recipient) == ["sent", "sent", "dropped", "sent"]
    assert len(carrier_messages(carrier, database, recipient)) == 3


def test_phone_receives_so_many_texts_a_day_whoever_has_it(
    carrier: Sandbox, database: Database, recipient: Actor, people: People
) -> None:
    other = with_phone(database, people)
    number = phone(database, recipient)
    with database.transaction() as session:
        verify_phone(session, other.user_id, number)
    with fixed_settings(TextBudgets(per_phone_day=2)):
        send(database, recipient, "deposit_credited:1")
        send(database, other, "deposit_credited:2")
        send(database, other, "deposit_credited:3")
        assert (states(database, recipient), states(database, other)) == (
            ["sent"],
            ["sent", "dropped"],
        )
        with time_machine.travel(NOW + timedelta(days=1), tick=False):
            send(database, other, "deposit_credited:4")
    assert states(database, other) == ["sent", "dropped", "sent"]


def test_texts_of_many_trades_are_sent_as_one(
    carrier: Sandbox, database: Database, recipient: Actor
) -> None:
    values = sample_values("trade_confirmed")
    with database.transaction() as session:
        preferences.set_preferences(
            session, recipient, [(Topic.TRADES, NotificationChannel.SMS, True)]
        )
    for number in range(60):
        with database.transaction() as session:
            service.deliver_message(
                session,
                user_id=str(recipient.user_id),
                event_key=f"trade_confirmed:{number}",
                kind="trade_confirmed",
                values=values,
            )
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        run_pending_jobs(database, "messages.send_text")
    assert sorted(states(database, recipient)) == ["bundled"] * 59 + ["sent"]
    [text] = carrier_messages(carrier, database, recipient)
    assert text["body"].startswith("PBCEx: 60 orders were filled.")
