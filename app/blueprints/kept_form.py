"""Keep a form that was sent too late, and finish it or show it again.

A sensitive act whose proof of identity is old: the proof redirects with 307, so that the browser
sends the proof's own form again, to the act. That form names the kept one (`FIELD`), and the view
reads the kept fields in its place. The act passes every check of its own address, and a form that
is shown again is shown there.

A declared form that waits is shown again on its page, with what was typed and "Not sent yet": after
Cancel or Back at the proof, and after the sign-in of a person whose session had timed out. Such a
late form is never finished by itself (`kept_forms`). All copies of a form carry its token, so that
together they have one effect.
"""

from collections.abc import Callable, Mapping
from inspect import cleandoc
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from werkzeug.datastructures import ImmutableMultiDict

from app.access import Actor
from app.blueprints import form_tokens, staff_session_cookie
from app.blueprints.environ_keys import ACTOR, KEPT_FORM, SESSION, WAITING_FORMS
from app.identity.sign_in import kept_forms, staff_sessions
from app.identity.sign_in.kept_forms import SentForm
from app.kit import ids
from app.kit.db import Database, Session

#: The field, and the parameter of the reauthentication page, that names a kept form.
FIELD = "kept_form"
#: The parameter of the reauthentication page for a form that is not kept.
UNSENT = "unsent"
#: What the page says after the proof or the sign-in about a form that is not shown again.
NOT_SENT = "Not sent yet, because you were signed out. Nothing was done: send the form again."
# The CSRF token is checked already, and the browser sends a new one.
_NOT_KEPT = frozenset({"csrf_token"})
_FIRST_ERROR_STATUS = 400


def keep(database: Database, actor: Actor, view: Callable[..., Any]) -> str:
    """Keep the form of the current request, which does what the first sentence of the view's
    docstring says, and return its public id. A kept form that is sent again stays as it is."""
    if FIELD in request.form:
        return request.form[FIELD]
    assert actor.session_id is not None, "staff act in a session"
    return _keep(database, actor.session_id, view, is_late=False)


def keep_after_time_out(database: Database, view: Callable[..., Any]) -> None:
    """Keep the form of the current request, whose session has timed out, for the next sign-in of
    the same person in this browser. Of a form that is not declared only the fact is kept: a message
    then says that it was not sent."""
    with database.reading() as session:
        ended = staff_sessions.find_timed_out(session, staff_session_cookie.session_secret())
    if ended is None:
        return
    person = ids.encode("usr", ended.user_id)
    remembered, forms = staff_session_cookie.unsent()
    if remembered != person:
        forms = []
    if is_kept(view) and form_tokens.was_shown_to(ended.user_id):
        forms = [*forms, _keep(database, ended.id, view, is_late=True)]
    staff_session_cookie.remember_unsent(person, forms[-kept_forms.WAITING_MAX :])


def is_kept(view: Callable[..., Any]) -> bool:
    """Whether the view's form may be kept: it holds no secret."""
    return bool(view.__dict__.get("keeps_form"))


def keep_after_sign_in(database: Database, actor: Actor, view: Callable[..., Any]) -> bool:
    """Keep a form that was shown to this person before they signed in again in another tab.

    Returns False for the form of another person, or one that cannot be shown again.
    """
    if not form_tokens.was_shown_to(actor.user_id) or not is_kept(view):
        return False
    assert actor.session_id is not None, "staff act in a session"
    _keep(database, actor.session_id, view, is_late=True)
    flash(NOT_SENT, "problem")
    return True


def take_over(database: Database, actor: Actor, person: str, forms: list[str]) -> None:
    """Give a person who signed in again the forms that their last session could not send."""
    if person != ids.encode("usr", actor.user_id):
        return
    if forms:
        with database.transaction() as session:
            kept_forms.take_over(session, actor, forms)
    flash(NOT_SENT, "problem")


def find_waiting(action: str, carried: Mapping[str, str]) -> tuple[str, SentForm] | None:
    """Return the public id and the latest form with these values that waits to be sent to this
    address; None if there is none."""
    session: Session | None = request.environ.get(SESSION)
    if session is None:
        return None
    waiting = request.environ.get(WAITING_FORMS)
    if waiting is None:
        waiting = kept_forms.list_waiting(session, request.environ[ACTOR])
        request.environ[WAITING_FORMS] = waiting
    return next(
        (
            (public_id, form)
            for public_id, form in waiting
            if form.path == action and carried.items() <= dict(form.fields).items()
        ),
        None,
    )


def discard_copies(session: Session, actor: Actor) -> None:
    """Delete the waiting copies of the current form, which had its effect."""
    token = request.form.get(form_tokens.TOKEN, "")
    for public_id, form in kept_forms.list_waiting(session, actor):
        if form.value(form_tokens.TOKEN) == token and public_id != request.environ.get(KEPT_FORM):
            kept_forms.discard(session, actor, public_id)


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


def _keep(database: Database, session_id: UUID, view: Callable[..., Any], *, is_late: bool) -> str:
    form = SentForm(
        current_path(),
        first_sentence(view.__doc__ or ""),
        [pair for pair in request.form.items(multi=True) if pair[0] not in _NOT_KEPT],
        had_files=any(file.filename for file in request.files.values()),
        is_late=is_late,
    )
    with database.transaction() as session:
        return kept_forms.keep(session, session_id, form)
