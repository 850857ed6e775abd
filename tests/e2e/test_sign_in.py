"""Sign-in with a second factor in a browser: a passkey by a virtual authenticator, the app by
keyboard alone, password managers, and no script."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from app.access import Role
from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passkeys import RelyingParty
from app.kit.db import Database
from tests.e2e.conftest import Desk, OpenDesk, _AppWithClientAddress, _RequestHandler
from tests.e2e.looks import Shoot, assert_accessible, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.staff import Member, create_member_with_app


@pytest.fixture(scope="module")
def strict_address(strict_app: Flask) -> Iterator[str]:
    """Serve the application whose staff need a second factor; return its URL with `localhost`,
    the name that passkeys are bound to."""
    server = make_server(
        "127.0.0.1",
        0,
        _AppWithClientAddress(strict_app),
        threaded=True,
        request_handler=_RequestHandler,
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
    """Return a function that opens desks where staff need a second factor."""

    def opener(width: int = 1280, **options: object) -> Desk:
        return replace(open_desk(width=width, **options), address=strict_address)

    return opener


def add_authenticator(page: Page) -> None:
    """Add a virtual device with passkeys, which confirms every request for its owner."""
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


def submit_password(page: Page, email: str) -> None:
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def wait_for_path(page: Page, path: str) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on the element with this label or text."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
        )
        if (focused or "").strip().startswith(name):
            return
    pytest.fail(f"Tab does not reach {name}")


def test_passkey_is_added_renamed_and_used_to_sign_in_and_to_prove(
    open_strict: OpenDesk, people: People, shoot: Shoot
) -> None:
    # A new window, because the virtual device stays in it.
    desk = open_strict(is_new=True)
    page = desk.open("/auth/login")
    add_authenticator(page)
    submit_password(page, people.staff(Role.ADMIN).email)
    wait_for_path(page, "/auth/enrol")
    assert_fits_and_accessible(page, shoot, "enrol")
    page.get_by_label("Name", exact=True).fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    wait_for_path(page, "/admin/")
    page.goto(f"{desk.address}/auth/account")
    expect(page.get_by_label("Name of the passkey Laptop")).to_have_value("Laptop")
    assert_fits_and_accessible(page, shoot, "account")
    # The browser explains that this device is registered already.
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("[data-passkey-problem]").first).to_contain_text("already")
    page.get_by_label("Name of the passkey Laptop").fill("My laptop")
    page.get_by_role("button", name="Rename the passkey Laptop").click()
    expect(page.get_by_label("Name of the passkey My laptop")).to_be_visible()
    page.goto(f"{desk.address}/")
    page.get_by_role("button", name="Sign out").click()
    wait_for_path(page, "/auth/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    wait_for_path(page, "/admin/")
    page.goto(f"{desk.address}/auth/prove?next=/auth/account")
    assert_fits_and_accessible(page, shoot, "prove")
    page.get_by_role("button", name="Use a passkey").click()
    wait_for_path(page, "/auth/account")
    desk.check(page)


def test_authenticator_app_is_set_up_by_keyboard_alone(
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
    wait_for_path(page, "/auth/enrol")
    tab_to(page, "Use an app")
    page.keyboard.press("Enter")
    wait_for_path(page, "/auth/enrol/app")
    assert_fits_and_accessible(page, shoot, "app")
    member = Member(actor, page.locator("#app-secret").inner_text())
    tab_to(page, "Code from the app")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    tab_to(page, "Code from the app")
    page.keyboard.type(member.code(0))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    assert_fits_and_accessible(page, shoot, "recovery-codes")
    codes = page.locator(".recovery-codes li").all_inner_texts()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "pbcex-recovery-codes.txt"
    assert download.value.path().read_text().splitlines() == codes
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == codes
    page.evaluate("window.print = () => { window.isPrinted = true }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.isPrinted")
    tab_to(page, "I saved them")
    page.keyboard.press("Enter")
    wait_for_path(page, "/admin/")
    # The browser reports the 422 in its console, and nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []


def test_sign_in_works_with_password_managers_and_paste(
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
    wait_for_path(page, "/auth/second-factor")
    assert_accessible(page)
    shoot(page, "second-factor")
    code = page.get_by_label("Code from your app")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    page.evaluate("text => navigator.clipboard.writeText(text)", f" {member.code()} ")
    page.keyboard.press("Control+V")
    page.keyboard.press("Enter")
    wait_for_path(page, "/admin/")
    with database.transaction() as session:
        link = one_time_tokens.issue_link(session, member.actor.user_id, LinkPurpose.INVITATION)
        token = one_time_tokens.rebuild_token(session, link)
    for path, field in (("forgot-password", "username"), ("invitation", "new-password")):
        page.goto(f"{desk.address}/auth/{path}?token={token}")
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


def test_sign_in_with_a_recovery_code_works_without_script(
    open_strict: OpenDesk, database: Database
) -> None:
    member = create_member_with_app(database)
    desk = open_strict(java_script_enabled=False)
    page = desk.open("/auth/login")
    submit_password(page, member.email)
    page.get_by_label("Code from your app").fill(member.recovery_codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    wait_for_path(page, "/admin/")


def test_passkeys_are_hidden_at_an_ip_address(open_strict: OpenDesk) -> None:
    desk = open_strict()
    page = desk.page()
    page.goto(desk.address.replace("localhost", "127.0.0.1") + "/auth/login")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_text("Passkeys work at")).to_be_visible()
    desk.check(page)
