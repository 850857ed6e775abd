"""Keep the form of a sensitive act during reauthentication, and finish the act afterwards.

The proof redirects with 307, so that the browser sends the proof's own form again, to the act. That
form names the kept one (`FIELD`), and the view reads the kept fields in its place. The act passes
every check of its own address, and a form that is shown again is shown there.
"""

from inspect import cleandoc
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from werkzeug.datastructures import ImmutableMultiDict

from app.access import Actor
from app.blueprints.environ_keys import KEPT_FORM
from app.identity.sign_in import kept_forms
from app.identity.sign_in.kept_forms import SentForm
from app.kit.db import Database, Session

#: The field, and the parameter of the reauthentication page, that names a kept form.
FIELD = "kept_form"
#: The parameter of the reauthentication page for a form that is not kept.
UNSENT = "unsent"
# The CSRF token is checked already, and the browser sends a new one.
_NOT_KEPT = frozenset({"csrf_token"})
_FIRST_ERROR_STATUS = 400


def keep(database: Database, actor: Actor, description: str | None) -> str:
    """Keep the form of the current request, which does what `description` says in its first
    sentence, and return its public id. A kept form that is sent again stays as it is."""
    if FIELD in request.form:
        return request.form[FIELD]
    form = SentForm(
        current_path(),
        first_sentence(description or ""),
        [pair for pair in request.form.items(multi=True) if pair[0] not in _NOT_KEPT],
    )
    with database.transaction() as session:
        return kept_forms.keep(session, actor, form)


def restore(session: Session, actor: Actor) -> bool:
    """Replace the form of the current request by the kept form that it names, if any.

    Returns False if that form cannot be finished: the request must have no effect.
    """
    public_id = request.form.get(FIELD)
    if public_id is None:
        return True
    form = kept_forms.lock(session, actor, public_id)
    if form is None or form.path != current_path():
        return False
    request.form = ImmutableMultiDict(form.fields)
    request.environ[KEPT_FORM] = public_id
    return True


def conclude(session: Session, response: Response) -> None:
    """Record that the restored form, if any, is finished. One that is shown again is not."""
    public_id = request.environ.get(KEPT_FORM)
    if public_id is not None and response.status_code < _FIRST_ERROR_STATUS:
        kept_forms.mark_sent(session, public_id)


def send_again(form: SentForm) -> Response:
    """Let the browser send the current form to the address of a kept form (307)."""
    response = redirect(form.path, 307)
    assert isinstance(response, Response)
    response.headers["Cache-Control"] = "no-store"
    return response


def proof_url(next_path: str | None, public_id: str | None) -> str:
    """Return the URL of the reauthentication page for a kept form, None for one that is not kept;
    `next_path` leads back to the page of the form."""
    query = {"next": next_path} if next_path else {}
    query |= {UNSENT: "yes"} if public_id is None else {FIELD: public_id}
    return f"{url_for('proof_pages.show')}?{urlencode(query, safe='/')}"


def current_path() -> str:
    """Return the path of the current request with its query."""
    return request.full_path.removesuffix("?")


def first_sentence(description: str) -> str:
    """Return the first sentence of a docstring."""
    paragraph = " ".join(cleandoc(description).partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."
