"""The pages of categories and of synonyms."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import ids
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in

CATEGORIES, SYNONYMS = "/admin/categories", "/admin/synonyms"


@pytest.fixture
def keeper(sign_in_as: SignInAs) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in_as(Role.INVENTORY)


def add(keeper: Browser, name: str, parent: str = "") -> str:
    """Add a category, and return the path of its page."""
    slug = f"c-{ids.new().hex[-12:]}"
    added = keeper.submit_form(
        CATEGORIES, "add", name=name, slug=slug, parent=parent, display_order="5"
    )
    assert added.status_code == 303, check_page(added).visible_text
    links = keeper.get_page(keeper.submit_form(CATEGORIES, "find", name=name).location).all("a")
    [path] = {a["href"] for a in links if a["href"].startswith(f"{CATEGORIES}/pct_")}
    return path


def test_category_is_added_moved_renamed_and_deleted(keeper: Browser) -> None:
    mark = ids.new().hex[-10:]
    top, other = add(keeper, f"Top {mark}"), add(keeper, f"Other {mark}")
    below = add(keeper, f"Below {mark}", parent=top.rpartition("/")[2])
    page = keeper.get_fragment(top, "category")
    assert f"Top {mark} › Below {mark}" in page.visible_text
    assert not page.all("form", id="remove")
    # Neither it nor what is below it can be chosen.
    choices = {option["value"] for option in page.all("option")}
    assert other.rpartition("/")[2] in choices
    assert not {top.rpartition("/")[2], below.rpartition("/")[2]} & choices
    changed = keeper.submit_form(
        below,
        "change",
        name=f"Moved {mark}",
        slug=f"moved-{mark}",
        parent=other.rpartition("/")[2],
        display_order="2",
    )
    assert changed.status_code == 303, check_page(changed).visible_text
    assert f"Other {mark} › Moved {mark}" in keeper.get_page(below).visible_text
    assert keeper.submit_form(top, "remove").location == CATEGORIES
    keeper.get_page(top, status=404)


def test_slug_that_is_taken_is_shown_at_its_field(keeper: Browser) -> None:
    slug = f"c-{ids.new().hex[-12:]}"
    fields = {"name": "Coins", "slug": slug, "parent": "", "display_order": "5"}
    assert keeper.submit_form(CATEGORIES, "add", **fields).status_code == 303
    refused = keeper.submit_form(CATEGORIES, "add", **fields)
    assert refused.status_code == 409
    assert check_page(refused).all("a", href="#add-slug")


def test_synonym_is_added_once_and_removed(keeper: Browser) -> None:
    phrase = f"q{ids.new().hex[-10:]}"
    fields = {"phrase": phrase, "meaning": "gold eagles"}
    assert keeper.submit_form(SYNONYMS, "add", **fields).status_code == 303
    # A plural is the same word.
    again = keeper.submit_form(SYNONYMS, "add", phrase=phrase.upper(), meaning="Gold-Eagle")
    assert again.status_code == 409
    assert check_page(again).all("a", href="#add-phrase")
    found = keeper.submit_form(SYNONYMS, "find", phrase=phrase).location
    [box] = keeper.get_page(found).all("input", name="ids")
    removed = keeper.submit_form(found, "bulk", ids=box["value"], act="remove")
    assert removed.status_code == 303
    assert "synonym removed" in keeper.get_page(found).visible_text


def test_reader_of_categories_and_synonyms_sees_no_forms(app: Flask, people: People) -> None:
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    for path in (CATEGORIES, SYNONYMS):
        page = auditor.get_page(path)
        assert not page.all("form", id="add")
        assert not page.all("input", name="ids")
