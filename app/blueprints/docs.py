"""Pages of the API document: the guide, the operations of each group, and the error codes.

They look the same to everyone and are rendered once.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from app.blueprints import docs_view, errors
from app.blueprints.rate_limits import RateLimit, counted_as
from app.blueprints.security_headers import PAGE_CSP
from app.kit.errors import NotFound

blp = Blueprint("docs", __name__, url_prefix="/api/docs")
_PAGES = "api_document_pages"


@blp.get("")
@counted_as(RateLimit.PAGE)
def index() -> Response:
    """Show the guide, and the operations by group."""
    return _respond("", _render_index)


@blp.get("/<group>")
@counted_as(RateLimit.PAGE)
def show_group(group: str) -> Response:
    """Show the operations of a group, with their fields and examples."""
    if group not in {tag["name"] for tag in _document()["tags"]}:
        raise NotFound
    return _respond(group, lambda: _render_group(group))


@blp.get("/errors")
@counted_as(RateLimit.PAGE)
def error_catalogue() -> Response:
    """Show every error code with its status and meaning, read from the exception classes."""
    return _respond("errors", _render_errors)


def _respond(name: str, render: Callable[[], str]) -> Response:
    """Return the page, rendered with the first request only."""
    pages: dict[str, tuple[bytes, str]] = current_app.extensions.setdefault(_PAGES, {})
    if name not in pages:
        content = render().encode()
        pages[name] = content, sha256(content).hexdigest()
    content, etag = pages[name]
    response = Response(content, mimetype="text/html")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    # Also of a 304, which has no Content-Type: its headers replace those of the kept page.
    response.headers["Content-Security-Policy"] = PAGE_CSP
    response.make_conditional(request)
    return response


def _document() -> dict[str, Any]:
    document: dict[str, Any] = current_app.extensions["api_document"]()
    return document


def _render_index() -> str:
    document = _document()
    guide = docs_view.render_markdown(document["info"]["description"])
    return render_template(
        "docs/index.html",
        guide=guide,
        groups=docs_view.list_groups(document),
        current="",
        version=document["info"]["version"],
    )


def _render_group(name: str) -> str:
    groups = docs_view.list_groups(_document())
    [group] = [each for each in groups if each.name == name]
    return render_template("docs/group.html", group=group, groups=groups, current=name)


def _render_errors() -> str:
    entries = [
        {
            "code": code,
            "status": errors.status_of(kinds[0]),
            "meanings": [
                {"title": kind.title, "text": (kind.__doc__ or "").strip()} for kind in kinds
            ],
        }
        for code, kinds in errors.list_error_codes().items()
    ]
    groups = docs_view.list_groups(_document())
    return render_template("docs/errors.html", entries=entries, groups=groups, current="errors")
