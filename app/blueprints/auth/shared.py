"""Shared by the sign-in pages: fields, refusals beside the form, end of sign-in."""

from collections.abc import Callable

from flask import Response, current_app, jsonify, request, url_for

from app.access import Actor, Permission
from app.blueprints import errors, forms, kept_form, nav, staff_session_cookie
from app.blueprints.forms import Form, FormSchema, code_field, text_field
from app.blueprints.page_blueprint import PageBlueprint, safe_redirect_path, see_other
from app.blueprints.rendering import render_page
from app.identity.credentials import passkeys
from app.identity.credentials.passkeys import RESPONSE_LENGTH_MAX
from app.identity.sign_in.staff_sign_in import CompletedSignIn
from app.kit.errors import Refusal

PASSWORD_LENGTH_MAX = 1024
NAME_LENGTH_MAX = 100


class FactorCodeSchema(FormSchema):
    """A code of the second factor."""

    code = code_field("Enter the code.")


class AppCodeSchema(FormSchema):
    """The first code of an authenticator app."""

    code = code_field("Enter the code from the app.", "Code from the app")


CONFIRM_APP = Form(
    "app",
    title="Authenticator app",
    about="Scan the QR code with the app, or enter the secret in it.",
    schema=AppCodeSchema,
    button="Confirm",
    failure="The app is not set up yet",
)


class PasskeyNameSchema(FormSchema):
    """The name of a passkey. A new passkey is the script's, in the field `credential`."""

    name = text_field("Name", "Enter a name.")


def read_field(field: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return a field of the form without surrounding blanks, cut to a sensible length."""
    return request.form.get(field, "").strip()[:length_max]


def read_credential() -> str:
    """Return the passkey credential from the form, cut one character above the limit."""
    return read_field("credential", RESPONSE_LENGTH_MAX + 1)


def finish_sign_in(signed_in: CompletedSignIn, next_path: str | None) -> Response:
    """Start the session and redirect to the requested page; show new recovery codes first."""
    unsent = staff_session_cookie.unsent()
    member = staff_session_cookie.start_session(signed_in.secret)
    assert member is not None, "the session started just now"
    kept_form.take_over(current_app.extensions["database"], member.actor, *unsent)
    onward = safe_redirect_path(next_path) or home_of(member.actor)
    if signed_in.recovery_codes:
        return show_recovery_codes(signed_in.recovery_codes, onward)
    return see_other(onward)


def show_recovery_codes(codes: tuple[str, ...] | list[str], onward: str) -> Response:
    """Show the recovery codes, once."""
    return render_page("auth/recovery_codes.html", codes=codes, onward=onward)


def home_of(actor: Actor) -> str:
    """Return the path of the home of the person's desk."""
    return url_for(nav.home_of(actor.role))


def add_reload(
    blp: PageBlueprint, path: str, endpoint: str, permission: Permission | None = None
) -> None:
    """Let a reload of the address of a form that was shown again lead to its page."""

    def reload(*_arguments: object) -> Response:
        return see_other(url_for(endpoint))

    reload.__name__ = f"reload{path}".replace("/", "_")
    reload.__doc__ = "Lead to the page of the form."
    blp.view("GET", path, permission=permission, public=permission is None)(reload)


def refuse(declared: Form, refusal: Refusal, show: Callable[[int], Response]) -> Response:
    """Return the page of a form with its refusal; `show` renders the page with a status."""
    forms.show_refusal(declared, refusal)
    return errors.add_retry_after(show(errors.status_beside_form(refusal)), refusal)


def passkey_options_response(question: passkeys.PasskeyOptions) -> Response:
    """Return the WebAuthn options for the page's script, and keep their challenge in the cookie."""
    staff_session_cookie.keep_challenge(question.challenge)
    response = jsonify(question.options)
    response.headers["Cache-Control"] = "no-store"
    return response
