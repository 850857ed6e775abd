"""A stop request takes effect in pauses only."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import stop_request
from app.embedded.child_process import Child
from app.embedded.stop_request import StopRequested, pause
from tests.embedded.server_processes import needs_linux


@pytest.fixture
def stop_on_ctrl_c() -> Iterator[None]:
    """Record Ctrl-C as a stop request, as `bin/run` does."""
    before = signal.signal(signal.SIGINT, lambda *_: stop_request.request_stop())
    yield
    signal.signal(signal.SIGINT, before)


def test_stop_request_ends_the_next_pause_once() -> None:
    began = time.monotonic()
    stop_request.request_stop()
    with pytest.raises(StopRequested):
        pause(30)
    pause(0.01)
    assert time.monotonic() - began < 10


def test_stop_request_ends_a_running_pause() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: stop_request.request_stop())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(StopRequested):
            pause(30)
    finally:
        signal.signal(signal.SIGALRM, before)


@needs_linux
def test_stop_request_never_interrupts_child_handling(stop_on_ctrl_c: None, tmp_path: Path) -> None:
    """A handler that raises would leave the lock of `Popen` held, once in thousands of polls."""
    child = Child("sleeper", tmp_path / "log")
    child.start([sys.executable, "-c", "import time; time.sleep(60)"], env={}, cwd="/")
    try:
        for _ in range(2000):
            signal.raise_signal(signal.SIGINT)
            assert child.pid
        with pytest.raises(StopRequested):
            child.wait(30)
        assert child.wait(0) is False
    finally:
        child.kill()
    assert child.exit_status is None
    assert child.pid is None
