"""Pages of links in emails: confirm an email address, choose a new or the first password.

Opening a link changes nothing, because email programs open links by themselves; sending the form on
the page does. A link that cannot be used any more says so when it is opened, before a form is
filled in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, request, url_for

from app.blueprints import errors, forms, staff_session_cookie
from app.blueprints.auth import shared
from app.blueprints.forms import Form, FormSchema, hidden_field, text_field, tick_field
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import render_page
from app.identity.accounts import email_verification, guests, invitations
from app.identity.accounts.queries import PersonProfile
from app.identity.credentials import password_reset
from app.identity.credentials.one_time_tokens import LENGTH_MAX
from app.identity.errors import TokenInvalid
from app.identity.sign_in import staff_sessions
from app.kit.db import Database, Session
from app.kit.errors import Refusal
from app.kit.formatting import format_number_of

blp = PageBlueprint("links", "/auth")

_EMAIL_LENGTH_MAX = 320
_SIGN_IN = ("Go to sign-in", "auth_pages.show_login")
_HOME = ("Go to the home page", "public_pages.home")
_PASSWORD_RULE = "At least 10 characters that are hard to guess."  # noqa: S105 - a hint beside a field, no secret


class LinkSchema(FormSchema):
    """The token of the link."""

    token = hidden_field()


class NewPasswordSchema(LinkSchema):
    """The first password."""

    password = text_field(
        "New password",
        "Enter a password.",
        control="password",
        hint=_PASSWORD_RULE,
        autocomplete="new-password",
    )


class ResetSchema(NewPasswordSchema):
    """A new password, and whether programs lose their access, too."""

    revoke_api_keys = tick_field("Also revoke my API keys", None)


class EmailSchema(FormSchema):
    """An email address."""

    email = text_field(
        "Email address", "Enter your email address.", control="email", autocomplete="username"
    )


CONFIRM = Form(
    "confirm",
    title="Confirm your email address",
    about="Confirm only if you opened this account yourself. All its sessions end: sign in again in"
    " the app.",
    schema=LinkSchema,
    button="Confirm email address",
    failure="Your email address is not confirmed",
)
FORGOT = Form(
    "forgot",
    title="Reset your password",
    about="We send you an email with a link to choose a new password.",
    schema=EmailSchema,
    button="Send the link",
    failure="There is a problem",
)
INVITATION = Form(
    "invitation",
    title="Welcome to PBCEx",
    about="Choose a password. Then set up a second factor.",
    schema=NewPasswordSchema,
    button="Set password",
    failure="The password is not set",
)
RESET = Form(
    "reset",
    title="Choose a new password",
    about="All your sessions end.",
    schema=ResetSchema,
    button="Change password",
    failure="The password is not changed",
)


@dataclass(frozen=True, slots=True)
class Link:
    """A kind of link: its form, what ends it and the way on then. `find_person` returns whose it
    is, or raises `TokenInvalid`; None for a link whose page names no one."""

    form: Form
    find_person: Callable[[Session, str], PersonProfile] | None
    ended: str
    way: tuple[str, str]


_CONFIRM = Link(
    CONFIRM,
    None,
    "It was replaced by a newer one, or it has expired: it works for three days. Request another"
    " one in the app.",
    _HOME,
)
_INVITATION = Link(
    INVITATION,
    invitations.find_invited_person,
    "It was used, replaced by a newer one, or has expired: it works once, for three days. If you"
    " have chosen a password, sign in. Otherwise ask an administrator for a new invitation.",
    _SIGN_IN,
)
_RESET = Link(
    RESET,
    password_reset.find_person_to_reset,
    "It was used, replaced by a newer one, or has expired: it works once, for one hour.",
    ("Request a new link", "links_pages.show_forgot_password"),
)


@blp.view("GET", "/confirm-email", public=True)
def show_confirm_email(database: Database) -> Response:
    """Show a button that confirms the email address."""
    with database.reading() as session:
        try:
            if email_verification.is_confirmed(session, _token(request.args)):
                return _confirmed_already()
        except TokenInvalid:
            return _ended(_CONFIRM, 200)
    return _form(CONFIRM, token=_token(request.args))


@blp.view("POST", "/confirm-email", public=True, rate_limit=RateLimit.SIGN_IN)
def confirm_email(database: Database) -> Response:
    """Confirm the email address that the link was sent to."""

    def confirm(fields: Mapping[str, str]) -> Response:
        token = _token(fields)
        with database.transaction() as session:
            if email_verification.is_confirmed(session, token):
                return _confirmed_already()
            email_verification.redeem_confirmation(session, token)
        text = "Sign in again in the app. To move money and metal, verify your identity there, too."
        return _done("Email address confirmed", text, _HOME)

    return _submit(database, _CONFIRM, confirm)


@blp.view("GET", "/guest", public=True)
def show_guest(database: Database) -> Response:
    """Show the code of a guest's link, for the app in which they shop. It changes nothing."""
    token = _token(request.args)
    with database.reading() as session:
        is_valid = guests.is_link_valid(session, token)
    if not is_valid:
        ended = "It was used, or has expired: it works once, for one hour. Request another one in"
        return _done("This link is not valid any more", f"{ended} the app.", _HOME)
    return render_page("auth/guest.html", token=token)


@blp.view("GET", "/forgot-password", public=True)
def show_forgot_password(_database: Database) -> Response:
    """Show a form for the email address."""
    return _form(FORGOT)


@blp.view("POST", "/forgot-password", public=True, rate_limit=RateLimit.SIGN_IN)
def forgot_password(database: Database) -> Response:
    """Request a link to reset the password. The response is the same for unknown addresses."""
    fields = forms.parse(FORGOT)
    if fields is None:
        return _form(FORGOT, 422)
    try:
        with database.transaction() as session:
            password_reset.request_reset(session, fields["email"][:_EMAIL_LENGTH_MAX])
    except Refusal as refusal:
        return _refused(FORGOT, refusal)
    return _done(
        "Check your email",
        "If there is an account with this email address, we have sent a link to it. "
        "The link works for one hour.",
        _SIGN_IN,
    )


@blp.view("GET", "/invitation", public=True)
def show_invitation(database: Database) -> Response:
    """Show a form for the first password."""
    return _open(database, _INVITATION)


@blp.view("POST", "/invitation", public=True, rate_limit=RateLimit.SIGN_IN)
def accept_invitation(database: Database) -> Response:
    """Set the first password and continue with the second factor."""

    def accept(fields: Mapping[str, str]) -> Response:
        token = _token(fields)
        with database.reading() as session:
            person = invitations.find_invited_person(session, token)
        acceptance = invitations.prepare_acceptance(person, token=token, password=_password(fields))
        with database.transaction() as session:
            waiting = invitations.accept(session, acceptance)
            staff_sessions.end_session(session, staff_session_cookie.session_secret())
        staff_session_cookie.start_sign_in(waiting, None)
        return see_other(url_for("steps_pages.show_second_factor"))

    return _submit(database, _INVITATION, accept)


@blp.view("GET", "/reset-password", public=True)
def show_reset_password(database: Database) -> Response:
    """Show a form for the new password."""
    return _open(database, _RESET)


@blp.view("POST", "/reset-password", public=True, rate_limit=RateLimit.SIGN_IN)
def reset_password(database: Database) -> Response:
    """Set the new password and end every session."""

    def reset(fields: Mapping[str, str]) -> Response:
        token = _token(fields)
        with database.reading() as session:
            person = password_reset.find_person_to_reset(session, token)
        chosen = password_reset.prepare_reset(
            person,
            token=token,
            password=_password(fields),
            revoke_api_keys=fields["revoke_api_keys"] == "yes",
        )
        with database.transaction() as session:
            active = password_reset.conclude_reset(session, chosen)
            staff_sessions.end_session(session, staff_session_cookie.session_secret())
        staff_session_cookie.clear()
        text = "All sessions have ended. Sign in with the new password."
        if active:
            keys = format_number_of(active, "API key stays active", "API keys stay active")
            text += f" {keys}. Revoke keys that you do not recognise."
        return _done("Password changed", text, _HOME)

    return _submit(database, _RESET, reset)


def _open(database: Database, link: Link) -> Response:
    """Show the form of a link, or that the link has ended."""
    token = _token(request.args)
    try:
        return _form(link.form, person=_find_person(database, link, token), token=token)
    except TokenInvalid:
        return _ended(link, 200)


def _submit(
    database: Database, link: Link, work: Callable[[Mapping[str, str]], Response]
) -> Response:
    """Return the response of `work` for the posted fields, or the form again."""
    fields = forms.parse(link.form)
    try:
        if fields is not None:
            return work(fields)
        refusal = None
    except TokenInvalid as ended:
        return _ended(link, errors.status_beside_form(ended))
    except Refusal as refused:
        refusal = refused
    try:
        person = _find_person(database, link, _token(request.form))
    except TokenInvalid as ended:
        return _ended(link, errors.status_beside_form(ended))
    if refusal is None:
        return _form(link.form, 422, person)
    return shared.refuse(link.form, refusal, lambda status: _form(link.form, status, person))


def _find_person(database: Database, link: Link, token: str) -> PersonProfile | None:
    """Return whom the page of the link names. Raises `TokenInvalid`."""
    if link.find_person is None:
        return None
    with database.reading() as session:
        return link.find_person(session, token)


def _token(fields: Mapping[str, str]) -> str:
    return fields.get("token", "")[:LENGTH_MAX]


def _password(fields: Mapping[str, str]) -> str:
    return fields["password"][: shared.PASSWORD_LENGTH_MAX]


def _refused(form: Form, refusal: Refusal) -> Response:
    return shared.refuse(form, refusal, lambda status: _form(form, status))


def _form(
    form: Form, status: int = 200, person: PersonProfile | None = None, **values: str
) -> Response:
    """Show the form, whose account it is about, and whose session in this browser it would end."""
    way = ("Back to sign-in", "auth_pages.show_login") if form is FORGOT else None
    member = staff_session_cookie.current_member()
    return render_page(
        "auth/form.html",
        status=status,
        declared=form,
        values=values,
        way=way,
        person=person,
        other=member if person and member and member.actor.user_id != person.id else None,
    )


def _confirmed_already() -> Response:
    return _done("Email address already confirmed", "There is nothing left to do here.", _HOME)


def _ended(link: Link, status: int) -> Response:
    return _done("This link is not valid any more", link.ended, link.way, status)


def _done(title: str, text: str, way: tuple[str, str], status: int = 200) -> Response:
    return render_page("auth/done.html", status=status, title=title, text=text, way=way)
