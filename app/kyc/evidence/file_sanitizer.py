"""Sanitizing of uploads: pictures and PDF files, and nothing else.

Pictures are decoded and encoded again as JPEG, so that only the visible picture remains: no
location, camera, owner's name or bytes after the end. A PDF is kept unchanged if it is a PDF from
its first byte to its last, opens without a password, and contains no script, attached file or
automatic action.
"""

import logging
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from zipfile import is_zipfile

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from app.kit.errors import Invalid
from app.kyc.evidence.pdf_inspection import inspect_pdf

# At DEBUG, Pillow logs a picture's metadata.
logging.getLogger("PIL").setLevel(logging.WARNING)

#: Size limit of an upload.
BYTES_MAX = 8 * 1024 * 1024
#: Enough for a phone camera; decoded, a pixel takes three bytes.
PIXELS_MAX = 50_000_000
#: Longer side of the stored picture in pixels: small print stays legible.
_SIDE_MAX = 3_200
_QUALITY = 88
_FIELD = "file"

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
_SIGNATURES = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"%PDF-": PDF}
_EXTENSIONS = {JPEG: {"jpg", "jpeg", "jpe"}, PNG: {"png"}, PDF: {"pdf"}}
_DECLARED_TYPES = {JPEG: {JPEG, "image/jpg", "image/pjpeg"}, PNG: {PNG}, PDF: {PDF}}
#: Media types of clients that do not know the type.
_UNKNOWN_TYPES = {"", "application/octet-stream", "binary/octet-stream"}
# Each pattern is so long that picture data does not match by chance.
_FOREIGN_CONTENT = re.compile(
    rb"<\?php|<script|<!doctype|<html|<iframe|javascript:|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SanitizedFile:
    """A file as it is stored."""

    media_type: str
    data: bytes


def sanitize(raw: bytes, *, name: str, declared_type: str) -> SanitizedFile:
    """Return the file as it may be stored.

    `name` and `declared_type` (the media type) are the sender's claims: they decide nothing, but a
    claim that contradicts the content is refused.

    Raises `Invalid` for a file that is empty, of another type, mislabelled, damaged, of two types
    at once, for a picture too large to decode, and for a PDF that is encrypted or active.
    """
    if not raw:
        raise Invalid(_FIELD, "The file is empty. Choose another file.")
    media_type = next(
        (media_type for signature, media_type in _SIGNATURES.items() if raw.startswith(signature)),
        None,
    )
    if media_type is None:
        raise Invalid(_FIELD, "Choose a JPEG or PNG picture, or a PDF.")
    _check_label(media_type, name, declared_type)
    if is_zipfile(BytesIO(raw)) or _FOREIGN_CONTENT.search(raw):
        raise Invalid(_FIELD, "The file is of more than one type at once. Choose another file.")
    if media_type == PDF:
        inspect_pdf(raw)
        return SanitizedFile(PDF, raw)
    if b"%PDF-" in raw:
        raise Invalid(_FIELD, "The file is of more than one type at once. Choose another file.")
    (_check_jpeg_end if media_type == JPEG else _check_png_end)(raw)
    return SanitizedFile(JPEG, _redraw(raw, media_type))


def _check_label(media_type: str, name: str, declared_type: str) -> None:
    _, dot, extension = name.rpartition(".")
    claimed_type = declared_type.partition(";")[0].strip().lower()
    is_contradicted = (dot and extension.strip().lower() not in _EXTENSIONS[media_type]) or (
        claimed_type not in _UNKNOWN_TYPES and claimed_type not in _DECLARED_TYPES[media_type]
    )
    if is_contradicted:
        raise Invalid(
            _FIELD, f"The content is {media_type}, but the name or media type says otherwise."
        )


def _redraw(raw: bytes, media_type: str) -> bytes:
    """Decode the picture and encode it again."""
    try:
        picture = (JpegImageFile if media_type == JPEG else PngImageFile)(BytesIO(raw))
        if picture.width * picture.height > PIXELS_MAX:
            raise Invalid(
                _FIELD, f"Choose a picture of at most {PIXELS_MAX // 1_000_000} million pixels."
            )
        # Decode a JPEG only at the size that is stored.
        picture.draft("RGB", (_SIDE_MAX, _SIDE_MAX))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((_SIDE_MAX, _SIDE_MAX))
        output = BytesIO()
        _flatten_on_white(upright).save(output, "JPEG", quality=_QUALITY)
    except (
        OSError,
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
        struct.error,
    ):
        raise Invalid(
            _FIELD, "The picture is damaged and cannot be read. Choose another file."
        ) from None
    return output.getvalue()


def _flatten_on_white(picture: Image.Image) -> Image.Image:
    """Remove transparency, palettes and metadata, which a JPEG cannot or must not have."""
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        flat = Image.new("RGB", with_alpha.size, "white")
        flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return flat
    flat = picture.convert("RGB")
    # Otherwise Pillow would write a comment into the new file.
    flat.info = {}
    return flat


def _check_jpeg_end(raw: bytes) -> None:
    """Check that only what cameras append, further pictures, follows the end of the picture."""
    end, has_further_pictures = 2, False
    for marker, body, after in _jpeg_segments(raw):
        has_further_pictures = has_further_pictures or (
            marker == _APP2 and body.startswith(b"MPF\x00")
        )
        end = after
    rest = raw[end:].strip(b"\0\r\n")
    if (
        rest
        and not (has_further_pictures and rest.startswith(b"\xff\xd8\xff"))
        and not rest.endswith(b"SEFT")
    ):
        raise Invalid(_FIELD, "The file goes on after the end of the picture. Choose another file.")


_APP2, _SOS, _EOI, _FILL = 0xE2, 0xDA, 0xD9, 0xFF
_ENTROPY_END = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)


def _jpeg_segments(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield each segment up to the end of the picture.

    A segment is its marker, the first bytes of its body, and where the next one begins. Raises
    `Invalid` if the picture has no end.
    """
    position = 2
    while raw[position : position + 1] == b"\xff":
        marker = raw[position + 1] if position + 1 < len(raw) else 0
        if marker == _EOI:
            yield marker, b"", position + 2
            return
        if marker == _FILL:
            position += 1
            continue
        next_position = position + 2 + int.from_bytes(raw[position + 2 : position + 4])
        yield marker, raw[position + 4 : position + 8], next_position
        position = next_position
        if marker == _SOS:
            match = _ENTROPY_END.search(raw, position)
            position = match.start() if match else len(raw)
    raise Invalid(_FIELD, "The picture is damaged: it has no end. Choose another file.")


def _check_png_end(raw: bytes) -> None:
    position, chunk_type = 8, b""
    while chunk_type != b"IEND" and position + 8 <= len(raw):
        chunk_type = raw[position + 4 : position + 8]
        if chunk_type == b"acTL":
            raise Invalid(_FIELD, "Choose a picture that is not animated.")
        position += 12 + int.from_bytes(raw[position : position + 4])
    if chunk_type != b"IEND" or position > len(raw):
        raise Invalid(_FIELD, "The picture is damaged: it has no end. Choose another file.")
    if position < len(raw):
        raise Invalid(_FIELD, "The file goes on after the end of the picture. Choose another file.")
