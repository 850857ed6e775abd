"""Settings: valid, or refused with every problem at once."""

import tomllib
from pathlib import Path

import pytest

from app import embedded
from app.config import PROJECT, VERSION, Environment, Settings, UnsafeSettings
from app.config.section import load_together
from app.embedded import ServerUrls
from app.factory import create_app
from app.integrations import registry
from app.wiring.servers import fill_in_embedded_servers

SAFE = {
    "PBCEX_ENV": "production",
    "DATABASE_URL": "postgresql://pbcex_app:x@db.internal/pbcex",
    "REDIS_URL": "redis://:a-password@redis.internal/0",
    "PBCEX_SECRET_KEY": "Jx0v9T2mQe7LrY4uKc8Wb1Zs6Hd3PfGa",
    "PBCEX_KEY_RING": "/etc/pbcex/keys.json",
    "PBCEX_PUBLIC_URL": "https://exchange.example.com",
    "PBCEX_SMTP_URL": "smtps://pbcex:a-password@mail.example.com",
    "PBCEX_MAIL_FROM": "PBCEx <no-reply@example.com>",
    "PBCEX_SUPPORT_EMAIL": "support@example.com",
    "PBCEX_ALLOWED_HOSTS": "exchange.example.com, api.example.com",
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every setting from the environment."""
    for section in (Settings, *registry.SECTIONS):
        for field in section.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_safe_production_settings_load(production: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    assert settings.env is Environment.PRODUCTION
    assert settings.is_production
    assert settings.database_url == "postgresql+psycopg://pbcex_app:x@db.internal/pbcex"
    assert settings.allowed_hosts == ("exchange.example.com", "api.example.com")
    assert fill_in_embedded_servers(settings) is settings


def test_missing_production_settings_are_all_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBCEX_ENV", "production")
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load()
    missing = dict.fromkeys(set(SAFE) - {"PBCEX_ENV"}, "is required in production")
    assert refused.value.problems == missing
    assert all(f"  {name}: " in str(refused.value) for name in missing)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("PBCEX_SECRET_KEY", "short", "must have 32 characters or more"),
        ("PBCEX_SMTP_URL", "smtp://mail", "must be smtps:// or smtp+starttls:// in production"),
        ("PBCEX_SMTP_URL", "https://mail", "must look like smtps://user:password@mail.example.com"),
        ("PBCEX_MAIL_FROM", "PBCEx <no-reply@pbcex.local>", "is required in production"),
        ("PBCEX_SUPPORT_EMAIL", "support@pbcex.local", "is required in production"),
        ("PBCEX_SUPPORT_EMAIL", "support", "must be an email address"),
        ("PBCEX_SECRET_KEY", "a" * 40, "is a placeholder: use a random secret"),
        ("PBCEX_SECRET_KEY", "my-Secret-key-0123456789-abcdefghijk", "is a placeholder"),
        ("PBCEX_KEY_RING", "keys.json", "an absolute path outside the checkout"),
        ("PBCEX_KEY_RING", str(PROJECT / "keys.json"), "an absolute path outside the checkout"),
        ("PBCEX_KEY_RING", f"{PROJECT}/../{PROJECT.name}/keys.json", "outside the checkout"),
        ("PBCEX_TOKEN_KEYS", "one:tooshort", "secrets of 32 characters"),
        ("DATABASE_URL", "sqlite:///x.db", "must be the URL of a PostgreSQL server"),
        ("REDIS_URL", "redis://redis.internal/0", "must contain a password"),
        ("REDIS_URL", "memcached://x", "must be the URL of a Redis server"),
        ("PBCEX_PUBLIC_URL", "http://exchange.example.com", "must start with https://"),
        ("PBCEX_PUBLIC_URL", "https://localhost:4001", "is a placeholder"),
        ("PBCEX_ALLOWED_HOSTS", "localhost,127.0.0.1", "is a placeholder"),
        ("PBCEX_ALLOWED_HOSTS", " , ", "is required"),
        ("PBCEX_RATE_LIMIT", "off", "limits cannot be overridden"),
        ("PBCEX_RATE_LIMIT", "500/minute", "limits cannot be overridden"),
        ("PBCEX_CORS_ORIGINS", "*", "must be a list of origins"),
        ("PORT", "http", "valid integer"),
        ("PBCEX_PROXIES", "-1", "greater than or equal to 0"),
        ("PBCEX_LOG_LEVEL", "LOUD", "pattern"),
    ],
)
def test_unsafe_production_setting_is_refused_and_not_repeated(
    production: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    production.setenv(variable, value)
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load()
    assert set(refused.value.problems) == {variable}
    assert problem in refused.value.problems[variable]
    # A refused secret must not appear in a log.
    assert len(value) < 8 or value not in str(refused.value)


def test_unknown_environment_must_meet_the_requirements_of_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PBCEX_ENV", "staging")
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load()
    assert {"PBCEX_ENV", "PBCEX_SECRET_KEY", "DATABASE_URL"} <= set(refused.value.problems)


@pytest.mark.parametrize("value", ["off", "1/minute", "100000/minute"])
def test_rate_limit_can_be_overridden_outside_production(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PBCEX_RATE_LIMIT", value)
    assert Settings.load().rate_limit == value


@pytest.mark.parametrize("value", ["on", "0/minute", "-5/minute", "10/hour", "10"])
def test_malformed_rate_limit_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PBCEX_RATE_LIMIT", value)
    with pytest.raises(UnsafeSettings, match="must be off or N/minute"):
        Settings.load()


class TestEmbeddedServers:
    URLS = ServerUrls(
        database_url="postgresql://app@127.0.0.1:1/pbcex",
        database_owner_url="postgresql://owner@127.0.0.1:1/pbcex",
        redis_url="redis://127.0.0.1:2/0",
        superuser_url="postgresql://super@127.0.0.1:1/postgres",
    )

    def test_running_servers_are_used_for_missing_urls(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(embedded, "find_running_servers", lambda _folder: self.URLS)
        monkeypatch.setattr(embedded, "local_secret_key", lambda _folder: "s" * 40)
        settings = fill_in_embedded_servers(Settings.load(data_dir=tmp_path))
        assert settings.database_url == "postgresql+psycopg://app@127.0.0.1:1/pbcex"
        assert settings.database_owner_url == "postgresql+psycopg://owner@127.0.0.1:1/pbcex"
        assert settings.redis_url == "redis://127.0.0.1:2/0"
        assert settings.secret_key == "s" * 40
        assert settings.data_dir == tmp_path

    def test_configured_values_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "find_running_servers", lambda _folder: self.URLS)
        monkeypatch.setattr(embedded, "local_secret_key", lambda _folder: "s" * 40)
        monkeypatch.setenv("REDIS_URL", "redis://other/0")
        monkeypatch.setenv("PBCEX_SECRET_KEY", "mine")
        settings = fill_in_embedded_servers(Settings.load())
        assert (settings.redis_url, settings.secret_key) == ("redis://other/0", "mine")

    def test_missing_urls_without_running_servers_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with pytest.raises(UnsafeSettings) as refused:
            fill_in_embedded_servers(Settings.load(data_dir=tmp_path))
        assert set(refused.value.problems) == {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
        assert "start bin/run" in refused.value.problems["DATABASE_URL"]
        assert list(tmp_path.iterdir()) == []


def test_version_matches_the_project_file() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


LIVE_PAXOS = {
    "PAXOS_MODE": "live",
    "PAXOS_BASE_URL": "https://api.paxos.com/v2",
    "PAXOS_OAUTH_URL": "https://oauth.paxos.com/oauth2/token",
    "PAXOS_CLIENT_ID": "pbcex",
    "PAXOS_CLIENT_SECRET": "a secret",
    "PAXOS_PROFILE_ID": "profile",
}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, set()),
        ({"PAXOS_BASE_URL": "http://127.0.0.1:4000/paxos/v2"}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_BASE_URL": "https://localhost/v2"}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_BASE_URL": ""}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_CLIENT_SECRET": ""}, {"PAXOS_CLIENT_SECRET"}),
        ({"PAXOS_MODE": "sandbox"}, {"PAXOS_BASE_URL", "PAXOS_OAUTH_URL"}),
        (
            {
                "PAXOS_MODE": "sandbox",
                "PAXOS_BASE_URL": "https://api.sandbox.paxos.com/v2",
                "PAXOS_OAUTH_URL": "",
            },
            {"PAXOS_OAUTH_URL"},
        ),
        ({"ANCHORAGE_SIGNING_KEY": "no key"}, {"ANCHORAGE_SIGNING_KEY"}),
    ],
)
def test_live_mode_requires_the_providers_own_urls_and_keys(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], refused: set[str]
) -> None:
    for name, value in {**LIVE_PAXOS, **changes}.items():
        monkeypatch.setenv(name, value)
    try:
        load_together(Settings, registry.SECTIONS)
        problems = set()
    except UnsafeSettings as unsafe:
        problems = set(unsafe.problems)
    assert problems == refused


def test_problems_of_the_exchange_and_of_providers_are_named_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setenv("PAXOS_MODE", "live")
    monkeypatch.setenv("ANCHORAGE_SIGNING_KEY", "no key")
    with pytest.raises(UnsafeSettings) as refused:
        create_app()
    assert {"PORT", "PAXOS_BASE_URL", "PAXOS_CLIENT_ID", "ANCHORAGE_SIGNING_KEY"} <= set(
        refused.value.problems
    )
