"""The session cookie of staff pages. Flask-Login is the seam; the database is the truth.

The signed cookie holds only secrets, and the page to open afterwards: the secret of a row in
`login_sessions` or, during sign-in, in `sign_ins`; the CSRF token of forms; the challenge of a
passkey. Two features of Flask-Login are unused: its remember cookie is never sent, because it could
not be revoked; its session protection is off, because it trusts headers that the sender writes.
"""

from collections.abc import Sequence
from typing import cast

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from app.identity.credentials.passkeys import RelyingParty
from app.identity.sign_in import staff_sessions
from app.identity.sign_in.staff_sessions import StaffMember
from app.kit.db import Database

#: A header of requests that a page sends by itself: they do not count as activity.
UNATTENDED = "X-Unattended"
_SIGN_IN_SECRET, _NEXT_PATH, _CHALLENGE = "waiting", "then", "challenge"
_UNSENT = "unsent"


class CookieUser(UserMixin):
    """The sender of a request as Flask-Login knows them: by the secret of a session."""

    def __init__(self, secret: str | None = None, member: StaffMember | None = None) -> None:
        self.secret = secret
        #: None without a valid session.
        self.member = member

    @property
    def is_authenticated(self) -> bool:
        """Whether the session is valid."""
        return self.member is not None

    def get_id(self) -> str | None:
        """Return what the cookie holds."""
        return self.secret


#: The endpoints of files, which are the same for everyone.
_FILES = frozenset({"static", "images_pages.show"})


class PageSessionInterface(SecureCookieSessionInterface):
    """Cookies for pages only: API clients have a token, and reading a cookie takes time."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the cookie session of a page; for the API None, which Flask reads as empty."""
        if request.path.startswith("/api/"):
            return None
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send what a page changed. Flask-Login reads the session after every request, but a file
        is the same for everyone: it gets no `Vary: Cookie`."""
        if request.endpoint not in _FILES or session.modified:
            super().save_session(app, session, response)


def register(app: Flask, *, secure: bool) -> None:
    """Recognise staff in this application. `secure`: browsers use https only."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-pbcex" if secure else "pbcex",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    app.session_interface = PageSessionInterface()
    manager = LoginManager()
    manager.session_protection = None
    manager.anonymous_user = CookieUser
    manager.user_loader(_load_user)
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["member"] = current_member


def current_member() -> StaffMember | None:
    """Return the member of staff who sent the current request; None for every other sender."""
    return cast("CookieUser", current_user).member


def session_secret() -> str | None:
    """Return the session secret that the browser holds, valid or not."""
    return cast("CookieUser", current_user).secret


def remember_unsent(person: str, forms: Sequence[str]) -> None:
    """Remember until the next sign-in whose forms came too late for their session: a person's
    public id, and the public ids of those that are kept."""
    session[_UNSENT] = [person, *forms]


def unsent() -> tuple[str, list[str]]:
    """Return what `remember_unsent` remembered; an empty id if nothing."""
    person, *forms = session.get(_UNSENT, [""])
    return person, forms


def start_session(new_secret: str) -> StaffMember | None:
    """Replace everything in the cookie by a new session. Return its owner."""
    session.clear()
    user = _load_user(new_secret)
    login_user(user)
    return user.member


def replace_secret(new_secret: str) -> None:
    """Replace the secret of the session. Open forms stay valid."""
    login_user(CookieUser(new_secret, current_member()))


def start_sign_in(new_secret: str, next_path: str | None) -> None:
    """Replace everything in the cookie by a sign-in that waits for its second factor. Unsent forms
    wait for it, too."""
    person, forms = unsent()
    session.clear()
    if person:
        remember_unsent(person, forms)
    session[_SIGN_IN_SECRET] = new_secret
    if next_path is not None:
        session[_NEXT_PATH] = next_path


def sign_in_secret() -> str | None:
    """Return the secret of the sign-in that waits for its second factor."""
    return session.get(_SIGN_IN_SECRET)


def next_path() -> str | None:
    """Return the path of the page that was requested before sign-in."""
    return session.get(_NEXT_PATH)


def keep_challenge(challenge: str) -> None:
    """Keep the challenge that the browser's passkey must sign."""
    session[_CHALLENGE] = challenge


def take_challenge() -> str | None:
    """Return the challenge that the browser's passkey must sign, and remove it."""
    challenge: str | None = session.pop(_CHALLENGE, None)
    return challenge


def relying_party() -> RelyingParty:
    """Return the relying party: the host name and origin where passkeys work."""
    party: RelyingParty = current_app.extensions["relying_party"]
    return party


def second_factor_required() -> bool:
    """Whether staff need a second factor in this deployment."""
    return bool(current_app.extensions["settings"].second_factor_required)


def clear() -> None:
    """Remove everything from the cookie."""
    logout_user()
    session.clear()


def _load_user(secret: str) -> CookieUser:
    database: Database = current_app.extensions["database"]
    with database.reading() as reading:
        member = staff_sessions.find_member(reading, secret)
    attended = UNATTENDED not in request.headers
    if member is not None and attended and staff_sessions.is_update_due(member):
        with database.transaction() as writing:
            staff_sessions.record_activity(writing, member)
    return CookieUser(secret, member)
