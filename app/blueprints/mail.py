"""The mail that the sample's own server received. These pages do not exist in production.

A mail is shown as text. Its HTML is a response of its own, with a policy under which it loads and
runs nothing and has an origin other than our pages'.
"""

from flask import Response, current_app

from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.embedded.mail_catcher import CaughtEmail, EmailFolder
from app.kit.db import Database
from app.kit.errors import NotFound

blp = PageBlueprint("mail", "/mail")

_SHOWN = 100
_ISOLATED = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@blp.view("GET", "/", public=True)
def index(_database: Database) -> Response:
    """List the latest mails."""
    return render_page("mail/index.html", mails=_folder().list_newest(_SHOWN))


@blp.view("GET", "/<identifier>", public=True)
def show(_database: Database, identifier: str) -> Response:
    """Show one mail as text, with its links to our own pages."""
    mail = _find_mail(identifier)
    base = current_app.extensions["settings"].base_url + "/"
    links = [f"/{word.removeprefix(base)}" for word in mail.text.split() if word.startswith(base)]
    return render_page("mail/show.html", mail=mail, links=links)


@blp.view("GET", "/<identifier>/html", public=True)
def show_html(_database: Database, identifier: str) -> Response:
    """Return the HTML of one mail."""
    response = Response(_find_mail(identifier).html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _ISOLATED
    response.headers["Cache-Control"] = "no-store"
    return response


def _folder() -> EmailFolder:
    return EmailFolder(current_app.extensions["settings"].data_dir)


def _find_mail(identifier: str) -> CaughtEmail:
    mail = _folder().find(identifier)
    if mail is None:
        raise NotFound
    return mail
