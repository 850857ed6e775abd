"""The sandbox as one application."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import pages
from sandbox import providers as provider_modules
from sandbox.faults import FaultSchedule
from sandbox.provider import SandboxProvider
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue


def _find_providers() -> dict[str, SandboxProvider]:
    """Return the provider of each module in sandbox/providers, by its name."""
    modules = (
        import_module(f"{provider_modules.__name__}.{module.name}")
        for module in iter_modules(provider_modules.__path__)
    )
    return {module.provider.name: module.provider for module in modules}


#: Every simulated provider, by name.
PROVIDERS: Mapping[str, SandboxProvider] = _find_providers()
_PERIODIC_SECONDS = 0.5
_IDLE_SECONDS = 0.1


def create_app(
    store: Store,
    *,
    exchange_url: str,
    providers: Mapping[str, SandboxProvider] = PROVIDERS,
    settlement_seconds: float = 0,
) -> Flask:
    """Return the sandbox on these documents, for PBCEx at `exchange_url`.

    Accepted payouts and prompts settle after `settlement_seconds`, when the periodic tasks run.
    """
    app = Flask(__name__)
    app.config["SETTLED_AFTER_SECONDS"] = settlement_seconds
    signers = {name: provider.sign for name, provider in providers.items() if provider.sign}
    faults = FaultSchedule(store)
    app.extensions.update(
        store=store,
        faults=faults,
        webhooks=WebhookQueue(store, faults, signers, exchange_url),
        providers=providers,
    )
    for provider in providers.values():
        app.register_blueprint(provider.blueprint)
    app.register_blueprint(pages.blp)
    return app


def run_periodic_tasks(app: Flask) -> None:
    """Run every provider's periodic tasks once."""
    store: Store = app.extensions["store"]
    providers: Mapping[str, SandboxProvider] = app.extensions["providers"]
    for provider in providers.values():
        for periodic_task in provider.periodic_tasks:
            with app.app_context(), store.transaction():
                periodic_task()


def run_until(app: Flask, stop: threading.Event) -> None:
    """Send webhooks and run the periodic tasks until `stop` is set."""
    deliveries: WebhookQueue = app.extensions["webhooks"]
    next_run_at = 0.0
    while not stop.is_set():
        if time.monotonic() >= next_run_at:
            run_periodic_tasks(app)
            next_run_at = time.monotonic() + _PERIODIC_SECONDS
        if not deliveries.deliver_due():
            stop.wait(_IDLE_SECONDS)


class _QuietRequestHandler(WSGIRequestHandler):
    """Keeps connections open and logs no line for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the page shows what happened."""


@contextmanager
def serve(app: Flask, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the application on threads while the block runs; yields its URL."""
    server = make_server(host, port, app, threaded=True, request_handler=_QuietRequestHandler)
    thread = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
