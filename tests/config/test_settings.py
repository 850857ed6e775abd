"""Settings: valid, or refused with every problem at once."""

import tomllib
from pathlib import Path

import pytest
from flask import Flask

from app import embedded
from app.config import PROJECT, VERSION, Environment, Settings, UnsafeSettings
from app.embedded import ServerUrls
from app.wiring.servers import fill_in_embedded_servers
from tests.production_settings import DATABASE, OWNER, RANDOM, REDIS, SAFE


def test_safe_production_settings_load(production: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    assert settings.env is Environment.PRODUCTION
    assert settings.is_production
    assert settings.database_url == (
        "postgresql+psycopg://pbcex_app:x@db.internal/pbcex?sslmode=verify-full"
    )
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
        ("PBCEX_MAIL_FROM", "PBCEx <no-reply@pbcex.local> ", "is required in production"),
        ("PBCEX_MAIL_FROM", "PBCEx", "must look like PBCEx <no-reply@pbcex.example>"),
        ("PBCEX_SUPPORT_EMAIL", "support@pbcex.local", "is required in production"),
        ("PBCEX_SUPPORT_EMAIL", "support", "must be an email address"),
        ("PBCEX_SECRET_KEY", "a" * 40, "is a placeholder: use a random secret"),
        ("PBCEX_SECRET_KEY", "my-Secret-key-0123456789-abcdefghijk", "is a placeholder"),
        ("PBCEX_SECRET_KEY", "abcdefghijklmnopqrstuvwxyz012345", "is a placeholder"),
        ("PBCEX_SECRET_KEY", "Jx0v9T2mQe7LrY4u" * 2, "is a placeholder"),
        ("PBCEX_KEY_RING", "keys.json", "an absolute path outside the checkout"),
        ("PBCEX_KEY_RING", str(PROJECT / "keys.json"), "an absolute path outside the checkout"),
        ("PBCEX_KEY_RING", f"{PROJECT}/../{PROJECT.name}/keys.json", "outside the checkout"),
        ("PBCEX_TOKEN_KEYS", "one:tooshort", "secrets of 32 characters"),
        ("DATABASE_URL", "sqlite:///x.db", "must be the URL of a PostgreSQL server"),
        ("DATABASE_URL", f"{DATABASE}?sslmode=require", "must end with ?sslmode=verify-full"),
        ("DATABASE_URL", DATABASE, "must end with ?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql:///pbcex?host=db.internal", "must end with"),
        ("DATABASE_URL", "postgresql://localhost/pbcex?hostaddr=10.0.0.5", "must end with"),
        ("DATABASE_URL", "postgresql:///pbcex?service=elsewhere", "must name its server itself"),
        ("DATABASE_OWNER_URL", OWNER, "must end with ?sslmode=verify-full"),
        ("DATABASE_OWNER_URL", f"{DATABASE}?sslmode=verify-full", "must name another role"),
        ("REDIS_URL", "redis://:a-password@redis.internal/0", "must start with rediss://"),
        ("REDIS_URL", "rediss://redis.internal/0", "must contain a password"),
        ("REDIS_URL", f"{REDIS}?ssl_cert_reqs=none", "must not set ssl_cert_reqs"),
        ("REDIS_URL", f"{REDIS}?ssl_check_hostname=no", "must not set ssl_check_hostname"),
        ("REDIS_URL", "memcached://x", "must be the URL of a Redis server"),
        ("PBCEX_PUBLIC_URL", "http://exchange.example.com", "must start with https://"),
        ("PBCEX_PUBLIC_URL", "https://localhost:4001", "is a placeholder"),
        ("PBCEX_PUBLIC_URL", "https://10.0.0.5", "is a placeholder"),
        ("PBCEX_PUBLIC_URL", "https://localhost.", "is a placeholder"),
        ("PBCEX_PUBLIC_URL", "https://exchange.example.com@evil.example", "without anything after"),
        ("PBCEX_PUBLIC_URL", "https://exchange.example.com/path", "without anything after it"),
        ("PBCEX_ALLOWED_HOSTS", "localhost,127.0.0.1", "is a placeholder"),
        ("PBCEX_ALLOWED_HOSTS", "exchange.example.com,*", "without wildcards"),
        ("PBCEX_ALLOWED_HOSTS", "exchange.example.com,.com", "without wildcards"),
        ("PBCEX_ALLOWED_HOSTS", "other.example.com", "must include exchange.example.com"),
        ("PBCEX_ALLOWED_HOSTS", " , ", "has an empty part"),
        ("PBCEX_ALLOWED_HOSTS", "exchange.example.com,", "has an empty part"),
        ("PBCEX_TOKEN_KEYS", f"one:{'a' * 40}", "is a placeholder: use a random secret"),
        ("PBCEX_TOKEN_KEYS", f"one:{RANDOM},", "must be kid:secret"),
        ("PBCEX_AUDIT_KEYS", f":{RANDOM}", "must be kid:secret"),
        ("PBCEX_AUDIT_KEYS", f"one:{RANDOM},one:{RANDOM}", "must name each kid once"),
        ("PBCEX_ARGON2_PASSES", "1", "must be 2 or more with 19456 KiB of memory"),
        ("PBCEX_SANDBOX_URL", "http://127.0.0.1:4000", "PBCEX_ENV=staging"),
        ("PBCEX_PROXIES", "0", "is required in production"),
        ("PBCEX_RATE_LIMIT", "off", "limits cannot be overridden"),
        ("PBCEX_RATE_LIMIT", "500/minute", "limits cannot be overridden"),
        ("PBCEX_CORS_ORIGINS", "*", "must be a list of origins"),
        ("PBCEX_CORS_ORIGINS", "http://app.example.com", "must be https:// in production"),
        ("REDIS_URL", "rediss://:a-password@redis.internal:port/0", "must have a port"),
        ("PBCEX_PUBLIC_URL", "https://exchange.example.com:port", "must have a port from 1"),
        ("PBCEX_SMTP_URL", "smtps://mail.example.com:99999", "must have a port from 1 to 65535"),
        ("PBCEX_PRICE_FEEDS", "tea-leaves", "must be some of simulated, metalpriceapi, paxos"),
        ("PBCEX_PRICE_FEEDS", "paxos,paxos", "must name each feed once"),
        ("METALPRICEAPI_BASE_URL", "http://api.metalpriceapi.com", "must start with https://"),
        ("METALPRICEAPI_BASE_URL", "//api.metalpriceapi.com", "must be a URL, like https://"),
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgresql:///pbcex"),
        ("DATABASE_URL", "postgresql:///pbcex?host=/var/run/postgresql"),
        ("DATABASE_OWNER_URL", f"{OWNER}?sslmode=verify-full"),
        ("REDIS_URL", f"{REDIS}?ssl_ca_certs=/etc/pbcex/ca.pem"),
        ("PBCEX_PUBLIC_URL", "https://exchange.example.com:8443/"),
        ("PBCEX_ALLOWED_HOSTS", ".example.com, 10.0.0.5"),
        ("PBCEX_CORS_ORIGINS", "https://app.example.com"),
    ],
)
def test_safe_alternative_is_accepted_in_production(
    production: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    production.setenv(variable, value)
    Settings.load()


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
def test_database_that_libpq_finds_on_another_host_needs_tls(
    production: pytest.MonkeyPatch, variable: str
) -> None:
    production.setenv("DATABASE_URL", "postgresql:///pbcex")
    production.setenv(variable, "10.0.0.5")
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load()
    assert set(refused.value.problems) == {"DATABASE_URL"}


def test_debug_mode_of_flask_is_off_whatever_its_environment_says(
    production: pytest.MonkeyPatch,
) -> None:
    production.setenv("FLASK_DEBUG", "1")
    app = Flask(__name__)
    app.config.update(Settings.load().flask)
    assert not app.debug


def test_unknown_environment_must_meet_the_requirements_of_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PBCEX_ENV", "prod")
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
