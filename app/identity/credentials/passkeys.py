"""Passkeys (WebAuthn) of staff with user verification: the device requires a PIN or biometrics, so
that a passkey replaces both factors.

A challenge is a random number that the browser's cookie and the database share. The first response
deletes it, right or wrong, so that one of many concurrent responses is checked. The origin and the
relying party's id come from the settings, never from a request.

A device that counts its responses shows that its key was copied when the count goes back. A passkey
that is synced to several devices has no common count: its owner is let in, and the count is noted.
Whether a passkey can be synced is stored when it is registered, for a thief can write anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Literal, Self
from unicodedata import category
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers import parse_authentication_credential_json as parse_response
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.errors import LastSecondFactor, PasskeyRefused
from app.identity.sign_in import sessions
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.notifications import service as notifications
from app.notifications.account_kinds import PasskeyAdded, PasskeyRemoved

LIFETIME = timedelta(minutes=5)
NAME_LENGTH_MAX = 60
PASSKEYS_MAX = 20
RESPONSE_LENGTH_MAX = 16_384
_CHALLENGE_BYTES = 32
_RELYING_PARTY_NAME = "PBCEx"

_ADD_CHALLENGE = """
INSERT INTO passkey_challenges (challenge_hash, purpose, user_id, expires_at)
VALUES (%s, %s, %s, %s)
"""
_CONSUME_CHALLENGE = """
DELETE FROM passkey_challenges
WHERE challenge_hash = %s AND purpose = %s AND user_id IS NOT DISTINCT FROM %s
RETURNING expires_at > %s
"""
_DELETE_EXPIRED = "DELETE FROM passkey_challenges WHERE expires_at <= %s"
_CREDENTIALS = "SELECT credential_id FROM passkeys WHERE user_id = %s ORDER BY id"
_FIND = """
SELECT id, user_id, public_key, is_synced FROM passkeys WHERE credential_id = %s
"""
_ADD = """
INSERT INTO passkeys
    (id, user_id, credential_id, public_key, sign_count, is_synced, name, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_LOCK_COUNT = "SELECT sign_count FROM passkeys WHERE id = %s FOR UPDATE"
_USE = """
UPDATE passkeys SET sign_count = %s, is_synced = %s, last_used_at = %s WHERE id = %s
"""
_LIST = """
SELECT id, name, created_at, last_used_at FROM passkeys WHERE user_id = %s ORDER BY id
"""
_LOCK_PERSON = "SELECT FROM users WHERE id = %s FOR NO KEY UPDATE"
_RENAME = "UPDATE passkeys SET name = %s WHERE id = %s AND user_id = %s RETURNING id"
_REMOVE = "DELETE FROM passkeys WHERE id = %s AND user_id = %s RETURNING id"
_COUNT_FACTORS = """
SELECT (SELECT count(*) FROM passkeys WHERE user_id = %(user)s)
    + (SELECT count(*) FROM totp_credentials WHERE user_id = %(user)s AND confirmed_at IS NOT NULL)
"""


class ChallengePurpose(StrEnum):
    """The purpose of a challenge. A response proves nothing for another purpose."""

    REGISTER = "register"
    """Registers a passkey."""
    SIGN_IN = "sign_in"
    """Signs in the owner of the passkey."""
    STEP_UP = "step_up"
    """Proves the identity of the signed-in person again."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The relying party of passkeys. Browsers bind passkeys to its id, the host name."""

    id: str
    origin: str

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the relying party of a site's URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")


@dataclass(frozen=True, slots=True)
class PasskeyOptions:
    """The WebAuthn options for the browser. Its cookie keeps `challenge`."""

    challenge: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegisteredPasskey:
    """A registered passkey as stored when the response arrived."""

    id: UUID
    user_id: UUID
    public_key: bytes
    #: None if it was registered before this was stored: then its next response says it.
    is_synced: bool | None


@dataclass(frozen=True, slots=True)
class PasskeyProof:
    """A verified response: the passkey, its owner, its new counter, and whether it is synced to
    several devices."""

    passkey_id: UUID
    user_id: UUID
    sign_count: int
    is_synced: bool


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that an authenticator has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    is_synced: bool


@dataclass(frozen=True, slots=True)
class PasskeySummary:
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id in forms."""
        return ids.encode("pky", self.id)


# Challenges


def start_registration(session: Session, party: RelyingParty, actor: Actor) -> PasskeyOptions:
    """Start registering a passkey for the actor. A device cannot register twice."""
    challenge = _issue_challenge(session, ChallengePurpose.REGISTER, actor.user_id)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=_RELYING_PARTY_NAME,
        user_id=actor.user_id.bytes,
        user_name=actor.email,
        user_display_name=actor.email,
        challenge=challenge,
        timeout=_milliseconds(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_list_descriptors(session, actor.user_id),
    )
    return PasskeyOptions(bytes_to_base64url(challenge), options_to_json_dict(options))


def start_authentication(
    session: Session, party: RelyingParty, user_id: UUID | None = None
) -> PasskeyOptions:
    """Start authentication with a passkey: any passkey to sign in, or this person's to step up."""
    purpose = ChallengePurpose.SIGN_IN if user_id is None else ChallengePurpose.STEP_UP
    challenge = _issue_challenge(session, purpose, user_id)
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_milliseconds(),
        user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=_list_descriptors(session, user_id) if user_id else None,
    )
    return PasskeyOptions(bytes_to_base64url(challenge), options_to_json_dict(options))


def consume_challenge(
    session: Session, challenge: str | None, purpose: ChallengePurpose, user_id: UUID | None = None
) -> bytes | None:
    """Delete the challenge and return what the response must have signed.

    Returns None if it was used, has expired or belongs to another person. Commit before checking
    the response, so that the challenge stays used.
    """
    if challenge is None:
        return None
    signed_bytes = base64url_to_bytes(challenge)
    values = (_hash(signed_bytes), purpose, user_id, clock.now())
    return signed_bytes if session.optional_value(_CONSUME_CHALLENGE, values) else None


def delete_expired(session: Session, now: datetime) -> None:
    """Delete expired challenges."""
    session.send(_DELETE_EXPIRED, (now,))


# Responses


def verify_registration(party: RelyingParty, challenge: bytes | None, response: str) -> NewPasskey:
    """Return the passkey that the response registers (no database). Raises `PasskeyRefused`."""
    if challenge is None or len(response) > RESPONSE_LENGTH_MAX:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    return NewPasskey(
        verified.credential_id,
        verified.credential_public_key,
        verified.sign_count,
        verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
    )


def find_registered(session: Session, response: str) -> RegisteredPasskey | None:
    """Return the passkey that the response claims to be of, or None."""
    if len(response) > RESPONSE_LENGTH_MAX:
        return None
    try:
        credential_id = parse_response(response).raw_id
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    row = session.row(_FIND, (credential_id,))
    return RegisteredPasskey(*row) if row else None


def verify_authentication(
    party: RelyingParty, challenge: bytes | None, passkey: RegisteredPasskey | None, response: str
) -> PasskeyProof:
    """Return the proof in the response (no database). Raises `PasskeyRefused`."""
    if challenge is None or passkey is None:
        raise PasskeyRefused
    try:
        parsed = parse_response(response)
        verified = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            # `record_use` compares the counters.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    if parsed.response.user_handle not in {None, passkey.user_id.bytes}:
        raise PasskeyRefused
    is_synced = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if passkey.is_synced not in {None, is_synced}:
        raise PasskeyRefused
    return PasskeyProof(passkey.id, passkey.user_id, verified.new_sign_count, is_synced)


# Stored passkeys


def add_passkey(session: Session, actor: Actor, new: NewPasskey, name: str) -> None:
    """Add a passkey to the person's own. The first second factor ends the actor's other sessions,
    which were opened without one.

    Raises `PasskeyAlreadyRegistered`, and `Invalid` naming the field.
    """
    session.row(_LOCK_PERSON, (actor.user_id,))
    if len(session.rows(_CREDENTIALS, (actor.user_id,))) >= PASSKEYS_MAX:
        raise Invalid("name", f"You have {PASSKEYS_MAX} passkeys. Remove one to add another.")
    if not session.value(_COUNT_FACTORS, {"user": actor.user_id}):
        sessions.end_unprotected(session, actor)
    passkey_id, key = ids.new(), (new.credential_id, new.public_key, new.sign_count, new.is_synced)
    session.send(_ADD, (passkey_id, actor.user_id, *key, _clean_name(name), clock.now()))
    _report_change(session, actor, passkey_id, "added")


def record_use(session: Session, proof: PasskeyProof) -> None:
    """Record the use.

    Record also a counter that does not advance. Then raises `PasskeyRefused`, which keeps the
    record, unless the passkey is synced.
    """
    stored = session.optional_value(_LOCK_COUNT, (proof.passkey_id,))
    if stored is None:
        raise PasskeyRefused
    if (stored or proof.sign_count) and proof.sign_count <= stored:
        audit.record(
            session,
            actor=None,
            action=AuditAction.PASSKEY_COUNTER_WENT_BACK,
            subject=ids.encode("pky", proof.passkey_id),
            before={"counter": stored},
            after={"counter": proof.sign_count, "owner": ids.encode("usr", proof.user_id)},
            outcome=AuditOutcome.DONE if proof.is_synced else AuditOutcome.DENIED,
        )
        if not proof.is_synced:
            raise PasskeyRefused().keeping_records()
    session.send(_USE, (proof.sign_count, proof.is_synced, clock.now(), proof.passkey_id))


def list_own(session: Session, actor: Actor) -> list[PasskeySummary]:
    """Return the actor's passkeys, oldest first."""
    return [PasskeySummary(*row) for row in session.rows(_LIST, (actor.user_id,))]


def rename_passkey(session: Session, actor: Actor, public_id: str, name: str) -> None:
    """Rename one of the actor's passkeys. Raises `NotFound`, and `Invalid` for the name."""
    values = (_clean_name(name), ids.decode("pky", public_id), actor.user_id)
    if session.row(_RENAME, values) is None:
        raise NotFound


def remove_passkey(session: Session, actor: Actor, public_id: str, *, may_be_last: bool) -> None:
    """Remove one of the actor's passkeys.

    Raises `NotFound`, and `LastSecondFactor` for the last factor unless `may_be_last`.
    """
    passkey_id = ids.decode("pky", public_id)
    session.row(_LOCK_PERSON, (actor.user_id,))
    if session.row(_REMOVE, (passkey_id, actor.user_id)) is None:
        raise NotFound
    remaining = session.value(_COUNT_FACTORS, {"user": actor.user_id})
    if not remaining and not may_be_last:
        raise LastSecondFactor
    _report_change(session, actor, passkey_id, "removed")


def _report_change(
    session: Session, actor: Actor, passkey_id: UUID, change: Literal["added", "removed"]
) -> None:
    """Record the change and email the person: it may not have been them."""
    public_id, now = ids.encode("pky", passkey_id), clock.now()
    audit.record(session, actor=actor, action=AuditAction(f"passkey.{change}"), subject=public_id)
    message = PasskeyAdded(now) if change == "added" else PasskeyRemoved(now)
    notifications.notify(session, message, to=actor.user_id, event=public_id)


def _issue_challenge(session: Session, purpose: ChallengePurpose, user_id: UUID | None) -> bytes:
    challenge = token_bytes(_CHALLENGE_BYTES)
    session.send(_ADD_CHALLENGE, (_hash(challenge), purpose, user_id, clock.now() + LIFETIME))
    return challenge


def _list_descriptors(session: Session, user_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    rows = session.rows(_CREDENTIALS, (user_id,))
    return [PublicKeyCredentialDescriptor(id=credential_id) for (credential_id,) in rows]


def _clean_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 0 < len(cleaned) <= NAME_LENGTH_MAX:
        raise Invalid("name", f"Enter a name (1 to {NAME_LENGTH_MAX} characters).")
    if any(category(character) in {"Cc", "Cs"} for character in cleaned):
        raise Invalid("name", "Enter a name without control characters.")
    return cleaned


def _milliseconds() -> int:
    return int(LIFETIME.total_seconds()) * 1000


def _hash(challenge: bytes) -> bytes:
    return sha256(challenge).digest()
