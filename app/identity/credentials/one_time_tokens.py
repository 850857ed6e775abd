"""One-time links that are mailed to a person.

The secret of a link is never stored and never staged. It is an HMAC of the row's id and nonce under
a key that is not in the database. The job that renders the email rebuilds the token from the row's
id; the row has only its hash.

    <public id>.<base64url of HMAC-SHA256>
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.identity.errors import TokenInvalid
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve

PREFIX = "otk"
LENGTH_MAX = 200
_NONCE_BYTES = 16


class LinkPurpose(StrEnum):
    """The purpose of a link. A link works for its own purpose only."""

    CONFIRM_EMAIL = "confirm_email"
    """Confirms that the email address is the person's."""
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, no secret
    """Sets a new password without the old one."""
    INVITATION = "invitation"
    """Sets the first password of an invited person."""
    GUEST = "guest"
    """Signs a guest in, who has no password."""
    COLLECTION = "collection"
    """Shows, as a code, that a person may collect goods."""


LIFETIME = {
    LinkPurpose.CONFIRM_EMAIL: timedelta(days=3),
    LinkPurpose.RESET_PASSWORD: timedelta(hours=1),
    LinkPurpose.INVITATION: timedelta(days=3),
    LinkPurpose.GUEST: timedelta(hours=1),
    LinkPurpose.COLLECTION: timedelta(days=30),
}


class OneTimeKey:
    """The key that signs links, derived from the application's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"pbcex one-time tokens").derive(
            secret_key.encode()
        )

    def make_token(self, identifier: UUID, purpose: str, nonce: bytes) -> str:
        """Return the token of a row."""
        signed = b"|".join((identifier.bytes, purpose.encode(), nonce))
        digest = hmac.digest(self._key, signed, "sha256")
        text = urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"{ids.encode(PREFIX, identifier)}.{text}"

    def make_code(self, identifier: UUID, nonce: bytes) -> str:
        """Return the six digits of a row, to be typed."""
        digest = hmac.digest(self._key, b"|".join((identifier.bytes, b"code", nonce)), "sha256")
        return f"{int.from_bytes(digest) % 10**6:06}"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A valid link: its person and its expiry."""

    id: UUID
    user_id: UUID
    expires_at: datetime


_ISSUE = """
INSERT INTO one_time_tokens (id, user_id, purpose, nonce, token_hash, issued_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_FIND = """
SELECT id, user_id, expires_at FROM one_time_tokens
WHERE token_hash = %s AND purpose = %s AND used_at IS NULL AND expires_at > %s
"""
_FIND_PERSON = "SELECT user_id FROM one_time_tokens WHERE token_hash = %s AND purpose = %s"
_NONCE = """
SELECT purpose, nonce, token_hash FROM one_time_tokens
WHERE id = %s AND used_at IS NULL AND expires_at > %s
"""
_ISSUED_SINCE = """
SELECT count(*) FROM one_time_tokens WHERE user_id = %s AND purpose = %s AND issued_at > %s
"""
_USE = "UPDATE one_time_tokens SET used_at = %s WHERE id = %s"
_INVALIDATE = """
UPDATE one_time_tokens SET used_at = %s WHERE user_id = %s AND purpose = %s AND used_at IS NULL
"""
_LOCK = """
SELECT FROM one_time_tokens WHERE user_id = %s AND purpose = %s AND used_at IS NULL
ORDER BY id FOR UPDATE
"""
_DELETE_EXPIRED = "DELETE FROM one_time_tokens WHERE expires_at <= %s"


def issue_link(session: Session, user_id: UUID, purpose: LinkPurpose) -> UUID:
    """Issue a link for a person. Returns its id, which is all that a job needs to render it."""
    identifier, nonce, now = ids.new(), token_bytes(_NONCE_BYTES), clock.now()
    token = resolve(OneTimeKey).make_token(identifier, purpose, nonce)
    session.send(
        _ISSUE,
        (identifier, user_id, purpose, nonce, _hash(token), now, now + LIFETIME[purpose]),
    )
    return identifier


def count_issued(session: Session, user_id: UUID, purpose: LinkPurpose, period: timedelta) -> int:
    """Return how many links of this purpose were issued to the person within the period."""
    return int(session.value(_ISSUED_SINCE, (user_id, purpose, clock.now() - period)))


def rebuild_token(session: Session, identifier: UUID) -> str | None:
    """Return the token of a link for the email that carries it.

    Returns None if the link was used, has expired or was issued under another key.
    """
    row = session.row(_NONCE, (identifier, clock.now()))
    if row is None:
        return None
    purpose, nonce, token_hash = row
    token = resolve(OneTimeKey).make_token(identifier, purpose, nonce)
    return token if _hash(token) == token_hash else None


def code_of(token: str) -> str:
    """Return the eight digits that stand for a token where a person says it. The stored hash of the
    token does not reveal them."""
    return f"{int.from_bytes(sha256(f'code|{token}'.encode()).digest()) % 10**8:08}"


def find_link(session: Session, token: str, purpose: LinkPurpose) -> OneTimeLink:
    """Return the link of the token without using it. Raises `TokenInvalid`."""
    return _find(session, _FIND, token, purpose)


def find_person(session: Session, token: str, purpose: LinkPurpose) -> UUID | None:
    """Return the person of a link that works or worked once; None for one that is unknown."""
    user_id: UUID | None = session.optional_value(_FIND_PERSON, (_hash(token), purpose))
    return user_id


def redeem_link(session: Session, token: str, purpose: LinkPurpose) -> OneTimeLink:
    """Use the token. It works once, also under concurrent use.

    Raises `TokenInvalid` if it is unknown, used, expired or for another purpose.
    """
    link = _find(session, _FIND + "FOR UPDATE", token, purpose)
    session.send(_USE, (clock.now(), link.id))
    return link


def lock_links(session: Session, user_id: UUID, purpose: LinkPurpose) -> None:
    """Lock the person's unused links of this purpose until the transaction ends."""
    session.send(_LOCK, (user_id, purpose))


def invalidate_links(session: Session, user_id: UUID, purpose: LinkPurpose) -> None:
    """Invalidate every unused link of this purpose that the person has."""
    session.send(_INVALIDATE, (clock.now(), user_id, purpose))


def delete_expired(session: Session, now: datetime) -> None:
    """Delete expired links."""
    session.send(_DELETE_EXPIRED, (now,))


def _find(session: Session, statement: str, token: str, purpose: LinkPurpose) -> OneTimeLink:
    row = session.row(statement, (_hash(token), purpose, clock.now()))
    if row is None:
        raise TokenInvalid("The link is not valid or no longer valid. Request a new one.")
    return OneTimeLink(*row)


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
