"""Free loopback ports for servers."""

import secrets
import socket
import sys

# Below the range from which systems pick ports for outgoing connections: otherwise a client that
# retries while a server is down could take the server's port, or even connect to itself.
_LOWEST, _HIGHEST = 20_000, 32_000


def free_port() -> int:
    """Return a loopback port that was free a moment ago; another process may still take it."""
    for _ in range(100):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a server can listen on this loopback port now."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # where it would mean: share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
