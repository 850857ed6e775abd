"""The refusals of images."""

from app.kit.errors import Conflict
from app.shop.images.rules import IMAGES_MAX


class ImageKnown(Conflict):
    """The product has this image."""

    code = "image_known"
    title = "The product already has this picture. Choose another one."
    field = "file"


class ImagesFull(Conflict):
    """The product has as many images as it can have."""

    code = "images_full"
    title = f"A product has at most {IMAGES_MAX} images. Delete one first."
    field = "file"
