"""The reconciliation page: the latest run per source, earlier runs, and starting a comparison."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from app.access import Permission, Role
from app.blueprints import form_tokens
from app.kit import clock, ids
from app.kit.db import Database
from app.outbox.models import StagedJob
from app.reconciliation import queries as reconciliation_queries
from app.reconciliation import service as reconciliation
from app.reconciliation.comparison import Comparison
from app.reconciliation.models import ReconciliationRow
from app.reconciliation.queries import ReconciliationRun
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.rows import delete_rows

PAGE = "/admin/reconciliation"
RUNS_WITH_FINDINGS = "runs-title"


@pytest.fixture(autouse=True)
def no_comparisons(database: Database) -> Iterator[None]:
    def clear() -> None:
        with database.transaction() as session:
            delete_rows(session, ReconciliationRow)
            delete_rows(session, StagedJob, StagedJob.task == reconciliation_queries.TASK)

    clear()
    yield
    clear()


@pytest.fixture
def cases_hidden_from_auditors(database: Database) -> Iterator[None]:
    grant = (Role.AUDITOR, Permission.CASES_READ)
    with database.transaction() as session:
        session.send("DELETE FROM role_grants WHERE role = %s AND permission = %s", grant)
    yield
    with database.transaction() as session:
        session.send("INSERT INTO role_grants VALUES (%s, %s)", grant)


def signed_in(app: Flask, people: People, role: Role) -> Browser:
    browser = Browser(app)
    browser.sign_in(people.staff(role).email, PASSWORD)
    return browser


def keep_run(database: Database, source: str, **facts: object) -> None:
    now = clock.now()
    run = ReconciliationRun(ids.new(), source, now - timedelta(days=3), now, now, 1234, 0, 0, None)
    with database.transaction() as session:
        # A test's own facts.
        reconciliation.record_run(session, replace(run, **facts))  # type: ignore[arg-type]


def request_comparison(browser: Browser) -> int:
    """Send the form, whether it is on the page or not, and return the status code."""
    data = {"csrf_token": browser.csrf_token(), form_tokens.TOKEN: form_tokens.new_token()}
    return browser.client.post(PAGE, data=data).status_code


def test_latest_run_per_source_and_runs_with_findings_are_listed(
    app: Flask, database: Database, people: People
) -> None:
    browser = signed_in(app, people, Role.AUDITOR)
    assert "No comparisons yet" in browser.get_page(PAGE).visible_text
    keep_run(database, "paxos balances", differences=7)
    keep_run(database, "paxos balances")
    keep_run(database, "stripe payments", failure="ProviderUnavailable: stripe does not answer")
    keep_run(database, "books", differences=2)
    page = browser.get_page(PAGE)
    assert "Compare now" not in page.visible_text
    said = browser.client.get(PAGE).text
    latest, before = said.split(f'id="{RUNS_WITH_FINDINGS}"')
    assert latest.index("Books") < latest.index("Paxos balances") < latest.index("Stripe payments")
    assert "1 agree with our books" in page.visible_text
    assert latest.count("1,234") == 3
    assert before.count("1,234") == 3
    assert "ProviderUnavailable: stripe does not answer" in latest
    for word in ("Agrees", "Differs", "Unfinished"):
        assert word in latest
    browser.get_fragment(PAGE, "runs")


def test_runs_are_filtered_by_source_and_outcome(
    app: Flask, database: Database, people: People
) -> None:
    browser = signed_in(app, people, Role.AUDITOR)
    keep_run(database, "books", healed=5)
    keep_run(database, "stripe payments", differences=2)
    keep_run(database, "stripe payments", failure="away")
    for query, count in (
        ("", "3 rows"),
        ("?source=books", "1 row"),
        ("?outcome=agrees", "1 row"),
        ("?source=stripe+payments&outcome=differs", "1 row"),
        ("?source=books&outcome=unfinished", "0 rows"),
    ):
        assert count in browser.get_page(f"{PAGE}{query}").visible_text, query


def test_run_with_differences_links_to_its_cases(
    app: Flask, database: Database, people: People
) -> None:
    keep_run(database, "stripe payments", differences=1)
    keep_run(database, "paxos balances", healed=1)
    titles = ("A payment is missing", "A balance differs")
    for source, title in zip(("stripe payments", "paxos balances"), titles, strict=True):
        Comparison(database, source, clock.now()).report("pi_1", title, {})
    browser = signed_in(app, people, Role.AUDITOR)
    page = browser.get_page(PAGE)
    urls = {link["href"] for link in page.all("a") if "about=" in link["href"]}
    [url] = urls
    cases = browser.get_page(url).visible_text
    assert titles[0] in cases
    assert titles[1] not in cases


@pytest.mark.usefixtures("cases_hidden_from_auditors")
def test_run_is_not_linked_without_the_permission_to_read_cases(
    app: Flask, database: Database, people: People
) -> None:
    keep_run(database, "stripe payments", differences=1)
    page = signed_in(app, people, Role.AUDITOR).get_page(PAGE)
    assert "Differs" in page.visible_text
    assert not [link for link in page.all("a") if "/cases" in link["href"]]


def test_comparison_is_staged_once(app: Flask, database: Database, people: People) -> None:
    browser = signed_in(app, people, Role.COMPLIANCE)
    assert browser.get_page(PAGE).all("form", id="compare")
    for _ in range(2):
        assert request_comparison(browser) == 303
    with database.reading() as session:
        assert reconciliation_queries.is_run_requested(session)
        staged = session.rows(
            "SELECT id FROM outbox WHERE task = %s", (reconciliation_queries.TASK,)
        )
    assert len(staged) == 1
    page = browser.get_page(PAGE)
    assert "Comparing now …" in page.visible_text
    assert not page.all("form", id="compare")


def test_auditor_cannot_start_a_comparison(app: Flask, database: Database, people: People) -> None:
    browser = signed_in(app, people, Role.AUDITOR)
    assert request_comparison(browser) == 403
    with database.reading() as session:
        assert not reconciliation_queries.is_run_requested(session)
