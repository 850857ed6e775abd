"""The verbs of images: add one, draw it, order them, delete one."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid
from app.outbox import service as outbox
from app.pictures import file_types, rendering
from app.pictures.rendering import DrawnSize, FileRefused
from app.pictures.rules import FileProblem
from app.shop.images import queries, rules
from app.shop.images.errors import ImageKnown, ImagesFull
from app.shop.images.models import ImageRow, ImageSize, ProductImage
from app.shop.images.queries import StoredImage
from app.shop.images.rules import ImageState

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('images ' || %s, 0))"


def add_image(
    session: Session, actor: Actor | None, sku: str, *, raw: bytes, name: str, alt: str
) -> UUID:
    """Add a picture to a product, and stage its drawing; return its id. `name` is the sender's
    claim of the file's name.

    Raises `PermissionDenied`, `NotFound`, `Invalid` naming `file` or `alt`, `ImageKnown` and
    `ImagesFull`.
    """
    _require(actor)
    alt = rules.clean_alt(alt)
    file = file_types.recognize_picture(raw, name=name)
    digest = sha256(file.content).hexdigest()
    _lock(session, sku, digest)
    added = insert(ImageRow).values(
        hash=digest, state=ImageState.RECEIVED, source=file.content, added_at=clock.now()
    )
    session.write(added.on_conflict_do_nothing())
    image_id = _attach(session, actor, sku, digest, alt)
    outbox.stage(session, "shop.draw_image", {"image_hash": digest})
    return image_id


def add_drawing(
    session: Session, actor: Actor | None, sku: str, *, svg: str, size: tuple[int, int], alt: str
) -> UUID:
    """Add a drawing that this program made, of a size in pixels, to a product; return its id.

    Never for a file that was sent. Raises as `add_image` does.
    """
    _require(actor)
    content = svg.encode()
    digest = sha256(content).hexdigest()
    _lock(session, sku, digest)
    added = insert(ImageRow).values(hash=digest, state=ImageState.READY, added_at=clock.now())
    session.write(added.on_conflict_do_nothing())
    _store_size(session, digest, DrawnSize(*size, content), rules.SVG)
    return _attach(session, actor, sku, digest, rules.clean_alt(alt))


def draw_image(database: Database, digest: str) -> None:
    """Draw an image in its sizes, or refuse it. Does nothing for one that has its verdict."""
    with database.reading() as session:
        source = queries.find_source(session, digest)
    if source is None:
        return
    sizes, problem = _draw(source)
    with database.transaction() as session:
        verdict = {"state": ImageState.REFUSED if problem else ImageState.READY, "problem": problem}
        received = sa.update(ImageRow).where(
            ImageRow.hash == digest, ImageRow.state == ImageState.RECEIVED
        )
        session.write(received.values(source=None, **verdict))
        for size in sizes:
            _store_size(session, digest, size, rules.WEBP)


def move_image_ahead(session: Session, actor: Actor | None, sku: str, image_id: UUID) -> None:
    """Move an image before the one ahead of it. Raises `PermissionDenied` and `NotFound`."""
    _require(actor)
    products_queries.lock_product(session, sku)
    images = list(queries.list_images(session, sku))
    place = images.index(queries.get_image(session, sku, image_id))
    if place == 0:
        return
    images.insert(place - 1, images.pop(place))
    _number(session, images)
    _record(session, actor, AuditAction.IMAGES_ORDERED, images[place - 1])


def remove_image(session: Session, actor: Actor | None, sku: str, image_id: UUID) -> None:
    """Delete an image of a product. Raises `PermissionDenied` and `NotFound`."""
    _require(actor)
    image = queries.get_image(session, sku, image_id)
    _lock(session, sku, image.image_hash)
    image = queries.get_image(session, sku, image_id)
    session.write(sa.delete(ProductImage).where(ProductImage.id == image_id))
    is_used = sa.exists().where(ProductImage.image_hash == ImageRow.hash)
    session.write(sa.delete(ImageRow).where(ImageRow.hash == image.image_hash, ~is_used))
    _record(session, actor, AuditAction.IMAGE_REMOVED, image)


def _require(actor: Actor | None) -> None:
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)


def _lock(session: Session, sku: str, digest: str) -> None:
    """Let the images of a product change one after another, so that their limit and their order
    hold; and let what uses a picture wait for its deletion. Raises `NotFound`."""
    products_queries.lock_product(session, sku)
    session.send(_LOCK, (digest,))


def _attach(session: Session, actor: Actor | None, sku: str, digest: str, alt: str) -> UUID:
    images = queries.list_images(session, sku)
    if digest in {image.image_hash for image in images}:
        raise ImageKnown
    if len(images) >= rules.IMAGES_MAX:
        raise ImagesFull
    image_id = ids.new()
    position = 1 + max((image.position for image in images), default=0)
    session.write(
        sa.insert(ProductImage).values(
            id=image_id, sku=sku.upper(), image_hash=digest, alt=alt, position=position
        )
    )
    added = queries.get_image(session, sku, image_id)
    if added.problem is not None:
        raise Invalid("file", added.problem.label)
    _record(session, actor, AuditAction.IMAGE_ADDED, added)
    return image_id


def _draw(source: bytes) -> tuple[Sequence[DrawnSize], FileProblem | None]:
    try:
        return rendering.render_sizes(file_types.recognize(source), rules.SIDES), None
    except FileRefused as refused:
        return [], refused.problem
    except Invalid:
        # Its type was taken when it was sent: the rules have changed since.
        return [], FileProblem.DAMAGED


def _store_size(session: Session, digest: str, size: DrawnSize, media_type: str) -> None:
    stored = insert(ImageSize).values(
        image_hash=digest,
        width=size.width,
        height=size.height,
        media_type=media_type,
        hash=sha256(size.content).hexdigest(),
        content=size.content,
    )
    session.write(stored.on_conflict_do_nothing())


def _number(session: Session, images: Sequence[StoredImage]) -> None:
    for position, image in enumerate(images, 1):
        session.write(
            sa.update(ProductImage).where(ProductImage.id == image.id).values(position=position)
        )


def _record(session: Session, actor: Actor | None, action: AuditAction, image: StoredImage) -> None:
    after = {"image": image.image_hash, "alt": image.alt}
    audit.record(session, actor=actor, action=action, subject=image.sku, after=after)
