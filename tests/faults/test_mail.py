"""Emails while workers are killed and the server is down: real processes, a real SMTP server."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.kit.tasks import Queue
from app.messages.models import Mail
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from tests.drill import choose_size
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.mailbox import RecordingSmtpServer
from tests.messages.test_service import VALUES
from tests.people import People
from tests.rows import count_rows, delete_rows

MAILS = choose_size(20, 200)


class SlowServer(RecordingSmtpServer):
    """An SMTP server that can delay its reply to an accepted email."""

    slow_seconds = 0.0

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if self.slow_seconds:
            await asyncio.sleep(self.slow_seconds)
        return answer


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowServer]:
    server = SlowServer(enable_SMTPUTF8=True)
    monkeypatch.setenv("PBCEX_SMTP_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def email_processes(
    smtp: SlowServer, database, redis_server, tmp_path: Path, job_bench: JobBench
) -> Iterator[WorkerProcesses]:
    """Worker processes that send emails through that server."""
    processes = WorkerProcesses(database, redis_server.url, tmp_path / "log")
    yield processes
    processes.end()


def stage(job_bench: JobBench, people: People, count: int = 1, *, times: int = 1) -> list[str]:
    """Stage `count` emails to new people, each `times` times; return their addresses."""
    recipients = [people.customer() for _ in range(count)]
    with job_bench.database.transaction() as session:
        for person in recipients:
            for _ in range(times):
                args = {
                    "user_id": str(person.user_id),
                    "event_key": f"trade_confirmed:{person.user_id}",
                    "kind": "trade_confirmed",
                    "values": VALUES,
                }
                outbox.stage(session, "messages.send_mail", args)
    return [person.email for person in recipients]


def received(smtp: RecordingSmtpServer) -> Counter[str]:
    return Counter(str(mail["To"]) for mail in list(smtp.mails))


def states(job_bench: JobBench) -> Counter[str]:
    with job_bench.database.reading() as session:
        return Counter(dict(session.rows("SELECT state, count(*) FROM mails GROUP BY state")))


@pytest.fixture(autouse=True)
def delete_emails(job_bench: JobBench) -> None:
    with job_bench.database.transaction() as session:
        delete_rows(session, Mail)


def test_email_staged_several_times_is_sent_once(job_bench, email_processes, smtp, people) -> None:
    emails = stage(job_bench, people, MAILS, times=3)
    for role in ("relay", "work", "work"):
        email_processes.start(role, Queue.MESSAGES)
    wait_until(job_bench.settled)
    assert received(smtp) == Counter(emails)
    assert states(job_bench) == {"sent": MAILS}


def test_mail_server_that_is_down_delays_emails_and_loses_none(
    job_bench, email_processes, smtp, people
) -> None:
    smtp.stop()
    emails = stage(job_bench, people, 5)
    for role in ("relay", "work"):
        email_processes.start(role, Queue.MESSAGES)
    wait_until(lambda: states(job_bench)["waiting"] == 5)
    time.sleep(1)
    smtp.start_again()
    try:
        wait_until(job_bench.settled)
    finally:
        assert received(smtp) == Counter(emails)
    assert states(job_bench) == {"sent": 5}
    with job_bench.database.reading() as session:
        assert count_rows(session, StagedJob, StagedJob.dead_at.is_not(None)) == 0


def test_worker_killed_before_sending_causes_no_second_email(
    job_bench, email_processes, smtp, people
) -> None:
    """Workers are killed at random moments: only emails in flight can arrive twice, and each
    that does carries the same Message-ID and is counted."""
    emails = stage(job_bench, people, MAILS)
    email_processes.start("relay")
    kills = 0
    for _ in range(choose_size(3, 15)):
        worker = email_processes.start("work", Queue.MESSAGES)
        before = len(smtp.mails)
        wait_until(lambda before=before: len(smtp.mails) > before or job_bench.settled())
        worker.kill()
        worker.join()
        kills += 1
        expire_claims(job_bench)
    email_processes.start("work", Queue.MESSAGES)
    wait_until(lambda: expire_claims(job_bench) or job_bench.settled())
    received_by_address = received(smtp)
    assert set(received_by_address) == set(emails)
    assert received_by_address.total() <= MAILS + kills
    check_repeated_emails(job_bench, smtp)


def test_worker_killed_while_sending_repeats_the_same_email(
    job_bench, email_processes, smtp, people
) -> None:
    [email] = stage(job_bench, people)
    smtp.slow_seconds = 30
    email_processes.start("relay")
    worker = email_processes.start("work", Queue.MESSAGES)
    wait_until(lambda: received(smtp)[email] == 1)
    worker.kill()
    worker.join()
    smtp.slow_seconds = 0
    email_processes.start("work", Queue.MESSAGES)
    # While the claim lasts no worker tries again, although the job is sent repeatedly.
    time.sleep(2)
    assert received(smtp)[email] == 1
    assert states(job_bench) == {"sending": 1}
    expire_claims(job_bench)
    wait_until(job_bench.settled)
    assert received(smtp)[email] == 2
    check_repeated_emails(job_bench, smtp)
    with job_bench.database.reading() as session:
        assert session.rows("SELECT state, uncertain FROM mails") == [("sent", 1)]


def expire_claims(job_bench: JobBench) -> None:
    """Let the claims expire, as their holders are dead."""
    with job_bench.database.transaction() as session:
        session.send(
            "UPDATE mails SET claimed_until = claimed_until - %s WHERE state = 'sending'",
            (timedelta(minutes=2),),
        )


def check_repeated_emails(job_bench: JobBench, smtp: RecordingSmtpServer) -> None:
    """Assert that repeated emails are identical, and that their row has an unknown outcome."""
    ids: dict[str, set[str]] = {}
    for mail in smtp.mails:
        ids.setdefault(str(mail["To"]), set()).add(str(mail["Message-ID"]))
    assert all(len(message_ids) == 1 for message_ids in ids.values())
    repeated = sum(count - 1 for count in received(smtp).values())
    with job_bench.database.reading() as session:
        [(uncertain,)] = session.rows("SELECT coalesce(sum(uncertain), 0) FROM mails")
    assert repeated <= uncertain


def test_refused_address_is_given_up_at_once(job_bench, email_processes, smtp, people) -> None:
    smtp.rcpt_replies = ["550 nobody here"]
    stage(job_bench, people)
    for role in ("relay", "work"):
        email_processes.start(role, Queue.MESSAGES)
    wait_until(job_bench.settled)
    assert smtp.mails == []
    assert states(job_bench) == {"refused": 1}
