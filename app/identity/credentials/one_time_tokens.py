"""Links that a person is mailed and may use once.

The secret of a link is never stored and never staged. It is an HMAC, under a key that the database
does not have, of the row's id and nonce; so whoever renders the mail makes it anew from the row's
id, and the row itself keeps no more than its hash.

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
    """What a link is for. One made for one purpose opens no other."""

    CONFIRM_EMAIL = "confirm_email"
    """Shows that the address is the person's."""
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, no secret
    """Sets a new password without the old one."""
    INVITATION = "invitation"
    """Sets the first password of somebody who was invited."""


LIFETIME = {
    LinkPurpose.CONFIRM_EMAIL: timedelta(days=3),
    LinkPurpose.RESET_PASSWORD: timedelta(hours=1),
    LinkPurpose.INVITATION: timedelta(days=3),
}


class OneTimeKey:
    """The key that links are made with, derived from the application's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"pbcex one-time tokens").derive(
            secret_key.encode()
        )

    def make_token(self, identifier: UUID, purpose: str, nonce: bytes) -> str:
        """The token of a row."""
        signed = b"|".join((identifier.bytes, purpose.encode(), nonce))
        digest = hmac.digest(self._key, signed, "sha256")
        text = urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"{ids.encode(PREFIX, identifier)}.{text}"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """Whom a link was made for, and until when it opens something."""

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
_NONCE = """
SELECT purpose, nonce, token_hash FROM one_time_tokens
WHERE id = %s AND used_at IS NULL AND expires_at > %s
"""
_ISSUED_SINCE = """
SELECT count(*) FROM one_time_tokens WHERE user_id = %s AND purpose = %s AND issued_at > %s
"""
_USE = "UPDATE one_time_tokens SET used_at = %s WHERE id = %s"
_END_OTHERS = """
UPDATE one_time_tokens SET used_at = %s WHERE user_id = %s AND purpose = %s AND used_at IS NULL
"""
_FORGET = "DELETE FROM one_time_tokens WHERE expires_at <= %s"


def issue_link(session: Session, user_id: UUID, purpose: LinkPurpose) -> UUID:
    """Make a link for a person and answer its id: all that a job needs to render it."""
    identifier, nonce, now = ids.new(), token_bytes(_NONCE_BYTES), clock.now()
    token = resolve(OneTimeKey).make_token(identifier, purpose, nonce)
    session.send(
        _ISSUE,
        (identifier, user_id, purpose, nonce, _hash(token), now, now + LIFETIME[purpose]),
    )
    return identifier


def count_issued(session: Session, user_id: UUID, purpose: LinkPurpose, period: timedelta) -> int:
    """How many links for this purpose the person was made lately."""
    row = session.row(_ISSUED_SINCE, (user_id, purpose, clock.now() - period))
    assert row is not None
    return int(row[0])


def rebuild_token(session: Session, identifier: UUID) -> str | None:
    """The token of a link, made anew for the mail that carries it.

    None when it opens nothing any more: it was used, it expired, or it was made under another key.
    """
    row = session.row(_NONCE, (identifier, clock.now()))
    if row is None:
        return None
    purpose, nonce, token_hash = row
    token = resolve(OneTimeKey).make_token(identifier, purpose, nonce)
    return token if _hash(token) == token_hash else None


def find_link(session: Session, token: str, purpose: LinkPurpose) -> OneTimeLink:
    """What the token opens, without using it. Raises `TokenInvalid` when it opens nothing."""
    return _find(session, _FIND, token, purpose)


def redeem_link(session: Session, token: str, purpose: LinkPurpose) -> OneTimeLink:
    """Use the token, once: of many at the same moment one gets through.

    Raises `TokenInvalid` when it is unknown, used or expired, or was made for something else.
    """
    link = _find(session, _FIND + "FOR UPDATE", token, purpose)
    session.send(_USE, (clock.now(), link.id))
    return link


def invalidate_links(session: Session, user_id: UUID, purpose: LinkPurpose) -> None:
    """No link for this purpose that the person has opens anything any more."""
    session.send(_END_OTHERS, (clock.now(), user_id, purpose))


def delete_expired(session: Session, now: datetime) -> None:
    """Delete links whose time is over."""
    session.send(_FORGET, (now,))


def _find(session: Session, statement: str, token: str, purpose: LinkPurpose) -> OneTimeLink:
    row = session.row(statement, (_hash(token), purpose, clock.now()))
    if row is None:
        raise TokenInvalid("The link is not valid, or not any more. Ask for a new one")
    return OneTimeLink(*row)


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
