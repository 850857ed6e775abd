"""A request whose body may be as large as its limit, also if its length was not announced."""

from typing import IO, TYPE_CHECKING, cast

from flask import Request
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
    """The requests of the application."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, up to `max_content_length`. Reading more raises `RequestEntityTooLarge`."""
        most, environ = self.max_content_length, self.environ
        if most is None or "CONTENT_LENGTH" in environ or "wsgi.input_terminated" not in environ:
            return super().stream
        body = _UnannouncedBody(environ["wsgi.input"], most + 1, is_max=True)
        return cast("IO[bytes]", body)
