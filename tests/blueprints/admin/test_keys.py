"""The page of the key ring: read by those who oversee, rotated by two administrators."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access import Actor, Role
from app.keys import queries
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.keys.conftest import Values
from tests.pages import Browser
from tests.people import PASSWORD, People
from tests.unchanged import unchanged

PAGE = "/admin/keys"


@pytest.fixture
def alone(lone_app: Flask) -> Database:
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


def test_two_administrators_rotate(lone_app: Flask, alone: Database, ring: FileKeyRing) -> None:
    staff = People(alone)
    one, two = staff.staff(Role.ADMIN), staff.staff(Role.ADMIN)
    values = Values(alone, {})
    values.add(7)
    first = ring.active_id()
    asking, checking = browser_of(lone_app, one), browser_of(lone_app, two)
    page = asking.get(PAGE)
    assert first in page.said
    assert "Seals" in page.said
    answer = asking.send(PAGE, "rotate", reason="once a year")
    assert answer.status_code == 303
    approval = answer.headers["Location"]
    # Nothing happens before a second person says so, and not by the one who asked.
    assert (ring.active_id(), last(alone)) == (first, None)
    assert not asking.get(approval).all("form", id="approve")
    assert (ring.active_id(), last(alone)) == (first, None)
    approve(checking, approval)
    rotation = last(alone)
    assert rotation is not None
    assert rotation.key_id == ring.active_id() != first
    page = checking.get(PAGE)
    assert "Opens" in page.said
    assert "Waiting" in page.said
    again = asking.send(PAGE, "rotate", reason="once more")
    assert again.status_code == 409
    assert "is not finished yet" in again.text
    assert values.all_open()


def test_a_rotation_meanwhile_outdates_the_request(
    lone_app: Flask, alone: Database, ring: FileKeyRing
) -> None:
    staff = People(alone)
    one, two = staff.staff(Role.ADMIN), staff.staff(Role.ADMIN)
    ring.active_id()
    asking, checking = browser_of(lone_app, one), browser_of(lone_app, two)
    approval = asking.send(PAGE, "rotate", reason="once a year").headers["Location"]
    ring.activate(ring.generate().id)
    sealing = ring.active_id()
    approve(checking, approval)
    assert (ring.active_id(), last(alone)) == (sealing, None)


def test_a_reason_is_needed(lone_app: Flask, alone: Database, ring: FileKeyRing) -> None:
    browser = browser_of(lone_app, People(alone).staff(Role.ADMIN))
    with unchanged(alone):
        answer = browser.send(PAGE, "rotate", reason="no")
    assert answer.status_code == 422
    assert "5 to 500 characters" in answer.text


def test_a_lost_key_shows(lone_app: Flask, alone: Database, ring: FileKeyRing) -> None:
    browser = browser_of(lone_app, People(alone).staff(Role.ADMIN))
    Values(alone, {}).add(3)
    lost = ring.active_id()
    ring.path.unlink()
    page = browser.get(PAGE)
    assert lost in page.said
    assert "Lost" in page.said
    browser.fragment(PAGE, "keys")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_others_than_administrators_rotate_nothing(
    lone_app: Flask, alone: Database, ring: FileKeyRing, role: Role
) -> None:
    browser = browser_of(lone_app, People(alone).staff(role))
    may_read = role in {Role.ADMIN, Role.AUDITOR}
    page = browser.get(PAGE, status=200 if may_read else 403)
    assert ("Ask to rotate" in page.said) == (role is Role.ADMIN)


def last(database: Database) -> queries.Rotation | None:
    with database.reading() as session:
        return queries.last_rotation(session)


def approve(browser: Browser, path: str) -> None:
    [seen] = browser.get(path).all("input", name="seen")
    browser.send(path, "approve", seen=seen["value"])
