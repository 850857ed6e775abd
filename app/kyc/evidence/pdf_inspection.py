"""Whether a PDF only shows something.

Every object that the file lists is looked at, whether a page leads to it or not. Streams are not
unpacked, but for those that hold objects. What stands in the file besides is searched as it is,
because a reader that repairs a file may find it.
"""

import logging
import re
import struct
import time
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from app.kit.errors import Invalid

if TYPE_CHECKING:
    from pypdf import PdfReader

# It says what is wrong with a file by quoting it.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

PAGES_MAX = 60
_OBJECTS_MAX = 20_000
_DEPTH_MAX = 60
_SECONDS_MAX = 8
_FIELD = "file"
_END = re.compile(rb"%%EOF\s*\Z")
#: Names that a page which only shows something does not have, as keys or as what they say.
_ACTIVE_NAMES = frozenset(
    {
        "/JS", "/JavaScript", "/AA", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/AF", "/Launch",
        "/RichMedia", "/Movie", "/Sound", "/Screen", "/Rendition", "/3D", "/XFA", "/SubmitForm",
        "/ImportData", "/GoToE", "/GoToR", "/Collection",
    }
)  # fmt: skip
_ACTIVE_NAMES_IN_BYTES = re.compile(
    rb"/(JavaScript|EmbeddedFile|Launch|RichMedia|SubmitForm|ImportData)\b"
)
#: What a parser runs into that believes a file.
_PARSER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, NotImplementedError,
    OSError, RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


class _ActiveContent(Exception):
    """Something in it does more than show."""


class _TooComplex(Exception):
    """It is too large or too deep to look at everything."""


def inspect_pdf(raw: bytes) -> None:
    """Raises `Invalid` unless it can be read without a password, ends where it says, and nothing in
    it acts or is attached."""
    from pypdf import PdfReader  # noqa: PLC0415 - half a second, only where somebody sends one
    from pypdf.errors import PyPdfError  # noqa: PLC0415 - as above

    if not _END.search(raw):
        raise Invalid(
            _FIELD, "The file goes on after the end of the PDF, or is cut off. Choose another file."
        )
    # Reading its tables takes time, too.
    until = time.monotonic() + _SECONDS_MAX
    try:
        reader = PdfReader(BytesIO(raw), strict=False)
        if reader.is_encrypted:
            raise Invalid(_FIELD, "The PDF is encrypted. Send it without a password.")
        if not 0 < len(reader.pages) <= PAGES_MAX:
            raise Invalid(_FIELD, f"Choose a PDF of 1 to {PAGES_MAX} pages.")
        _inspect_objects(reader, raw, until)
    except _ActiveContent:
        raise Invalid(
            _FIELD, "Choose a PDF without scripts, attached files or automatic actions."
        ) from None
    except _TooComplex:
        raise Invalid(_FIELD, "The PDF is too large inside. Print it into a new PDF.") from None
    except (PyPdfError, *_PARSER_ERRORS):
        raise Invalid(
            _FIELD, "The PDF is damaged and cannot be read. Choose another file."
        ) from None


def _inspect_objects(reader: "PdfReader", raw: bytes, deadline: float) -> None:
    from pypdf.generic import IndirectObject  # noqa: PLC0415 - as above

    if _ACTIVE_NAMES_IN_BYTES.search(raw):
        raise _ActiveContent
    listed = {
        *((number, generation) for generation, at in reader.xref.items() for number in at),
        *((number, 0) for number in reader.xref_objStm),
    }
    if len(listed) > _OBJECTS_MAX:
        raise _TooComplex
    for number, generation in sorted(listed):
        if time.monotonic() > deadline:
            raise _TooComplex
        _inspect_object(reader.get_object(IndirectObject(number, generation, reader)))
    _inspect_object(reader.trailer)


def _inspect_object(root: object) -> None:
    """At an object and what stands in it; what it only names is looked at by itself."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject  # noqa: PLC0415 - as above

    waiting: list[tuple[Any, int]] = [(root, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > _DEPTH_MAX:
            raise _TooComplex
        if isinstance(found, DictionaryObject):
            if not _ACTIVE_NAMES.isdisjoint(found.keys()):
                raise _ActiveContent
            if (opening := dict.get(found, "/OpenAction")) is not None:
                _inspect_open_action(opening)
            # What is named is not followed: `values` would.
            waiting += [(each, depth + 1) for each in dict.values(found)]
        elif isinstance(found, ArrayObject):
            waiting += [(each, depth + 1) for each in list.__iter__(found)]
        elif isinstance(found, NameObject) and found in _ACTIVE_NAMES:
            raise _ActiveContent


def _inspect_open_action(action: Any) -> None:
    """At what a reader does by itself when it opens the file, and what it does next: it may only
    go to a page."""
    from pypdf.generic import ArrayObject, DictionaryObject  # noqa: PLC0415 - as above

    # A place in the file is a list itself.
    waiting = [action.get_object()]
    for _ in range(_DEPTH_MAX):
        if not waiting:
            return
        found = waiting.pop()
        if not isinstance(found, DictionaryObject):
            continue
        if "/S" not in found or str(found["/S"]) != "/GoTo":
            raise _ActiveContent
        if "/Next" in found:
            following: Any = found["/Next"]
            named = following if isinstance(following, ArrayObject) else [following]
            waiting += [each.get_object() for each in named]
    raise _TooComplex
