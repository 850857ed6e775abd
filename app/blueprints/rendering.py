"""How a page is answered: whole or as its fragment, with files that may be cached for ever."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, render_template, request

from app.access import Actor
from app.blueprints import labels, nav
from app.blueprints.middleware import NONCE, SESSION
from app.config import Settings
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount


@dataclass(frozen=True, slots=True)
class AmountParts:
    """An amount cut into what a page shows of it differently."""

    sign: str
    whole: str
    coarse: str
    fine: str


_MINUS = "\N{MINUS SIGN}"
_THEMES = frozenset({"light", "dark"})
_HASH_LENGTH = 12
_IMMUTABLE = "public, max-age=31536000, immutable"


def render_page(
    full: str, fragment: str | None = None, *, status: int = 200, **context: object
) -> Response:
    """The template `full`, or its `fragment` alone where HTMX asked for no more than that.

    `full` includes `fragment`, so the two cannot drift. Never kept by a cache: what a desk shows
    is gone with the session.
    """
    # Fragments without HTMX attributes are pages too, and have the policy of pages.
    nonce()
    template = fragment if fragment is not None and wants_fragment() else full
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    response.headers["Cache-Control"] = "no-store"
    return response


def wants_fragment() -> bool:
    """Whether HTMX sent the request, for a part of the page it shows."""
    return request.headers.get("HX-Request") == "true" and not (
        "HX-Boosted" in request.headers or "HX-History-Restore-Request" in request.headers
    )


def nonce() -> str:
    """What this response's scripts and HTMX attributes carry; the envelope names it in the CSP."""
    text: str = request.environ.setdefault(NONCE, secrets.token_urlsafe(16))
    return text


def theme() -> str:
    """`light` or `dark` as the person chose, else empty: the browser's own choice."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in _THEMES else ""


def nav_counts(actor: Actor) -> Mapping[str, int]:
    """What awaits the person on the pages of the sidebar; nothing where no view has a session."""
    session: Session | None = request.environ.get(SESSION)
    return nav.counts(session, actor) if session is not None else {}


def split_amount(amount: Amount, coarse: int) -> AmountParts:
    """The amount with groups of three digits; decimals after the first `coarse` are the fine."""
    text = str(amount).removeprefix("-")
    whole, _, decimals = text.partition(".")
    point = "." if decimals else ""
    return AmountParts(
        _MINUS if amount.units < 0 else "",
        f"{int(whole):,}",
        point + decimals[:coarse],
        decimals[coarse:],
    )


def format_tersely(amount: Amount) -> str:
    """The amount with groups of three digits and without zeros at its end."""
    parts = split_amount(amount, amount.asset.scale)
    return f"{parts.sign}{parts.whole}{parts.coarse.rstrip('0').rstrip('.')}"


def register(app: Flask, settings: Settings) -> None:
    """What every template may use, and addresses of static files that change with the file."""
    app.jinja_env.globals.update(
        nonce=nonce,
        theme=theme,
        is_sample=not settings.is_production,
        sections_for=nav.sections_for,
        nav_counts=nav_counts,
    )
    app.jinja_env.filters.update(figure=split_amount, terse=format_tersely, rfc3339=clock.rfc3339)
    app.jinja_env.filters.update(labels.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    folder = Path(app.static_folder or "")

    def version(name: str) -> str | None:
        file = folder / name
        return _hash(file, file.stat().st_mtime_ns) if file.is_file() else None

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            values.setdefault("v", version(values["filename"]))

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in {200, 304}:
            asked, name = request.args.get("v"), (request.view_args or {})["filename"]
            response.headers["Cache-Control"] = (
                _IMMUTABLE if asked is not None and asked == version(name) else "no-cache"
            )
        return response


@lru_cache(maxsize=256)
def _hash(file: Path, _changed_at: int) -> str:
    return sha256(file.read_bytes()).hexdigest()[:_HASH_LENGTH]
