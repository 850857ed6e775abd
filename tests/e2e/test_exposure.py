"""The exposure page in a browser: live figures, a quiet console, and accessibility."""

import re
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.access import Role
from app.identity.accounts import service as accounts
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, OPPOSITES, Shoot, assert_accessible, assert_fits_and_accessible
from tests.people import PASSWORD, People, set_prices

pytestmark = pytest.mark.usefixtures("prices", "customer_holdings")


def ounces(page: Page, metal: str, label: str) -> Decimal:
    """Return the exact figure in this column of a metal's row."""
    figure = page.locator(f"#exposure-{metal} [data-label='{label}'] data").first
    return Decimal(figure.get_attribute("value") or "")


def create_customer(app: Flask, database: Database) -> str:
    """Create a customer with dollars who can sign in; return their email address."""
    email = f"{uuid4().hex}@example.com"
    registration = accounts.prepare_registration(
        email=email, password=PASSWORD, first_name="Ada", last_name="Lovelace"
    )
    with database.transaction() as session:
        accounts.add_person(session, registration, Role.USER)
    credit = ["sample", "credit", email, "USD", "25000"]
    assert app.test_cli_runner().invoke(args=credit).exit_code == 0
    return email


def place_order(address: str, email: str, **body: str) -> None:
    """Convert as the customer, over the API."""
    person = {"email": email, "password": PASSWORD}
    token = httpx.post(f"{address}/api/auth/login", json=person).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    answer = httpx.post(f"{address}/api/trade/order", json=body, headers=headers)
    assert answer.status_code == 201, answer.text


def test_order_moves_exposure_by_exactly_its_ounces_without_a_reload(
    app: Flask, open_desk: OpenDesk, address: str, database: Database
) -> None:
    customer, admin = create_customer(app, database), People(database).staff(Role.ADMIN)
    set_prices(database, AU="4000", AG="50")
    desk = open_desk()
    page = desk.sign_in(admin.email, PASSWORD, "/admin/exposure")
    expect(page).to_have_title(re.compile("^Exposure"))
    before = {name: ounces(page, "AU", name) for name in ("Customers", "Net", "Trading position")}
    silver = ounces(page, "AG", "Net")
    page.evaluate("window.stillTheSamePage = true")
    place_order(address, customer, fromAsset="USD", toAsset="XAU-s", toAmount="0.12345678")
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


def test_home_and_sign_in_pages_fit_and_are_accessible(open_desk: OpenDesk, shoot: Shoot) -> None:
    desk = open_desk(width=360)
    page = desk.open("/")
    assert_fits_and_accessible(page, shoot, "home", ALL)
    page.goto(f"{desk.address}/auth/login")
    desk.check(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".error-summary")).to_be_focused()
    assert_fits_and_accessible(page, shoot, "login-refused", ALL)
    # The browser reports the 422 in its console, and nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []


@pytest.mark.parametrize(("scheme", "width"), OPPOSITES)
def test_exposure_page_fits_and_is_accessible(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    shoot: Shoot,
    scheme: str,
    width: int,
) -> None:
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(*admin_sign_in, "/admin/exposure")
    expect(page.locator("#exposure-chart canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.bsTheme ?? 'light'") == scheme
    scroller = page.locator(".table-scroll")
    for look in (look for look in ALL if look.width == width):
        assert_fits_and_accessible(page, shoot, "exposure", [look])
        assert scroller.evaluate("element => element.scrollWidth - element.clientWidth") == 0
        if width == 1280:
            page.get_by_role("button", name=re.compile("^Account")).click()
        else:
            page.get_by_role("button", name="Menu").click()
            expect(page.get_by_role("link", name="Exposure")).to_be_visible()
        shoot(page, f"menu-{look}")
        assert_accessible(page)
        page.keyboard.press("Escape")
        expect(page.locator("[popover]:popover-open")).to_have_count(0)
    desk.check(page)


def test_theme_switches_without_a_reload_and_is_kept(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str]
) -> None:
    desk = open_desk(color_scheme="light")
    page = desk.sign_in(*admin_sign_in, "/admin/exposure")
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


def test_page_says_when_its_figures_stop_updating(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], shoot: Shoot
) -> None:
    # It installs a clock of its own.
    desk = open_desk(is_new=True)
    page = desk.sign_in(*admin_sign_in, "/admin/exposure")
    note = page.locator(".refresh-note")
    page.clock.install()
    page.reload()
    expect(note).to_have_text("Live")
    page.route("**/admin/**", lambda route: route.abort())
    page.clock.run_for(20_000)
    expect(note).to_have_text(re.compile("^Not updating"))
    expect(page.locator("#exposure-AU")).to_be_visible()
    page.clock.resume()
    assert_fits_and_accessible(page, shoot, "exposure-outdated")
    page.unroute("**/admin/**")
    # A request that was sent before may still fail: the one after it succeeds.
    page.clock.run_for(4_000)
    page.clock.resume()
    expect(note).to_have_text("Live")


def test_ended_session_redirects_to_sign_in_with_the_page_as_next(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], database: Database
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, "/admin/exposure")
    with database.transaction() as session:
        session.send(
            "UPDATE login_sessions SET revoked_at = now(), revoked_reason = 'password_changed'"
            " WHERE user_id = (SELECT id FROM users WHERE email = %s)",
            (admin_sign_in[0],),
        )
    page.wait_for_url("**/auth/login?next=/admin/exposure", timeout=10_000)


def test_exposure_page_works_without_script(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str]
) -> None:
    desk = open_desk(java_script_enabled=False)
    page = desk.sign_in(*admin_sign_in, "/admin/exposure")
    owed = ounces(page, "AU", "Customers") + ounces(page, "AU", "Open quotes")
    assert ounces(page, "AU", "Net") == ounces(page, "AU", "Vault") - owed
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/login")
