"""The key ring page: its keys, the latest rotation, and who may see them."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access import Actor, Role
from app.keys import rotation
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.keys.conftest import SealedValues
from tests.page_client import Browser
from tests.people import PASSWORD, People

PAGE = "/admin/keys"


@pytest.fixture
def lone_database(lone_app: Flask) -> Database:
    database: Database = lone_app.extensions["database"]
    return database


@pytest.fixture
def ring(lone_app: Flask, tmp_path) -> Iterator[FileKeyRing]:
    before = resolve(KeyRing)
    ring = FileKeyRing(tmp_path / "keys.json", create=True)
    provide(KeyRing, ring)
    yield ring
    provide(KeyRing, before)


def browser_of(app: Flask, person: Actor) -> Browser:
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    return browser


def test_keys_and_latest_rotation_are_shown_without_secrets(
    lone_app: Flask, lone_database: Database, ring: FileKeyRing
) -> None:
    browser = browser_of(lone_app, People(lone_database).staff(Role.ADMIN))
    SealedValues(lone_database, {}).add(7)
    first = ring.active_id()
    page = browser.get_page(PAGE)
    assert first in page.visible_text
    assert "Active" in page.visible_text
    assert "Latest rotation" not in page.visible_text
    with lone_database.transaction() as session:
        rotation.begin_rotation(session)
    page = browser.get_page(PAGE)
    assert "Inactive, readable" in page.visible_text
    assert "Rewrapping" in page.visible_text
    assert ring.active_id() in page.visible_text
    secrets = [key.secret for key in ring.read_contents().keys]
    for secret in secrets:
        assert secret is not None
        assert secret.hex() not in page.visible_text


def test_request_to_rotate_shows_what_it_affects(
    lone_app: Flask, lone_database: Database, ring: FileKeyRing
) -> None:
    browser = browser_of(lone_app, People(lone_database).staff(Role.ADMIN))
    asked = browser.submit_form("/admin/approvals", "rotate", reason="the yearly rotation")
    text = browser.get_page(asked.location).visible_text
    for label in (ring.active_id(), "Active since", "Values to rewrap", "Last rotation"):
        assert label in text
    withdrawn = browser.submit_form(asked.location, "withdraw")
    assert withdrawn.status_code == 303
    assert "Values to rewrap" not in browser.get_page(asked.location).visible_text


def test_lost_key_is_shown(lone_app: Flask, lone_database: Database, ring: FileKeyRing) -> None:
    browser = browser_of(lone_app, People(lone_database).staff(Role.ADMIN))
    SealedValues(lone_database, {}).add(3)
    lost = ring.active_id()
    ring.path.unlink()
    page = browser.get_page(PAGE)
    assert lost in page.visible_text
    assert "Lost" in page.visible_text
    browser.get_fragment(PAGE, "keys")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_key_ring_is_open_to_oversight_only(
    lone_app: Flask, lone_database: Database, ring: FileKeyRing, role: Role
) -> None:
    browser = browser_of(lone_app, People(lone_database).staff(role))
    may_read = role in {Role.ADMIN, Role.AUDITOR}
    page = browser.get_page(PAGE, status=200 if may_read else 403)
    assert ("Request a rotation" in page.visible_text) == (role is Role.ADMIN)
