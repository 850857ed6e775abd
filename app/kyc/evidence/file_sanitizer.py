"""What a file really is, whatever it is called: a picture or a PDF, and nothing else besides.

Pictures are decoded and written again as JPEG, so that nothing of the file is left but what can be
seen: no place, no camera, no owner's name, no bytes behind the end. A PDF is kept as it is, if it
is one from its first byte to its last, can be read without a password, and holds no script, no
attached file and nothing that starts by itself.
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

# At DEBUG it logs what cameras wrote into a picture.
logging.getLogger("PIL").setLevel(logging.WARNING)

#: Of a file as it is sent.
BYTES_MAX = 8 * 1024 * 1024
#: A picture of a telephone; decoded it takes three bytes a pixel.
PIXELS_MAX = 50_000_000
#: The longer side of what is kept: small print is legible.
_SIDE_MAX = 3_200
_QUALITY = 88
_FIELD = "file"

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
_SIGNATURES = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"%PDF-": PDF}
_EXTENSIONS = {JPEG: {"jpg", "jpeg", "jpe"}, PNG: {"png"}, PDF: {"pdf"}}
_DECLARED_TYPES = {JPEG: {JPEG, "image/jpg", "image/pjpeg"}, PNG: {PNG}, PDF: {PDF}}
#: What programs say that do not know.
_UNKNOWN_TYPES = {"", "application/octet-stream", "binary/octet-stream"}
# Each so long that a picture's own bytes are not taken for it by chance.
_FOREIGN_CONTENT = re.compile(
    rb"<\?php|<script|<!doctype|<html|<iframe|javascript:|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SanitizedFile:
    """A file as it is kept."""

    media_type: str
    data: bytes


def sanitize(raw: bytes, *, name: str, declared_type: str) -> SanitizedFile:
    """The file as it may be kept. `name` and `declared` (its media type) are what the sender calls
    it: they decide nothing, but what contradicts the content is refused.

    Raises `Invalid`: empty, of another kind, mislabelled, damaged, two kinds at once, a picture too
    large to decode, a PDF that is encrypted or could do something.
    """
    if not raw:
        raise Invalid(_FIELD, "The file is empty. Choose another file.")
    kind = next((kind for begin, kind in _SIGNATURES.items() if raw.startswith(begin)), None)
    if kind is None:
        raise Invalid(_FIELD, "Choose a JPEG or PNG picture, or a PDF.")
    _check_label(kind, name, declared_type)
    if is_zipfile(BytesIO(raw)) or _FOREIGN_CONTENT.search(raw):
        raise Invalid(_FIELD, "The file is of more than one type at once. Choose another file.")
    if kind == PDF:
        inspect_pdf(raw)
        return SanitizedFile(PDF, raw)
    if b"%PDF-" in raw:
        raise Invalid(_FIELD, "The file is of more than one type at once. Choose another file.")
    (_check_jpeg_end if kind == JPEG else _check_png_end)(raw)
    return SanitizedFile(JPEG, _redraw(raw, kind))


def _check_label(media_type: str, name: str, declared_type: str) -> None:
    _, dot, ending = name.rpartition(".")
    said = declared_type.partition(";")[0].strip().lower()
    wrong = (dot and ending.strip().lower() not in _EXTENSIONS[media_type]) or (
        said not in _UNKNOWN_TYPES and said not in _DECLARED_TYPES[media_type]
    )
    if wrong:
        raise Invalid(
            _FIELD, f"The content is {media_type}, but the name or media type says otherwise."
        )


def _redraw(raw: bytes, media_type: str) -> bytes:
    """The picture as it looks, in a file of our own."""
    try:
        picture = (JpegImageFile if media_type == JPEG else PngImageFile)(BytesIO(raw))
        if picture.width * picture.height > PIXELS_MAX:
            raise Invalid(
                _FIELD, f"Choose a picture of at most {PIXELS_MAX // 1_000_000} million pixels."
            )
        # Of a JPEG, no more is decoded than is kept.
        picture.draft("RGB", (_SIDE_MAX, _SIDE_MAX))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((_SIDE_MAX, _SIDE_MAX))
        written = BytesIO()
        _flatten_on_white(upright).save(written, "JPEG", quality=_QUALITY)
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
    return written.getvalue()


def _flatten_on_white(picture: Image.Image) -> Image.Image:
    """Without what a JPEG does not have, transparency and palettes, and what was said beside it."""
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        flat = Image.new("RGB", shown.size, "white")
        flat.paste(shown, mask=shown.getchannel("A"))
        return flat
    flat = picture.convert("RGB")
    # A comment would be written with it.
    flat.info = {}
    return flat


def _check_jpeg_end(raw: bytes) -> None:
    """Behind its end a photograph has at most what cameras put there: further pictures."""
    at, has_more = 2, False
    for marker, body, after in _jpeg_segments(raw):
        has_more = has_more or (marker == _APP2 and body.startswith(b"MPF\x00"))
        at = after
    rest = raw[at:].strip(b"\0\r\n")
    if rest and not (has_more and rest.startswith(b"\xff\xd8\xff")) and not rest.endswith(b"SEFT"):
        raise Invalid(_FIELD, "The file goes on after the end of the picture. Choose another file.")


_APP2, _SOS, _EOI, _FILL = 0xE2, 0xDA, 0xD9, 0xFF
_ENTROPY_END = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)


def _jpeg_segments(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each segment up to the end of the picture: marker, the first bytes of its body, and where the
    next one begins. Raises `Invalid` where that is not told."""
    at = 2
    while raw[at : at + 1] == b"\xff":
        marker = raw[at + 1] if at + 1 < len(raw) else 0
        if marker == _EOI:
            yield marker, b"", at + 2
            return
        if marker == _FILL:
            at += 1
            continue
        after = at + 2 + int.from_bytes(raw[at + 2 : at + 4])
        yield marker, raw[at + 4 : at + 8], after
        at = after
        if marker == _SOS:
            found = _ENTROPY_END.search(raw, at)
            at = found.start() if found else len(raw)
    raise Invalid(_FIELD, "The picture is damaged: it has no end. Choose another file.")


def _check_png_end(raw: bytes) -> None:
    at, kind = 8, b""
    while kind != b"IEND" and at + 8 <= len(raw):
        kind = raw[at + 4 : at + 8]
        if kind == b"acTL":
            raise Invalid(_FIELD, "Choose a picture that is not animated.")
        at += 12 + int.from_bytes(raw[at : at + 4])
    if kind != b"IEND" or at > len(raw):
        raise Invalid(_FIELD, "The picture is damaged: it has no end. Choose another file.")
    if at < len(raw):
        raise Invalid(_FIELD, "The file goes on after the end of the picture. Choose another file.")
