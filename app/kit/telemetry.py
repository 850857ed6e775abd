"""Structured logs and the id of the current request.

A line says what happened and holds no personal data: no bodies, tokens, email or IP addresses, or
query strings. `request_id` is set at the edge (and by the worker for jobs) and is in every line.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="")

_FRAMES_MAX = 20


class _StandardError:
    """Writes to `sys.stderr` as it is when a line is written, not as it was at configuration.

    Tests replace `sys.stderr` for a while and close the replacement; later lines must not follow
    it.
    """

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STDERR = cast("TextIO", _StandardError())


def configure(*, level: str, with_messages: bool, stream: TextIO = _STDERR) -> None:
    """Write every log line of this process to `stream` as one JSON object.

    An exception's message may quote what a person typed; it is written only `with_messages`.
    """
    shared: list[Any] = [
        _add_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Exceptions(with_messages=with_messages),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(_to_json)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_to_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


_encode = json.JSONEncoder(default=str).encode


def _to_json(event: object, **_options: object) -> str:
    """Return one line. A reused encoder costs a third of `json.dumps` with options."""
    return _encode(event)


def _add_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    current = request_id.get()
    if current:
        event["request_id"] = current
    return event


class _Exceptions:
    """Replaces `exc_info` with the exception's type and frames."""

    def __init__(self, *, with_messages: bool) -> None:
        self.with_messages = with_messages

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        info = event.pop("exc_info", None)
        if info is True:
            info = sys.exc_info()
        error = info[1] if isinstance(info, tuple) else info
        if isinstance(error, BaseException):
            event["exception"] = describe(error, with_messages=self.with_messages)
        return event


def describe(error: BaseException, *, with_messages: bool) -> list[dict[str, Any]]:
    """Return the exception and its causes, outermost first: type, frames and optionally message."""
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _FRAMES_MAX:
        kind = type(current)
        entry: dict[str, Any] = {
            "type": f"{kind.__module__}.{kind.__qualname__}",
            "frames": _frames(current.__traceback__),
        }
        if with_messages:
            entry["message"] = str(current)
        chain.append(entry)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return chain


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES_MAX:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
