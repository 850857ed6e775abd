"""The sandbox as one application."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import pages, sendgrid, twilio
from sandbox.faults import Faults
from sandbox.provider import Provider
from sandbox.store import Store
from sandbox.webhooks import Deliveries

#: Every provider that is played, by name.
PROVIDERS: dict[str, Provider] = {each.name: each for each in (sendgrid.provider, twilio.provider)}


def create_app(
    store: Store, *, exchange_url: str, providers: Mapping[str, Provider] = PROVIDERS
) -> Flask:
    """The sandbox on these documents, for the exchange at that address."""
    app = Flask(__name__)
    signers = {name: each.sign for name, each in providers.items() if each.sign}
    faults = Faults(store)
    app.extensions.update(
        store=store,
        faults=faults,
        deliveries=Deliveries(store, faults, signers, exchange_url),
        providers=providers,
    )
    for provider in providers.values():
        app.register_blueprint(provider.blueprint)
    app.register_blueprint(pages.blp)
    return app


class _Quiet(WSGIRequestHandler):
    """Keeps connections, and writes no line for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the page shows what happened."""


@contextmanager
def served(app: Flask, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve it on threads while the block runs; answers where."""
    server = make_server(host, port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
