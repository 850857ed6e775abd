"""A file of a form, and the files of the form of a page."""

from dataclasses import dataclass

from flask import request

#: What a form may hold beside its file: boundaries, names and the other fields.
OVERHEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a form, with the name and the media type that the sender claims."""

    content: bytes
    name: str
    declared_media_type: str


def form_bytes_max(bytes_max: int) -> int:
    """Return how large the body of a form with a file of this size may be."""
    return bytes_max + OVERHEAD_BYTES


def read_files() -> dict[str, UploadedFile]:
    """Return the files of the current form of a page by their fields, without empty fields.

    A body above `form_bytes_max` was refused before it was read.
    """
    return {
        name: UploadedFile(part.stream.read(), part.filename, part.mimetype)
        for name, part in request.files.items()
        if part.filename
    }
