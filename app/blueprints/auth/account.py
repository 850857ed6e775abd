"""The account page of staff: password, second factors, passkeys and sessions.

Changes to the means of sign-in require reauthentication.
"""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import staff_session_cookie, user_agents
from app.blueprints.auth import account_forms, shared
from app.blueprints.forms import Done
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rate_limits import RateLimit, client_network
from app.blueprints.rendering import render_page
from app.identity.accounts import profile
from app.identity.accounts import queries as account_queries
from app.identity.credentials import (
    passkeys,
    password_change,
    second_factor,
    second_factor_changes,
)
from app.identity.credentials.passkeys import ChallengePurpose
from app.identity.errors import AccountSuspended, InvalidCredentials, PasskeyRefused
from app.identity.sign_in import password_proof, sessions
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound
from app.kit.formatting import format_number_of

blp = PageBlueprint("account", "/auth/account")

_CHANGE = Permission.SECOND_FACTOR_CHANGE


@blp.view("GET", "", permission=Permission.ACCOUNT_READ)
def show(session: Session, actor: Actor) -> Response:
    """Show the person's passkeys, authenticator app and sessions."""
    return render_page(
        "auth/account_page.html",
        party=staff_session_cookie.relying_party(),
        actor=actor,
        forms=account_forms.BY_ID,
        has_app=second_factor.is_on(session, actor.user_id),
        codes_left=second_factor.count_recovery_codes(session, actor),
        passkeys=passkeys.list_own(session, actor),
        sessions=[
            (login_session, user_agents.describe_browser(login_session.browser))
            for login_session in sessions.list_own(session, actor)
        ],
    )


# The password


@blp.form(
    "/password",
    account_forms.CHANGE_PASSWORD,
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
    attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, current)
    try:
        password_change.conclude_own_password_change(session, actor, attempt, new_hash)
    except (InvalidCredentials, AccountSuspended) as refusal:
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


@blp.form(
    "/passkeys",
    account_forms.ADD_PASSKEY,
    shown_on=show,
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def add_passkey(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Register a passkey."""
    challenge = passkeys.consume_challenge(
        session, staff_session_cookie.take_challenge(), ChallengePurpose.REGISTER, actor.user_id
    )
    try:
        new = passkeys.verify_registration(
            staff_session_cookie.relying_party(), challenge, shared.read_credential()
        )
        passkeys.add_passkey(session, actor, new, fields["name"])
    except (Invalid, Conflict, PasskeyRefused) as refusal:
        # A refused credential uses up its challenge, too.
        raise refusal.keeping_records() from None


def _find_passkey(session: Session, actor: Actor, identifier: str) -> None:
    if all(passkey.public_id != identifier for passkey in passkeys.list_own(session, actor)):
        raise NotFound


@blp.form(
    "/passkeys/<identifier>/name",
    account_forms.RENAME_PASSKEY,
    shown_on=show,
    find_row=_find_passkey,
    permission=_CHANGE,
)
def rename_passkey(
    session: Session, actor: Actor, fields: Mapping[str, str], identifier: str
) -> None:
    """Rename a passkey."""
    passkeys.rename_passkey(session, actor, identifier, fields["name"])


@blp.form(
    "/passkeys/<identifier>/remove",
    account_forms.REMOVE_PASSKEY,
    shown_on=show,
    find_row=_find_passkey,
    permission=_CHANGE,
    fresh=True,
)
def remove_passkey(
    session: Session, actor: Actor, _fields: Mapping[str, str], identifier: str
) -> None:
    """Remove a passkey."""
    passkeys.remove_passkey(
        session, actor, identifier, may_be_last=not staff_session_cookie.second_factor_required()
    )


# The authenticator app


@blp.view("GET", "/app", permission=_CHANGE, fresh=True)
def show_app(session: Session, actor: Actor) -> Response:
    """Show the secret as a QR code and as text, with a form for the first code."""
    setup = second_factor.find_pending_setup(session, actor)
    if setup is None:
        return see_other(url_for("account_pages.show"))
    return render_page(
        "auth/app.html",
        declared=account_forms.CONFIRM_APP,
        setup=setup,
        action=url_for("account_pages.confirm_app"),
    )


@blp.form("/app", account_forms.SET_UP_APP, shown_on=show, permission=_CHANGE, fresh=True)
def set_up_app(session: Session, actor: Actor, _fields: Mapping[str, str]) -> str:
    """Make the secret for an authenticator app."""
    second_factor.start_setup(session, actor)
    return url_for("account_pages.show_app")


@blp.form(
    "/app/code",
    account_forms.CONFIRM_APP,
    shown_on=show_app,
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def confirm_app(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Turn on the app by its first code, and show the recovery codes."""
    codes = second_factor.confirm_setup(session, actor, fields["code"], network=client_network())
    return _show_recovery_codes(codes)


@blp.form(
    "/app/off",
    account_forms.SWITCH_OFF_APP,
    shown_on=show,
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def switch_off_app(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Turn off the app and its recovery codes, by a code."""
    second_factor_changes.switch_off_app(
        session,
        actor,
        fields["code"],
        network=client_network(),
        required_for_staff=staff_session_cookie.second_factor_required(),
    )


@blp.form(
    "/app/recovery-codes",
    account_forms.RENEW_RECOVERY_CODES,
    shown_on=show,
    permission=_CHANGE,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def renew_recovery_codes(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Replace the recovery codes, by a code."""
    network = client_network()
    codes = second_factor.renew_recovery_codes(session, actor, fields["code"], network=network)
    return _show_recovery_codes(codes)


def _show_recovery_codes(codes: list[str]) -> Done:
    account = url_for("account_pages.show")
    return Done(account, page=shared.show_recovery_codes(codes, account))


# The keyboard


@blp.form("/keyboard", account_forms.CHOOSE_KEYS, shown_on=show, permission=Permission.ACCOUNT_READ)
def choose_keys(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Switch the shortcuts that are a letter alone on or off."""
    profile.choose_single_keys(session, actor, is_on=fields["single_keys"] == "yes")


# Sessions


def _find_session(session: Session, actor: Actor, identifier: str) -> None:
    if all(one.public_id != identifier for one in sessions.list_own(session, actor)):
        raise NotFound


@blp.form(
    "/sessions/<identifier>/end",
    account_forms.END_SESSION,
    shown_on=show,
    find_row=_find_session,
    permission=Permission.SESSIONS_REVOKE,
)
def end_session(
    session: Session, actor: Actor, _fields: Mapping[str, str], identifier: str
) -> None:
    """End one of the person's own sessions."""
    sessions.end_own(session, actor, identifier)


@blp.form(
    "/sessions/end-others",
    account_forms.END_OTHERS,
    shown_on=show,
    permission=Permission.SESSIONS_REVOKE,
)
def end_other_sessions(session: Session, actor: Actor, _fields: Mapping[str, str]) -> Done:
    """End all of the person's own sessions but this one."""
    count = sessions.end_others(session, actor)
    ended = format_number_of(count, "other session has", "other sessions have")
    return Done(message=f"{ended} ended.")
