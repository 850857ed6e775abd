"""The sandbox as one application."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import (
    anchorage,
    bank,
    mpesa,
    pages,
    paxos,
    plaid,
    primetrust,
    sendgrid,
    stripe,
    twilio,
)
from sandbox.faults import FaultSchedule
from sandbox.provider import SandboxProvider
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue

#: Every provider that is played, by name.
PROVIDERS: dict[str, SandboxProvider] = {
    module.provider.name: module.provider
    for module in (
        anchorage,
        bank,
        mpesa,
        paxos,
        plaid,
        primetrust,
        sendgrid,
        stripe,
        twilio,
    )
}
_CHORES_EVERY_SECONDS = 0.5
_IDLE_SECONDS = 0.1


def create_app(
    store: Store,
    *,
    exchange_url: str,
    providers: Mapping[str, SandboxProvider] = PROVIDERS,
    settlement_seconds: float = 0,
) -> Flask:
    """The sandbox on these documents, for the exchange at that address. What is accepted settles
    after so long, once somebody does the chores."""
    app = Flask(__name__)
    app.config["SETTLED_AFTER_SECONDS"] = settlement_seconds
    signers = {name: each.sign for name, each in providers.items() if each.sign}
    faults = FaultSchedule(store)
    app.extensions.update(
        store=store,
        faults=faults,
        deliveries=WebhookQueue(store, faults, signers, exchange_url),
        providers=providers,
    )
    for provider in providers.values():
        app.register_blueprint(provider.blueprint)
    app.register_blueprint(pages.blp)
    return app


def run_periodic_tasks(app: Flask) -> None:
    """Let happen what happens at the providers as time passes."""
    store: Store = app.extensions["store"]
    for provider in app.extensions["providers"].values():
        for chore in provider.chores:
            with app.app_context(), store.transaction():
                chore()


def run_until(app: Flask, ended: threading.Event) -> None:
    """Deliver webhooks and do the chores until `ended`."""
    deliveries: WebhookQueue = app.extensions["deliveries"]
    chores_at = 0.0
    while not ended.is_set():
        if time.monotonic() >= chores_at:
            run_periodic_tasks(app)
            chores_at = time.monotonic() + _CHORES_EVERY_SECONDS
        if not deliveries.deliver_due():
            ended.wait(_IDLE_SECONDS)


class _Quiet(WSGIRequestHandler):
    """Keeps connections, and writes no line for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the page shows what happened."""


@contextmanager
def serve(app: Flask, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
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
