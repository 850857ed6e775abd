"""A request whose body may be as large as its limit, also if its length was not announced."""

from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

from flask import Request, current_app, has_app_context
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _UnannouncedBody(LimitedStream):
    """Reads one byte more than may be sent, and refuses the body then: otherwise the largest one
    could not be distinguished from one that is cut off."""

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read into the buffer. Raises `RequestEntityTooLarge`."""
        size = super().readinto(cast("bytearray", buffer))
        if self.is_exhausted:
            self.on_exhausted()
        return size


class BoundedRequest(Request):
    """The requests of the application.

    A view whose form has a file declares `body_bytes_max`, in place of the limit of all others. The
    file is kept in memory.
    """

    @property
    def max_content_length(self) -> int | None:
        """The size of the largest body."""
        if self._max_content_length is None and self.method == "POST" and has_app_context():
            view = current_app.view_functions.get(self.endpoint or "")
            most: int | None = getattr(view, "body_bytes_max", None)
            if most is not None:
                return most
        return super().max_content_length

    @max_content_length.setter
    def max_content_length(self, most: int | None) -> None:
        self._max_content_length = most

    def make_form_data_parser(self) -> FormDataParser:
        """Return a parser that keeps files in memory: nothing is written to a disk before its
        content is checked."""
        return self.form_data_parser_class(
            stream_factory=lambda *_about, **_more: BytesIO(),
            max_form_memory_size=self.max_form_memory_size,
            max_content_length=self.max_content_length,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
        )

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, up to `max_content_length`. Reading more raises `RequestEntityTooLarge`."""
        most, environ = self.max_content_length, self.environ
        if most is None or "CONTENT_LENGTH" in environ or "wsgi.input_terminated" not in environ:
            return super().stream
        body = _UnannouncedBody(environ["wsgi.input"], most + 1, is_max=True)
        return cast("IO[bytes]", body)
