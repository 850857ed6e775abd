"""Notification choices over the API."""

import pytest
from flask import Flask

from app.kit.db import Database
from app.messages import preferences
from app.messages.rules import MANDATORY_CHANNELS, TOPIC_CHANNELS
from app.notifications.registry import KINDS
from app.notifications.rules import NotificationChannel
from app.outbox import service as outbox
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.mailbox import run_pending_jobs
from tests.message_samples import sample_values
from tests.unchanged_database import database_unchanged

PATH = "/api/me/notifications"


@pytest.fixture
def customer_with_phone(open_app: Flask) -> ApiClient:
    client = ApiClient(open_app)
    client.register()
    client.verify_phone("+12025550123")
    return client


def put_choices(customer: ApiClient, *choices: tuple[str, str, bool]):
    rows = [
        {"topic": topic, "channel": channel, "wanted": wanted} for topic, channel, wanted in choices
    ]
    return customer.send("PUT", PATH, json={"choices": rows})


def wanted_pairs(body: dict) -> set[tuple[str, str]]:
    return {(choice["topic"], choice["channel"]) for choice in body["choices"] if choice["wanted"]}


def email_pairs() -> set[tuple[str, str]]:
    return {(topic, channel) for topic, channel in TOPIC_CHANNELS if channel == "email"}


class TestChoices:
    def test_email_is_on_and_sms_off_by_default(self, customer_with_phone: ApiClient) -> None:
        body = customer_with_phone.ok(200, customer_with_phone.get(PATH))
        assert body["phone"] == "+12025550123"
        assert wanted_pairs(body) == email_pairs()
        fixed = {
            (choice["topic"], choice["channel"]) for choice in body["choices"] if choice["fixed"]
        }
        assert fixed == MANDATORY_CHANNELS
        assert ("security", "sms") not in {
            (choice["topic"], choice["channel"]) for choice in body["choices"]
        }

    def test_choices_replace_the_earlier_ones(self, customer_with_phone: ApiClient) -> None:
        body = customer_with_phone.ok(
            200,
            put_choices(customer_with_phone, ("deposits", "sms", True), ("trades", "email", False)),
        )
        assert wanted_pairs(body) == email_pairs() - {("trades", "email")} | {("deposits", "sms")}
        assert customer_with_phone.ok(200, customer_with_phone.get(PATH)) == body
        assert (
            wanted_pairs(customer_with_phone.ok(200, put_choices(customer_with_phone)))
            == email_pairs()
        )

    @pytest.mark.parametrize(
        "choice", [("security", "email", False), ("security", "sms", True), ("trades", "fax", True)]
    )
    def test_mandatory_or_unknown_channel_cannot_be_chosen(
        self, customer_with_phone, database, choice
    ) -> None:
        with database_unchanged(database):
            [field] = wrong_fields(
                put_choices(customer_with_phone, ("deposits", "email", False), choice)
            )
            assert field.startswith("choices.1")

    def test_choice_named_twice_is_refused(self, customer_with_phone, database) -> None:
        with database_unchanged(database):
            choices = (("trades", "email", True), ("trades", "email", False))
            assert wrong_fields(put_choices(customer_with_phone, *choices)) == ["choices.1"]

    def test_sms_cannot_be_chosen_without_a_phone_number(
        self, open_app: Flask, database: Database
    ) -> None:
        customer = ApiClient(open_app)
        customer.register()
        assert customer.ok(200, customer.get(PATH))["phone"] is None
        with database_unchanged(database):
            assert_problem(put_choices(customer, ("deposits", "sms", True)), 409, "phone_needed")
        customer.ok(200, customer.send("PATCH", "/api/me", json={"phone": "+12025550123"}))
        with database_unchanged(database):
            response = put_choices(customer, ("deposits", "sms", True))
            assert_problem(response, 409, "phone_not_verified")


@pytest.mark.parametrize(
    ("choices", "tasks"),
    [
        pytest.param((), {"messages.send_mail"}, id="default"),
        pytest.param(
            (("deposits", "sms", True),),
            {"messages.send_mail", "messages.send_text"},
            id="email and SMS",
        ),
        pytest.param(
            (("deposits", "sms", True), ("deposits", "email", False)),
            {"messages.send_text"},
            id="SMS only",
        ),
        pytest.param((("deposits", "email", False),), set(), id="neither"),
    ],
)
def test_event_is_sent_by_the_chosen_channels_and_always_to_the_inbox(
    customer_with_phone, database, choices, tasks
) -> None:
    customer_with_phone.ok(200, put_choices(customer_with_phone, *choices))
    kind = "deposit_pending"
    args = {
        "user_id": str(customer_with_phone.user_id),
        "kind": kind,
        "values": sample_values(kind),
    }
    with database.transaction() as session:
        outbox.stage(session, "messages.deliver", {**args, "event_key": "deposit_pending:1"})
    run_pending_jobs(database, "messages.deliver")
    with database.reading() as session:
        staged = session.rows(
            "SELECT task FROM outbox WHERE args->>'user_id' = %s AND task LIKE 'messages.send%%'"
            " AND args->>'kind' = %s",
            (str(customer_with_phone.user_id), kind),
        )
        inbox = session.rows(
            "SELECT kind FROM messages WHERE user_id = %s", (customer_with_phone.user_id,)
        )
    assert {task for (task,) in staged} == tasks
    assert len(staged) == len(tasks)
    assert inbox == [(kind,)]


def test_security_is_emailed_whatever_choice_is_stored(customer_with_phone, database) -> None:
    with database.transaction() as session:
        session.send(
            "INSERT INTO notification_choices VALUES (%s, 'security', 'email', false, now())",
            (customer_with_phone.user_id,),
        )
        for kind, rules in KINDS.items():
            if rules.topic == "security" and not rules.sms_only:
                assert preferences.chosen_channels(session, customer_with_phone.user_id, kind) == {
                    NotificationChannel.EMAIL
                }
