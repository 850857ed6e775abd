"""Where the links of mails lead: confirming an address, choosing a new or the first password.

Opening a link changes nothing, because mail programs open links by themselves; the form on the page
does.
"""

from flask import Response, request, url_for

from app.blueprints import signin
from app.blueprints.errors import status_of
from app.blueprints.limits import RateLimit
from app.blueprints.pages import PageBlueprint, see_other
from app.blueprints.rendering import page
from app.identity import by_mail, invitations
from app.identity.one_time import LENGTH_MAX
from app.kit.db import Database
from app.kit.errors import Invalid, Refusal, Unauthenticated

blp = PageBlueprint("links", "/auth")

_EMAIL_LENGTH_MAX = 320
_PASSWORD_LENGTH_MAX = 1024


@blp.view("GET", "/confirm-email", public=True)
def show_confirm_email(_database: Database) -> Response:
    """A button that confirms the address."""
    return _confirm_form(_token(request.args.get("token")))


@blp.view("POST", "/confirm-email", public=True, rate_limit=RateLimit.SIGN_IN)
def confirm_email(database: Database) -> Response:
    """Confirm the address that the link was mailed to."""
    token = _token(request.form.get("token"))
    try:
        with database.transaction() as session:
            by_mail.redeem_confirmation(session, token)
    except Refusal as refusal:
        return _confirm_form(token, _status(refusal), {"": refusal.detail})
    return _done("Your address is confirmed", "You can now move money and metal.")


@blp.view("GET", "/forgot-password", public=True)
def show_forgot_password(_database: Database) -> Response:
    """A form for the address."""
    return _forgot_form("")


@blp.view("POST", "/forgot-password", public=True, rate_limit=RateLimit.SIGN_IN)
def forgot_password(database: Database) -> Response:
    """Ask for a link. The answer is the same whether somebody has that address or not."""
    email = request.form.get("email", "").strip()[:_EMAIL_LENGTH_MAX]
    try:
        with database.transaction() as session:
            by_mail.ask_for_reset(session, email)
    except Invalid as refusal:
        return _forgot_form(email, 422, {"email": f"This {refusal.message}"})
    return _done(
        "Look at your mail",
        "If there is an account with this address, a link is on its way. It works for one hour.",
    )


@blp.view("GET", "/invitation", public=True)
def show_invitation(_database: Database) -> Response:
    """A form for the first password."""
    return _invitation_form(_token(request.args.get("token")))


@blp.view("POST", "/invitation", public=True, rate_limit=RateLimit.SIGN_IN)
def accept_invitation(database: Database) -> Response:
    """Set the first password, and go on to the second factor."""
    token = _token(request.form.get("token"))
    password = request.form.get("password", "")[:_PASSWORD_LENGTH_MAX]
    if not password:
        return _invitation_form(token, 422, {"password": "Enter a password"})
    try:
        with database.reading() as session:
            person = invitations.check_acceptance(session, token)
        acceptance = invitations.prepare_acceptance(person, token=token, password=password)
        with database.transaction() as session:
            waiting = invitations.accept(session, acceptance)
    except Invalid as refusal:
        return _invitation_form(token, 422, {"password": f"This {refusal.message}"})
    except Refusal as refusal:
        return _invitation_form(token, _status(refusal), {"": refusal.detail})
    signin.wait(waiting, None)
    return see_other(url_for("steps_pages.show_second_factor"))


@blp.view("GET", "/reset-password", public=True)
def show_reset_password(_database: Database) -> Response:
    """A form for the new password."""
    return _reset_form(_token(request.args.get("token")))


@blp.view("POST", "/reset-password", public=True, rate_limit=RateLimit.SIGN_IN)
def reset_password(database: Database) -> Response:
    """Set the new password and end every session."""
    token = _token(request.form.get("token"))
    password = request.form.get("password", "")[:_PASSWORD_LENGTH_MAX]
    if not password:
        return _reset_form(token, 422, {"password": "Enter a new password"})
    try:
        with database.reading() as session:
            person = by_mail.check_reset(session, token)
        revoke = request.form.get("revoke_api_keys") == "yes"
        chosen = by_mail.prepare_reset(
            person, token=token, password=password, revoke_api_keys=revoke
        )
        with database.transaction() as session:
            active = by_mail.conclude_reset(session, chosen)
    except Invalid as refusal:
        return _reset_form(token, 422, {"password": f"This {refusal.message}"})
    except Refusal as refusal:
        return _reset_form(token, _status(refusal), {"": refusal.detail})
    text = "Every session was ended. Sign in again with it."
    if active:
        keys = "1 API key stays active" if active == 1 else f"{active} API keys stay active"
        text += f" {keys}: revoke what you do not know."
    return _done("Your password is changed", text)


def _token(text: str | None) -> str:
    return (text or "")[:LENGTH_MAX]


def _status(refusal: Refusal) -> int:
    # 401 would ask the browser for a scheme of its own; the form is what asks here.
    return 422 if isinstance(refusal, Unauthenticated) else status_of(type(refusal))


def _confirm_form(
    token: str, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return page(
        "auth/confirm_email.html",
        "auth/_confirm_email.html",
        status=status,
        token=token,
        problems=problems or {},
    )


def _reset_form(token: str, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    return page(
        "auth/reset_password.html",
        "auth/_reset_password.html",
        status=status,
        token=token,
        problems=problems or {},
    )


def _forgot_form(email: str, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    return page(
        "auth/forgot_password.html",
        "auth/_forgot_password.html",
        status=status,
        email=email,
        problems=problems or {},
    )


def _invitation_form(
    token: str, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return page(
        "auth/invitation.html",
        "auth/_invitation.html",
        status=status,
        token=token,
        problems=problems or {},
    )


def _done(title: str, text: str) -> Response:
    return page("auth/done.html", "auth/_done.html", title=title, text=text)
