"""Draw the pages of a document as pictures: a program that `rendering.py` runs in a process of its
own, which imports nothing of PBCEx, knows no secret and has limits of CPU time and memory.

    python -I page_renderer.py KIND < document > pages
    python -I page_renderer.py KIND SIDE ... < picture > sizes

It writes a line of JSON, `{"pages": [sizes in bytes]}` followed by the JPEG pictures, or
`{"refused": "code of a FileProblem"}`. Only what is visible remains: no metadata, link, script
or byte behind the end. With sides it draws one picture, once for each: as WebP, whose longer side
has at most so many pixels, and `{"sizes": [[width, height]]}` says how large each became.
"""

import json
import os
import re
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageFile, ImageOps, ImageSequence
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngStream

MIB = 1024 * 1024
MEMORY_BYTES_MAX = 1_280 * MIB
CPU_SECONDS_MAX = 20
_OPEN_FILES_MAX = 64
PAGES_MAX = 60
#: The largest picture. A4 at 1200 dots an inch has 139 million pixels, all decoded at once.
PIXELS_MAX = 150_000_000
#: A JPEG that is not progressive is scaled down while it is decoded.
JPEG_PIXELS_MAX = 260_000_000
#: A page as it is kept: small print on a sheet stays legible, and so does a long receipt.
PAGE_PIXELS_MAX = 8_000_000
_PAGE_SIDE_MAX = 30_000
_DOTS_PER_INCH = 200
_POINTS_PER_INCH = 72
_QUALITY = 85
_WEBP_QUALITY = 82
_FILLER = 128
#: Two rows of blocks, the largest of which have 16 pixels.
_ROWS_MISSING_MAX = 32
#: Modes with more than 8 bits a pixel, which Pillow would cut off instead of scaling.
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
#: Chunks of a PNG that say nothing about its pixels. Decompressed, they may be of any size.
_IDLE_CHUNKS = ("tEXt", "zTXt", "iTXt", "iCCP")
#: Names in a PDF, written anew, of what runs or opens something. Long enough to be no chance.
_ACTIVE_NAMES = re.compile(
    rb"/(JavaScript|Launch|RichMedia|SubmitForm|ImportData|GoToE|GoToR|Rendition|Movie|Sound)\b"
)
#: What Pillow raises for a picture that it cannot read.
_DECODER_ERRORS = (
    ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, struct.error,
)  # fmt: skip


class CannotDraw(Exception):
    """The document is refused. The argument is the code of a `FileProblem`."""


def main() -> None:
    """Draw the document at the standard input."""
    _limit_process()
    raw = sys.stdin.buffer.read()
    try:
        kind, *sides = sys.argv[1:]
        if sides:
            pages, sizes = draw_sizes(kind, raw, [int(side) for side in sides])
        else:
            pages, sizes = list(draw_pages(kind, raw)), []
        head: dict[str, Any] = {"pages": [len(page) for page in pages], "sizes": sizes}
    except CannotDraw as reason:
        pages, head = [], {"refused": reason.args[0]}
    except MemoryError:
        pages, head = [], {"refused": "too_complex"}
    except Exception as error:  # noqa: BLE001 - no file may stop the job, whatever it does
        sys.stderr.write(type(error).__name__)
        pages, head = [], {"refused": "damaged"}
    sys.stdout.buffer.write(b"".join([json.dumps(head).encode(), b"\n", *pages]))


def _limit_process() -> None:
    """Limit this process, and let others run first."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(10)


def draw_pages(kind: str, raw: bytes) -> Iterator[bytes]:
    """Yield each page as a JPEG. Raises `CannotDraw`, also for a document with nothing on it."""
    is_blank = True
    for number, page in enumerate(_draw_pdf(raw) if kind == "pdf" else _draw_pictures(kind, raw)):
        if number == PAGES_MAX:
            raise CannotDraw("too_many_pages")
        is_blank = is_blank and all(low == high for low, high in _extrema(page))
        output = BytesIO()
        page.save(output, "JPEG", quality=_QUALITY)
        yield output.getvalue()
    if is_blank:
        raise CannotDraw("blank")


def draw_sizes(
    kind: str, raw: bytes, sides: list[int]
) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Return a picture as WebP in several sizes, the smallest first, with their dimensions. None is
    larger than the picture itself, and no two are of one size. Raises `CannotDraw`."""
    [picture, *others] = _draw_pictures(kind, raw)
    if others:
        raise CannotDraw("too_many_pages")
    if all(low == high for low, high in _extrema(picture)):
        raise CannotDraw("blank")
    drawn: dict[tuple[int, int], bytes] = {}
    for side in sorted(sides):
        small = picture.copy()
        small.thumbnail((side, side))
        output = BytesIO()
        small.save(output, "WEBP", quality=_WEBP_QUALITY)
        drawn[small.size] = output.getvalue()
    return list(drawn.values()), list(drawn)


def _extrema(page: Image.Image) -> Any:
    extrema: Any = page.getextrema()
    return extrema if len(page.getbands()) > 1 else [extrema]


def _draw_pictures(kind: str, raw: bytes) -> Iterator[Image.Image]:
    try:
        picture = _open_picture(kind, raw)
        if kind in {"png", "webp"} and getattr(picture, "is_animated", False):
            raise CannotDraw("animated")
        if kind == "tiff":
            yield from map(_draw_picture, ImageSequence.Iterator(picture))
        else:
            yield _draw_picture(picture)
    except _DECODER_ERRORS:
        if kind != "jpeg":
            raise CannotDraw("damaged") from None
        yield _draw_cut_jpeg(raw)


def _draw_cut_jpeg(raw: bytes) -> Image.Image:
    """Draw a JPEG that lacks its end, unless more than the last rows of blocks are missing."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        picture = _draw_picture(JpegImageFile(BytesIO(raw)))
    except _DECODER_ERRORS:
        raise CannotDraw("damaged") from None
    # The decoder fills what is missing with this grey.
    grey = Image.new(picture.mode, picture.size, _FILLER if picture.mode == "L" else (_FILLER,) * 3)
    box = ImageChops.difference(picture, grey).getbbox()
    if box is None:
        raise CannotDraw("damaged")
    # The last rows of the file are at any side of the picture, which was turned upright.
    left, top, right, bottom = box
    if max(left, top, picture.width - right, picture.height - bottom) > _ROWS_MISSING_MAX:
        raise CannotDraw("damaged")
    return picture


def _open_picture(kind: str, raw: bytes) -> Image.Image:
    # Each picture is measured before it is decoded.
    Image.MAX_IMAGE_PIXELS = None
    if kind == "jpeg":
        # Not `open`: a phone's second picture would make it another format.
        return JpegImageFile(BytesIO(raw))
    if kind == "png":
        for chunk in _IDLE_CHUNKS:
            setattr(PngStream, f"chunk_{chunk}", _skip_chunk)
    if kind == "heif":
        import pillow_heif  # noqa: PLC0415 - loads a library that other kinds do not need

        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener()
    return Image.open(BytesIO(raw), formats=[kind.upper()])


def _skip_chunk(stream: Any, _position: int, length: int) -> bytes:
    skipped: bytes = stream.fp.read(length)
    return skipped


def _draw_picture(picture: Image.Image) -> Image.Image:
    """Return the picture upright, at the size that is kept, without anything beside its pixels."""
    is_scaled_by_decoder = picture.format == "JPEG" and not picture.info.get("progressive")
    pixels = picture.width * picture.height
    if pixels > (JPEG_PIXELS_MAX if is_scaled_by_decoder else PIXELS_MAX):
        raise CannotDraw("too_large")
    size = _fit(picture.width, picture.height)
    picture.draft("RGB", size)
    picture.load()
    if picture.mode in {"1", "P"}:
        # Scaling these would drop lines instead of blending them.
        picture = picture.convert("L" if picture.mode == "1" else _without_palette(picture))
    is_deep = picture.mode in _DEEP_MODES
    picture.thumbnail(size, reducing_gap=None if is_deep else 2)
    if is_deep:
        picture = _stretch(picture)
    # Without a readable orientation it stays as it is.
    with suppress(*_DECODER_ERRORS):
        picture = ImageOps.exif_transpose(picture)
    return _flatten_on_white(picture)


def _fit(width: float, height: float) -> tuple[int, int]:
    """Return the size at which a picture is kept."""
    scale = min(1, (PAGE_PIXELS_MAX / (width * height)) ** 0.5, _PAGE_SIDE_MAX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _without_palette(picture: Image.Image) -> str:
    return "RGBA" if picture.has_transparency_data else "RGB"


def _stretch(picture: Image.Image) -> Image.Image:
    """Return a picture of 8 bits a pixel, the darkest black and the lightest white."""
    wide = picture.convert("F")
    [(low, high)] = _extrema(wide)
    factor = 255 / (high - low) if high > low else 0
    flat = wide.point(lambda value: value * factor - low * factor).convert("L")
    flat.info = {}
    return flat


def _flatten_on_white(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        flat = Image.new("RGB", with_alpha.size, "white")
        flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return flat
    flat = picture.convert("L" if picture.mode == "L" else "RGB")
    # Otherwise Pillow would write a comment into the new file.
    flat.info = {}
    return flat


def _draw_pdf(raw: bytes) -> Iterator[Image.Image]:
    import pypdfium2  # noqa: PLC0415 - loads a library that pictures do not need
    from pypdfium2 import raw as pdfium  # noqa: PLC0415 - as above

    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        is_locked = error.err_code == pdfium.FPDF_ERR_PASSWORD
        raise CannotDraw("encrypted" if is_locked else "damaged") from None
    try:
        if not len(document):
            raise CannotDraw("damaged")
        if len(document) > PAGES_MAX:
            raise CannotDraw("too_many_pages")
        _inspect(document)
        document.init_forms()
        for page in document:
            width, height = page.get_size()
            dots = _DOTS_PER_INCH / _POINTS_PER_INCH
            size = _fit(width * dots, height * dots)
            scale = size[0] / width
            yield page.render(scale=scale).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ValueError, ArithmeticError):
        raise CannotDraw("damaged") from None


def _inspect(document: Any) -> None:
    """Refuse a PDF that runs or starts something, holds other files, or is a program's form."""
    from pypdfium2 import raw as pdfium  # noqa: PLC0415 - as above

    if document.get_formtype() in {pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND}:
        raise CannotDraw("form")
    count = document.count_attachments()
    names = [document.get_attachment(position).get_name() for position in range(count)]
    # An electronic invoice has its figures beside it.
    if any(not name.lower().endswith(".xml") for name in names):
        raise CannotDraw("attachments")
    if pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        raise CannotDraw("active")
    # Written anew, each object is in the open: none is in a compressed stream, no name is escaped.
    written = BytesIO()
    document.save(written, flags=pdfium.FPDF_REMOVE_SECURITY)
    if _ACTIVE_NAMES.search(written.getvalue()):
        raise CannotDraw("active")


if __name__ == "__main__":
    main()
