"""Sign-in and sign-out pages of staff: the password, which is the first step."""

from dataclasses import dataclass

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import staff_session_cookie
from app.blueprints.auth import shared
from app.blueprints.page_blueprint import PageBlueprint, safe_redirect_path, see_other
from app.blueprints.rate_limits import RateLimit, client_network
from app.blueprints.rendering import render_page
from app.identity.sign_in import password_proof, staff_sign_in
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.staff_sign_in import AwaitingSecondFactor
from app.kit.db import Database, Session
from app.kit.errors import Invalid, RateLimited, Refusal

blp = PageBlueprint("auth", "/auth")

_EMAIL_LENGTH_MAX = 320


@dataclass(frozen=True, slots=True)
class LoginForm:
    """The fields of the sign-in form, and the path of the page to open afterwards."""

    email: str
    password: str
    next: str | None

    @classmethod
    def from_request(cls) -> "LoginForm":
        """Return the form of the current request, its fields cut to sensible lengths."""
        form = request.form
        return cls(
            shared.read_field("email", _EMAIL_LENGTH_MAX),
            form.get("password", "")[: shared.PASSWORD_LENGTH_MAX],
            safe_redirect_path(form.get("next")),
        )

    def problems(self) -> dict[str, str]:
        """Return a message for each missing field."""
        messages = {"email": "Enter your email address.", "password": "Enter your password."}
        return {name: message for name, message in messages.items() if not getattr(self, name)}


@blp.view("GET", "/login", public=True)
def show_login(_database: Database) -> Response:
    """Show the sign-in form, or redirect a member of staff who is signed in."""
    next_path = safe_redirect_path(request.args.get("next"))
    member = staff_session_cookie.current_member()
    if member is not None:
        return see_other(next_path or shared.home_of(member.actor))
    return _form(LoginForm("", "", next_path))


@blp.view("POST", "/login", public=True, rate_limit=RateLimit.SIGN_IN)
def login(database: Database) -> Response:
    """Check the password. The browser always gets a new secret: of a session, or of a sign-in that
    waits for the second factor."""
    form = LoginForm.from_request()
    if problems := form.problems():
        return _form(form, 422, problems)
    try:
        with database.reading() as session:
            attempt = sign_in.begin_sign_in(session, email=form.email, network=client_network())
        attempt = password_proof.check_password(attempt, form.password)
        with database.transaction() as session:
            outcome = staff_sign_in.submit_password(
                session,
                attempt,
                staff_session_cookie.current_device(),
                second_factor_required=staff_session_cookie.second_factor_required(),
                replaces=staff_session_cookie.session_secret(),
            )
    except Invalid as refusal:
        return _form(form, 422, {refusal.field: refusal.message})
    except RateLimited as refusal:
        outcome = refusal
    if isinstance(outcome, Refusal):
        response = _form(form, shared.status_beside_form(outcome), {"": outcome.detail})
        return shared.add_retry_after(response, outcome)
    if isinstance(outcome, AwaitingSecondFactor):
        staff_session_cookie.start_sign_in(outcome.secret, form.next)
        return see_other(url_for("steps_pages.show_second_factor"))
    return shared.finish_sign_in(outcome, form.next)


@blp.view("POST", "/logout", permission=Permission.SESSIONS_REVOKE)
def logout(session: Session, actor: Actor) -> Response:
    """End the session at once, for every copy of the cookie."""
    sign_in.sign_out(session, actor)
    staff_session_cookie.clear()
    return see_other(url_for("auth_pages.show_login"))


def _form(form: LoginForm, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    return render_page(
        "auth/login.html",
        status=status,
        form_data=form,
        problems=problems or {},
        party=staff_session_cookie.relying_party(),
    )
