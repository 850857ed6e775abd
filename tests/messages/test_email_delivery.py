"""One email per event, whatever happens to its job."""

import threading
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
from app.messages.ports import EmailNotSent, EmailRefused, OutgoingEmail
from app.notifications.account_kinds import PasswordChanged
from app.outbox import service as outbox
from app.outbox.rules import Backoff
from app.providers.errors import ProviderOutcomeUnknown
from tests.mailbox import extract_token, run_pending_jobs
from tests.messages.test_service import VALUES

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)


def send(database: Database, person: Actor, event_key: str = "trade_confirmed:1", **more: Any):
    args = {"kind": "trade_confirmed", "values": VALUES, "event_key": event_key, **more}
    email_delivery.send_email(database, user_id=str(person.user_id), **args)


def row(database: Database, person: Actor) -> dict[str, Any]:
    columns = "id, state, attempts, uncertain, last_error, claimed_until IS NULL AS free"
    with database.reading() as session:
        rows = session.rows(f"SELECT {columns} FROM mails WHERE user_id = %s", (person.user_id,))
    [values] = rows
    return dict(zip(("id", "state", "attempts", "uncertain", "error", "free"), values, strict=True))


def raising(error: Exception):
    def raise_it(_: OutgoingEmail) -> None:
        raise error

    return raise_it


class TestSend:
    def test_email_is_sent_in_plain_text_and_html(self, database, person, mailbox) -> None:
        send(database, person)
        [email] = mailbox.sent
        assert email.recipient == person.email
        assert email.subject == "You converted 100.00 USD to 0.024875 XAU-s"
        assert "You paid      100.00 USD\n" in email.text
        assert "<td>100.00 USD</td>" in email.html
        stored = row(database, person)
        assert stored == {
            "id": email.id, "state": "sent", "attempts": 1, "uncertain": 0, "error": None,
            "free": True,
        }  # fmt: skip

    def test_repeated_event_is_emailed_once(self, database, person, mailbox) -> None:
        for _ in range(3):
            send(database, person)
        assert len(mailbox.sent) == 1
        send(database, person, "trade_confirmed:2")
        assert len({email.id for email in mailbox.sent}) == 2

    def test_no_row_is_locked_during_the_call(self, database, person, mailbox) -> None:
        def lock_row(_: OutgoingEmail) -> None:
            with database.transaction() as session:
                session.rows(
                    "SELECT FROM mails WHERE user_id = %s FOR UPDATE NOWAIT", (person.user_id,)
                )

        mailbox.before_send = lock_row
        send(database, person)
        assert row(database, person)["state"] == "sent"

    def test_two_workers_at_once_send_one_email(self, database, person, mailbox) -> None:
        sending, may_finish = threading.Event(), threading.Event()

        def wait(_: OutgoingEmail) -> None:
            sending.set()
            assert may_finish.wait(20)

        mailbox.before_send = wait
        first = threading.Thread(target=send, args=(database, person))
        first.start()
        assert sending.wait(20)
        with pytest.raises(JobClaimedElsewhere):
            send(database, person)
        may_finish.set()
        first.join()
        send(database, person)
        assert len(mailbox.sent) == 1
        assert row(database, person)["attempts"] == 1

    def test_person_who_does_not_exist_gets_no_email(self, database, mailbox) -> None:
        user_id = uuid4()
        email_delivery.send_email(
            database,
            user_id=str(user_id),
            kind="trade_confirmed",
            event_key="trade_confirmed:1",
            values=VALUES,
        )
        assert mailbox.sent == []

    def test_missing_value_is_an_error_and_stores_nothing(self, database, person, mailbox) -> None:
        with pytest.raises(jinja2.UndefinedError):
            send(database, person, values={})
        with database.reading() as session:
            assert session.rows("SELECT FROM mails WHERE user_id = %s", (person.user_id,)) == []
        assert mailbox.sent == []


class TestFailures:
    def test_unaccepted_email_is_sent_later_with_the_same_id(self, database, person, mailbox):
        ids = []

        def fail(email: OutgoingEmail) -> None:
            ids.append(email.id)
            raise EmailNotSent("The server replied 421.")

        mailbox.before_send = fail
        for _ in range(2):
            with pytest.raises(EmailNotSent):
                send(database, person)
        stored = row(database, person)
        assert (stored["state"], stored["attempts"], stored["uncertain"]) == ("waiting", 2, 0)
        assert stored["error"] == "The server replied 421."
        mailbox.before_send = lambda _: None
        send(database, person)
        assert {*ids, mailbox.sent[0].id} == {stored["id"]}
        assert row(database, person)["state"] == "sent"

    def test_refused_email_is_not_tried_again(self, database, person, mailbox) -> None:
        mailbox.before_send = raising(EmailRefused("The server replied 550."))
        send(database, person)
        mailbox.before_send = lambda _: None
        send(database, person)
        assert mailbox.sent == []
        assert row(database, person)["state"] == "refused"

    def test_unknown_outcome_is_counted_and_sent_again_with_the_same_id(
        self, database, person, mailbox
    ) -> None:
        mailbox.after_send = raising(ProviderOutcomeUnknown("The connection broke"))
        with pytest.raises(ProviderOutcomeUnknown):
            send(database, person)
        mailbox.after_send = lambda _: None
        send(database, person)
        assert len(mailbox.sent) == 2
        assert len({email.id for email in mailbox.sent}) == 1
        stored = row(database, person)
        assert (stored["state"], stored["attempts"], stored["uncertain"]) == ("sent", 2, 1)

    def test_ended_worker_keeps_its_claim_for_a_minute(self, database, person, mailbox) -> None:
        mailbox.after_send = raising(KeyboardInterrupt())  # type: ignore[arg-type] # not an Exception: the worker is killed
        with time_machine.travel(NOW, tick=False) as clock:
            with pytest.raises(KeyboardInterrupt):
                send(database, person)
            mailbox.after_send = lambda _: None
            clock.shift(timedelta(seconds=59))
            with pytest.raises(JobClaimedElsewhere):
                send(database, person)
            clock.shift(timedelta(seconds=2))
            send(database, person)
        assert len({email.id for email in mailbox.sent}) == 1
        stored = row(database, person)
        assert (stored["state"], stored["attempts"], stored["uncertain"]) == ("sent", 2, 1)

    def test_job_waits_for_another_worker_without_error(self, database, person, mailbox) -> None:
        with database.transaction() as session:
            args = {"user_id": str(person.user_id), "kind": "trade_confirmed", "values": VALUES}
            job = outbox.stage(session, "messages.send_mail", {**args, "event_key": "x:1"})

        def run_job_again(_: OutgoingEmail) -> None:
            mailbox.before_send = lambda _: None
            carry_out_once(database, job)

        mailbox.before_send = run_job_again
        carry_out_once(database, job)
        assert len(mailbox.sent) == 1
        with database.reading() as session:
            stored = session.row(
                "SELECT done_at, last_error, tries FROM outbox WHERE id=%s", (job,)
            )
        assert stored is not None
        assert stored[0] is not None
        assert stored[1:] == (None, 2)


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

    def test_email_contains_the_link_of_its_token(self, database, person, mailbox) -> None:
        link = self.issue(database, person)
        self.send(database, person, link)
        token = extract_token(mailbox.sent[0].text)
        assert f"http://localhost:4001/auth/reset-password?token={token}" in mailbox.sent[0].text
        assert (
            f'href="http://localhost:4001/auth/reset-password?token={token}"'
            in mailbox.sent[0].html
        )
        with database.reading() as session:
            assert one_time_tokens.find_link(session, token, LinkPurpose.RESET_PASSWORD).id == link

    @pytest.mark.parametrize("reason", ["used", "expired"])
    def test_used_or_expired_link_is_not_sent(self, database, person, mailbox, reason: str) -> None:
        link = self.issue(database, person)
        column = (
            "used_at = now()" if reason == "used" else "expires_at = issued_at + interval '1us'"
        )
        with database.transaction() as session:
            session.send(f"UPDATE one_time_tokens SET {column} WHERE id = %s", (link,))
        self.send(database, person, link)
        assert mailbox.sent == []
        assert row(database, person)["state"] == "dropped"

    def test_link_made_with_another_key_is_not_sent(self, database, person, mailbox) -> None:
        link = self.issue(database, person)
        with database.transaction() as session:
            session.send(
                "UPDATE one_time_tokens SET nonce = decode(repeat('00', 16), 'hex') WHERE id = %s",
                (link,),
            )
        self.send(database, person, link)
        assert mailbox.sent == []
        assert row(database, person)["state"] == "dropped"


def test_inbox_message_is_also_sent_by_email(database, person, mailbox) -> None:
    args = {"user_id": str(person.user_id), "kind": "trade_confirmed", "values": VALUES}
    with database.transaction() as session:
        outbox.stage(session, "messages.deliver", {**args, "event_key": "trade_confirmed:9"})
    run_pending_jobs(database)
    [email] = mailbox.sent_to(person.email)
    with database.reading() as session:
        inbox = session.rows("SELECT subject FROM messages WHERE user_id = %s", (person.user_id,))
    assert inbox == [(email.subject,)]


def test_each_change_of_credentials_is_emailed(database, person, mailbox) -> None:
    for _ in range(2):
        with database.transaction() as session:
            change = PasswordChanged(NOW, api_keys=0)
            security_mail.mail_change_notice(session, person.user_id, change)
    run_pending_jobs(database)
    assert [email.subject for email in mailbox.sent_to(person.email)] == [
        "Your password was changed"
    ] * 2


def test_emails_settled_long_ago_are_deleted(database, people, mailbox) -> None:
    old_customer, recent_customer, waiting_customer = (
        people.customer(),
        people.customer(),
        people.customer(),
    )
    with time_machine.travel(NOW, tick=False) as clock:
        send(database, old_customer)
        mailbox.before_send = raising(EmailNotSent("away"))
        with pytest.raises(EmailNotSent):
            send(database, waiting_customer)
        mailbox.before_send = lambda _: None
        clock.shift(timedelta(days=91))
        send(database, recent_customer)
        with database.transaction() as session:
            email_delivery.delete_old_emails(session)
    with database.reading() as session:
        remaining = session.rows(
            "SELECT user_id FROM mails WHERE user_id = ANY(%s)",
            ([old_customer.user_id, recent_customer.user_id, waiting_customer.user_id],),
        )
    assert {user_id for (user_id,) in remaining} == {
        recent_customer.user_id,
        waiting_customer.user_id,
    }
