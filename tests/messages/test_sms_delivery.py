"""One text message per event and person, though the carrier knows no repetition."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from app.access import Actor
from app.integrations import messaging
from app.kit.db import Database
from app.kit.ports import provide, resolve
from app.kit.tasks import JobClaimedElsewhere
from app.messages import sms_delivery
from app.messages.delivery_log import ClaimedMessage, DeliveryLog
from app.messages.ports import OutgoingSms, SmsSender
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from app.providers.service import CallLog
from sandbox.faults import FaultMode
from tests.messages.test_rules import given_for
from tests.people import People
from tests.provider_sandbox import Sandbox

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)
KIND = "deposit_credited"
VALUES = given_for(KIND) | {"amount": "250.00", "asset": "USD", "method": "card"}


@pytest.fixture
def carrier(app: Flask, database: Database, sandbox: Sandbox) -> Iterator[Sandbox]:
    """Twilio, as the sandbox plays it, at a moment that stands still."""
    provide(SmsSender, messaging.build_sms_sender(app.extensions["settings"], CallLog(database)))
    with time_machine.travel(NOW, tick=False):
        yield sandbox


@pytest.fixture
def person(database: Database, people: People) -> Actor:
    return with_phone(database, people)


def with_phone(database: Database, people: People, ending: str = "7777") -> Actor:
    person = people.customer()
    number = f"+1{uuid4().int % 10**6:06}{ending}"
    with database.transaction() as session:
        session.send("UPDATE users SET phone = %s WHERE id = %s", (number, person.user_id))
    return person


def phone(database: Database, person: Actor) -> str:
    with database.reading() as session:
        row = session.row("SELECT phone FROM users WHERE id = %s", (person.user_id,))
    assert row is not None
    return str(row[0])


def send(database: Database, person: Actor, event_key: str = "deposit_credited:1") -> None:
    sms_delivery.send_sms(
        database, user_id=str(person.user_id), kind=KIND, event_key=event_key, values=VALUES
    )


def carried(carrier: Sandbox, database: Database, person: Actor) -> list[dict[str, Any]]:
    return carrier.store.find("twilio", "messages", to=phone(database, person))


def row(database: Database, person: Actor) -> dict[str, Any]:
    columns = "state, attempts, uncertain, last_error, carrier_id, delivery, handed_over_at"
    with database.reading() as session:
        found = session.rows(f"SELECT {columns} FROM texts WHERE user_id = %s", (person.user_id,))
    [values] = found
    return dict(zip(columns.split(", "), values, strict=True))


class TestSend:
    def test_tells_the_person_in_one_line_with_a_reference(self, carrier, database, person):
        send(database, person)
        [message] = carried(carrier, database, person)
        with database.reading() as session:
            ((identifier,),) = session.rows(
                "SELECT id FROM texts WHERE user_id = %s", (person.user_id,)
            )
        head, _, reference = message["body"].rpartition(" Ref ")
        assert head == (
            "PBCEx: 250.00 USD has been credited to your account. Not you? Contact support now."
        )
        assert len(reference) == 8
        assert message["callback"] == "http://127.0.0.1:4001/webhooks/twilio"
        found = row(database, person)
        assert (found["state"], found["attempts"], found["uncertain"]) == ("sent", 1, 0)
        assert found["carrier_id"] == message["sid"]
        with database.reading() as session:
            calls = session.rows(
                "SELECT provider, operation, outcome FROM provider_calls WHERE reference LIKE %s",
                (f"txt_%{reference}",),
            )
        assert calls == [("twilio", "messages.create", "answered")]
        assert identifier

    def test_tells_of_an_event_once(self, carrier, database, person):
        for _ in range(3):
            send(database, person)
        assert len(carried(carrier, database, person)) == 1
        send(database, person, "deposit_credited:2")
        bodies = {each["body"] for each in carried(carrier, database, person)}
        assert len(bodies) == 2

    def test_nobody_is_told_without_a_number(self, carrier, database, people):
        person = people.customer()
        send(database, person)
        found = row(database, person)
        assert (found["state"], found["attempts"]) == ("dropped", 1)

    def test_what_is_refused_is_not_tried_again(self, carrier, database, person):
        carrier.schedule_fault("twilio", "messages.create", FaultMode.REFUSED)
        for _ in range(2):
            send(database, person)
        found = row(database, person)
        assert (found["state"], found["last_error"]) == ("refused", "21610: HTTP 400")
        assert carried(carrier, database, person) == []

    def test_wrong_keys_are_nobodys_fault_and_it_is_sent_later(
        self, app, carrier, database, person, monkeypatch
    ):
        monkeypatch.setattr("sandbox.twilio.TOKEN", "another")
        with pytest.raises(ProviderUnavailable):
            send(database, person)
        assert row(database, person)["state"] == "waiting"
        monkeypatch.undo()
        provide(
            SmsSender, messaging.build_sms_sender(app.extensions["settings"], CallLog(database))
        )
        send(database, person)
        assert row(database, person)["state"] == "sent"


class TestUnknown:
    @pytest.mark.parametrize(
        "mode", [FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE]
    )
    def test_what_was_taken_is_found_and_not_sent_again(self, carrier, database, person, mode):
        carrier.schedule_fault("twilio", "messages.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        found = row(database, person)
        assert (found["state"], found["uncertain"], found["handed_over_at"]) == ("waiting", 1, NOW)
        send(database, person)
        [message] = carried(carrier, database, person)
        found = row(database, person)
        assert (found["state"], found["carrier_id"]) == ("sent", message["sid"])

    @pytest.mark.parametrize(
        "mode", [FaultMode.HANG_UP_BEFORE, FaultMode.ERROR_BEFORE, FaultMode.DOWN]
    )
    def test_what_was_not_taken_is_sent_once_that_is_certain(self, carrier, database, person, mode):
        carrier.schedule_fault("twilio", "messages.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        with pytest.raises(ProviderOutcomeUnknown, match="not on the carrier's list yet"):
            send(database, person)
        assert carried(carrier, database, person) == []
        with time_machine.travel(NOW + sms_delivery.LISTED_AFTER, tick=False):
            send(database, person)
        assert len(carried(carrier, database, person)) == 1
        assert row(database, person)["state"] == "sent"

    def test_while_the_list_cannot_be_had_nothing_is_sent(self, carrier, database, person):
        carrier.schedule_fault("twilio", "messages.create", FaultMode.HANG_UP_AFTER)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        carrier.schedule_fault("twilio", "messages.list", FaultMode.HANG_UP_BEFORE, times=3)
        with (
            time_machine.travel(NOW + 2 * sms_delivery.LISTED_AFTER, tick=False),
            pytest.raises(ProviderOutcomeUnknown),
        ):
            send(database, person)
        assert len(carried(carrier, database, person)) == 1
        send(database, person)
        assert len(carried(carrier, database, person)) == 1

    def test_a_worker_that_ended_after_the_carrier_took_it(self, carrier, database, person):
        real = resolve(SmsSender)
        provide(SmsSender, _Ending(real, after=lambda: _raise(KeyboardInterrupt())))
        with pytest.raises(KeyboardInterrupt):
            send(database, person)
        provide(SmsSender, real)
        with pytest.raises(JobClaimedElsewhere):
            send(database, person)
        with time_machine.travel(NOW + sms_delivery.CLAIM_DURATION, tick=False):
            send(database, person)
        assert len(carried(carrier, database, person)) == 1
        found = row(database, person)
        assert (found["state"], found["attempts"], found["uncertain"]) == ("sent", 2, 1)

    def test_a_message_of_another_event_is_not_taken_for_it(self, carrier, database, person):
        send(database, person, "deposit_credited:2")
        carrier.schedule_fault("twilio", "messages.create", FaultMode.HANG_UP_BEFORE)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        with time_machine.travel(NOW + sms_delivery.LISTED_AFTER, tick=False):
            send(database, person)
        assert len(carried(carrier, database, person)) == 2


class _Ending:
    """The carrier, with something that happens once it has the message."""

    def __init__(self, real: SmsSender, *, after: Callable[[], None]) -> None:
        self._real, self._after = real, after

    def send(self, text: OutgoingSms) -> str:
        carrier_id = self._real.send(text)
        self._after()
        return carrier_id


def _raise(error: BaseException) -> None:
    raise error


class TestStatus:
    @pytest.fixture
    def client(self, app: Flask, carrier: Sandbox):
        client = app.test_client()
        carrier.deliver_webhooks(client)
        return client

    def checks(self, database: Database, person: Actor) -> list[str]:
        """The jobs that the person's callbacks staged."""
        with database.reading() as session:
            rows = session.rows(
                "SELECT w.id::text FROM webhook_events w JOIN texts t ON t.carrier_id = w.subject"
                " WHERE t.user_id = %s AND w.provider = 'twilio'",
                (person.user_id,),
            )
        return [identifier for (identifier,) in rows]

    @pytest.mark.parametrize(
        ("ending", "delivery"),
        [("7777", "delivered"), ("0001", "bounced"), ("0003", "undelivered")],
    )
    def test_is_recorded_by_the_signed_callback(
        self, carrier, client, database, people, ending, delivery
    ):
        person = with_phone(database, people, ending)
        send(database, person)
        assert carrier.deliver_webhooks(client) == [204, 204]
        [event_id] = self.checks(database, person)
        for _ in range(2):
            sms_delivery.refresh_status(database, event_id=event_id)
        assert row(database, person)["delivery"] == delivery

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED])
    def test_what_twilio_did_not_sign_is_not_taken(self, carrier, client, database, person, mode):
        carrier.schedule_fault("twilio", "webhook", mode, times=2)
        send(database, person)
        assert carrier.deliver_webhooks(client) == [403, 403]
        assert self.checks(database, person) == []

    def test_one_that_was_lost_is_asked_for(self, carrier, client, database, person):
        carrier.schedule_fault("twilio", "webhook", FaultMode.LOST, times=2)
        send(database, person)
        assert carrier.deliver_webhooks(client) == []
        sms_delivery.refresh_statuses(database)
        assert row(database, person)["delivery"] is None
        with time_machine.travel(NOW + timedelta(minutes=16), tick=False):
            sms_delivery.refresh_statuses(database)
        assert row(database, person)["delivery"] == "delivered"

    def test_one_that_comes_before_the_message_is_noted_waits(
        self, carrier, client, database, person
    ):
        real = resolve(SmsSender)
        taken: list[int] = []

        def deliver() -> None:
            taken.extend(carrier.deliver_webhooks(client))

        provide(SmsSender, _Ending(real, after=deliver))
        send(database, person)
        assert taken == [204, 204]
        [event_id] = self.checks(database, person)
        with database.transaction() as session:
            session.send("UPDATE texts SET carrier_id = NULL WHERE user_id = %s", (person.user_id,))
        with pytest.raises(ProviderUnavailable):
            sms_delivery.refresh_status(database, event_id=event_id)
        with time_machine.travel(NOW + timedelta(minutes=11), tick=False):
            sms_delivery.refresh_status(database, event_id=event_id)
        assert row(database, person)["delivery"] is None


def test_whoever_lost_the_claim_does_not_send(database: Database, people: People) -> None:
    log, actor = DeliveryLog("texts"), people.customer()
    key = f"trade_confirmed:{uuid4()}"

    def claim(until: timedelta) -> ClaimedMessage:
        with database.transaction() as session:
            claimed = log.claim(session, actor.user_id, key, "trade_confirmed", duration=until)
        assert claimed is not None
        return claimed

    slow, other = claim(timedelta(0)), claim(timedelta(minutes=2))
    with database.transaction() as session:
        log.check_claim(session, other)
        with pytest.raises(JobClaimedElsewhere):
            log.check_claim(session, slow)
