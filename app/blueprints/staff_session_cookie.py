"""Who sits at the browser. Flask-Login is the seam; the database is the truth.

The signed cookie holds nothing but secrets: of a row in `login_sessions` or, while somebody is
signing in, in `sign_ins`; of the forms; of the passkey's question. And where to go afterwards.
Flask-Login's own ways to recognise somebody are switched off: its remember cookie cannot be
revoked, and its session protection believes headers that the sender writes (RELIABILITY.md).
"""

from typing import cast

from flask import Flask, Request, Response, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user

from app.blueprints.rate_limits import client_network
from app.identity.credentials.passkeys import RelyingParty
from app.identity.sign_in import staff_sessions
from app.identity.sign_in.staff_sessions import Device, StaffMember
from app.kit.db import Database

#: Sent by what refreshes itself: it does not count as something the person did.
UNATTENDED = "X-Unattended"
_SIGN_IN_SECRET, _NEXT_PATH, _CHALLENGE = "waiting", "then", "challenge"


class CookieUser(UserMixin):
    """A member of staff, as Flask-Login sees them: known by their session's secret."""

    def __init__(self, secret: str, member: StaffMember | None) -> None:
        self.secret = secret
        self.member = member

    def get_id(self) -> str:
        """What the cookie keeps."""
        return self.secret


class StaffLoginManager(LoginManager):
    """Flask-Login without a remember cookie."""

    def _load_user_from_remember_cookie(self, _cookie: str) -> None:
        return None

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


class PageSessionInterface(SecureCookieSessionInterface):
    """Cookies for the pages alone: programs have a token, and opening a cookie costs them time."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a page; None, which Flask makes an empty one, for the API."""
        if request.path.startswith("/api/"):
            return None
        return super().open_session(app, request)


def register(app: Flask, *, secure: bool) -> None:
    """Recognise staff in this application. `secure`: browsers reach it by https only."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-pbcex" if secure else "pbcex",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    app.session_interface = PageSessionInterface()
    manager = StaffLoginManager()
    manager.session_protection = None
    manager.user_loader(_load_user)
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["member"] = current_member


def current_member() -> StaffMember | None:
    """The member of staff who sent the current request, None for anybody else."""
    return cast("CookieUser", current_user).member if current_user.is_authenticated else None


def session_secret() -> str | None:
    """The secret that the browser holds, whether it still counts or not."""
    return session.get("_user_id")


def start_session(new_secret: str) -> None:
    """From now on the browser has this session. Nothing of what it held before is kept."""
    session.clear()
    login_user(CookieUser(new_secret, None))
    g.pop("_login_user")


def replace_secret(new_secret: str) -> None:
    """The same person goes on under another secret. The forms that are open stay valid."""
    session["_user_id"] = new_secret


def start_sign_in(new_secret: str, then: str | None) -> None:
    """The browser is signing in: of what it held before, nothing is kept."""
    session.clear()
    session[_SIGN_IN_SECRET] = new_secret
    if then is not None:
        session[_NEXT_PATH] = then
    g.pop("_login_user", None)


def sign_in_secret() -> str | None:
    """The secret of the sign-in that is half done in this browser."""
    return session.get(_SIGN_IN_SECRET)


def next_path() -> str | None:
    """Where the person wanted to go before signing in."""
    return session.get(_NEXT_PATH)


def keep_challenge(challenge: str) -> None:
    """Remember what this browser's passkey is to sign."""
    session[_CHALLENGE] = challenge


def take_challenge() -> str | None:
    """What this browser's passkey was to sign. Forgotten by asking."""
    challenge: str | None = session.pop(_CHALLENGE, None)
    return challenge


def current_device() -> Device:
    """Where the current request comes from."""
    return Device(client_network(), request.headers.get("User-Agent", ""))


def relying_party() -> RelyingParty:
    """Where passkeys count."""
    found: RelyingParty = current_app.extensions["relying_party"]
    return found


def second_factor_required() -> bool:
    """Whether staff need a second factor here."""
    return bool(current_app.extensions["settings"].second_factor_required)


def clear() -> None:
    """The browser holds nothing any more."""
    session.clear()
    g.pop("_login_user", None)


def _load_user(found_secret: str) -> CookieUser | None:
    database: Database = current_app.extensions["database"]
    with database.reading() as reading:
        found = staff_sessions.find_member(reading, found_secret)
    if found is None:
        return None
    if UNATTENDED not in request.headers and staff_sessions.is_update_due(found):
        with database.transaction() as writing:
            staff_sessions.record_activity(writing, found)
    return CookieUser(found_secret, found)
