"""The audit trail in a browser: found by filter, read whole, and open to everybody."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.access import Role
from app.audit import service
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.test_exposure import accessible
from tests.people import PASSWORD, People
from tests.settled import settle


@pytest.fixture
def acts(people: People, database: Database) -> str:
    """A customer who was suspended and let back in, and an act that was denied; their address."""
    admin, customer = people.staff(Role.ADMIN), people.customer()
    subject = ids.encode("usr", customer.user_id)
    states = [("suspended", "active", "suspended"), ("reactivated", "suspended", "active")]
    with database.transaction() as session:
        for act, before, after in states:
            service.record(
                session,
                actor=admin,
                action=f"person.{act}",
                subject=subject,
                before={"status": before, "sessions": 2, "role": "USER"},
                after={"status": after, "sessions": 0, "role": "USER"},
                reason="Asked for by the court on the telephone, and confirmed by letter",
                on_behalf_of=customer.user_id,
            )
        service.record(
            session,
            actor=admin,
            action="request.refused",
            subject=subject,
            after={"route": "POST /admin/people/<person_id>/suspend", "refusal": "conflict"},
            reason="Not possible in the present state",
            outcome="denied",
        )
    settle(database)
    with database.transaction() as session:
        service.seal(session)
    return customer.email


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_trail_is_searched_and_read(
    open_desk: OpenDesk,
    people: People,
    acts: str,
    shoot: Callable[[Page, str], None],
    scheme: str,
    width: int,
) -> None:
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    page.goto(f"{desk.address}/admin/audit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit trail")
    _fits(page, width)
    shoot(page, f"audit-all-{scheme}-{width}")
    # By keyboard alone: the label's field, and Enter.
    page.get_by_label("To what").focus()
    page.keyboard.type(acts)
    page.keyboard.press("Enter")
    page.wait_for_url("**what=*")
    rows = page.locator("#audit tbody tr")
    expect(rows).to_have_count(3)
    _fits(page, width)
    shoot(page, f"audit-found-{scheme}-{width}")
    page.get_by_label("Outcome").select_option("denied")
    page.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(1)
    page.go_back()
    rows.last.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("person.suspended")
    expect(page.locator("#record")).to_contain_text("confirmed by letter")
    expect(page.locator("#record")).to_contain_text("Sealed")
    _fits(page, width)
    shoot(page, f"audit-record-{scheme}-{width}")
    page.goto(f"{desk.address}/admin/audit?who=nobody@example.com")
    expect(page.get_by_label("Who did it")).to_have_attribute("aria-invalid", "true")
    _fits(page, width)
    shoot(page, f"audit-mistake-{scheme}-{width}")
    desk.check(page)


def _fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == width
    accessible(page)
