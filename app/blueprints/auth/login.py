"""Sign-in and sign-out pages of staff."""

from dataclasses import dataclass

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import nav, signin
from app.blueprints.errors import status_of
from app.blueprints.limits import RateLimit, client_network
from app.blueprints.pages import PageBlueprint, our_path, see_other
from app.blueprints.rendering import page
from app.identity import service as identity
from app.identity.errors import TwoFactorInvalid, TwoFactorRequired
from app.kit.db import Database, Session
from app.kit.errors import Invalid, Limited, Refusal, Unauthenticated

blp = PageBlueprint("auth", "/auth")

_EMAIL_LENGTH_MAX = 320
_PASSWORD_LENGTH_MAX = 1024
_CODE_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class LoginForm:
    """What was typed, and where to go afterwards."""

    email: str
    password: str
    next: str | None
    code: str | None = None

    @classmethod
    def sent(cls) -> "LoginForm":
        """The form as the current request sent it, cut to lengths that mean something."""
        form = request.form
        return cls(
            form.get("email", "").strip()[:_EMAIL_LENGTH_MAX],
            form.get("password", "")[:_PASSWORD_LENGTH_MAX],
            our_path(form.get("next")),
            form.get("code", "").strip()[:_CODE_LENGTH_MAX] or None,
        )

    def problems(self) -> dict[str, str]:
        """What is missing, by field."""
        asked = {"email": "Enter your e-mail address", "password": "Enter your password"}
        return {name: text for name, text in asked.items() if not getattr(self, name)}


@blp.view("GET", "/login", public=True)
def show_login(_database: Database) -> Response:
    """The sign-in form; whoever is signed in already goes on."""
    then = our_path(request.args.get("next"))
    member = signin.member()
    if member is not None:
        return see_other(then or _home_of(member.actor))
    return _form(LoginForm("", "", then))


@blp.view("POST", "/login", public=True, rate_limit=RateLimit.SIGN_IN)
def login(database: Database) -> Response:
    """Sign in. The browser gets a new session, whatever it brought."""
    form = LoginForm.sent()
    if problems := form.problems():
        return _form(form, 422, problems)
    try:
        with database.reading() as session:
            attempt = identity.begin_login(session, email=form.email, network=client_network())
        attempt = identity.check_password(attempt, form.password)
        with database.transaction() as session:
            outcome = identity.conclude_staff_login(
                session, attempt, form.code, replaces=signin.secret()
            )
    except Invalid as refusal:
        return _form(form, 422, {refusal.field: f"This {refusal.message}"})
    except Limited as refusal:
        outcome = refusal
    if isinstance(outcome, Refusal):
        return _refused(form, outcome)
    signin.remember(outcome)
    member = signin.member()
    assert member is not None
    return see_other(form.next or _home_of(member.actor))


@blp.view("POST", "/logout", permission=Permission.SESSIONS_REVOKE)
def logout(session: Session, actor: Actor) -> Response:
    """End the session, at once and for every copy of the cookie."""
    identity.log_out(session, actor)
    signin.forget()
    return see_other(url_for("auth_pages.show_login"))


def _refused(form: LoginForm, refusal: Refusal) -> Response:
    # 401 would ask the browser for a scheme of its own; the form is what asks here.
    status = 422 if isinstance(refusal, Unauthenticated) else status_of(type(refusal))
    asks_code = isinstance(refusal, TwoFactorRequired | TwoFactorInvalid)
    response = _form(form, status, {"": refusal.detail}, asks_code=asks_code)
    if isinstance(refusal, Limited):
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _form(
    form: LoginForm,
    status: int = 200,
    problems: dict[str, str] | None = None,
    *,
    asks_code: bool = False,
) -> Response:
    return page(
        "auth/login.html",
        "auth/_login.html",
        status=status,
        form_data=form,
        problems=problems or {},
        asks_code=asks_code,
    )


def _home_of(actor: Actor) -> str:
    return url_for(nav.home_of(actor) or "public_pages.home")
