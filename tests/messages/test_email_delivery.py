"""One e-mail per event, whatever happens to its job."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jinja2
import pytest
import time_machine

from app.access import Actor
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.jobs.dispatch import execute_job
from app.kit.db import Database
from app.kit.tasks import JobClaimedElsewhere
from app.messages import email_delivery
from app.messages import rules as messages_rules
from app.messages.ports import EmailNotSent, EmailRefused, OutgoingEmail
from app.outbox import service as outbox
from app.outbox.rules import Backoff
from app.providers.errors import ProviderOutcomeUnknown
from tests.mailbox import Mailbox, extract_token, run_pending_jobs, use_mailbox
from tests.messages.test_rules import given_for
from tests.messages.test_service import VALUES
from tests.people import People

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as made:
        yield made


@pytest.fixture
def person(people: People) -> Actor:
    return people.customer()


def send(database: Database, person: Actor, event_key: str = "trade_confirmed:1", **more: Any):
    told = {"kind": "trade_confirmed", "values": VALUES, "event_key": event_key, **more}
    email_delivery.send_email(database, user_id=str(person.user_id), **told)


def row(database: Database, person: Actor) -> dict[str, Any]:
    columns = "id, state, attempts, uncertain, last_error, claimed_until IS NULL AS free"
    with database.reading() as session:
        found = session.rows(f"SELECT {columns} FROM mails WHERE user_id = %s", (person.user_id,))
    [values] = found
    return dict(zip(("id", "state", "attempts", "uncertain", "error", "free"), values, strict=True))


def raising(error: Exception):
    def raise_it(_: OutgoingEmail) -> None:
        raise error

    return raise_it


class TestSend:
    def test_tells_the_person_in_text_and_html(self, database, person, box) -> None:
        send(database, person)
        [mail] = box.sent
        assert mail.recipient == person.email
        assert mail.subject == "You converted 100.00 USD to 0.02487500 XAU-s"
        assert "You paid      100.00 USD\n" in mail.text
        assert "<td>100.00 USD</td>" in mail.html
        found = row(database, person)
        assert found == {
            "id": mail.id, "state": "sent", "attempts": 1, "uncertain": 0, "error": None,
            "free": True,
        }  # fmt: skip

    def test_tells_of_an_event_once(self, database, person, box) -> None:
        for _ in range(3):
            send(database, person)
        assert len(box.sent) == 1
        send(database, person, "trade_confirmed:2")
        assert len({mail.id for mail in box.sent}) == 2

    def test_nothing_is_locked_during_the_call(self, database, person, box) -> None:
        def look(_: OutgoingEmail) -> None:
            with database.transaction() as session:
                session.rows(
                    "SELECT FROM mails WHERE user_id = %s FOR UPDATE NOWAIT", (person.user_id,)
                )

        box.before_send = look
        send(database, person)
        assert row(database, person)["state"] == "sent"

    def test_two_hands_at_once_send_one(self, database, person, box) -> None:
        inside, done = threading.Event(), threading.Event()

        def wait(_: OutgoingEmail) -> None:
            inside.set()
            assert done.wait(20)

        box.before_send = wait
        first = threading.Thread(target=send, args=(database, person))
        first.start()
        assert inside.wait(20)
        with pytest.raises(JobClaimedElsewhere):
            send(database, person)
        done.set()
        first.join()
        send(database, person)
        assert len(box.sent) == 1
        assert row(database, person)["attempts"] == 1

    def test_nobody_is_told_who_is_no_more(self, database, box) -> None:
        user_id = uuid4()
        email_delivery.send_email(
            database,
            user_id=str(user_id),
            kind="trade_confirmed",
            event_key="trade_confirmed:1",
            values=VALUES,
        )
        assert box.sent == []

    def test_a_missing_value_is_an_error_and_leaves_nothing(self, database, person, box) -> None:
        with pytest.raises(jinja2.UndefinedError):
            send(database, person, values={})
        with database.reading() as session:
            assert session.rows("SELECT FROM mails WHERE user_id = %s", (person.user_id,)) == []
        assert box.sent == []


class TestTrouble:
    def test_what_was_not_taken_is_sent_later_under_the_same_id(self, database, person, box):
        ids = []

        def fail(mail: OutgoingEmail) -> None:
            ids.append(mail.id)
            raise EmailNotSent("The server answered 421")

        box.before_send = fail
        for _ in range(2):
            with pytest.raises(EmailNotSent):
                send(database, person)
        found = row(database, person)
        assert (found["state"], found["attempts"], found["uncertain"]) == ("waiting", 2, 0)
        assert found["error"] == "The server answered 421"
        box.before_send = lambda _: None
        send(database, person)
        assert {*ids, box.sent[0].id} == {found["id"]}
        assert row(database, person)["state"] == "sent"

    def test_what_is_refused_for_good_is_not_tried_again(self, database, person, box) -> None:
        box.before_send = raising(EmailRefused("The server answered 550"))
        send(database, person)
        box.before_send = lambda _: None
        send(database, person)
        assert box.sent == []
        assert row(database, person)["state"] == "refused"

    def test_an_unknown_outcome_is_counted_and_sent_again_under_the_same_id(
        self, database, person, box
    ) -> None:
        box.after_send = raising(ProviderOutcomeUnknown("The connection broke"))
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        box.after_send = lambda _: None
        send(database, person)
        assert len(box.sent) == 2
        assert len({mail.id for mail in box.sent}) == 1
        found = row(database, person)
        assert (found["state"], found["attempts"], found["uncertain"]) == ("sent", 2, 1)

    def test_a_worker_that_ended_holds_the_mail_for_a_minute(self, database, person, box) -> None:
        box.after_send = raising(KeyboardInterrupt())  # type: ignore[arg-type]
        with time_machine.travel(NOW, tick=False) as clock:
            with pytest.raises(KeyboardInterrupt):
                send(database, person)
            box.after_send = lambda _: None
            clock.shift(timedelta(seconds=59))
            with pytest.raises(JobClaimedElsewhere):
                send(database, person)
            clock.shift(timedelta(seconds=2))
            send(database, person)
        assert len({mail.id for mail in box.sent}) == 1
        found = row(database, person)
        assert (found["state"], found["attempts"], found["uncertain"]) == ("sent", 2, 1)

    def test_the_job_waits_for_other_hands_without_an_error(self, database, person, box) -> None:
        with database.transaction() as session:
            args = {"user_id": str(person.user_id), "kind": "trade_confirmed", "values": VALUES}
            job = outbox.stage(session, "messages.send_mail", {**args, "event_key": "x:1"})

        def meanwhile(_: OutgoingEmail) -> None:
            box.before_send = lambda _: None
            carry_out_once(database, job)

        box.before_send = meanwhile
        carry_out_once(database, job)
        assert len(box.sent) == 1
        with database.reading() as session:
            found = session.row("SELECT done_at, last_error, tries FROM outbox WHERE id=%s", (job,))
        assert found is not None
        assert found[0] is not None
        assert found[1:] == (None, 2)


def carry_out_once(database: Database, job: UUID) -> None:
    execute_job(database, job, Backoff())


class TestLinks:
    def issue(self, database: Database, person: Actor) -> UUID:
        with database.transaction() as session:
            return one_time_tokens.issue_link(session, person.user_id, LinkPurpose.RESET_PASSWORD)

    def send(self, database: Database, person: Actor, link: UUID) -> None:
        send(
            database,
            person,
            f"reset_password:{link}",
            kind="reset_password",
            values={},
            token_id=str(link),
        )

    def test_a_mail_carries_the_link_of_its_row(self, database, person, box) -> None:
        link = self.issue(database, person)
        self.send(database, person, link)
        token = extract_token(box.sent[0].text)
        assert f"http://127.0.0.1:4001/auth/reset-password?token={token}" in box.sent[0].text
        assert f'href="http://127.0.0.1:4001/auth/reset-password?token={token}"' in box.sent[0].html
        with database.reading() as session:
            assert one_time_tokens.find_link(session, token, LinkPurpose.RESET_PASSWORD).id == link

    @pytest.mark.parametrize("why", ["used", "expired"])
    def test_a_dead_link_is_not_sent(self, database, person, box, why: str) -> None:
        link = self.issue(database, person)
        column = "used_at = now()" if why == "used" else "expires_at = issued_at + interval '1us'"
        with database.transaction() as session:
            session.send(f"UPDATE one_time_tokens SET {column} WHERE id = %s", (link,))
        self.send(database, person, link)
        assert box.sent == []
        assert row(database, person)["state"] == "dropped"

    def test_a_link_made_under_another_key_is_not_sent(self, database, person, box) -> None:
        link = self.issue(database, person)
        with database.transaction() as session:
            session.send(
                "UPDATE one_time_tokens SET nonce = decode(repeat('00', 16), 'hex') WHERE id = %s",
                (link,),
            )
        self.send(database, person, link)
        assert box.sent == []
        assert row(database, person)["state"] == "dropped"


class TestTexts:
    LINK = "https://pbcex.example/auth/reset-password?token=otk_1.x"

    def values(self, kind: str) -> dict[str, str]:
        return {**given_for(kind), "link": self.LINK}

    @pytest.mark.parametrize(
        "kind",
        sorted(each for each in messages_rules.KINDS if messages_rules.KINDS[each].email_version),
    )
    def test_every_kind_says_the_same_in_text_and_html(self, kind: str) -> None:
        mail = messages_rules.render_email(kind, self.values(kind))
        assert mail.subject
        assert f"<h1>{mail.subject}</h1>" in mail.html
        assert (self.LINK in mail.body) == (self.LINK in mail.html)
        for value in given_for(kind).values():
            told = messages_rules.METHOD_LABELS.get(value, value)
            assert (told in mail.subject + mail.body) == (told in mail.html), told
        for word in ("<script", "style=", "src=", "{{", "None"):
            assert word not in mail.html

    def test_a_change_of_password_staged_before_keys_were_counted_can_be_sent(self) -> None:
        told = {"changed_at": "2026-11-22T10:00:00.000Z"}
        uncounted = messages_rules.render_email("password_changed", told)
        assert "API keys that are still" not in uncounted.body
        counted = messages_rules.render_email("password_changed", {**told, "api_keys": "3"})
        assert "API keys that are still active: 3." in counted.body
        assert "API keys that are still active: 3." in counted.html

    def test_html_escapes_and_text_does_not(self) -> None:
        told = {**self.values("trade_confirmed"), "order": "<img src=x onerror=alert(1)>&"}
        mail = messages_rules.render_email("trade_confirmed", told)
        assert "<img" not in mail.html
        assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in mail.html
        assert "<img src=x onerror=alert(1)>&" in mail.body

    def test_a_subject_is_one_line_whatever_a_value_holds(self) -> None:
        told = {**self.values("trade_confirmed"), "to_asset": "XAU\r\nBcc: all@example.com"}
        assert messages_rules.render_email("trade_confirmed", told).subject.isprintable()

    def test_a_mail_to_an_unproven_address_says_nothing_that_the_asker_wrote(self) -> None:
        for kind in ("confirm_email", "reset_password"):
            messages_rules.render_email(kind, {"link": self.LINK})


def test_a_confirmation_in_the_app_goes_by_mail_too(database, person, box) -> None:
    args = {"user_id": str(person.user_id), "kind": "trade_confirmed", "values": VALUES}
    with database.transaction() as session:
        outbox.stage(session, "messages.deliver", {**args, "event_key": "trade_confirmed:9"})
    run_pending_jobs(database)
    [mail] = box.sent_to(person.email)
    with database.reading() as session:
        inbox = session.rows("SELECT subject FROM messages WHERE user_id = %s", (person.user_id,))
    assert inbox == [(mail.subject,)]


def test_a_change_of_credentials_is_told_each_time(database, person, box) -> None:
    for _ in range(2):
        with database.transaction() as session:
            security_mail.mail_change_notice(session, person.user_id, "password_changed")
    run_pending_jobs(database)
    assert [mail.subject for mail in box.sent_to(person.email)] == ["Your password was changed"] * 2


def test_what_was_settled_long_ago_is_forgotten(database, people, box) -> None:
    old, young, waiting = people.customer(), people.customer(), people.customer()
    with time_machine.travel(NOW, tick=False) as clock:
        send(database, old)
        box.before_send = raising(EmailNotSent("away"))
        with pytest.raises(EmailNotSent):
            send(database, waiting)
        box.before_send = lambda _: None
        clock.shift(timedelta(days=91))
        send(database, young)
        with database.transaction() as session:
            email_delivery.delete_old_emails(session)
    with database.reading() as session:
        left = session.rows(
            "SELECT user_id FROM mails WHERE user_id = ANY(%s)",
            ([old.user_id, young.user_id, waiting.user_id],),
        )
    assert {user_id for (user_id,) in left} == {young.user_id, waiting.user_id}
