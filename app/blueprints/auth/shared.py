"""What the steps of signing in have in common: what was typed, refusals beside the form, and in."""

from flask import Response, jsonify, request, url_for

from app.access import Actor
from app.blueprints import nav, staff_session_cookie
from app.blueprints.errors import status_of
from app.blueprints.page_blueprint import safe_redirect_path, see_other
from app.blueprints.rendering import render_page
from app.identity.credentials import passkeys
from app.identity.credentials.passkeys import ANSWER_LENGTH_MAX
from app.identity.sign_in.staff_sign_in import CompletedSignIn
from app.kit.errors import RateLimited, Refusal, Unauthenticated

CODE_LENGTH_MAX = 64
PASSWORD_LENGTH_MAX = 1024
NAME_LENGTH_MAX = 100


def read_field(field: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """A field of the form without blanks around it, cut to a length that means something."""
    return request.form.get(field, "").strip()[:length_max]


def read_code() -> str:
    """The code that was typed."""
    return read_field("code", CODE_LENGTH_MAX)


def read_credential() -> str:
    """What the browser's authenticator answered; one character more than is judged at most."""
    return read_field("credential", ANSWER_LENGTH_MAX + 1)


def finish_sign_in(signed_in: CompletedSignIn, next_path: str | None) -> Response:
    """In, and on to where the person wanted to go; by the recovery codes, if there are any."""
    staff_session_cookie.start_session(signed_in.secret)
    member = staff_session_cookie.current_member()
    assert member is not None, "the session began just now"
    onward = safe_redirect_path(next_path) or home_of(member.actor)
    if signed_in.recovery_codes:
        return show_recovery_codes(signed_in.recovery_codes, onward)
    return see_other(onward)


def show_recovery_codes(codes: tuple[str, ...] | list[str], onward: str) -> Response:
    """The codes, shown once."""
    return render_page(
        "auth/recovery_codes.html", "auth/_recovery_codes.html", codes=codes, onward=onward
    )


def home_of(actor: Actor) -> str:
    """The first page that this person may open."""
    return url_for(nav.home_of(actor) or "public_pages.home")


def status_beside_form(refusal: Refusal) -> int:
    """The status of a form that is shown again. 401 would ask the browser for a scheme of its own;
    the form is what asks here."""
    return 422 if isinstance(refusal, Unauthenticated) else status_of(type(refusal))


def add_retry_after(response: Response, refusal: Refusal) -> Response:
    """The answer with the time to wait, if there is one."""
    if isinstance(refusal, RateLimited):
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def passkey_options_response(question: passkeys.PasskeyOptions) -> Response:
    """The question for the script of the page; the cookie keeps what was asked."""
    staff_session_cookie.keep_challenge(question.challenge)
    response = jsonify(question.options)
    response.headers["Cache-Control"] = "no-store"
    return response
