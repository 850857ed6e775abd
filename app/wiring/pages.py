"""The pages: each module of a desk's package that has a blueprint `blp` is found by itself."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from flask import Flask

from app.blueprints import (
    admin,
    auth,
    form_origin,
    go_to,
    list_pages,
    mail,
    public,
    references,
    rendering,
    staff_session_cookie,
    support,
    teller,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.config import Settings

_PACKAGES = (public, auth, support, teller, admin)


def register(app: Flask, settings: Settings) -> None:
    """Register what people open in a browser."""
    rendering.register(app, settings)
    references.register(app)
    staff_session_cookie.register(
        app, secure=settings.is_production or settings.public_url.startswith("https://")
    )
    form_origin.register(app)
    for blueprint in _find_blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(go_to.blp)
    app.register_blueprint(list_pages.blp)
    if not settings.is_production:
        app.register_blueprint(mail.blp)


def _find_blueprints() -> Iterator[PageBlueprint]:
    for package in _PACKAGES:
        for found in iter_modules(package.__path__, f"{package.__name__}."):
            blueprint = getattr(import_module(found.name), "blp", None)
            if blueprint is not None:
                yield blueprint
