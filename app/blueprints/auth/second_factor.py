"""The second step of sign-in, sign-in by passkey alone, and set-up of the first second factor.

The person who signs in is read from a database row that the browser's cookie names, never from a
form.
"""

from dataclasses import replace
from typing import Any

from flask import Response, url_for

from app.blueprints import errors, forms, staff_session_cookie
from app.blueprints.auth import shared
from app.blueprints.auth.shared import FactorCodeSchema, PasskeyNameSchema
from app.blueprints.forms import Form, FormSchema
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rate_limits import RateLimit, client_device
from app.blueprints.rendering import render_page
from app.identity.credentials import passkeys, second_factor
from app.identity.credentials.passkeys import ChallengePurpose
from app.identity.errors import SignInExpired, TwoFactorInvalid
from app.identity.sign_in import pending_sign_in, staff_sign_in
from app.identity.sign_in.pending_sign_in import PendingSignIn
from app.kit.db import Database
from app.kit.errors import RateLimited, Refusal

blp = PageBlueprint("steps", "/auth")

SECOND_FACTOR = Form(
    "second-factor",
    title="Enter your code",
    schema=FactorCodeSchema,
    button="Sign in",
    failure="You are not signed in",
)
ENROL_APP = Form(
    "enrol-app",
    title="Authenticator app",
    about="An app on your phone shows a new code every 30 seconds.",
    schema=FormSchema,
    button="Use an app",
    failure="The app is not set up yet",
)
CONFIRM_APP = replace(shared.CONFIRM_APP, button="Confirm and sign in")
ENROL_PASSKEY = Form(
    "new-passkey",
    title="Passkey",
    about="Your device or security key signs you in by a PIN, finger or face, without a password.",
    schema=PasskeyNameSchema,
    button="Add a passkey",
    failure="Nothing is set up yet",
)


@blp.view("GET", "/second-factor", public=True)
def show_second_factor(database: Database) -> Response:
    """Ask for the code or the passkey; redirect a person without either to the set-up."""
    with database.reading() as session:
        person = pending_sign_in.find_pending(session, staff_session_cookie.sign_in_secret())
    if person is None:
        return see_other(url_for("auth_pages.show_login"))
    if person.needs_second_factor:
        return see_other(url_for("steps_pages.show_enrolment"))
    return _second_factor(person)


@blp.view("POST", "/second-factor", public=True, rate_limit=RateLimit.SIGN_IN)
def give_second_factor(database: Database) -> Response:
    """Check the code and sign in."""
    with database.reading() as session:
        person = pending_sign_in.find_pending(session, staff_session_cookie.sign_in_secret())
    if person is None:
        return _start_again()
    fields = forms.parse(SECOND_FACTOR)
    if fields is None:
        return _second_factor(person, 422)
    try:
        with database.transaction() as session:
            signed_in = staff_sign_in.submit_code(
                session,
                staff_session_cookie.sign_in_secret(),
                fields["code"],
                client_device(),
            )
    except SignInExpired:
        return _start_again()
    except (TwoFactorInvalid, RateLimited) as refusal:
        return shared.refuse(SECOND_FACTOR, refusal, lambda status: _second_factor(person, status))
    return shared.finish_sign_in(signed_in, staff_session_cookie.next_path())


@blp.view("POST", "/passkey/question", public=True)
def ask_for_passkey(database: Database) -> Response:
    """Return the WebAuthn options to sign in by any passkey."""
    with database.transaction() as session:
        question = passkeys.start_authentication(session, staff_session_cookie.relying_party())
    return shared.passkey_options_response(question)


@blp.view("POST", "/passkey", public=True, rate_limit=RateLimit.SIGN_IN)
def give_passkey(database: Database) -> Response:
    """Sign in by a passkey."""
    credential, next_path = (
        shared.read_credential(),
        shared.read_field("next", 2048) or staff_session_cookie.next_path(),
    )
    # A transaction of its own: the challenge is used up, also by a refused credential.
    with database.transaction() as session:
        challenge = passkeys.consume_challenge(
            session, staff_session_cookie.take_challenge(), ChallengePurpose.SIGN_IN
        )
        registered = passkeys.find_registered(session, credential)
    try:
        proof = passkeys.verify_authentication(
            staff_session_cookie.relying_party(), challenge, registered, credential
        )
        with database.transaction() as session:
            signed_in = staff_sign_in.submit_passkey(
                session,
                proof,
                client_device(),
                replaces=staff_session_cookie.session_secret(),
                pending_secret=staff_session_cookie.sign_in_secret(),
            )
    except Refusal as refusal:
        return _passkey_refused(refusal)
    return shared.finish_sign_in(signed_in, next_path)


@blp.view("GET", "/enrol", public=True)
def show_enrolment(database: Database) -> Response:
    """Show the choice of an authenticator app or a passkey."""
    with database.reading() as session:
        person = pending_sign_in.find_pending(session, staff_session_cookie.sign_in_secret())
    if person is None or not person.needs_second_factor:
        return see_other(url_for("auth_pages.show_login"))
    return _enrolment()


@blp.view("POST", "/enrol/app", public=True)
def enrol_app(database: Database) -> Response:
    """Make the secret for the authenticator app."""
    try:
        with database.transaction() as session:
            person = staff_sign_in.lock_enrolment(session, staff_session_cookie.sign_in_secret())
            second_factor.start_setup(session, person.actor)
    except SignInExpired:
        return _start_again()
    return see_other(url_for("steps_pages.show_enrol_app"))


@blp.view("GET", "/enrol/app", public=True)
def show_enrol_app(database: Database) -> Response:
    """Show the secret as a QR code and as text, with a form for the first code."""
    setup = _pending(database)
    return _app_form(setup) if setup else see_other(url_for("steps_pages.show_enrolment"))


@blp.view("POST", "/enrol/app/code", public=True, rate_limit=RateLimit.SIGN_IN)
def confirm_app(database: Database) -> Response:
    """Confirm the app by its first code, sign in, and show the recovery codes."""
    setup = _pending(database)
    if setup is None:
        return _start_again()
    fields = forms.parse(CONFIRM_APP)
    if fields is None:
        return _app_form(setup, 422)
    try:
        with database.transaction() as session:
            signed_in = staff_sign_in.enrol_app(
                session,
                staff_session_cookie.sign_in_secret(),
                fields["code"],
                client_device(),
            )
    except SignInExpired:
        return _start_again()
    except (TwoFactorInvalid, RateLimited) as refusal:
        return shared.refuse(CONFIRM_APP, refusal, lambda status: _app_form(setup, status))
    return shared.finish_sign_in(signed_in, staff_session_cookie.next_path())


@blp.view("POST", "/enrol/passkey/question", public=True)
def ask_for_new_passkey(database: Database) -> Response:
    """Return the WebAuthn options to register a passkey for the person who signs in."""
    try:
        with database.transaction() as session:
            person = staff_sign_in.lock_enrolment(session, staff_session_cookie.sign_in_secret())
            question = passkeys.start_registration(
                session, staff_session_cookie.relying_party(), person.actor
            )
    except SignInExpired:
        return _start_again()
    return shared.passkey_options_response(question)


@blp.view("POST", "/enrol/passkey", public=True, rate_limit=RateLimit.SIGN_IN)
def enrol_passkey(database: Database) -> Response:
    """Register the first passkey and sign in."""
    credential, secret = shared.read_credential(), staff_session_cookie.sign_in_secret()
    fields = forms.parse(ENROL_PASSKEY)
    if fields is None:
        return _enrolment(422)
    try:
        with database.transaction() as session:
            person = staff_sign_in.lock_enrolment(session, secret)
            challenge = passkeys.consume_challenge(
                session,
                staff_session_cookie.take_challenge(),
                ChallengePurpose.REGISTER,
                person.user_id,
            )
        new = passkeys.verify_registration(
            staff_session_cookie.relying_party(), challenge, credential
        )
        with database.transaction() as session:
            signed_in = staff_sign_in.enrol_passkey(
                session,
                secret,
                new,
                fields["name"],
                client_device(),
            )
    except SignInExpired:
        return _start_again()
    except Refusal as refusal:
        return shared.refuse(ENROL_PASSKEY, refusal, _enrolment)
    return shared.finish_sign_in(signed_in, staff_session_cookie.next_path())


shared.add_reload(blp, "/passkey", "auth_pages.show_login")
shared.add_reload(blp, "/enrol/app/code", "steps_pages.show_enrol_app")
shared.add_reload(blp, "/enrol/passkey", "steps_pages.show_enrolment")


def _pending(database: Database) -> second_factor.SecondFactorSetup | None:
    with database.reading() as session:
        person = pending_sign_in.find_pending(session, staff_session_cookie.sign_in_secret())
        if person is None or not person.needs_second_factor:
            return None
        return second_factor.find_pending_setup(session, person.actor)


def _second_factor(person: PendingSignIn, status: int = 200) -> Response:
    return _page("second_factor", status, person=person, declared=SECOND_FACTOR)


def _passkey_refused(refusal: Refusal) -> Response:
    status = errors.status_beside_form(refusal)
    return _page("passkey_refused", status, problems={"": refusal.detail})


def _enrolment(status: int = 200) -> Response:
    return _page("enrol", status, app_form=ENROL_APP, passkey_form=ENROL_PASSKEY)


def _app_form(setup: second_factor.SecondFactorSetup, status: int = 200) -> Response:
    action = url_for("steps_pages.confirm_app")
    return _page("app", status, setup=setup, action=action, declared=CONFIRM_APP)


def _start_again() -> Response:
    """Show that the sign-in has ended, why, and the way back."""
    refusal = SignInExpired()
    return _page("over", errors.status_beside_form(refusal), problems={"": refusal.detail})


def _page(name: str, status: int, **context: Any) -> Response:
    party = staff_session_cookie.relying_party()
    return render_page(f"auth/{name}.html", status=status, party=party, **context)
