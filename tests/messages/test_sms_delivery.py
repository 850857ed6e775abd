"""One SMS per event and person, although the carrier does not recognise repetitions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask

from app.access import Actor
from app.integrations import registry
from app.kit.db import Database
from app.kit.ports import provide, resolve
from app.kit.tasks import JobClaimedElsewhere
from app.messages import sms_delivery
from app.messages.delivery_log import ClaimedMessage, DeliveryLog
from app.messages.models import TextMessage
from app.messages.ports import OutgoingSms, SmsSender
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from sandbox.faults import FaultMode
from tests.message_samples import sample_values
from tests.people import People, verify_phone
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)
KIND = "deposit_credited"
VALUES = sample_values(KIND) | {"receives": "250.00", "asset": "USD", "method": "card"}


def provide_sms_sender(app: Flask, database: Database) -> None:
    """Provide the sender of a new process."""
    sections = [section.load() for section in registry.SECTIONS]
    sender = registry.connect(app.extensions["settings"], sections, database).sms
    assert sender is not None
    provide(SmsSender, sender)


@pytest.fixture
def carrier(app: Flask, database: Database, sandbox: Sandbox) -> Iterator[Sandbox]:
    """Provide Twilio, simulated by the sandbox, at a frozen time."""
    provide_sms_sender(app, database)
    with time_machine.travel(NOW, tick=False):
        yield sandbox


@pytest.fixture
def recipient(database: Database, people: People) -> Actor:
    return with_phone(database, people)


def with_phone(database: Database, people: People, ending: str = "7777") -> Actor:
    recipient = people.customer()
    number = f"+1{uuid4().int % 10**6:06}{ending}"
    with database.transaction() as session:
        verify_phone(session, recipient.user_id, number)
    return recipient


def phone(database: Database, recipient: Actor) -> str:
    with database.reading() as session:
        row = session.row("SELECT phone FROM users WHERE id = %s", (recipient.user_id,))
    assert row is not None
    return str(row[0])


def send(database: Database, recipient: Actor, event_key: str = "deposit_credited:1") -> None:
    sms_delivery.send_sms(
        database,
        user_id=str(recipient.user_id),
        kind=KIND,
        event_key=event_key,
        values=VALUES,
    )


def carrier_messages(
    carrier: Sandbox, database: Database, recipient: Actor
) -> list[dict[str, Any]]:
    return carrier.store.find("twilio", "messages", to=phone(database, recipient))


def row(database: Database, recipient: Actor) -> dict[str, Any]:
    columns = "state, attempts, uncertain, last_error, carrier_id, delivery, handed_over_at"
    with database.reading() as session:
        rows = session.rows(f"SELECT {columns} FROM texts WHERE user_id = %s", (recipient.user_id,))
    [values] = rows
    return dict(zip(columns.split(", "), values, strict=True))


class TestSend:
    def test_sms_is_one_line_with_a_reference(self, carrier, database, recipient):
        send(database, recipient)
        [message] = carrier_messages(carrier, database, recipient)
        with database.reading() as session:
            ((identifier,),) = session.rows(
                "SELECT id FROM texts WHERE user_id = %s", (recipient.user_id,)
            )
        text, _, reference = message["body"].rpartition(" Ref ")
        assert text == (
            "PBCEx: 250.00 USD has been credited to your account. Not you? Contact support now."
        )
        assert len(reference) == 8
        assert message["callback"] == "http://localhost:4001/webhooks/twilio"
        stored = row(database, recipient)
        assert (stored["state"], stored["attempts"], stored["uncertain"]) == ("sent", 1, 0)
        assert stored["carrier_id"] == message["sid"]
        with database.reading() as session:
            recorded_calls = session.rows(
                "SELECT provider, operation, outcome FROM provider_calls WHERE reference LIKE %s",
                (f"txt_%{reference}",),
            )
        assert recorded_calls == [("twilio", "messages.create", "answered")]
        assert identifier

    def test_repeated_event_is_texted_once(self, carrier, database, recipient):
        for _ in range(3):
            send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 1
        send(database, recipient, "deposit_credited:2")
        bodies = {message["body"] for message in carrier_messages(carrier, database, recipient)}
        assert len(bodies) == 2

    def test_person_without_phone_gets_no_sms(self, carrier, database, people):
        recipient = people.customer()
        send(database, recipient)
        stored = row(database, recipient)
        assert (stored["state"], stored["attempts"]) == ("dropped", 1)

    def test_refused_sms_is_not_tried_again(self, carrier, database, recipient):
        carrier.schedule_fault("twilio", "messages.create", FaultMode.REFUSED)
        for _ in range(2):
            send(database, recipient)
        stored = row(database, recipient)
        assert (stored["state"], stored["last_error"]) == ("refused", "21610: HTTP 400")
        assert carrier_messages(carrier, database, recipient) == []

    def test_rejected_credentials_delay_the_sms(
        self, app, carrier, database, recipient, monkeypatch
    ):
        monkeypatch.setattr("sandbox.providers.twilio.TOKEN", "another")
        with pytest.raises(ProviderUnavailable):
            send(database, recipient)
        assert row(database, recipient)["state"] == "waiting"
        monkeypatch.undo()
        provide_sms_sender(app, database)
        send(database, recipient)
        assert row(database, recipient)["state"] == "sent"


class TestUnknownOutcome:
    @pytest.mark.parametrize(
        "mode", [FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE]
    )
    def test_accepted_sms_is_found_and_not_sent_again(self, carrier, database, recipient, mode):
        carrier.schedule_fault("twilio", "messages.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, recipient)
        stored = row(database, recipient)
        assert (stored["state"], stored["uncertain"], stored["handed_over_at"]) == (
            "waiting",
            1,
            NOW,
        )
        send(database, recipient)
        [message] = carrier_messages(carrier, database, recipient)
        stored = row(database, recipient)
        assert (stored["state"], stored["carrier_id"]) == ("sent", message["sid"])

    @pytest.mark.parametrize(
        "mode", [FaultMode.HANG_UP_BEFORE, FaultMode.ERROR_BEFORE, FaultMode.DOWN]
    )
    def test_unaccepted_sms_is_sent_once_that_is_certain(self, carrier, database, recipient, mode):
        carrier.schedule_fault("twilio", "messages.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, recipient)
        with pytest.raises(ProviderOutcomeUnknown, match="not on the carrier's list yet"):
            send(database, recipient)
        assert carrier_messages(carrier, database, recipient) == []
        with time_machine.travel(NOW + sms_delivery.LISTED_AFTER, tick=False):
            send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 1
        assert row(database, recipient)["state"] == "sent"

    def test_nothing_is_sent_while_the_list_is_unavailable(self, carrier, database, recipient):
        carrier.schedule_fault("twilio", "messages.create", FaultMode.HANG_UP_AFTER)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, recipient)
        carrier.schedule_fault("twilio", "messages.list", FaultMode.HANG_UP_BEFORE, times=3)
        with (
            time_machine.travel(NOW + 2 * sms_delivery.LISTED_AFTER, tick=False),
            pytest.raises(ProviderOutcomeUnknown),
        ):
            send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 1
        send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 1

    def test_sms_of_an_ended_worker_is_found_and_not_sent_again(self, carrier, database, recipient):
        sms_sender = resolve(SmsSender)
        provide(SmsSender, _SenderWithHook(sms_sender, after=lambda: _raise(KeyboardInterrupt())))
        with pytest.raises(KeyboardInterrupt):
            send(database, recipient)
        provide(SmsSender, sms_sender)
        with pytest.raises(JobClaimedElsewhere):
            send(database, recipient)
        with time_machine.travel(NOW + sms_delivery.CLAIM_DURATION, tick=False):
            send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 1
        stored = row(database, recipient)
        assert (stored["state"], stored["attempts"], stored["uncertain"]) == ("sent", 2, 1)

    def test_sms_of_another_event_is_not_mistaken_for_it(self, carrier, database, recipient):
        send(database, recipient, "deposit_credited:2")
        carrier.schedule_fault("twilio", "messages.create", FaultMode.HANG_UP_BEFORE)
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, recipient)
        with time_machine.travel(NOW + sms_delivery.LISTED_AFTER, tick=False):
            send(database, recipient)
        assert len(carrier_messages(carrier, database, recipient)) == 2


class _SenderWithHook:
    """An SMS sender that calls `after` once the carrier has accepted an SMS."""

    def __init__(self, sms_sender: SmsSender, *, after: Callable[[], None]) -> None:
        self._sms_sender, self._after = sms_sender, after

    def send(self, sms: OutgoingSms) -> str:
        carrier_id = self._sms_sender.send(sms)
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

    def events(self, database: Database, recipient: Actor) -> list[UUID]:
        """Return the events of the person's callbacks."""
        with database.reading() as session:
            rows = session.rows(
                "SELECT w.id FROM webhook_events w JOIN texts t ON t.carrier_id = w.subject"
                " WHERE t.user_id = %s AND w.provider = 'twilio'",
                (recipient.user_id,),
            )
        return [event_id for (event_id,) in rows]

    @pytest.mark.parametrize(
        ("ending", "delivery"),
        [("7777", "delivered"), ("0001", "bounced"), ("0003", "undelivered")],
    )
    def test_signed_callback_records_the_status(
        self, carrier, client, database, people, ending, delivery
    ):
        recipient = with_phone(database, people, ending)
        send(database, recipient)
        assert carrier.deliver_webhooks(client) == [204, 204]
        [event_id] = self.events(database, recipient)
        for _ in range(2):
            sms_delivery.refresh_status(database, event_id)
        assert row(database, recipient)["delivery"] == delivery

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED])
    def test_callback_with_invalid_signature_is_refused(
        self, carrier, client, database, recipient, mode
    ):
        carrier.schedule_fault("twilio", "webhook", mode, times=2)
        send(database, recipient)
        assert carrier.deliver_webhooks(client) == [403, 403]
        assert self.events(database, recipient) == []

    def test_lost_status_is_requested(self, carrier, client, database, recipient):
        carrier.schedule_fault("twilio", "webhook", FaultMode.LOST, times=2)
        send(database, recipient)
        assert carrier.deliver_webhooks(client) == []
        sms_delivery.refresh_statuses(database)
        assert row(database, recipient)["delivery"] is None
        with time_machine.travel(NOW + timedelta(minutes=16), tick=False):
            sms_delivery.refresh_statuses(database)
        assert row(database, recipient)["delivery"] == "delivered"

    def test_status_before_the_sms_is_recorded_is_retried(
        self, carrier, client, database, recipient
    ):
        sms_sender = resolve(SmsSender)
        statuses: list[int] = []

        def deliver() -> None:
            statuses.extend(carrier.deliver_webhooks(client))

        provide(SmsSender, _SenderWithHook(sms_sender, after=deliver))
        send(database, recipient)
        assert statuses == [204, 204]
        [event_id] = self.events(database, recipient)
        with database.transaction() as session:
            change_rows(
                session,
                TextMessage,
                TextMessage.user_id == recipient.user_id,
                carrier_id=None,
            )
        with pytest.raises(ProviderUnavailable):
            sms_delivery.refresh_status(database, event_id)
        with time_machine.travel(NOW + timedelta(minutes=11), tick=False):
            sms_delivery.refresh_status(database, event_id)
        assert row(database, recipient)["delivery"] is None


def test_worker_that_lost_its_claim_does_not_send(database: Database, people: People) -> None:
    log, actor = DeliveryLog("texts"), people.customer()
    event_key = f"trade_confirmed:{uuid4()}"

    def claim(duration: timedelta) -> ClaimedMessage:
        with database.transaction() as session:
            claimed_message = log.claim(
                session, actor.user_id, event_key, "trade_confirmed", duration=duration
            )
        assert claimed_message is not None
        return claimed_message

    expired, current = claim(timedelta(0)), claim(timedelta(minutes=2))
    with database.transaction() as session:
        log.check_claim(session, current)
        with pytest.raises(JobClaimedElsewhere):
            log.check_claim(session, expired)
