"""Pages of links in emails: confirm an email address, choose a new or the first password.

Opening a link changes nothing, because email programs open links by themselves; sending the form on
the page does.
"""

from collections.abc import Callable

from flask import Response, request, url_for

from app.blueprints import staff_session_cookie
from app.blueprints.errors import status_of
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import render_page
from app.identity.accounts import email_verification, invitations
from app.identity.credentials import password_reset
from app.identity.credentials.one_time_tokens import LENGTH_MAX
from app.kit.db import Database
from app.kit.errors import Invalid, Refusal, Unauthenticated

blp = PageBlueprint("links", "/auth")

_EMAIL_LENGTH_MAX = 320
_PASSWORD_LENGTH_MAX = 1024


@blp.view("GET", "/confirm-email", public=True)
def show_confirm_email(_database: Database) -> Response:
    """Show a button that confirms the email address."""
    return _form("confirm_email", token=_token(request.args.get("token")))


@blp.view("POST", "/confirm-email", public=True, rate_limit=RateLimit.SIGN_IN)
def confirm_email(database: Database) -> Response:
    """Confirm the email address that the link was sent to."""
    token = _token(request.form.get("token"))
    try:
        with database.transaction() as session:
            email_verification.redeem_confirmation(session, token)
    except Refusal as refusal:
        return _form("confirm_email", _status(refusal), {"": refusal.detail}, token=token)
    return _done("Email address confirmed", "You can now move money and metal.")


@blp.view("GET", "/forgot-password", public=True)
def show_forgot_password(_database: Database) -> Response:
    """Show a form for the email address."""
    return _form("forgot_password", email="")


@blp.view("POST", "/forgot-password", public=True, rate_limit=RateLimit.SIGN_IN)
def forgot_password(database: Database) -> Response:
    """Request a link to reset the password. The response is the same for unknown addresses."""
    email = request.form.get("email", "").strip()[:_EMAIL_LENGTH_MAX]
    try:
        with database.transaction() as session:
            password_reset.request_reset(session, email)
    except Invalid as refusal:
        return _form("forgot_password", 422, {"email": refusal.message}, email=email)
    return _done(
        "Check your email",
        "If there is an account with this email address, we have sent a link to it. "
        "The link works for one hour.",
    )


@blp.view("GET", "/invitation", public=True)
def show_invitation(_database: Database) -> Response:
    """Show a form for the first password."""
    return _form("invitation", token=_token(request.args.get("token")))


@blp.view("POST", "/invitation", public=True, rate_limit=RateLimit.SIGN_IN)
def accept_invitation(database: Database) -> Response:
    """Set the first password and continue with the second factor."""

    def accept(token: str, password: str) -> Response:
        with database.reading() as session:
            person = invitations.find_invited_person(session, token)
        acceptance = invitations.prepare_acceptance(person, token=token, password=password)
        with database.transaction() as session:
            waiting = invitations.accept(session, acceptance)
        staff_session_cookie.start_sign_in(waiting, None)
        return see_other(url_for("steps_pages.show_second_factor"))

    return _with_password("invitation", accept)


@blp.view("GET", "/reset-password", public=True)
def show_reset_password(_database: Database) -> Response:
    """Show a form for the new password."""
    return _form("reset_password", token=_token(request.args.get("token")))


@blp.view("POST", "/reset-password", public=True, rate_limit=RateLimit.SIGN_IN)
def reset_password(database: Database) -> Response:
    """Set the new password and end every session."""

    def reset(token: str, password: str) -> Response:
        with database.reading() as session:
            person = password_reset.find_person_to_reset(session, token)
        revoke = request.form.get("revoke_api_keys") == "yes"
        chosen = password_reset.prepare_reset(
            person, token=token, password=password, revoke_api_keys=revoke
        )
        with database.transaction() as session:
            active = password_reset.conclude_reset(session, chosen)
        text = "All sessions have ended. Sign in with the new password."
        if active:
            keys = "1 API key stays active" if active == 1 else f"{active} API keys stay active"
            text += f" {keys}. Revoke keys that you do not recognise."
        return _done("Password changed", text)

    return _with_password("reset_password", reset)


def _with_password(form: str, work: Callable[[str, str], Response]) -> Response:
    """Return the response of `work` for the link's token and the password, or the form again."""
    token = _token(request.form.get("token"))
    password = request.form.get("password", "")[:_PASSWORD_LENGTH_MAX]
    if not password:
        return _form(form, 422, {"password": "Enter a password."}, token=token)
    try:
        return work(token, password)
    except Invalid as refusal:
        return _form(form, 422, {"password": refusal.message}, token=token)
    except Refusal as refusal:
        return _form(form, _status(refusal), {"": refusal.detail}, token=token)


def _token(text: str | None) -> str:
    return (text or "")[:LENGTH_MAX]


def _status(refusal: Refusal) -> int:
    # A 401 would make the browser ask for credentials by itself.
    return 422 if isinstance(refusal, Unauthenticated) else status_of(type(refusal))


def _form(
    name: str, status: int = 200, problems: dict[str, str] | None = None, **values: str
) -> Response:
    return render_page(f"auth/{name}.html", status=status, problems=problems or {}, **values)


def _done(title: str, text: str) -> Response:
    return render_page("auth/done.html", title=title, text=text)
