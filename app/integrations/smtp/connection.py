"""SMTP connections that end at one moment, whatever they wait for.

`smtplib` limits each step and not their sum: a resolver that hangs is not limited at all, a name
with five silent addresses takes five times the limit, and a server that sends a byte at a time has
as long as it likes.
"""

import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

_STEP_SECONDS_MIN = 0.05

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


def remaining_seconds(deadline: float) -> float:
    """Return how long until `deadline`, by the monotonic clock; never quite zero."""
    return max(_STEP_SECONDS_MIN, deadline - time.monotonic())


class _Watch:
    """Ends a connection at the deadline, in whatever step it is."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        # A second name of the connection, which TLS does not take over.
        self._connected = connected.dup()
        self._timer = threading.Timer(remaining_seconds(deadline), self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        with suppress(OSError):
            self._connected.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._timer.cancel()
        self._connected.close()


class SmtpConnection(smtplib.SMTP):
    """An SMTP connection until `deadline`. `name` introduces us in EHLO."""

    def __init__(self, host: str, port: int, *, name: str, deadline: float) -> None:
        self._deadline = deadline
        self._watch: _Watch | None = None
        super().__init__(host, port, local_hostname=name, timeout=remaining_seconds(deadline))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - the library's parameter
        connected = _connect(host, port, self._deadline)
        self._watch = _Watch(connected, self._deadline)
        return connected

    def close(self) -> None:
        """Close the connection."""
        super().close()
        if self._watch is not None:
            self._watch.stop()


class SmtpsConnection(SmtpConnection):
    """One with TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = super()._get_socket(host, port, timeout)
        try:
            return ssl.create_default_context().wrap_socket(connected, server_hostname=host)
        except BaseException:
            self.close()
            raise


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    """Return a connection to the first address of the host that takes it. Raises `OSError`."""
    failure = OSError("the host has no address")
    addresses = _resolve(host, port, deadline)
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        opened = socket.socket(family, kind, protocol)
        try:
            # What is left is shared by the addresses that are left.
            opened.settimeout(remaining_seconds(deadline) / (len(addresses) - number))
            opened.connect(address)
        except OSError as error:
            opened.close()
            failure = error
        else:
            opened.settimeout(remaining_seconds(deadline))
            return opened
    raise failure


def _resolve(host: str, port: int, deadline: float) -> list[AddressInfo]:
    """Return the addresses of the host. Raises `OSError`, also at the deadline: the resolver's
    thread is left to end by itself."""
    results: SimpleQueue[list[AddressInfo] | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            results.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            results.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = results.get(timeout=remaining_seconds(deadline))
    except Empty:
        raise TimeoutError("the name of the host was not resolved in time") from None
    if isinstance(found, OSError):
        raise found
    return found
