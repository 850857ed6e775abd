"""Shared by the sign-in pages: reading of fields, refusals beside the form, end of sign-in."""

from flask import Response, current_app, jsonify, request, url_for

from app.access import Actor
from app.blueprints import kept_form, nav, staff_session_cookie
from app.blueprints.errors import status_of
from app.blueprints.page_blueprint import safe_redirect_path, see_other
from app.blueprints.rendering import render_page
from app.identity.credentials import passkeys
from app.identity.credentials.passkeys import RESPONSE_LENGTH_MAX
from app.identity.sign_in.staff_sign_in import CompletedSignIn
from app.kit.errors import RateLimited, Refusal, Unauthenticated

CODE_LENGTH_MAX = 64
PASSWORD_LENGTH_MAX = 1024
NAME_LENGTH_MAX = 100


def read_field(field: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return a field of the form without surrounding blanks, cut to a sensible length."""
    return request.form.get(field, "").strip()[:length_max]


def read_code() -> str:
    """Return the code from the form."""
    return read_field("code", CODE_LENGTH_MAX)


def read_credential() -> str:
    """Return the passkey credential from the form, cut one character above the limit."""
    return read_field("credential", RESPONSE_LENGTH_MAX + 1)


def finish_sign_in(signed_in: CompletedSignIn, next_path: str | None) -> Response:
    """Start the session and redirect to the requested page; show new recovery codes first."""
    unsent = staff_session_cookie.unsent()
    member = staff_session_cookie.start_session(signed_in.secret)
    assert member is not None, "the session started just now"
    kept_form.take_over(current_app.extensions["database"], member.actor, *unsent)
    onward = safe_redirect_path(next_path) or home_of(member.actor)
    if signed_in.recovery_codes:
        return show_recovery_codes(signed_in.recovery_codes, onward)
    return see_other(onward)


def show_recovery_codes(codes: tuple[str, ...] | list[str], onward: str) -> Response:
    """Show the recovery codes, once."""
    return render_page("auth/recovery_codes.html", codes=codes, onward=onward)


def home_of(actor: Actor) -> str:
    """Return the path of the home of the person's desk."""
    return url_for(nav.home_of(actor.role))


def status_beside_form(refusal: Refusal) -> int:
    """Return the status of a form that is shown again: 422 instead of 401, which would make the
    browser ask for credentials by itself."""
    return 422 if isinstance(refusal, Unauthenticated) else status_of(type(refusal))


def add_retry_after(response: Response, refusal: Refusal) -> Response:
    """Add the Retry-After header of a rate limit, if there is one, to the response."""
    if isinstance(refusal, RateLimited):
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def passkey_options_response(question: passkeys.PasskeyOptions) -> Response:
    """Return the WebAuthn options for the page's script, and keep their challenge in the cookie."""
    staff_session_cookie.keep_challenge(question.challenge)
    response = jsonify(question.options)
    response.headers["Cache-Control"] = "no-store"
    return response
