"""Requests to stop, raised where it is safe: in pauses.

A signal handler that raises does so between any two instructions. Within `subprocess.Popen` that
leaves a lock held for good, and the next call for the child's state blocks forever. So the handler
only sets a flag, and the next pause raises.
"""

import time

_STEP_SECONDS = 0.05


class StopRequested(BaseException):
    """Ctrl-C or another signal asked this process to stop."""


class _Request:
    pending = False


_request = _Request()


def request_stop() -> None:
    """Make the next pause raise StopRequested. Safe to call from a signal handler."""
    _request.pending = True


def pause(seconds: float) -> None:
    """Sleep for `seconds`. Raises StopRequested once for each request."""
    deadline = time.monotonic() + seconds
    while True:
        if _request.pending:
            _request.pending = False
            raise StopRequested
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _STEP_SECONDS))
