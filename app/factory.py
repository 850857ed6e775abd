"""Create the application: every adapter, blueprint and command is connected here only."""

from flask import Flask

from app import tasks  # noqa: F401 - importing the tasks registers them
from app.config import Settings
from app.config.section import load_together
from app.integrations import registry
from app.kit import telemetry
from app.wiring import api, commands, extensions, pages, ports
from app.wiring.servers import fill_in_embedded_servers


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, ready to serve. Settings default to those of the environment.

    Raises `UnsafeSettings` naming every setting that is missing or unsafe.
    """
    if settings is None:
        settings, sections = load_together(Settings, registry.SECTIONS)
    else:
        sections = [section.load() for section in registry.SECTIONS]
    settings = fill_in_embedded_servers(settings)
    telemetry.configure(level=settings.log_level, with_messages=not settings.is_production)
    app = Flask(__name__)
    database = extensions.attach(app, settings)
    ports.provide_adapters(settings)
    ports.provide_providers(settings, sections, database)
    extensions.check_requests(app, settings, database)
    api.register(app, settings, database)
    pages.register(app, settings)
    commands.register(app, settings)
    return app
