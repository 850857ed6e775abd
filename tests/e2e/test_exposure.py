"""The exposure page in a browser: live, quiet in the console, and open to everybody."""

import re
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.cli.sample import PASSWORD as SAMPLE_PASSWORD
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, OPPOSITES, Shoot, accessible, in_every_look
from tests.people import set_prices

pytestmark = pytest.mark.usefixtures("prices", "held")


def ounces(page: Page, metal: str, label: str) -> Decimal:
    """A figure of a metal's row, exactly."""
    figure = page.locator(f"#exposure-{metal} [data-label='{label}'] data").first
    return Decimal(figure.get_attribute("value") or "")


def order(address: str, **asked: str) -> None:
    """Convert as the sample customer, over the API."""
    person = {"email": "customer@pbcex.local", "password": SAMPLE_PASSWORD}
    token = httpx.post(f"{address}/api/auth/login", json=person).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    answer = httpx.post(f"{address}/api/trade/order", json=asked, headers=headers)
    assert answer.status_code == 201, answer.text


def test_an_order_moves_the_row_by_exactly_its_ounces_without_a_reload(
    app: Flask, open_desk: OpenDesk, address: str, database: Database
) -> None:
    assert app.test_cli_runner().invoke(args=["sample", "load"]).exit_code == 0
    set_prices(database, AU="4000", AG="50")
    desk = open_desk()
    page = desk.sign_in("admin@pbcex.local", SAMPLE_PASSWORD)
    expect(page).to_have_title(re.compile("^Exposure"))
    before = {name: ounces(page, "AU", name) for name in ("Customers", "Net", "Trading position")}
    silver = ounces(page, "AG", "Net")
    page.evaluate("window.stillTheSamePage = true")
    order(address, fromAsset="USD", toAsset="XAU-s", toAmount="0.12345678")
    moved = Decimal("0.12345678")
    expected = f"{before['Net'] - moved:.8f}"
    net = page.locator("#exposure-AU [data-label='Net'] data").first
    expect(net).to_have_attribute("value", expected, timeout=10_000)
    assert ounces(page, "AU", "Customers") == before["Customers"] + moved
    assert ounces(page, "AU", "Trading position") == before["Trading position"] - moved
    assert ounces(page, "AG", "Net") == silver
    assert page.evaluate("window.stillTheSamePage") is True
    expect(page.locator("#exposure-chart canvas")).to_be_visible()
    expect(page.locator(".refresh-note")).to_have_text("Live")
    desk.check(page)


def test_pages_before_signing_in_are_accessible(open_desk: OpenDesk, shoot: Shoot) -> None:
    desk = open_desk(width=360)
    page = desk.open("/")
    in_every_look(page, shoot, "home", ALL)
    page.goto(f"{desk.address}/auth/login")
    desk.check(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".error-summary")).to_be_focused()
    in_every_look(page, shoot, "login-refused", ALL)
    # The browser itself complains of a 422, and of nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []


@pytest.mark.parametrize(("scheme", "width"), OPPOSITES)
def test_the_page_is_accessible_and_fits(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    shoot: Shoot,
    scheme: str,
    width: int,
) -> None:
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(*admin)
    expect(page.locator("#exposure-chart canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.bsTheme ?? 'light'") == scheme
    scroller = page.locator(".table-scroll")
    for look in (look for look in ALL if look.width == width):
        in_every_look(page, shoot, "exposure", [look])
        assert scroller.evaluate("element => element.scrollWidth - element.clientWidth") == 0
        if width == 1280:
            page.get_by_role("button", name=re.compile("^Account")).click()
        else:
            page.get_by_role("button", name="Menu").click()
            expect(page.get_by_role("link", name="Exposure")).to_be_visible()
        shoot(page, f"menu-{look}")
        accessible(page)
        page.keyboard.press("Escape")
        expect(page.locator("[popover]:popover-open")).to_have_count(0)
    desk.check(page)


def test_the_theme_is_switched_at_once_and_stays(
    open_desk: OpenDesk, admin: tuple[str, str]
) -> None:
    desk = open_desk(color_scheme="light")
    page = desk.sign_in(*admin)
    page.evaluate("window.stillTheSamePage = true")
    page.get_by_role("button", name="Dark theme").click()
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("window.stillTheSamePage") is True
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Light theme").click()
    expect(root).to_have_attribute("data-bs-theme", "light")
    desk.check(page)


def test_it_says_when_its_figures_are_no_longer_renewed(
    open_desk: OpenDesk, admin: tuple[str, str]
) -> None:
    # Its clock is not that of others.
    desk = open_desk(is_new=True)
    page = desk.sign_in(*admin)
    note = page.locator(".refresh-note")
    page.clock.install()
    page.reload()
    expect(note).to_have_text("Live")
    page.route("**/admin/**", lambda route: route.abort())
    page.clock.run_for(20_000)
    expect(note).to_have_text(re.compile("^Not updating"))
    expect(page.locator("#exposure-AU")).to_be_visible()
    page.unroute("**/admin/**")
    page.clock.run_for(4_000)
    expect(note).to_have_text("Live")


def test_the_end_of_the_session_leads_to_the_sign_in_page_and_back(
    open_desk: OpenDesk, admin: tuple[str, str], database: Database
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin)
    with database.transaction() as session:
        session.send(
            "UPDATE login_sessions SET revoked_at = now(), revoked_reason = 'password_changed'"
            " WHERE user_id = (SELECT id FROM users WHERE email = %s)",
            (admin[0],),
        )
    page.wait_for_url("**/auth/login?next=/admin/", timeout=10_000)


def test_it_works_without_script(open_desk: OpenDesk, admin: tuple[str, str]) -> None:
    desk = open_desk(java_script_enabled=False)
    page = desk.sign_in(*admin)
    owed = ounces(page, "AU", "Customers") + ounces(page, "AU", "Open quotes")
    assert ounces(page, "AU", "Net") == -owed
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/login")
