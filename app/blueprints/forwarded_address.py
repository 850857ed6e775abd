"""The IP address of the sender behind our own proxies."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.kit.networks import parse_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ForwardedAddress:
    """WSGI middleware that sets `REMOTE_ADDR` from the entry of `X-Forwarded-For` that the first
    of our `proxies` wrote.

    Some proxies add a port, and brackets around IPv6. The peer's own address stays where that
    entry is missing or is no address: otherwise all senders would be counted as one.
    """

    def __init__(self, application: "WSGIApplication", *, proxies: int) -> None:
        self._application = application
        self._proxies = proxies

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request."""
        entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(entries) >= self._proxies:
            address = parse_address(entries[-self._proxies])
            if address is not None:
                environ["REMOTE_ADDR"] = str(address)
        return self._application(environ, start_response)
