"""Load all settings, and check what they mean together."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from pydantic import SecretStr

from app.config.checks import Environment
from app.config.providers import ProviderSettings, is_public
from app.config.section import SettingsSection, UnsafeSettings
from app.config.settings import Settings


def load_together(
    kinds: Sequence[type[ProviderSettings]],
    fill_in: Callable[[Settings], Settings] = lambda settings: settings,
) -> tuple[Settings, list[ProviderSettings]]:
    """Return the settings of the exchange, filled in, and of these providers. Raises
    `UnsafeSettings` with the problems of all."""
    problems: dict[str, str] = {}
    settings, loaded = None, []
    try:
        settings = fill_in(Settings.load())
    except UnsafeSettings as unsafe:
        problems |= unsafe.problems
    for kind in kinds:
        try:
            loaded.append(kind.load())
        except UnsafeSettings as unsafe:
            problems |= unsafe.problems
    if settings:
        env, sandbox_url = settings.env, settings.sandbox_url
        feeds, mailer = settings.price_feeds, str(settings.mailer)
    else:
        env, sandbox_url = _read_environment(), os.environ.get("PBCEX_SANDBOX_URL", "")
        feeds = tuple(os.environ.get("PBCEX_PRICE_FEEDS", "").replace(" ", "").split(","))
        mailer = os.environ.get("PBCEX_MAILER", "")
    found = list(_check_providers(env, sandbox_url, loaded))
    if env.is_production:
        used: list[SettingsSection] = [section for section in loaded if section.is_used]
        for section in [settings, *used] if settings else used:
            found += _find_public_keys(section)
    # Outside production the sandbox may be one that is filled in.
    if not sandbox_url and (settings or env.is_production):
        found += _check_addresses(feeds, mailer, loaded)
    for name, problem in found:
        problems.setdefault(name, problem)
    if settings is None or problems:
        raise UnsafeSettings(problems)
    return settings, loaded


def _read_environment() -> Environment:
    """Return the environment of settings that are refused: production, if its name is unknown."""
    try:
        return Environment(os.environ.get("PBCEX_ENV", Environment.SAMPLE))
    except ValueError:
        return Environment.PRODUCTION


def _check_providers(
    env: Environment, sandbox_url: str, sections: Sequence[ProviderSettings]
) -> Iterator[tuple[str, str]]:
    """Yield a variable and its problem where providers move real money beside play money."""
    used = [section for section in sections if section.is_used]
    live = [section for section in used if section.is_live]
    for section in used:
        if section.is_live:
            continue
        if env is Environment.PRODUCTION:
            address = section.variable("base_url")
            problem = (
                f"must be live in production, or {address} empty: PBCEX_ENV=staging has sandboxes"
            )
            yield section.variable("mode"), problem
        elif live:
            others = " and ".join(other.variable("mode") for other in live)
            yield section.variable("mode"), f"must be live, as {others}: one mode for all"
    if not env.is_production:
        for section in live:
            problem = f"must be sandbox with PBCEX_ENV={env}, whose people and keys are public"
            yield section.variable("mode"), problem
    if live and sandbox_url:
        names = " and ".join(section.variable("mode") for section in live)
        yield "PBCEX_SANDBOX_URL", f"must be empty while {names} is live: it plays the others"


def _check_addresses(
    feeds: Sequence[str], mailer: str, sections: Sequence[ProviderSettings]
) -> Iterator[tuple[str, str]]:
    """Yield the missing address of a provider that another setting names, or that another provider
    needs."""
    reasons = {f"{name.upper()}_BASE_URL": f"PBCEX_PRICE_FEEDS names {name}" for name in feeds}
    if mailer == "sendgrid":
        reasons["SENDGRID_BASE_URL"] = "PBCEX_MAILER is sendgrid"
    reasons |= {
        section.needs: f"{section.variable('base_url')} is of no use without it"
        for section in sections
        if section.needs and section.is_used
    }
    for section in sections:
        address = section.variable("base_url")
        if address in reasons and not section.is_used:
            yield address, f"is required: {reasons[address]}"


def _find_public_keys(section: SettingsSection) -> Iterator[tuple[str, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if is_public(text):
            yield cast("str", field.alias), "is a public key of the sandbox: use one of your own"
