"""Reauthentication before a sensitive act (a view declared with `fresh`).

It takes the second factor, or the password of a person without one. The session continues with a
new secret, and the form that waited for the proof is finished (`kept_form`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Response, flash, request

from app.access import Actor, Permission
from app.blueprints import forms, kept_form, staff_session_cookie
from app.blueprints.auth import shared
from app.blueprints.auth.shared import FactorCodeSchema
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.page_blueprint import PageBlueprint, open_page, safe_redirect_path, see_other
from app.blueprints.rate_limits import RateLimit, client_device, client_network
from app.blueprints.rendering import render_page
from app.identity.credentials import passkeys, second_factor
from app.identity.credentials.passkeys import ChallengePurpose
from app.identity.sign_in import kept_forms, password_proof, pending_sign_in, reauthentication
from app.identity.sign_in.kept_forms import KeptFormState, SentForm
from app.kit.db import Session
from app.kit.errors import Refusal

blp = PageBlueprint("proof", "/auth")


class PasswordProofSchema(FormSchema):
    """The password of a person without a second factor."""

    password = text_field(
        "Password", "Enter your password.", control="password", autocomplete="current-password"
    )


_BY_CODE = Form(
    "prove-form",
    title="Confirm it is you",
    schema=FactorCodeSchema,
    button="Confirm",
    failure="Not confirmed",
)
_BY_PASSWORD = replace(_BY_CODE, schema=PasswordProofSchema)


@dataclass(frozen=True, slots=True)
class Onward:
    """What follows the proof: a kept form is finished, or a page opened."""

    next_path: str | None
    kept_id: str | None
    is_unsent: bool

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Onward":
        """Return what the query of the page or the fields of its form say."""
        return cls(
            safe_redirect_path(fields.get("next")),
            fields.get(kept_form.FIELD),
            kept_form.UNSENT in fields,
        )


@blp.view("GET", "/prove", permission=Permission.ACCOUNT_READ)
def show(session: Session, actor: Actor) -> Response:
    """Show the ways to reauthenticate that the person has, or what became of a kept form."""
    onward = Onward.from_fields(request.args)
    if onward.kept_id is None:
        return _form(session, actor, onward)
    state, form = kept_forms.find(session, actor, onward.kept_id)
    if form is None:
        return _kept_form_page(actor, onward, state)
    member = staff_session_cookie.current_member()
    if member is not None and member.is_recently_proven:
        if not form.is_finishable:
            return see_other(onward.next_path or shared.home_of(actor))
        return _kept_form_page(actor, onward, state, form)
    return _form(session, actor, onward)


@blp.view(
    "POST",
    "/prove",
    permission=Permission.ACCOUNT_READ,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def prove(session: Session, actor: Actor) -> Response:
    """Reauthenticate by a code, or by the password of a person without a second factor."""
    onward = Onward.from_fields(request.form)
    declared = _way_of(session, actor)
    fields = forms.parse(declared)
    if fields is None:
        return _form(session, actor, onward, 422)
    try:
        if declared is _BY_CODE:
            device = client_device()
            secret = reauthentication.reauthenticate_by_code(session, actor, fields["code"], device)
        else:
            secret = _by_password(session, actor, fields["password"])
    except Refusal as refusal:
        return _refused(session, actor, refusal, onward)
    return _finish(session, actor, secret, onward)


@blp.view("POST", "/kept-form/discard", permission=Permission.ACCOUNT_READ)
def discard(session: Session, actor: Actor) -> Response:
    """Delete a form that is kept in this session, if it still is."""
    kept_forms.discard(session, actor, request.form.get("id", ""))
    return see_other(open_page() or shared.home_of(actor))


@blp.view("POST", "/prove/passkey/question", permission=Permission.ACCOUNT_READ)
def ask_for_passkey(session: Session, actor: Actor) -> Response:
    """Return the WebAuthn options that one of the person's passkeys must sign."""
    return shared.passkey_options_response(
        passkeys.start_authentication(session, staff_session_cookie.relying_party(), actor.user_id)
    )


@blp.view(
    "POST", "/prove/passkey", permission=Permission.ACCOUNT_READ, rate_limit=RateLimit.SIGN_IN
)
def prove_by_passkey(session: Session, actor: Actor) -> Response:
    """Reauthenticate by a passkey. Nothing raises, so that a challenge is used up by a refused
    credential too."""
    credential = shared.read_credential()
    challenge = passkeys.consume_challenge(
        session, staff_session_cookie.take_challenge(), ChallengePurpose.STEP_UP, actor.user_id
    )
    onward = Onward.from_fields(request.form)
    try:
        proof = passkeys.verify_authentication(
            staff_session_cookie.relying_party(),
            challenge,
            passkeys.find_registered(session, credential),
            credential,
        )
        secret = reauthentication.reauthenticate_by_passkey(session, actor, proof)
    except Refusal as refusal:
        return _refused(session, actor, refusal, onward)
    return _finish(session, actor, secret, onward)


shared.add_reload(blp, "/prove/passkey", "proof_pages.show", Permission.ACCOUNT_READ)


def _way_of(session: Session, actor: Actor) -> Form:
    """Return the form by which the person reauthenticates without a passkey."""
    return _BY_CODE if second_factor.is_on(session, actor.user_id) else _BY_PASSWORD


def _by_password(session: Session, actor: Actor, password: str) -> str:
    # Hashing holds this connection but locks no row. People without a second factor are rare, and
    # exist with sample data only.
    attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, password[: shared.PASSWORD_LENGTH_MAX])
    return reauthentication.reauthenticate_by_password(session, actor, attempt)


def _refused(session: Session, actor: Actor, refusal: Refusal, onward: Onward) -> Response:
    declared = _way_of(session, actor)
    return shared.refuse(declared, refusal, lambda status: _form(session, actor, onward, status))


def _finish(session: Session, actor: Actor, secret: str, onward: Onward) -> Response:
    staff_session_cookie.replace_secret(secret)
    if onward.is_unsent:
        flash("Not sent yet. Send the form again.", "problem")
    if onward.kept_id is None:
        return see_other(onward.next_path or shared.home_of(actor))
    _, form = kept_forms.find(session, actor, onward.kept_id)
    # The page says what became of one that cannot be finished.
    if form is None or not form.is_finishable:
        return see_other(kept_form.proof_url(onward.next_path, onward.kept_id))
    return kept_form.send_again(form)


def _form(session: Session, actor: Actor, onward: Onward, status: int = 200) -> Response:
    kept = kept_forms.find(session, actor, onward.kept_id)[1] if onward.kept_id else None
    return render_page(
        "auth/prove.html",
        status=status,
        declared=_way_of(session, actor),
        onward=onward,
        kept=kept,
        has_app=second_factor.is_on(session, actor.user_id),
        has_passkey=pending_sign_in.has_passkey(session, actor.user_id),
        party=staff_session_cookie.relying_party(),
    )


def _kept_form_page(
    actor: Actor, onward: Onward, state: KeptFormState, form: SentForm | None = None
) -> Response:
    return render_page(
        "auth/kept_form.html",
        onward=onward,
        state=state,
        kept=form,
        back=onward.next_path or shared.home_of(actor),
    )
