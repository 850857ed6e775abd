"""Responses that a browser saves as files. A large file is sent in parts while it is read."""

from collections.abc import Iterator
from threading import BoundedSemaphore

from flask import Response

from app.kit.errors import Unavailable

#: How many large files one process sends at once. Each takes a thread and some megabytes for as
#: long as its client takes to receive it.
STREAMS_MAX = 8
_streams = BoundedSemaphore(STREAMS_MAX)


class _Stream:
    """The parts of one file. The server closes it, after the last part or when the client leaves;
    some servers do so twice."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._is_open = _streams.acquire(blocking=False)
        if not self._is_open:
            raise Unavailable("Many large files are being sent. Try again in a moment.")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another file be sent."""
        if self._is_open:
            self._is_open = False
            _streams.release()

    def __del__(self) -> None:
        # A response that an error replaced is closed by no server.
        self.close()


def respond(
    content: bytes | Iterator[bytes], name: str, media_type: str, *, size: int | None = None
) -> Response:
    """Return the response that a browser saves under this name; parts have their total size.

    Raises `Unavailable` while the process sends as many large files as it can.
    """
    whole_or_parts = content if isinstance(content, bytes) else _Stream(content)
    response = Response(whole_or_parts, content_type=media_type)
    if size is not None:
        response.content_length = size
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
