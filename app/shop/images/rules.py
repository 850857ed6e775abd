"""What an image of a product is. No database, no clock."""

from unicodedata import normalize

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum

#: The longest sides of the sizes, in pixels: for lists, for a page, and enlarged.
SIDES = (160, 480, 1200)
IMAGES_MAX = 12
ALT_LENGTH_MAX = 200
WEBP, SVG = "image/webp", "image/svg+xml"
#: How the URL of a size ends, by its media type.
ENDINGS = {WEBP: "webp", SVG: "svg"}


class ImageState(StatusEnum):
    """The progress of an image."""

    RECEIVED = "received", "Being drawn", Mark.UNDERWAY
    READY = "ready", "Shown", Mark.DONE
    REFUSED = "refused", "Refused", Mark.FAILED


def clean_alt(text: str) -> str:
    """Return the text for people who do not see the image. Raises `Invalid`."""
    alt = normalize("NFC", text).strip()
    if not 0 < len(alt) <= ALT_LENGTH_MAX or not alt.isprintable():
        raise Invalid(
            "alt",
            "Say what the image shows, for people who do not see it"
            f" (1 to {ALT_LENGTH_MAX} characters).",
        )
    return alt
