"""`flask config`: the settings of this environment."""

from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import AppGroup

from app.config import Settings
from app.config.providers import ProviderSettings
from app.flags.rules import Feature, FeatureCeiling
from app.integrations import registry
from app.kit.ports import resolve

config = AppGroup("config", help="The settings of this environment.")


@config.command("check")
def check() -> None:
    """Check all settings together, without connecting to anything.

    Every problem is named with what would be right, and the exit status is 1: like any command,
    this one does not start with unsafe settings.
    """
    settings: Settings = current_app.extensions["settings"]
    sections: list[ProviderSettings] = current_app.extensions["provider_settings"]
    click.echo(f"The settings are valid for PBCEX_ENV={settings.env}.")
    for feature in Feature:
        is_allowed = resolve(FeatureCeiling).allows(feature)
        text = "on" if is_allowed else f"off: needs {feature.needs}"
        click.echo(f"  {feature:<16} {text}")
    for provider, section in zip(registry.PROVIDERS, sections, strict=True):
        click.echo(f"  {provider.id:<16} {_describe(section, settings.sandbox_url)}")


def _describe(section: ProviderSettings, sandbox_url: str) -> str:
    if section.is_used:
        host = urlsplit(section.address).hostname
        return f"{'live' if section.is_live else 'sandbox'}, {host}"
    return f"played by {sandbox_url}" if sandbox_url else "not used"
