"""Inspection of PDF files: whether a file only displays pages.

Every object that the file lists is inspected, whether a page refers to it or not. Streams are not
unpacked, except those that hold objects. The remaining bytes are searched as they are, because a
reader that repairs a file may find active content there.
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

# pypdf's messages quote the file.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

PAGES_MAX = 60
_OBJECTS_MAX = 20_000
_DEPTH_MAX = 60
_SECONDS_MAX = 8
_FIELD = "file"
_END = re.compile(rb"%%EOF\s*\Z")
#: Names, as keys or values, that a passive page does not have.
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
#: Errors that a parser may raise on a malformed file.
_PARSER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, NotImplementedError,
    OSError, RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


class _ActiveContent(Exception):
    """The file does more than display pages."""


class _TooComplex(Exception):
    """The file is too large or too deep to inspect completely."""


def inspect_pdf(raw: bytes) -> None:
    """Raise `Invalid` unless the PDF is readable, complete and passive.

    Readable: without a password. Complete: it ends where it says. Passive: no scripts, actions or
    attachments.
    """
    from pypdf import PdfReader  # noqa: PLC0415 - importing takes half a second
    from pypdf.errors import PyPdfError  # noqa: PLC0415 - as above

    if not _END.search(raw):
        raise Invalid(
            _FIELD, "The file goes on after the end of the PDF, or is cut off. Choose another file."
        )
    # Reading the cross-reference tables counts towards the deadline.
    deadline = time.monotonic() + _SECONDS_MAX
    try:
        reader = PdfReader(BytesIO(raw), strict=False)
        if reader.is_encrypted:
            raise Invalid(_FIELD, "The PDF is encrypted. Send it without a password.")
        if not 0 < len(reader.pages) <= PAGES_MAX:
            raise Invalid(_FIELD, f"Choose a PDF of 1 to {PAGES_MAX} pages.")
        _inspect_objects(reader, raw, deadline)
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
    object_ids = {
        *((number, generation) for generation, at in reader.xref.items() for number in at),
        *((number, 0) for number in reader.xref_objStm),
    }
    if len(object_ids) > _OBJECTS_MAX:
        raise _TooComplex
    for number, generation in sorted(object_ids):
        if time.monotonic() > deadline:
            raise _TooComplex
        _inspect_object(reader.get_object(IndirectObject(number, generation, reader)))
    _inspect_object(reader.trailer)


def _inspect_object(root: object) -> None:
    """Inspect an object and its direct values. Referenced objects are inspected separately."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject  # noqa: PLC0415 - as above

    pending: list[tuple[Any, int]] = [(root, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > _DEPTH_MAX:
            raise _TooComplex
        if isinstance(value, DictionaryObject):
            if not _ACTIVE_NAMES.isdisjoint(value.keys()):
                raise _ActiveContent
            if (open_action := dict.get(value, "/OpenAction")) is not None:
                _inspect_open_action(open_action)
            # References are not followed here: `values` would follow them.
            pending += [(child, depth + 1) for child in dict.values(value)]
        elif isinstance(value, ArrayObject):
            pending += [(child, depth + 1) for child in list.__iter__(value)]
        elif isinstance(value, NameObject) and value in _ACTIVE_NAMES:
            raise _ActiveContent


def _inspect_open_action(action: Any) -> None:
    """Inspect what a reader runs on opening, and what follows: only going to a page is allowed."""
    from pypdf.generic import ArrayObject, DictionaryObject  # noqa: PLC0415 - as above

    # A destination in the file is a list itself.
    pending = [action.get_object()]
    for _ in range(_DEPTH_MAX):
        if not pending:
            return
        current = pending.pop()
        if not isinstance(current, DictionaryObject):
            continue
        if "/S" not in current or str(current["/S"]) != "/GoTo":
            raise _ActiveContent
        if "/Next" in current:
            next_action: Any = current["/Next"]
            next_actions = next_action if isinstance(next_action, ArrayObject) else [next_action]
            pending += [next_one.get_object() for next_one in next_actions]
    raise _TooComplex
