"""Rendering of pages: whole or as a fragment, and static files with immutable URLs."""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, render_template, request, url_for
from jinja2_fragments.flask import render_block
from markupsafe import Markup

from app.access import Actor, Permission
from app.blueprints import form_tokens, forms, list_cells, nav
from app.blueprints.environ_keys import NAV_COUNTS, NONCE, SESSION
from app.blueprints.nav import NavPlace
from app.blueprints.shortcuts import PAGE_KEYS
from app.config import Environment, Settings
from app.embedded.sample_people import SAMPLE_STAFF
from app.integrations.registry import PROVIDERS
from app.kit import clock, formatting
from app.kit.db import Session

_THEMES = frozenset({"light", "dark"})
_HASH_LENGTH = 12
_FRAGMENT = "fragment"
#: A withdrawal in tokens is with "custody" until it is with one custodian.
_PROVIDER_NAMES = {"custody": "Custodian", **{each.id: each.name for each in PROVIDERS}}
IMMUTABLE = "public, max-age=31536000, immutable"


def render_page(template: str, *, status: int = 200, **context: object) -> Response:
    """Render a template, or only its block `fragment` where HTMX requested no more.

    The response is never cached: what a desk shows must be gone with the session.
    """
    # A fragment without HTMX attributes needs the content security policy of pages too.
    nonce()
    text = (
        render_block(template, _FRAGMENT, **context)
        if wants_fragment()
        else render_template(template, **context)
    )
    response = make_response(text, status)
    response.vary.add("HX-Request")
    response.headers["Cache-Control"] = "no-store"
    return response


def wants_fragment() -> bool:
    """Whether HTMX sent the request, for a part of the open page."""
    return request.headers.get("HX-Request") == "true" and not (
        "HX-Boosted" in request.headers or "HX-History-Restore-Request" in request.headers
    )


def nonce() -> str:
    """Return the nonce of this response's scripts and HTMX attributes; the CSP header names it."""
    token: str = request.environ.setdefault(NONCE, secrets.token_urlsafe(16))
    return token


def theme() -> str:
    """Return `light` or `dark` as the person chose, or empty to follow the browser."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in _THEMES else ""


def nav_counts(actor: Actor) -> Mapping[str, int]:
    """Return how many items wait on each page of the sidebar; none without a database session."""
    session: Session | None = request.environ.get(SESSION)
    if session is None:
        return {}
    counts: Mapping[str, int] | None = request.environ.get(NAV_COUNTS)
    if counts is None:
        counts = request.environ[NAV_COUNTS] = nav.counts(session, actor)
    return counts


def nav_place(actor: Actor) -> NavPlace | None:
    """Return the page of the sidebar whose URL the current one begins with, or that says so; None
    if there is none.

    The longest such URL counts: a page may lie below another one.
    """
    places = [
        NavPlace(section, entry, url, is_detail=url != request.path)
        for section in nav.sections_for(actor)
        for entry in section.entries
        for url in [url_for(entry.endpoint)]
        if f"{request.path}/".startswith((f"{url}/", f"{entry.details or url}/"))
    ]
    return max(places, key=lambda place: len(place.url), default=None)


def provider_name(identifier: str) -> str:
    """Return the name of a provider to show; any other text as it is."""
    return _PROVIDER_NAMES.get(identifier, identifier)


def break_email(text: str) -> str:
    """Return an email address that may break before its domain; any other text as it is."""
    name, at, domain = text.partition("@")
    return Markup("{}<wbr>{}{}").format(name, at, domain) if at and " " not in text else text


def register(app: Flask, settings: Settings) -> None:
    """Register what every template may use, and URLs of static files that change with the file."""
    app.jinja_env.globals.update(
        nonce=nonce,
        theme=theme,
        Permission=Permission,
        is_sample=not settings.is_production,
        sample_staff=SAMPLE_STAFF if settings.env is Environment.SAMPLE else (),
        home_of=nav.home_of,
        sections_for=nav.sections_for,
        nav_counts=nav_counts,
        nav_place=nav_place,
        page_keys=PAGE_KEYS,
        form_state=forms.state_of,
        form_token=form_tokens.new_signed_token,
        form_seen=forms.seen_facts,
    )
    app.jinja_env.filters.update(
        figure=formatting.split_amount,
        exact_amount=formatting.format_exact_amount,
        terse=formatting.format_tersely,
        price=formatting.format_price,
        count=formatting.format_count,
        number_of=formatting.format_number_of,
        time=formatting.format_time,
        clock=formatting.format_clock,
        date=formatting.format_date,
        duration=formatting.format_duration,
        rfc3339=clock.rfc3339,
    )
    app.jinja_env.filters.update(provider_name=provider_name, break_email=break_email)
    app.jinja_env.filters.update(cell_kind=list_cells.cell_kind, cell_text=list_cells.cell_text)
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
            version_sent, name = request.args.get("v"), (request.view_args or {})["filename"]
            response.headers["Cache-Control"] = (
                IMMUTABLE
                if version_sent is not None and version_sent == version(name)
                else "no-cache"
            )
        return response


@lru_cache(maxsize=256)
def _hash(file: Path, _changed_at: int) -> str:
    return sha256(file.read_bytes()).hexdigest()[:_HASH_LENGTH]
