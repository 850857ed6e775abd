"""A person's postal addresses, sealed at rest. One of them is the default unless there are none."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.identity.errors import AddressBookFull
from app.identity.models import Address
from app.keys import service as keys
from app.kit import clock, ids, postal_addresses
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import fetch_newest
from app.kit.pagination import Page
from app.kit.postal_addresses import PostalAddress

ADDRESSES_MAX = 20
_TABLE, _COLUMN = "addresses", "details_sealed"

# Changes of one address book are serialized, so that it has exactly one default.
_LOCK = "SELECT FROM users WHERE id = %s FOR NO KEY UPDATE"
_COUNT = "SELECT count(*) FROM addresses WHERE user_id = %s"
_ADD = """
INSERT INTO addresses (id, user_id, details_sealed, is_default, created_at, updated_at)
VALUES (%(id)s, %(user)s, %(sealed)s, %(default)s, %(now)s, %(now)s)
"""
_CHANGE = """
UPDATE addresses SET details_sealed = %s, is_default = %s, updated_at = %s WHERE id = %s
"""
_NO_DEFAULT = "UPDATE addresses SET is_default = false WHERE user_id = %s AND is_default"
_REMOVE = "DELETE FROM addresses WHERE id = %s AND user_id = %s RETURNING is_default"
_NEWEST_IS_DEFAULT = """
UPDATE addresses SET is_default = true
WHERE id = (SELECT id FROM addresses WHERE user_id = %s ORDER BY id DESC LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class AddressBookEntry:
    """An entry of a person's address book."""

    id: UUID
    postal: PostalAddress
    is_default: bool
    created_at: datetime
    updated_at: datetime


_SELECT = sa.select(
    Address.id.label("address_id"),
    Address.details_sealed.label("sealed"),
    Address.is_default,
    Address.created_at,
    Address.updated_at,
)


def list_addresses(
    session: Session, actor: Actor, *, limit: int, before: UUID | None
) -> Page[AddressBookEntry]:
    """Return a page of the actor's addresses, newest first."""
    owned = _SELECT.where(Address.user_id == actor.user_id)
    return fetch_newest(session, _open, owned, Address.id, limit=limit, before=before)


def list_all(session: Session, user_id: UUID) -> list[AddressBookEntry]:
    """Return a person's whole address book, oldest first."""
    owned = _SELECT.where(Address.user_id == user_id)
    return session.select(_open, owned.order_by(Address.id))


def get_address(session: Session, actor: Actor, address_id: UUID) -> AddressBookEntry:
    """Return one of the actor's addresses. Raises `NotFound`, also for another person's."""
    owned = _SELECT.where(Address.user_id == actor.user_id)
    return session.get(_open, owned.where(Address.id == address_id))


def add_address(
    session: Session, actor: Actor, postal: PostalAddress, *, is_default: bool
) -> AddressBookEntry:
    """Add an address. The first one is always the default.

    Raises `Invalid` for an address that is not valid in its country, and `AddressBookFull`.
    """
    normalized = postal_addresses.normalize(postal)
    session.send(_LOCK, (actor.user_id,))
    count = session.value(_COUNT, (actor.user_id,))
    if count >= ADDRESSES_MAX:
        raise AddressBookFull(
            f"An address book holds {ADDRESSES_MAX} addresses. Remove one to add another one."
        )
    address_id, now = ids.new(), clock.now()
    is_default = is_default or count == 0
    if is_default:
        session.send(_NO_DEFAULT, (actor.user_id,))
    values = {"id": address_id, "user": actor.user_id, "default": is_default, "now": now}
    session.send(_ADD, {**values, "sealed": _seal(address_id, normalized)})
    return AddressBookEntry(address_id, normalized, is_default, now, now)


def change_address(
    session: Session,
    actor: Actor,
    address_id: UUID,
    changes: dict[str, Any],
    *,
    is_default: bool | None,
) -> AddressBookEntry:
    """Change some fields of an address, or make it the default.

    Raises `NotFound`, and `Invalid` if the result is not a valid address or would leave no default:
    make another address the default instead.
    """
    session.send(_LOCK, (actor.user_id,))
    current = get_address(session, actor, address_id)
    normalized = postal_addresses.apply_changes(current.postal, changes)
    if current.is_default and is_default is False:
        raise Invalid("isDefault", "Make another address the default instead.")
    if is_default and not current.is_default:
        session.send(_NO_DEFAULT, (actor.user_id,))
    is_default = current.is_default or bool(is_default)
    now = clock.now()
    session.send(_CHANGE, (_seal(address_id, normalized), is_default, now, address_id))
    return AddressBookEntry(address_id, normalized, is_default, current.created_at, now)


def remove_address(session: Session, actor: Actor, address_id: UUID) -> None:
    """Remove an address. The newest one replaces a removed default. Raises `NotFound`."""
    session.send(_LOCK, (actor.user_id,))
    was_default = session.optional_value(_REMOVE, (address_id, actor.user_id))
    if was_default is None:
        raise NotFound
    if was_default:
        session.send(_NEWEST_IS_DEFAULT, (actor.user_id,))


def _seal(address_id: UUID, address: PostalAddress) -> bytes:
    text = json.dumps(
        postal_addresses.to_fields(address), ensure_ascii=False, separators=(",", ":")
    )
    return keys.seal(text, table=_TABLE, column=_COLUMN, key=address_id)


def _open(
    address_id: UUID,
    sealed: bytes,
    is_default: bool,  # noqa: FBT001 - called with the columns of a row by their names
    created_at: datetime,
    updated_at: datetime,
) -> AddressBookEntry:
    text = keys.open_sealed(sealed, table=_TABLE, column=_COLUMN, key=address_id)
    return AddressBookEntry(
        address_id, PostalAddress(**json.loads(text)), is_default, created_at, updated_at
    )
