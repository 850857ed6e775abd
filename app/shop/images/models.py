"""Tables of images."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.pictures.rules import FileProblem
from app.shop.images.rules import ImageState

_HASH = "~ '^[0-9a-f]{64}$'"


class ImageRow(Base):
    """A picture by the SHA-256 of its file, which products share."""

    __tablename__ = "images"
    __table_args__ = (
        sa.CheckConstraint(f"hash {_HASH}", name="image_hash_is_sha256"),
        sa.CheckConstraint("state IN ('received', 'ready', 'refused')", name="image_state_known"),
        sa.CheckConstraint(
            "(state = 'refused') = (problem IS NOT NULL)", name="image_refused_for_a_problem"
        ),
        sa.CheckConstraint(
            "(state = 'received') = (source IS NOT NULL)", name="image_source_is_kept_until_drawn"
        ),
    )

    hash: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    state: Mapped[ImageState] = mapped_column(StoredEnum(ImageState))
    problem: Mapped[FileProblem | None] = mapped_column(StoredEnum(FileProblem))
    #: The file as it was sent, until it is drawn.
    source: Mapped[bytes | None]
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ImageSize(Base):
    """An image as it is served, in one size."""

    __tablename__ = "image_sizes"
    __table_args__ = (
        sa.CheckConstraint(f"hash {_HASH}", name="image_size_hash_is_sha256"),
        sa.CheckConstraint(
            "media_type IN ('image/webp', 'image/svg+xml')", name="image_media_type_known"
        ),
        sa.CheckConstraint("width > 0 AND height > 0", name="image_has_an_area"),
        sa.Index("image_sizes_hash_idx", "hash"),
    )

    image_hash: Mapped[str] = mapped_column(
        sa.Text, sa.ForeignKey("images.hash", ondelete="CASCADE"), primary_key=True
    )
    width: Mapped[int] = mapped_column(primary_key=True)
    height: Mapped[int]
    media_type: Mapped[str] = mapped_column(sa.Text)
    #: The SHA-256 of the content, by which it is requested.
    hash: Mapped[str] = mapped_column(sa.Text)
    content: Mapped[bytes]


class ProductImage(Base):
    """An image of a product."""

    __tablename__ = "product_images"
    __table_args__ = (
        sa.CheckConstraint("length(alt) BETWEEN 1 AND 200", name="image_says_what_it_shows"),
        sa.UniqueConstraint("sku", "image_hash"),
        sa.Index("product_images_image_hash_idx", "image_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    image_hash: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("images.hash"))
    #: What it shows, for people who do not see it.
    alt: Mapped[str] = mapped_column(sa.Text)
    #: The first one is that of lists.
    position: Mapped[int]
