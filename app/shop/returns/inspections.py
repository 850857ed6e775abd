"""Goods that came back are inspected: photos of them, and what was found."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, NotFound
from app.outbox import service as outbox
from app.pictures import file_types, rendering
from app.pictures.rendering import FileRefused
from app.pictures.rules import FileProblem
from app.shop.returns import status_changes
from app.shop.returns.errors import PhotoMissing, PhotosFull, ReturnMovedOn
from app.shop.returns.models import ShopReturnPhoto
from app.shop.returns.rules import PHOTO_PREFIX, PHOTO_SIDE, PHOTOS_MAX, Finding, ReturnStatus

MEDIA_TYPE = "image/webp"
_TABLE, _COLUMN = "shop_return_photos", "content_sealed"
#: While goods are looked at, and until it is decided what becomes of them.
_PHOTOGRAPHED = frozenset({ReturnStatus.RECEIVED, ReturnStatus.INSPECTED})


@dataclass(frozen=True, slots=True)
class ReturnPhoto:
    """A photo, without its content. `problem` says why it cannot be shown."""

    id: UUID
    added_by: UUID
    added_at: datetime
    is_drawn: bool
    problem: FileProblem | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PHOTO_PREFIX, self.id)


def add_photo(session: Session, actor: Actor, return_id: UUID, *, raw: bytes, name: str) -> UUID:
    """Add a photo to a return whose goods are being inspected, and stage its drawing; return its
    id. `name` is the sender's claim of the file's name.

    Raises `PermissionDenied`, `NotFound`, `ReturnMovedOn`, `PhotosFull`, and `Invalid` naming
    `file`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    file = file_types.recognize_picture(raw, name=name)
    _, returned = status_changes.lock(session, return_id)
    if returned.status not in _PHOTOGRAPHED:
        raise ReturnMovedOn
    if len(list_photos(session, return_id)) >= PHOTOS_MAX:
        raise PhotosFull
    photo_id = ids.new()
    session.write(
        sa.insert(ShopReturnPhoto).values(
            id=photo_id,
            return_id=return_id,
            added_by=actor.user_id,
            added_at=clock.now(),
            content_sealed=keys.seal(file.content, table=_TABLE, column=_COLUMN, key=photo_id),
        )
    )
    outbox.stage(session, "shop.draw_return_photo", {"photo_id": str(photo_id)})
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_RETURN_PHOTOGRAPHED,
        subject=returned.public_id,
        on_behalf_of=returned.user_id,
        after={"photo": ids.encode(PHOTO_PREFIX, photo_id)},
    )
    return photo_id


def draw_photo(database: Database, photo_id: UUID) -> None:
    """Draw a photo anew in place of the file that was sent, or refuse it. Does nothing for one that
    has its verdict."""
    with database.reading() as session:
        sealed = session.find(
            lambda content_sealed: content_sealed,
            sa.select(ShopReturnPhoto.content_sealed).where(
                ShopReturnPhoto.id == photo_id,
                sa.not_(ShopReturnPhoto.is_drawn),
                ShopReturnPhoto.content_sealed.is_not(None),
            ),
        )
    if sealed is None:
        return
    drawn = _draw(keys.open_sealed(sealed, table=_TABLE, column=_COLUMN, key=photo_id))
    values: dict[str, object] = (
        {"problem": drawn, "content_sealed": None}
        if isinstance(drawn, FileProblem)
        else {
            "is_drawn": True,
            "content_sealed": keys.seal(drawn, table=_TABLE, column=_COLUMN, key=photo_id),
        }
    )
    waiting = sa.and_(ShopReturnPhoto.id == photo_id, sa.not_(ShopReturnPhoto.is_drawn))
    with database.transaction() as session:
        session.write(sa.update(ShopReturnPhoto).where(waiting).values(values))


def _draw(content: bytes) -> bytes | FileProblem:
    try:
        [size] = rendering.render_sizes(file_types.recognize(content), [PHOTO_SIDE])
    except FileRefused as refused:
        return refused.problem
    except Invalid:
        # Its type was taken when it was sent: the rules have changed since.
        return FileProblem.DAMAGED
    return size.content


def inspect(
    session: Session, actor: Actor, return_id: UUID, finding: Finding, *, text: str
) -> None:
    """Record what an inspection of goods that came back found, in a few words. There is a photo.

    Raises `PermissionDenied`, `NotFound`, `ReturnMovedOn`, `PhotoMissing`, and `Invalid` naming
    `reason`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    text = approvals_rules.clean_reason(text)
    _, returned = status_changes.lock(session, return_id)
    if returned.status is not ReturnStatus.RECEIVED:
        raise ReturnMovedOn
    if all(photo.problem for photo in list_photos(session, return_id)):
        raise PhotoMissing
    status_changes.change(
        session,
        returned,
        ReturnStatus.INSPECTED,
        at=clock.now(),
        actor=actor,
        evidence=f"{finding.label}: {text}",
        finding=finding,
    )


def list_photos(session: Session, return_id: UUID) -> list[ReturnPhoto]:
    """Return the photos of a return, oldest first."""
    columns = (
        ShopReturnPhoto.id,
        ShopReturnPhoto.added_by,
        ShopReturnPhoto.added_at,
        ShopReturnPhoto.is_drawn,
        ShopReturnPhoto.problem,
    )
    own = sa.select(*columns).where(ShopReturnPhoto.return_id == return_id)
    return session.select(ReturnPhoto, own.order_by(ShopReturnPhoto.id))


def read_photo(session: Session, photo_id: UUID) -> bytes:
    """Return a photo as it was drawn, as WebP. Raises `NotFound`."""
    sealed = session.find(
        lambda content_sealed: content_sealed,
        sa.select(ShopReturnPhoto.content_sealed).where(
            ShopReturnPhoto.id == photo_id, ShopReturnPhoto.is_drawn
        ),
    )
    if sealed is None:
        raise NotFound
    return keys.open_sealed(sealed, table=_TABLE, column=_COLUMN, key=photo_id)
