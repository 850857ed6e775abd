"""The mails that the sample's own server caught. Only outside production is there such a page.

What a mail says is shown as text. Its HTML is answered by itself, under a policy that lets it load
and run nothing and makes it a stranger to our pages.
"""

from flask import Response, current_app

from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import page
from app.embedded.mail_catcher import Caught, MailFolder
from app.kit.db import Database
from app.kit.errors import NotFound

blp = PageBlueprint("mail", "/mail")

_SHOWN = 100
_ALONE = "sandbox; default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"


@blp.view("GET", "/", public=True)
def index(_database: Database) -> Response:
    """The latest mails."""
    return page("mail/index.html", "mail/_mails.html", mails=_folder().newest(_SHOWN))


@blp.view("GET", "/<identifier>", public=True)
def show(_database: Database, identifier: str) -> Response:
    """One mail, as text; the links of ours in it can be followed."""
    mail = _found(identifier)
    base = current_app.extensions["settings"].base_url + "/"
    links = [f"/{word.removeprefix(base)}" for word in mail.text.split() if word.startswith(base)]
    return page("mail/show.html", "mail/_mail.html", mail=mail, links=links)


@blp.view("GET", "/<identifier>/html", public=True)
def show_html(_database: Database, identifier: str) -> Response:
    """The HTML of one mail, by itself."""
    response = Response(_found(identifier).html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _ALONE
    response.headers["Cache-Control"] = "no-store"
    return response


def _folder() -> MailFolder:
    return MailFolder(current_app.extensions["settings"].data_dir)


def _found(identifier: str) -> Caught:
    mail = _folder().find(identifier)
    if mail is None:
        raise NotFound
    return mail
