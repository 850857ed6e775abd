"""Signing in with a second factor in a browser: passkeys by a virtual authenticator, the app, and
both by keyboard alone; what password managers find; and everybody can read it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from app.access import Role
from app.identity.credentials.passkeys import RelyingParty
from app.kit.db import Database
from tests.e2e.conftest import Desk, OpenDesk, _AppWithClientAddress, _QuietRequestHandler
from tests.e2e.looks import Shoot, assert_accessible, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.staff import Member, create_member_with_app


@pytest.fixture(scope="module")
def strict_address(strict_app: Flask) -> Iterator[str]:
    """Where staff need a second factor; by the name that passkeys are bound to."""
    server = make_server(
        "127.0.0.1",
        0,
        _AppWithClientAddress(strict_app),
        threaded=True,
        request_handler=_QuietRequestHandler,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://localhost:{server.server_port}"
    strict_app.extensions["relying_party"] = RelyingParty.from_url(address)
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_strict(open_desk: OpenDesk, strict_address: str) -> OpenDesk:
    """Opens desks where staff need a second factor."""

    def opener(width: int = 1280, **options: object) -> Desk:
        return replace(open_desk(width=width, **options), address=strict_address)

    return opener


def with_authenticator(page: Page) -> None:
    """A device with passkeys whose owner has put their finger on it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def give_password(page: Page, email: str) -> None:
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def at(page: Page, path: str) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def press_until(page: Page, name: str) -> None:
    """Tab until the focus is on what is called so, and press it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
        )
        if (focused or "").strip().startswith(name):
            return
    pytest.fail(f"the keyboard does not reach {name}")


def test_a_passkey_is_made_used_renamed_and_proves_again(
    open_strict: OpenDesk, people: People, shoot: Shoot
) -> None:
    # Nobody else gets its device.
    desk = open_strict(is_new=True)
    page = desk.open("/auth/login")
    with_authenticator(page)
    give_password(page, people.staff(Role.ADMIN).email)
    at(page, "/auth/enrol")
    assert_fits_and_accessible(page, shoot, "enrol")
    page.get_by_label("Name", exact=True).fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    at(page, "/admin/")
    page.goto(f"{desk.address}/auth/account")
    expect(page.get_by_label("Name of the passkey Laptop")).to_have_value("Laptop")
    assert_fits_and_accessible(page, shoot, "account")
    # The browser explains that this device is registered already.
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("[data-passkey-problem]").first).to_contain_text("already")
    page.get_by_label("Name of the passkey Laptop").fill("My laptop")
    page.get_by_role("button", name="Rename Laptop").click()
    expect(page.get_by_label("Name of the passkey My laptop")).to_be_visible()
    page.goto(f"{desk.address}/")
    page.get_by_role("button", name="Sign out").click()
    at(page, "/auth/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    at(page, "/admin/")
    page.goto(f"{desk.address}/auth/prove?next=/auth/account")
    assert_fits_and_accessible(page, shoot, "prove")
    page.get_by_role("button", name="Use a passkey").click()
    at(page, "/auth/account")
    desk.check(page)


def test_the_app_is_set_up_by_keyboard_alone(
    open_strict: OpenDesk, people: People, shoot: Shoot
) -> None:
    desk = open_strict()
    page = desk.open("/auth/login")
    assert_fits_and_accessible(page, shoot, "login")
    actor = people.staff(Role.ADMIN)
    # The first field has the focus.
    page.keyboard.type(actor.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    at(page, "/auth/enrol")
    press_until(page, "Use an app")
    page.keyboard.press("Enter")
    at(page, "/auth/enrol/app")
    assert_fits_and_accessible(page, shoot, "app")
    member = Member(actor, page.locator("#app-secret").inner_text())
    press_until(page, "Code from the app")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    press_until(page, "Code from the app")
    page.keyboard.type(member.code(0))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    assert_fits_and_accessible(page, shoot, "recovery-codes")
    press_until(page, "I saved them")
    page.keyboard.press("Enter")
    at(page, "/admin/")
    # The browser itself complains of a 422, and of nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []


def test_password_managers_and_paste_work(
    open_strict: OpenDesk, database: Database, shoot: Shoot
) -> None:
    member = create_member_with_app(database)
    desk = open_strict()
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = desk.open("/auth/login")
    email = page.get_by_label("Email address")
    password = page.get_by_label("Password", exact=True)
    expect(email).to_have_attribute("autocomplete", "username")
    expect(password).to_have_attribute("autocomplete", "current-password")
    for field, text in ((email, member.email), (password, PASSWORD)):
        page.evaluate("text => navigator.clipboard.writeText(text)", text)
        field.focus()
        page.keyboard.press("Control+V")
        expect(field).to_have_value(text)
    page.keyboard.press("Enter")
    at(page, "/auth/second-factor")
    assert_accessible(page)
    shoot(page, "second-factor")
    code = page.get_by_label("Code from your app")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    page.evaluate("text => navigator.clipboard.writeText(text)", f" {member.code()} ")
    page.keyboard.press("Control+V")
    page.keyboard.press("Enter")
    at(page, "/admin/")
    for path, field in (("forgot-password", "username"), ("invitation", "new-password")):
        page.goto(f"{desk.address}/auth/{path}")
        expect(page.locator("main input:not([type=hidden])")).to_have_attribute(
            "autocomplete", field
        )
        assert_accessible(page)
        shoot(page, path)
    page.goto(f"{desk.address}/admin/staff")
    assert_accessible(page)
    shoot(page, "invitations")
    page.goto(f"{desk.address}/auth/account")
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    assert_fits_and_accessible(page, shoot, "account-with-app")
    desk.check(page)


def test_it_works_without_script(open_strict: OpenDesk, database: Database) -> None:
    member = create_member_with_app(database)
    desk = open_strict(java_script_enabled=False)
    page = desk.open("/auth/login")
    give_password(page, member.email)
    page.get_by_label("Code from your app").fill(member.recovery_codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    at(page, "/admin/")


def test_passkeys_are_not_offered_where_they_cannot_work(open_strict: OpenDesk) -> None:
    desk = open_strict()
    page = desk.page()
    page.goto(desk.address.replace("localhost", "127.0.0.1") + "/auth/login")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_text("Passkeys work at")).to_be_visible()
    desk.check(page)
