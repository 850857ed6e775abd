"""A request to stop, noticed where it is safe to notice it: in pauses.

A signal handler that raises does so between any two instructions. Within `subprocess.Popen` that
leaves a lock taken for good, and whoever asks for the child's state next waits for ever. So the
handler only takes note, and the next pause raises.
"""

import time

_STEP_SECONDS = 0.05


class StopRequested(BaseException):
    """Ctrl-C, or a request to end from outside."""


class _Request:
    pending = False


_request = _Request()


def request_stop() -> None:
    """Have the next pause raise StopRequested. Safe to call from a signal handler."""
    _request.pending = True


def pause(seconds: float) -> None:
    """Sleep so long. Raises StopRequested, once for each request."""
    deadline = time.monotonic() + seconds
    while True:
        if _request.pending:
            _request.pending = False
            raise StopRequested
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _STEP_SECONDS))
