"""Notification settings over HTTP."""

import pytest
from flask import Flask

from app.kit.db import Database
from app.messages import preferences
from app.messages.rules import KINDS, MANDATORY_CHANNELS, TOPIC_CHANNELS, NotificationChannel
from app.outbox import service as outbox
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.mailbox import run_pending_jobs
from tests.messages.test_rules import sample_values
from tests.unchanged_database import database_unchanged

PATH = "/api/me/notifications"


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    return database


@pytest.fixture
def me(open_app: Flask) -> ApiClient:
    made = ApiClient(open_app)
    made.register(phone="+12025550123")
    return made


def choose(me: ApiClient, *wished: tuple[str, str, bool]):
    choices = [
        {"topic": topic, "channel": channel, "wanted": wanted} for topic, channel, wanted in wished
    ]
    return me.send("PUT", PATH, json={"choices": choices})


def wanted(told: dict) -> set[tuple[str, str]]:
    return {(each["topic"], each["channel"]) for each in told["choices"] if each["wanted"]}


def mails() -> set[tuple[str, str]]:
    return {(topic, channel) for topic, channel in TOPIC_CHANNELS if channel == "email"}


class TestChoices:
    def test_in_the_beginning_mail_is_wanted_and_texts_are_not(self, me: ApiClient) -> None:
        told = me.ok(200, me.get(PATH))
        assert told["phone"] == "+12025550123"
        assert wanted(told) == mails()
        fixed = {(each["topic"], each["channel"]) for each in told["choices"] if each["fixed"]}
        assert fixed == MANDATORY_CHANNELS
        assert ("security", "sms") not in {
            (each["topic"], each["channel"]) for each in told["choices"]
        }

    def test_are_kept_until_the_next(self, me: ApiClient) -> None:
        told = me.ok(200, choose(me, ("deposits", "sms", True), ("trades", "email", False)))
        assert wanted(told) == mails() - {("trades", "email")} | {("deposits", "sms")}
        assert me.ok(200, me.get(PATH)) == told
        assert wanted(me.ok(200, choose(me))) == mails()

    @pytest.mark.parametrize(
        "wish", [("security", "email", False), ("security", "sms", True), ("trades", "fax", True)]
    )
    def test_what_cannot_be_chosen(self, me, database, wish) -> None:
        with database_unchanged(database):
            [field] = wrong_fields(choose(me, ("deposits", "email", False), wish))
            assert field.startswith("choices.1")

    def test_a_choice_that_is_named_twice(self, me, database) -> None:
        with database_unchanged(database):
            wished = (("trades", "email", True), ("trades", "email", False))
            assert wrong_fields(choose(me, *wished)) == ["choices.1"]

    def test_texts_need_a_number(self, open_app: Flask, database: Database) -> None:
        me = ApiClient(open_app)
        me.register()
        assert me.ok(200, me.get(PATH))["phone"] is None
        with database_unchanged(database):
            assert_problem(choose(me, ("deposits", "sms", True)), 409, "phone_needed")


@pytest.mark.parametrize(
    ("wished", "channels"),
    [
        ((), {"messages.send_mail"}),
        ((("deposits", "sms", True),), {"messages.send_mail", "messages.send_text"}),
        ((("deposits", "sms", True), ("deposits", "email", False)), {"messages.send_text"}),
        ((("deposits", "email", False),), set()),
    ],
)
def test_an_event_is_told_as_was_chosen(me, database, wished, channels) -> None:
    me.ok(200, choose(me, *wished))
    kind = "deposit_pending"
    told = {"user_id": str(me.user_id), "kind": kind, "values": sample_values(kind)}
    with database.transaction() as session:
        outbox.stage(session, "messages.deliver", {**told, "event_key": "deposit_pending:1"})
    run_pending_jobs(database, "messages.deliver")
    with database.reading() as session:
        staged = session.rows(
            "SELECT task FROM outbox WHERE args->>'user_id' = %s AND task LIKE 'messages.send%%'"
            " AND args->>'kind' = %s",
            (str(me.user_id), kind),
        )
        inbox = session.rows("SELECT kind FROM messages WHERE user_id = %s", (me.user_id,))
    assert {task for (task,) in staged} == channels
    assert len(staged) == len(channels)
    assert inbox == [(kind,)]


def test_security_is_mailed_whatever_stands_in_the_table(me, database) -> None:
    with database.transaction() as session:
        session.send(
            "INSERT INTO notification_choices VALUES (%s, 'security', 'email', false, now())",
            (me.user_id,),
        )
        for kind, how in KINDS.items():
            if how.topic == "security":
                assert preferences.chosen_channels(session, me.user_id, kind) == {
                    NotificationChannel.EMAIL
                }
