"""Sign-in and sign-out pages of staff: the password, which is the first step."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import forms, staff_session_cookie
from app.blueprints.auth import shared
from app.blueprints.forms import Form, FormSchema, hidden_field, text_field
from app.blueprints.page_blueprint import PageBlueprint, safe_redirect_path, see_other
from app.blueprints.rate_limits import RateLimit, client_device, client_network
from app.blueprints.rendering import render_page
from app.identity.sign_in import password_proof, staff_sign_in
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.staff_sign_in import AwaitingSecondFactor
from app.kit.db import Database, Session
from app.kit.errors import (
    Invalid,
    PermissionDenied,
    RateLimited,
    Refusal,
    Unauthenticated,
)

blp = PageBlueprint("auth", "/auth")

_EMAIL_LENGTH_MAX = 320


class SignInSchema(FormSchema):
    """Email address and password, and the path of the page to open afterwards."""

    next = hidden_field()
    email = text_field(
        "Email address", "Enter your email address.", control="email", autocomplete="username"
    )
    password = text_field(
        "Password", "Enter your password.", control="password", autocomplete="current-password"
    )


SIGN_IN = Form(
    "sign-in",
    title="Staff sign-in",
    about="For PBCEx staff.",
    schema=SignInSchema,
    button="Sign in",
    failure="You are not signed in",
)


@blp.view("GET", "/login", public=True)
def show_login(_database: Database) -> Response:
    """Show the sign-in form, or redirect a member of staff who is signed in."""
    next_path = safe_redirect_path(request.args.get("next"))
    return _lead_on(next_path) or _form(next_path)


@blp.view("POST", "/login", public=True, rate_limit=RateLimit.SIGN_IN)
def login(database: Database) -> Response:
    """Check the password. The browser always gets a new secret: of a session, or of a sign-in that
    waits for the second factor."""
    next_path = safe_redirect_path(request.form.get("next"))
    fields = forms.parse(SIGN_IN)
    if fields is None:
        return _form(next_path, 422)
    email, password = fields["email"][:_EMAIL_LENGTH_MAX], fields["password"]
    try:
        with database.reading() as session:
            attempt = sign_in.begin_sign_in(session, email=email, network=client_network())
        attempt = password_proof.check_password(attempt, password[: shared.PASSWORD_LENGTH_MAX])
        with database.transaction() as session:
            outcome = staff_sign_in.submit_password(
                session,
                attempt,
                client_device(),
                second_factor_required=staff_session_cookie.second_factor_required(),
                replaces=staff_session_cookie.session_secret(),
            )
    except (Invalid, RateLimited, Unauthenticated, PermissionDenied) as refusal:
        return shared.refuse(SIGN_IN, refusal, lambda status: _form(next_path, status))
    if isinstance(outcome, AwaitingSecondFactor):
        staff_session_cookie.start_sign_in(outcome.secret, next_path)
        return see_other(url_for("steps_pages.show_second_factor"))
    return shared.finish_sign_in(outcome, next_path)


@blp.view("POST", "/logout", permission=Permission.SESSIONS_REVOKE)
def logout(session: Session, actor: Actor) -> Response:
    """End the session at once, for every copy of the cookie."""
    sign_in.sign_out(session, actor)
    staff_session_cookie.clear()
    return see_other(url_for("auth_pages.show_login"))


def show_again(outdated: Refusal) -> Response:
    """Lead on a person who has signed in meanwhile, in another tab; to others show the form again,
    with the reason. Both remember the page to open afterwards."""
    next_path = safe_redirect_path(request.form.get("next")) or staff_session_cookie.next_path()
    return _lead_on(next_path) or shared.refuse(
        SIGN_IN, outdated, lambda status: _form(next_path, status)
    )


def _lead_on(next_path: str | None) -> Response | None:
    """Redirect a member of staff who is signed in; None for others."""
    member = staff_session_cookie.current_member()
    return None if member is None else see_other(next_path or shared.home_of(member.actor))


def _form(next_path: str | None, status: int = 200) -> Response:
    return render_page(
        "auth/login.html",
        status=status,
        declared=SIGN_IN,
        next_path=next_path or "",
        party=staff_session_cookie.relying_party(),
    )
