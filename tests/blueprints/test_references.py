"""References: an id links to its page for people who may open it, and to nothing else."""

import pytest
from flask import Flask

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.blueprints import references
from app.blueprints.environ_keys import ACTOR
from app.kit import ids

_TAIL = "01m8k72qnse3yvs4jw31afa0hv"


def actor_with(role: Role) -> Actor:
    return Actor(ids.new(), None, "a@example.com", role, DEFAULT_PERMISSIONS[role])


def test_id_links_to_its_page_for_people_with_the_permission(app: Flask) -> None:
    person = ids.encode("usr", ids.new())
    with app.test_request_context():
        admin, teller = actor_with(Role.ADMIN), actor_with(Role.TELLER)
        assert references.url_for_reference(person, admin) == f"/support/customers/{person}"
        assert references.url_for_reference(person, teller) is None


@pytest.mark.parametrize(
    "text",
    [
        f"zzz_{_TAIL}",
        "usr_nonsense",
        f"usr_{_TAIL[:-1]}",
        f"USR_{_TAIL.upper()}",
        "key-ring",
        "",
    ],
)
def test_unknown_prefix_and_malformed_id_link_nowhere(app: Flask, text: str) -> None:
    with app.test_request_context():
        assert references.url_for_reference(text, actor_with(Role.ADMIN)) is None


def test_reference_has_a_link_and_a_copy_button_and_escapes_its_text(app: Flask) -> None:
    case = ids.encode("cas", ids.new())
    with app.test_request_context() as context:
        context.request.environ[ACTOR] = actor_with(Role.ADMIN)
        html = references.render_reference(case, "<Ada>")
        assert f'<a href="/admin/cases/{case}"><bdi>&lt;Ada&gt;</bdi></a>' in html
        assert f'data-copy="{case}"' in html
        assert references.render_reference("<key-ring>") == "<bdi>&lt;key-ring&gt;</bdi>"


def test_person_is_named_or_is_the_system(app: Flask) -> None:
    person = ids.new()
    with app.test_request_context():
        assert references.describe_person(None, {}).name == "System"
        assert references.describe_person(person, {person: "Ada"}).name == "Ada"
        public_id = ids.encode("usr", person)
        assert references.describe_person(public_id, {person: "Ada"}).name == "Ada"
        assert references.describe_person(person, {}).name == public_id


@pytest.mark.parametrize("path", ["/<person_id>", "/<name>", "/<a_id>/<b_id>"])
def test_prefix_is_declared_once_for_a_path_with_one_id(path: str) -> None:
    page = references.list_pages()["usr"]
    with pytest.raises(TypeError, match="usr_"):
        references.declare("usr", "people_pages.other", path, page.permission, page.handler)
