"""Named reads of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.catalog.products.models import Product
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.pictures.rules import FileProblem
from app.shop.images.models import ImageRow, ImageSize, ProductImage
from app.shop.images.rules import ENDINGS, ImageState

PREFIX = "img"


@dataclass(frozen=True, slots=True)
class ServedSize:
    """A size of an image: where it is, and its width and height in pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ServedImage:
    """An image that customers see. Sizes are from the smallest to the largest."""

    alt: str
    sizes: Sequence[ServedSize]

    @property
    def largest(self) -> ServedSize:
        """The largest size."""
        return self.sizes[-1]


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image of a product as staff see it."""

    id: UUID
    sku: str
    image_hash: str
    alt: str
    position: int
    state: ImageState
    problem: FileProblem | None
    served: Sequence[ServedImage]

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class ImageContent:
    """What is sent for the URL of a size."""

    media_type: str
    content: bytes


def _sizes() -> sa.ScalarSelect[Any]:
    """The sizes of an image, as JSON."""
    each = sa.func.jsonb_build_array(
        ImageSize.hash, ImageSize.media_type, ImageSize.width, ImageSize.height
    )
    return (
        sa.select(sa.func.jsonb_agg(sa.type_coerce(each, JSONB)))
        .where(ImageSize.image_hash == ProductImage.image_hash)
        .correlate(ProductImage)
        .scalar_subquery()
    )


def images_of_product() -> sa.ScalarSelect[Any]:
    """Return the images of the product of a statement as JSON, which `read_images` reads."""
    each = sa.func.jsonb_build_array(ProductImage.position, ProductImage.alt, _sizes())
    return (
        sa.select(sa.func.jsonb_agg(sa.type_coerce(each, JSONB)))
        .where(ProductImage.sku == Product.sku)
        .correlate(Product)
        .scalar_subquery()
    )


def read_images(images: Sequence[Any] | None) -> Sequence[ServedImage]:
    """Return the images that customers see, in their order: those that are drawn."""
    return [_read_image(alt, sizes) for _place, alt, sizes in sorted(images or ()) if sizes]


def _read_image(alt: str, sizes: Sequence[Any]) -> ServedImage:
    ordered = sorted(sizes, key=lambda size: int(size[2]))
    return ServedImage(
        alt,
        [
            ServedSize(f"/images/{digest}.{ENDINGS[media_type]}", width, height)
            for digest, media_type, width, height in ordered
        ],
    )


def list_images(session: Session, sku: str) -> Sequence[StoredImage]:
    """Return every image of a product in their order, also those that are not drawn."""
    select = (
        sa.select(
            ProductImage.id,
            ProductImage.sku,
            ProductImage.image_hash,
            ProductImage.alt,
            ProductImage.position,
            ImageRow.state,
            ImageRow.problem,
            _sizes().label("served"),
        )
        .join(ImageRow, ImageRow.hash == ProductImage.image_hash)
        .where(ProductImage.sku == sku.upper())
        .order_by(ProductImage.position)
    )
    return session.select(_to_stored, select)


def _to_stored(alt: str, served: Sequence[Any] | None, **columns: Any) -> StoredImage:
    images = [_read_image(alt, served)] if served else []
    return StoredImage(**columns, alt=alt, served=images)


def get_image(session: Session, sku: str, image_id: UUID) -> StoredImage:
    """Return an image of the product. Raises `NotFound`."""
    for image in list_images(session, sku):
        if image.id == image_id:
            return image
    raise NotFound


def get_content(session: Session, digest: str, media_type: str) -> ImageContent:
    """Return what is served under this hash. Raises `NotFound`."""
    select = sa.select(ImageSize.media_type, ImageSize.content)
    of_hash = select.where(ImageSize.hash == digest, ImageSize.media_type == media_type)
    return session.get(ImageContent, of_hash.limit(1))


def find_source(session: Session, digest: str) -> bytes | None:
    """Return the file of an image that is to be drawn; None once it has its verdict."""
    return session.find(
        lambda source: source,
        sa.select(ImageRow.source).where(ImageRow.hash == digest, ImageRow.source.is_not(None)),
    )
