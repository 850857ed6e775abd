"""The account page of staff: password, second factors, passkeys and sessions.

Changes to the means of sign-in require reauthentication.
"""

from collections.abc import Mapping

from flask import Response, flash, url_for

from app.access import Actor, Permission
from app.blueprints import staff_session_cookie
from app.blueprints.auth import shared, user_agents
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rate_limits import RateLimit, client_network
from app.blueprints.rendering import render_page
from app.identity.accounts import queries as account_queries
from app.identity.credentials import (
    passkeys,
    password_change,
    second_factor,
    second_factor_changes,
)
from app.identity.credentials.passkeys import ChallengePurpose
from app.identity.errors import AccountSuspended, InvalidCredentials, TwoFactorInvalid
from app.identity.sign_in import password_proof, staff_sessions
from app.kit.db import Session
from app.kit.errors import Invalid, RateLimited, Refusal

blp = PageBlueprint("account", "/auth/account")

_CHANGE = Permission.SECOND_FACTOR_CHANGE


@blp.view("GET", "", permission=Permission.ACCOUNT_READ)
def show(session: Session, actor: Actor) -> Response:
    """Show the person's passkeys, authenticator app and sessions."""
    return _account(session, actor)


# The password


class PasswordSchema(FormSchema):
    """The present password, and the new one."""

    current_password = text_field(
        "Current password",
        "Enter your current password.",
        control="password",
        autocomplete="current-password",
    )
    new_password = text_field(
        "New password",
        "Enter a new password.",
        control="password",
        hint="At least 10 characters that are hard to guess.",
        autocomplete="new-password",
    )


CHANGE_PASSWORD = Form(
    "password",
    title="Password",
    about="Your other sessions end, and you receive an email about the change.",
    schema=PasswordSchema,
    button="Change password",
    success="Password changed. Your other sessions have ended.",
    failure="The password was not changed",
    is_secondary=True,
)


@blp.form(
    "/password",
    CHANGE_PASSWORD,
    shown_on=show,
    permission=Permission.PASSWORD_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def change_password(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Change the password and end the person's other sessions."""
    person = account_queries.get_person(session, actor.user_id)
    current, new = (
        fields[name][: shared.PASSWORD_LENGTH_MAX] for name in ("current_password", "new_password")
    )
    try:
        new_hash = password_change.prepare_new_password(person, new)
    except Invalid as refusal:
        raise Invalid("new_password", refusal.message) from None
    try:
        attempt = password_change.begin_password_change(session, actor, network=client_network())
        attempt = password_proof.check_password(attempt, current)
        password_change.conclude_own_password_change(session, actor, attempt, new_hash)
    except (InvalidCredentials, AccountSuspended, RateLimited) as refusal:
        is_wrong = isinstance(refusal, InvalidCredentials)
        text = "This is not your current password." if is_wrong else refusal.detail
        # The failed attempt stays counted.
        raise Invalid("current_password", text).keeping_records() from None


# Passkeys


@blp.view("POST", "/passkeys/question", permission=_CHANGE, fresh=True, keeps_form=False)
def ask_for_new_passkey(session: Session, actor: Actor) -> Response:
    """Return the WebAuthn options to register a passkey."""
    return shared.passkey_options_response(
        passkeys.start_registration(session, staff_session_cookie.relying_party(), actor)
    )


@blp.view(
    "POST",
    "/passkeys",
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def add_passkey(session: Session, actor: Actor) -> Response:
    """Register a passkey."""
    # Nothing raises before the commit: a refused credential uses up its challenge too.
    challenge = passkeys.consume_challenge(
        session, staff_session_cookie.take_challenge(), ChallengePurpose.REGISTER, actor.user_id
    )
    try:
        new = passkeys.verify_registration(
            staff_session_cookie.relying_party(), challenge, shared.read_credential()
        )
        passkeys.add_passkey(session, actor, new, shared.read_field("name"))
    except Invalid as refusal:
        return _account(session, actor, 422, {"new-passkey-name": refusal.message})
    except Refusal as refusal:
        return _refused(session, actor, refusal)
    return _back("Passkey added.")


@blp.view("POST", "/passkeys/<identifier>/name", permission=_CHANGE)
def rename_passkey(session: Session, actor: Actor, identifier: str) -> Response:
    """Rename a passkey."""
    try:
        passkeys.rename_passkey(session, actor, identifier, shared.read_field("name"))
    except Invalid as refusal:
        return _account(session, actor, 422, {f"{identifier}-name": refusal.message})
    return _back("Passkey renamed.")


@blp.view("POST", "/passkeys/<identifier>/remove", permission=_CHANGE, fresh=True)
def remove_passkey(session: Session, actor: Actor, identifier: str) -> Response:
    """Remove a passkey."""
    passkeys.remove_passkey(
        session, actor, identifier, may_be_last=not staff_session_cookie.second_factor_required()
    )
    return _back("Passkey removed.")


# The authenticator app


@blp.view("POST", "/app", permission=_CHANGE, fresh=True)
def set_up_app(session: Session, actor: Actor) -> Response:
    """Make the secret for an authenticator app."""
    second_factor.start_setup(session, actor)
    return see_other(url_for("account_pages.show_app"))


@blp.view("GET", "/app", permission=_CHANGE, fresh=True)
def show_app(session: Session, actor: Actor) -> Response:
    """Show the secret as a QR code and as text, with a form for the first code."""
    setup = second_factor.find_pending_setup(session, actor)
    return _app_form(setup) if setup else _back()


@blp.view(
    "POST",
    "/app/code",
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def confirm_app(session: Session, actor: Actor) -> Response:
    """Turn on the app by its first code, and show the recovery codes."""
    setup = second_factor.find_pending_setup(session, actor)
    if setup is None:
        return _back()
    if not (code := shared.read_code()):
        return _app_form(setup, 422, {"code": "Enter the code from the app."})
    try:
        codes = second_factor.confirm_setup(session, actor, code, network=client_network())
    except (TwoFactorInvalid, RateLimited) as refusal:
        status = shared.status_beside_form(refusal)
        return shared.add_retry_after(_app_form(setup, status, {"": refusal.detail}), refusal)
    return shared.show_recovery_codes(codes, url_for("account_pages.show"))


@blp.view(
    "POST",
    "/app/off",
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def switch_off_app(session: Session, actor: Actor) -> Response:
    """Turn off the app and its recovery codes, by a code."""
    if not (code := shared.read_code()):
        return _account(
            session, actor, 422, {"app-off-code": "Enter a code to turn off the authenticator app."}
        )
    try:
        second_factor_changes.switch_off_app(
            session,
            actor,
            code,
            network=client_network(),
            required_for_staff=staff_session_cookie.second_factor_required(),
        )
    except (TwoFactorInvalid, RateLimited) as refusal:
        return _refused(session, actor, refusal)
    return _back("Authenticator app turned off.")


@blp.view(
    "POST",
    "/app/recovery-codes",
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def renew_recovery_codes(session: Session, actor: Actor) -> Response:
    """Replace the recovery codes, by a code."""
    if not (code := shared.read_code()):
        return _account(
            session, actor, 422, {"app-codes-code": "Enter a code to get new recovery codes."}
        )
    try:
        codes = second_factor.renew_recovery_codes(session, actor, code, network=client_network())
    except (TwoFactorInvalid, RateLimited) as refusal:
        return _refused(session, actor, refusal)
    return shared.show_recovery_codes(codes, url_for("account_pages.show"))


# Sessions


@blp.view("POST", "/sessions/<identifier>/end", permission=Permission.SESSIONS_REVOKE)
def end_session(session: Session, actor: Actor, identifier: str) -> Response:
    """End one of the person's own sessions."""
    staff_sessions.end_own(session, actor, identifier)
    return _back("Session ended.")


@blp.view("POST", "/sessions/end-others", permission=Permission.SESSIONS_REVOKE)
def end_other_sessions(session: Session, actor: Actor) -> Response:
    """End all of the person's own sessions but this one."""
    staff_sessions.end_others(session, actor)
    return _back("All other sessions have ended.")


def _back(message: str = "") -> Response:
    if message:
        flash(message)
    return see_other(url_for("account_pages.show"))


def _refused(session: Session, actor: Actor, refusal: Refusal) -> Response:
    response = _account(session, actor, shared.status_beside_form(refusal), {"": refusal.detail})
    return shared.add_retry_after(response, refusal)


def _app_form(
    setup: second_factor.SecondFactorSetup,
    status: int = 200,
    problems: dict[str, str] | None = None,
) -> Response:
    return render_page(
        "auth/app.html",
        status=status,
        problems=problems or {},
        setup=setup,
        qr=setup.qr_image,
        action=url_for("account_pages.confirm_app"),
        button="Confirm",
    )


def _account(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return render_page(
        "auth/account_page.html",
        status=status,
        problems=problems or {},
        party=staff_session_cookie.relying_party(),
        actor=actor,
        password_form=CHANGE_PASSWORD,
        has_app=second_factor.is_on(session, actor.user_id),
        codes_left=second_factor.count_recovery_codes(session, actor),
        passkeys=passkeys.list_own(session, actor),
        sessions=[
            (login_session, user_agents.describe_browser(login_session.browser))
            for login_session in staff_sessions.list_own(session, actor)
        ],
    )
