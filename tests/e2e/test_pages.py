"""Every page that a desk has, found by its route: everybody can read it, and it fits a phone."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from app.access import Role
from app.blueprints import route_registry
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, in_every_look
from tests.house.authorization import THINGS
from tests.people import PASSWORD, People

#: Pages that lead elsewhere unless somebody is half signed in; test_signin.py walks through them.
_ON_THE_WAY = frozenset(
    {"/auth/second-factor", "/auth/enrol", "/auth/enrol/app", "/auth/account/app"}
)
#: A picture that a page shows, under a policy that forbids even the browser's own style for it.
_NO_PAGE = frozenset({"/support/kyc/documents/<document_id>"})
#: What a mail server took: test_mail.py.
_OF_THE_CATCHER = "/mail/"
#: A text that anybody may read.
_POLICY = {"policy_name": "terms", "version": "1"}


@pytest.fixture
def jobs(database: Database) -> Iterator[None]:
    """Jobs that were given up, and one that waits."""
    with database.transaction() as session:
        session.send("DELETE FROM outbox")
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
        session.send("DELETE FROM outbox")


@pytest.mark.usefixtures("jobs")
@pytest.mark.timeout(300)
def test_every_page_is_accessible_and_fits(
    app: Flask,
    database: Database,
    open_desk: OpenDesk,
    people: People,
    shoot: Shoot,
) -> None:
    admin, officer = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        asked = account_status.request_suspension(
            session, officer, people.customer().user_id, reason="reported by the bank"
        )
    known = {"approval_id": ids.encode("apr", asked), **_POLICY}

    def path_of(route: str) -> str:
        def named(found: re.Match[str]) -> str:
            thing = found[1]
            return known.get(thing) or THINGS[route].make(database, admin)

        return re.sub(r"<(\w+)>", named, route)

    pages = [
        route
        for route in route_registry.routes(app)
        if route.is_page
        and route.method == "GET"
        and route.path not in _ON_THE_WAY | _NO_PAGE
        and not route.path.startswith(_OF_THE_CATCHER)
        # What is public has nobody to make its objects for: it has tests of its own.
        and (route.permission is not None or "<" not in route.path)
    ]
    desk = open_desk()
    strangers, page = desk.page(), desk.page()
    walked = []
    for public in (True, False):
        if not public:
            page = desk.sign_in(admin.email, PASSWORD)
        for route in pages:
            if (route.permission is None) is not public:
                continue
            shown = strangers if public else page
            answer = shown.goto(f"{desk.address}{path_of(route.path)}")
            assert answer is not None
            assert answer.status == 200, route.path
            if not answer.headers["content-type"].startswith("text/html"):
                continue
            if shown.locator("main").count() == 0:
                # A fragment for HTMX, which a page includes.
                continue
            name = route.path.strip("/").replace("/", "-").translate(str.maketrans("", "", "<>"))
            in_every_look(shown, shoot, f"all-{name or 'home'}")
            walked.append(route.path)
            assert shown.evaluate("window.violations") == [], route.path
    assert len(walked) >= 19, walked
    assert desk.complaints == []
