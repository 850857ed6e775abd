"""References: a public id on a page, with a link to the page that shows what the id names.

A view declares what it shows (`shows="usr"`), and every id with that prefix links to it, for people
with the permission of the view. Templates use `components/reference.html`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from flask import Flask, Response, current_app, request, url_for
from markupsafe import Markup

from app.access import Actor, Permission
from app.blueprints.environ_keys import ACTOR
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound

_PERSON = "usr"
_STEP = re.compile(r"([a-z]{3}_[0-9a-z]{26})(?::.*)?", re.ASCII)
_VARIABLE = re.compile(r"<(\w+)_id>")


@dataclass(frozen=True, slots=True)
class ReferencedPage:
    """The page that shows what ids with one prefix name. `noun` is what that is called."""

    endpoint: str
    noun: str
    permission: Permission
    handler: Callable[..., Response]


@dataclass(frozen=True, slots=True)
class PersonReference:
    """A person as a page names them. `url` is None if the member of staff may not open them."""

    name: str
    url: str | None


_PAGES: dict[str, ReferencedPage] = {}


def declare(
    prefix: str,
    endpoint: str,
    path: str,
    permission: Permission,
    handler: Callable[..., Response],
) -> None:
    """Declare that the page at `path`, with one variable such as `<person_id>`, shows ids with this
    prefix. Raises `TypeError` at start for another path, and if the prefix is taken."""
    nouns = _VARIABLE.findall(path)
    if len(nouns) != 1:
        raise TypeError(f"{path} shows {prefix}_…: it needs one variable such as <person_id>")
    page = ReferencedPage(endpoint, nouns[0], permission, handler)
    if _PAGES.setdefault(prefix, page) is not page:
        raise TypeError(f"two pages show {prefix}_…: {_PAGES[prefix].endpoint} and {endpoint}")


def list_pages() -> Mapping[str, ReferencedPage]:
    """Return the declared pages by prefix, in the order of their nouns."""
    return dict(sorted(_PAGES.items(), key=lambda item: item[1].noun))


def url_for_reference(public_id: str, actor: Actor) -> str | None:
    """Return the URL of the page of this id; None for an unknown prefix, a malformed id, or a page
    that the actor may not open."""
    page = _PAGES.get(ids.prefix_of(public_id) or "")
    if page is None or page.permission not in actor.permissions:
        return None
    values: dict[str, Any] = {f"{page.noun}_id": public_id}
    return url_for(page.endpoint, **values)


def find_url(session: Session, actor: Actor, public_id: str) -> str | None:
    """Return the URL as `url_for_reference` does; None also if the page would not be found, which
    the page itself decides."""
    url = url_for_reference(public_id, actor)
    if url is None:
        return None
    page = _PAGES[public_id.partition("_")[0]]
    # A form of the page reads the variables of the page's own address.
    request.view_args = {f"{page.noun}_id": public_id}
    try:
        page.handler(session, actor, **request.view_args)
    except NotFound:
        return None
    return url


def subject_of(reference: str) -> str:
    """Return the public id with which a reference of the ledger begins: the rest says which step of
    an act it was. One that begins otherwise is returned as it is."""
    named = _STEP.fullmatch(reference)
    return named[1] if named else reference


def render_reference(public_id: str, text: str | None = None) -> Markup:
    """Return the id as `ref` of `components/reference.html` shows it, for use outside templates."""
    component = current_app.jinja_env.get_template("components/reference.html")
    # A macro is an attribute of the template's module, and returns escaped text.
    return cast("Markup", component.module.ref(public_id, text))  # type: ignore[attr-defined]


def name_person(person_id: UUID, names: Mapping[UUID, str]) -> str:
    """Return the name of a person, or their public id if `names` has none."""
    return names.get(person_id) or ids.encode(_PERSON, person_id)


def describe_person(person: UUID | str | None, names: Mapping[UUID, str]) -> PersonReference:
    """Return the name and the page of a person, given by id or public id; None is the system."""
    if person is None:
        return PersonReference("System", None)
    person_id = ids.decode(_PERSON, person) if isinstance(person, str) else person
    url = _url_for_current(ids.encode(_PERSON, person_id))
    return PersonReference(name_person(person_id, names), url)


def register(app: Flask) -> None:
    """Register what `components/reference.html` uses."""
    app.jinja_env.globals.update(
        reference_url=_url_for_current,
        describe_person=describe_person,
        is_public_id=lambda text: ids.prefix_of(text) is not None,
    )


def _url_for_current(public_id: str) -> str | None:
    """Return the URL for the member of staff whose page is rendered; None on the page itself."""
    actor: Actor | None = request.environ.get(ACTOR)
    url = url_for_reference(public_id, actor) if actor is not None else None
    return url if url != request.path else None
