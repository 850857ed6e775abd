"""API keys for a customer's own programs: random, shown once, stored as a hash, revocable at once.

A key is `pbk_` and the base64url of 25 random bytes, its owner's id, and the first half of a MAC of
both under the key ring. The process can therefore reject forged keys and name the owner of the
others before it asks the database whether the key is stored and not revoked. A key is limited to
its scopes and to its owner's permissions; it never reaches credentials.
"""

import base64
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

import sqlalchemy as sa

from app.access import API_KEY_SCOPES, Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.api_keys.rules import ApiKeyRules
from app.identity.errors import ApiKeysFull, TokenInvalid
from app.identity.models import ApiKey
from app.keys import service as keys
from app.kit import clock, ids, names
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import fetch_newest
from app.kit.pagination import Page
from app.notifications import service as notifications
from app.notifications.account_kinds import ApiKeyCreated
from app.settings.queries import current

KEYS_MAX = 20
KEY_PREFIX = "pbk_"
_SECRET_BYTES, _ID_BYTES, _MAC_BYTES = 25, 16, 16
_LENGTH = len(KEY_PREFIX) + (_SECRET_BYTES + _ID_BYTES + _MAC_BYTES) * 4 // 3
_PREFIX_LENGTH, _SUFFIX_LENGTH = 10, 4

_SELECT = sa.select(
    ApiKey.id,
    ApiKey.name,
    ApiKey.prefix,
    ApiKey.last_four,
    ApiKey.scopes,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
)
_LOCK = "SELECT FROM users WHERE id = %s FOR NO KEY UPDATE"
_COUNT = """
SELECT count(*) FROM api_keys
WHERE user_id = %s AND revoked_at IS NULL AND expires_at > %s
"""
_ADD = """
INSERT INTO api_keys
    (id, user_id, name, key_hash, prefix, last_four, scopes, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_REVOKE = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s AND user_id = %s
RETURNING revoked_at
"""
_REVOKE_ALL = """
UPDATE api_keys SET revoked_at = %(now)s
WHERE user_id = %(user)s AND revoked_at IS NULL AND expires_at > %(now)s
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class ApiKeyClaims:
    """The claims of a genuine key. The database knows whether it is still valid."""

    user_id: UUID
    key_hash: bytes

    @property
    def credential(self) -> str:
        """What names this key among all credentials, and does not reveal it."""
        return f"key {self.key_hash.hex()}"


@dataclass(frozen=True, slots=True)
class ApiKeySummary:
    """A key as its owner sees it. `key` is the full key, set only when it is created."""

    id: UUID
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    key: str | None = None


def parse_key(text: str) -> ApiKeyClaims:
    """Return the claims of a genuine key without a query. Raises `TokenInvalid`."""
    if len(text) != _LENGTH or not text.startswith(KEY_PREFIX):
        raise TokenInvalid
    try:
        raw = base64.b64decode(
            text[len(KEY_PREFIX) :].encode("ascii"), altchars=b"-_", validate=True
        )
    except ValueError:
        raise TokenInvalid from None
    payload, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload)):
        raise TokenInvalid
    return ApiKeyClaims(UUID(bytes=payload[_SECRET_BYTES:]), _hash(text))


def list_keys(
    session: Session, actor: Actor, *, limit: int, before: UUID | None
) -> Page[ApiKeySummary]:
    """Return a page of the actor's keys, newest first, revoked and expired ones included."""
    owned = _SELECT.where(ApiKey.user_id == actor.user_id)
    return fetch_newest(session, ApiKeySummary, owned, ApiKey.id, limit=limit, before=before)


def create_key(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scopes: Collection[Permission],
    expires_at: datetime | None,
) -> ApiKeySummary:
    """Create a key and return it with its full text, which is not available later; email its owner.
    Without `expires_at` it lives as long as `ApiKeyRules` says.

    Raises `Invalid` naming the field, `PermissionDenied` for a scope that the actor does not hold,
    and `ApiKeysFull` at 20 active keys.
    """
    name = names.clean_name("name", name)
    if not scopes or not API_KEY_SCOPES.issuperset(scopes):
        raise Invalid("scopes", "Choose permissions that an API key may have.")
    for scope in scopes:
        require(actor, scope)
    now = clock.now()
    expires_at = current(session, ApiKeyRules).expiry_of(expires_at, now)
    session.send(_LOCK, (actor.user_id,))
    if count_active_keys(session, actor.user_id) >= KEYS_MAX:
        raise ApiKeysFull(f"You have {KEYS_MAX} active API keys. Revoke one to create another one.")
    payload = token_bytes(_SECRET_BYTES) + actor.user_id.bytes
    text = KEY_PREFIX + base64.urlsafe_b64encode(payload + _mac(payload)).decode("ascii")
    key_id, prefix, last_four = ids.new(), text[:_PREFIX_LENGTH], text[-_SUFFIX_LENGTH:]
    scope_names = sorted({scope.value for scope in scopes})
    values = (
        key_id,
        actor.user_id,
        name,
        _hash(text),
        prefix,
        last_four,
        scope_names,
        now,
        expires_at,
    )
    session.send(_ADD, values)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.API_KEY_CREATED,
        subject=ids.encode("key", key_id),
        after={"scopes": scope_names, "expires_at": clock.rfc3339(expires_at)},
    )
    created = ApiKeyCreated(prefix, last_four, now, expires_at)
    notifications.notify(session, created, to=actor.user_id, event=ids.encode("key", key_id))
    return ApiKeySummary(key_id, name, prefix, last_four, scope_names, now, expires_at, None, text)


def revoke_key(session: Session, actor: Actor, key_id: UUID) -> None:
    """Revoke the key at once. Keeps the time of the first revocation.

    Raises `NotFound`, also for another person's key.
    """
    now = clock.now()
    revoked_at = session.optional_value(_REVOKE, (now, key_id, actor.user_id))
    if revoked_at is None:
        raise NotFound
    if revoked_at == now:
        subject = ids.encode("key", key_id)
        audit.record(session, actor=actor, action=AuditAction.API_KEY_REVOKED, subject=subject)


def count_active_keys(session: Session, user_id: UUID) -> int:
    """Return the number of the person's active keys."""
    count = session.value(_COUNT, (user_id, clock.now()))
    return int(count)


def revoke_all_keys(session: Session, user_id: UUID, *, reason: str) -> None:
    """Revoke all keys of the person, their row locked. The reason is for the audit trail."""
    for (key_id,) in session.rows(_REVOKE_ALL, {"now": clock.now(), "user": user_id}):
        subject = ids.encode("key", key_id)
        audit.record(
            session,
            actor=None,
            action=AuditAction.API_KEY_REVOKED,
            subject=subject,
            after={"owner": ids.encode("usr", user_id)},
            reason=reason,
        )


def _mac(payload: bytes) -> bytes:
    text = base64.b64encode(payload).decode("ascii")
    return keys.blind_index(text, table="api_keys", column="key_hash")[:_MAC_BYTES]


def _hash(text: str) -> bytes:
    return sha256(text.encode("ascii")).digest()
