"""Create the application: every adapter, blueprint and command is connected here only."""

from flask import Flask

from app import tasks  # noqa: F401 - importing the tasks registers them
from app.blueprints import health
from app.blueprints.bounded_request import BoundedRequest
from app.config import Settings
from app.config.together import load_together
from app.integrations import registry
from app.kit import telemetry
from app.wiring import api, commands, extensions, pages, ports
from app.wiring.servers import fill_in_embedded_servers


def create_app(settings: Settings | None = None, *, is_internal: bool = False) -> Flask:
    """Return the application, ready to serve. Settings default to those of the environment.

    An internal application serves its health and the metrics only, under any host name.
    Raises `UnsafeSettings` naming every setting that is missing or unsafe.
    """
    if settings is None:
        settings, sections = load_together(registry.SECTIONS, fill_in_embedded_servers)
    else:
        sections = [section.load() for section in registry.SECTIONS]
        settings = fill_in_embedded_servers(settings)
    if is_internal:
        settings = settings.model_copy(update={"allowed_hosts": ()})
    telemetry.configure(level=settings.log_level, with_messages=not settings.is_production)
    app = Flask(__name__)
    app.request_class = BoundedRequest
    app.extensions["provider_settings"] = sections
    database = extensions.attach(app, settings)
    ports.provide_adapters(settings)
    app.extensions["price_feeds"] = ports.provide_providers(settings, sections, database)
    extensions.check_requests(app, settings, database)
    shows_details = is_internal or not settings.is_production
    api.register(app, settings, database, shows_details=shows_details)
    if is_internal:
        health.serve_nothing_else(app)
    pages.register(app, settings)
    commands.register(app, settings)
    return app
