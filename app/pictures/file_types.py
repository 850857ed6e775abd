"""Which type a file is: its content decides, whatever its name and media type say."""

import re
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import is_zipfile

import puremagic

from app.kit.errors import Invalid

#: Size limit of an upload.
BYTES_MAX = 8 * 1024 * 1024
_FIELD = "file"
_HEAD_BYTES = 4096
_PADDING = b"\0\t\n\r \x1a"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class FileType(StrEnum):
    """The types of documents that are taken. The values are those of `page_renderer.py`."""

    JPEG = "jpeg"
    PNG = "png"
    HEIF = "heif"
    AVIF = "avif"
    WEBP = "webp"
    TIFF = "tiff"
    PDF = "pdf"


#: By the endings under which puremagic knows them. The first that matches counts: a HEIF picture
#: begins as a film does.
_TYPES = {
    FileType.JPEG: {".jpg", ".jpeg", ".jfif"},
    FileType.PNG: {".png"},
    FileType.HEIF: {".heif", ".heic"},
    FileType.AVIF: {".avif"},
    FileType.WEBP: {".webp"},
    FileType.TIFF: {".tif", ".tiff"},
    FileType.PDF: {".pdf"},
}
#: What to do with a file of another type, by endings under which puremagic knows it.
_ADVICE = (
    ({".docx", ".doc", ".odt", ".rtf"}, "Print the document into a PDF, and send that."),
    ({".mp4", ".mov", ".3gp", ".webm", ".avi"}, "Send a picture, not a film."),
    ({".gif", ".bmp", ".jp2", ".jxl", ".psd", ".svg"}, "Save the picture as JPEG, and send that."),
    ({".zip", ".rar", ".7z", ".gz"}, "Unpack the archive, and send each document by itself."),
)
_TYPES_TAKEN = "Choose a JPEG, PNG, HEIC, WEBP or TIFF picture, or a PDF."
_PICTURES = frozenset({FileType.JPEG, FileType.PNG, FileType.WEBP, FileType.HEIF, FileType.AVIF})
_PICTURES_TAKEN = "Choose a JPEG, PNG, HEIC, AVIF or WEBP picture."
#: Endings of names under which a file runs, or opens in a browser.
_RUNNING = frozenset(
    (
        *("apk", "app", "bat", "cmd", "com", "command", "cpl", "dll", "exe", "jar", "lnk", "msi"),
        *("hta", "htm", "html", "js", "jse", "php", "pif", "ps1", "py", "reg", "scr", "sh", "svg"),
        *("vbe", "vbs", "wsf", "wsh", "xhtml"),
    )
)
#: The last bytes of a file, and what it does not have behind them: a program, an archive, a page.
_ENDS = {FileType.JPEG: b"\xff\xd9", FileType.PNG: b"IEND\xaeB`\x82", FileType.PDF: b"%%EOF"}
_FOREIGN_TAILS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"PK\x03\x04",
    b"%PDF-",
    b"<!doctype",
    b"<html",
    b"<svg",
)
#: Content of other types anywhere in it. Each is so long that no picture has it by chance.
_FOREIGN_CONTENT = re.compile(rb"<\?php|<script|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecognizedFile:
    """A file of a type that is taken, without padding in front."""

    type: FileType
    content: bytes


def recognize_picture(raw: bytes, *, name: str = "") -> RecognizedFile:
    """Return the type of a picture of one page. Raises `Invalid` as `recognize` does."""
    file = recognize(raw, name=name, taken=_PICTURES_TAKEN)
    if file.type not in _PICTURES:
        raise Invalid(_FIELD, _PICTURES_TAKEN)
    return file


def recognize(raw: bytes, *, name: str = "", taken: str = _TYPES_TAKEN) -> RecognizedFile:
    """Return the type of a file, which takes milliseconds. `name` is the sender's claim, `taken`
    what is said of other types.

    Raises `Invalid` that says what to send instead: for a file that is empty, of another type, of
    two types at once, or named as something that runs.
    """
    ending = PurePosixPath(name.strip(" .")).suffix.lower().removeprefix(".")
    if ending in _RUNNING:
        raise Invalid(
            _FIELD, "The name ends as that of a program or web page. Choose another file."
        )
    unpadded = raw.removeprefix(_BYTE_ORDER_MARK).lstrip(_PADDING)
    if not unpadded:
        raise Invalid(_FIELD, "The file is empty. Choose another file.")
    # Other types begin with zeros.
    content = unpadded if unpadded.startswith(b"%PDF-") else raw
    file_type = _find_type(content, taken)
    tail = content[content.rfind(end) + len(end) :] if (end := _ENDS.get(file_type)) else b""
    if (
        is_zipfile(BytesIO(content))
        or (file_type is not FileType.PDF and b"%PDF-1." in content)
        or _FOREIGN_CONTENT.search(content)
        or tail.strip(_PADDING).lower().startswith(tuple(map(bytes.lower, _FOREIGN_TAILS)))
    ):
        raise Invalid(_FIELD, "The file is of more than one type at once. Choose another file.")
    return RecognizedFile(file_type, content)


def _find_type(content: bytes, taken: str) -> FileType:
    try:
        matches = puremagic.magic_string(content[:_HEAD_BYTES])
    except puremagic.PureError:
        raise Invalid(_FIELD, taken) from None
    endings = {match.extension.lower() for match in matches}
    for file_type, known_as in _TYPES.items():
        if known_as & endings:
            return file_type
    advice = next((advice for known_as, advice in _ADVICE if known_as & endings), taken)
    raise Invalid(_FIELD, advice)
