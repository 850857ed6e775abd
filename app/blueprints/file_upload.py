"""Reading of a form with one file: in memory and within limits.

The name and the media type of a file are claims of the sender and are passed on as such. Nothing is
written to a disk before its content is checked.
"""

from io import BytesIO

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.blueprints.errors import BodyTooLarge, InvalidRequest, MalformedForm, UnsupportedMediaType
from app.blueprints.nul_characters import refuse_nul_in_form
from app.blueprints.uploaded_file import OVERHEAD_BYTES, UploadedFile, form_bytes_max

FORM_MEDIA_TYPE = "multipart/form-data"
_PARTS_MAX = 20


def read_form_with_file(bytes_max: int) -> dict[str, str | UploadedFile]:
    """Return the fields of the current request's form, files among them.

    Raises `UnsupportedMediaType`, `BodyTooLarge` before more than `bytes_max` is read,
    `MalformedForm` for a form that cannot be read, and `InvalidRequest` for a repeated field or a
    NUL character.
    """
    if request.mimetype != FORM_MEDIA_TYPE:
        raise UnsupportedMediaType("Send the form as multipart/form-data.")
    limit = form_bytes_max(bytes_max)
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        raise _too_large(bytes_max)
    parser = FormDataParser(
        stream_factory=lambda *_about, **_more: BytesIO(),
        # Werkzeug applies it to each buffer of a file too. What fields hold is measured below.
        max_form_memory_size=limit,
        max_content_length=limit,
        max_form_parts=_PARTS_MAX,
        silent=False,
    )
    try:
        _stream, form, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except RequestEntityTooLarge:
        raise _too_large(bytes_max) from None
    except ValueError:
        raise MalformedForm from None
    if sum(len(text) for name in form for text in form.getlist(name)) > OVERHEAD_BYTES:
        raise BodyTooLarge(f"Send fields of at most {OVERHEAD_BYTES} bytes beside the file.")
    refuse_nul_in_form(form, files)
    duplicates = [
        name for name in {*form, *files} if len(form.getlist(name) + files.getlist(name)) > 1
    ]
    if duplicates:
        raise InvalidRequest([(name, "Send this field once.") for name in sorted(duplicates)])
    return dict(form) | {name: _read_file(part, bytes_max) for name, part in files.items()}


def _read_file(part: FileStorage, bytes_max: int) -> UploadedFile:
    content = part.stream.read()
    if len(content) > bytes_max:
        raise _too_large(bytes_max)
    return UploadedFile(content, part.filename or "", part.mimetype)


def _too_large(bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(f"Send a file of at most {bytes_max} bytes.")
