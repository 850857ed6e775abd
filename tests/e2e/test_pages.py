"""Every page, found by its route: it fits a phone and is accessible."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.access import Actor, Role
from app.blueprints import route_registry
from app.cases import service as cases
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_fits_and_accessible
from tests.house.authorization import OBJECT_KINDS
from tests.people import PASSWORD, People
from tests.rows import delete_rows

#: Pages that redirect unless a sign-in is pending; test_sign_in.py opens them.
_SIGN_IN_STEPS = frozenset(
    {"/auth/second-factor", "/auth/enrol", "/auth/enrol/app", "/auth/account/app"}
)
#: Documents: their policy forbids even the browser's own style.
_DOCUMENTS = frozenset(
    {
        "/admin/returns/photos/<photo_id>",
        "/support/kyc/documents/<document_id>",
        "/lists/exports/<export_id>/file",
    }
)
#: What a browser saves instead of showing it.
_DOWNLOADS = (".csv", ".pdf")
#: The sample's sent mail; test_mail.py opens it.
_MAIL_PREFIX = "/mail/"
#: A public policy.
_POLICY_PATH = {"policy_name": "terms", "version": "1"}


@pytest.fixture
def jobs(database: Database) -> Iterator[None]:
    """Stage three failed jobs and a waiting one."""
    with database.transaction() as session:
        delete_rows(session, StagedJob)
        for error in (
            "NotSent: The server answered 450",
            "ProviderOutcomeUnknown: broke",
            "KeyError",
        ):
            job = outbox.stage(session, "messages.send_mail", {})
            session.send(
                "UPDATE outbox SET tries = 12, dead_at = now(), last_error = %s,"
                " staged_at = now() - interval '5 hours' WHERE id = %s",
                (error, job),
            )
        outbox.stage(session, "ledger.roll_up", {})
    yield
    with database.transaction() as session:
        delete_rows(session, StagedJob)


@pytest.mark.usefixtures("jobs")
@pytest.mark.timeout(900)
def test_every_page_fits_and_is_accessible(
    app: Flask,
    database: Database,
    open_desk: OpenDesk,
    people: People,
    shoot: Shoot,
) -> None:
    admin, officer = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        pending_id = account_status.request_suspension(
            session, officer, people.customer().user_id, reason="reported by the bank"
        )
    path_values = {"approval_id": ids.encode("apr", pending_id), **_POLICY_PATH}

    def path_of(route: str, person: Actor) -> str:
        def value_of(variable: re.Match[str]) -> str:
            return path_values.get(variable[1]) or OBJECT_KINDS[route].create(database, person)

        return re.sub(r"<(\w+)>", value_of, route)

    pages = [
        route
        for route in route_registry.list_routes(app)
        if route.is_page
        and route.method == "GET"
        and route.path not in _SIGN_IN_STEPS | _DOCUMENTS
        and not route.path.startswith(_MAIL_PREFIX)
        and not route.path.endswith(_DOWNLOADS)
        # The reload of a form leads to its page.
        and not route.endpoint.partition(".")[2].startswith("reload_")
        # Public pages with a variable have tests of their own.
        and (route.permission is not None or "<" not in route.path)
    ]
    checked = []
    # Each page as the first who may open it.
    teller = people.staff(Role.TELLER, people.branch())
    desks = {None: open_desk(), admin: open_desk(), teller: open_desk()}
    left = list(pages)
    for visitor, desk in desks.items():
        person = visitor or admin
        mine = [
            route
            for route in left
            if (
                route.permission is None
                if visitor is None
                else route.permission in visitor.permissions
            )
        ]
        left = [route for route in left if route not in mine]
        current = desk.page() if visitor is None else desk.sign_in(visitor.email, PASSWORD)
        for route in mine:
            response = current.goto(f"{desk.address}{path_of(route.path, person)}")
            assert response is not None
            assert response.status == 200, route.path
            if not response.headers["content-type"].startswith("text/html"):
                continue
            if current.locator("main").count() == 0:
                # A fragment for HTMX that a page includes.
                continue
            name = route.path.strip("/").replace("/", "-").translate(str.maketrans("", "", "<>"))
            assert_fits_and_accessible(current, shoot, f"all-{name or 'home'}")
            checked.append(route.path)
            assert current.evaluate("window.violations") == [], route.path
    assert left == []
    assert len(checked) >= 19, checked
    assert [desk.complaints for desk in desks.values()] == [[], [], []]


def test_counts_of_the_sidebar_refresh_with_the_home(
    open_desk: OpenDesk, people: People, database: Database
) -> None:
    # It installs a clock of its own.
    desk = open_desk(is_new=True)
    page = desk.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD, "/admin/")
    page.clock.install()
    page.reload()
    badge = page.locator('[data-count="cases_pages.list_cases"]')
    before = int(badge.locator("span").first.text_content() or "0")
    with database.transaction() as session:
        cases.open_case(
            session, kind="test.difference", key=str(ids.new()), title="A", facts={}, subject="bank"
        )
    page.clock.run_for(11_000)
    expect(badge).to_have_text(f"{before + 1} to investigate")
    expect(badge).to_be_visible()
    desk.check(page)
