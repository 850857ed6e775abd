"""The settings of this exchange, read from the environment."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from app.config import checks
from app.config.checks import PROJECT, Environment, Names
from app.config.section import SettingsSection


class Settings(SettingsSection):
    """The settings of the exchange itself. Lists are separated by commas.

    Each provider has a section of its own, in its folder in app/integrations.
    """

    model_config = SettingsConfigDict(populate_by_name=True)

    env: Environment = Field(Environment.SAMPLE, alias="PBCEX_ENV")

    data_dir: Path = Field(PROJECT / ".pbcex", alias="PBCEX_DATA_DIR")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", alias="PBCEX_LOG_LEVEL"
    )

    #: Empty outside production: the URLs of the running embedded servers.
    database_url: Annotated[
        str,
        AfterValidator(checks.use_psycopg_driver),
        checks.in_production(checks.check_postgresql_url),
    ] = Field("", alias="DATABASE_URL")
    #: The role that migrates. The web and worker processes do not need it.
    database_owner_url: Annotated[
        str,
        AfterValidator(checks.use_psycopg_driver),
        checks.in_production(checks.check_postgresql_tls),
        AfterValidator(checks.check_owner_role),
    ] = Field("", alias="DATABASE_OWNER_URL")
    redis_url: Annotated[str, checks.in_production(checks.check_redis_url)] = Field(
        "", alias="REDIS_URL"
    )
    #: PostgreSQL connections of one process: one for each thread that serves requests.
    database_pool_size: int = Field(8, alias="PBCEX_DATABASE_POOL_SIZE", ge=1, le=200)

    secret_key: Annotated[str, checks.in_production(checks.check_secret)] = Field(
        "", alias="PBCEX_SECRET_KEY", repr=False
    )
    #: `kid:secret,kid:secret`: the first signs access tokens, all verify. Empty: one derived key.
    token_keys: Annotated[
        str,
        AfterValidator(checks.check_keyed_secrets),
        checks.in_production(checks.check_random_keyed_secrets),
    ] = Field("", alias="PBCEX_TOKEN_KEYS", repr=False)
    #: The same for the hashes of the audit trail; keep a secret as long as its records exist.
    audit_keys: Annotated[
        str,
        AfterValidator(checks.check_keyed_secrets),
        checks.in_production(checks.check_random_keyed_secrets),
    ] = Field("", alias="PBCEX_AUDIT_KEYS", repr=False)
    #: The file of the key ring that seals personal data (app/keys/ring.py has its format): mode
    #: 0600, never in the repository; `flask keys` creates it, rotates it and backs it up. Empty
    #: outside production: `keys.json` in the data folder, created on first use.
    key_ring: Annotated[str, checks.in_production(checks.check_key_ring_path)] = Field(
        "", alias="PBCEX_KEY_RING"
    )
    #: The age in days from which `flask keys list` asks to rotate the active key.
    key_rotation_days: int = Field(365, alias="PBCEX_KEY_ROTATION_DAYS", ge=1)
    access_token_seconds: int = Field(1800, alias="PBCEX_ACCESS_TOKEN_SECONDS", gt=0, le=8 * 3600)
    #: argon2id with the cost that OWASP's password storage guidance recommends for one lane.
    argon2_memory_kib: int = Field(19_456, alias="PBCEX_ARGON2_MEMORY_KIB", ge=8)
    argon2_passes: Annotated[int, AfterValidator(checks.check_argon2_passes)] = Field(
        2, alias="PBCEX_ARGON2_PASSES", ge=1
    )
    argon2_lanes: int = Field(1, alias="PBCEX_ARGON2_LANES", ge=1)

    port: int = Field(4001, alias="PORT", ge=1, le=65_535)
    #: The URL where customers reach this exchange, for links and the OpenAPI document.
    public_url: Annotated[str, checks.in_production(checks.check_public_url)] = Field(
        "", alias="PBCEX_PUBLIC_URL"
    )
    #: The accepted Host headers. Empty: any.
    allowed_hosts: Annotated[Names, AfterValidator(checks.check_allowed_hosts)] = Field(
        (), alias="PBCEX_ALLOWED_HOSTS"
    )
    #: Other origins whose pages may call the API.
    cors_origins: Annotated[
        Names,
        AfterValidator(checks.check_origins),
        checks.in_production(checks.require_encrypted_origins),
    ] = Field((), alias="PBCEX_CORS_ORIGINS")
    #: The number of our own proxies in front, which set X-Forwarded-For and -Proto.
    proxies: Annotated[int, checks.in_production(checks.require_value)] = Field(
        0, alias="PBCEX_PROXIES", ge=0, le=5
    )
    #: At most what the front takes of a body whose length was not announced (deploy/haproxy.cfg).
    body_bytes_max: int = Field(256 * 1024, alias="PBCEX_BODY_BYTES_MAX", ge=1024, le=1024 * 1024)

    #: `off` or `N/minute`, in place of the limit of every class.
    rate_limit: Annotated[
        str,
        AfterValidator(checks.check_rate_limit),
        checks.in_production(checks.forbid_rate_limit_override),
    ] = Field("", alias="PBCEX_RATE_LIMIT")

    #: How emails are sent.
    mailer: Literal["smtp", "sendgrid"] = Field("smtp", alias="PBCEX_MAILER")
    #: `smtps://user:password@host:465` or `smtp+starttls://…:587`; `smtp://` only outside
    #: production. Empty outside production: the mail catcher of `bin/run`, if it runs.
    smtp_url: Annotated[
        str, AfterValidator(checks.check_smtp_url), AfterValidator(checks.check_encrypted_smtp)
    ] = Field("", alias="PBCEX_SMTP_URL", repr=False)
    #: The time limit of an SMTP session, from the connection to the server's last reply.
    smtp_timeout_seconds: int = Field(15, alias="PBCEX_SMTP_TIMEOUT_SECONDS", ge=1, le=45)
    #: The sender that customers see.
    mail_from: Annotated[
        str, AfterValidator(checks.check_mail_from), checks.in_production(checks.check_sender)
    ] = Field("PBCEx <no-reply@pbcex.local>", alias="PBCEX_MAIL_FROM")
    #: The address of support, which every email names as the contact.
    support_email: Annotated[
        str,
        AfterValidator(checks.check_email_address),
        checks.in_production(checks.check_sender),
    ] = Field("support@pbcex.local", alias="PBCEX_SUPPORT_EMAIL")

    #: The sandbox that stands in for providers. Empty outside production: the one of `bin/run`.
    sandbox_url: Annotated[
        str, AfterValidator(checks.check_web_url), AfterValidator(checks.forbid_sandbox)
    ] = Field("", alias="PBCEX_SANDBOX_URL")
    #: The time limit of a call to a provider, from its start to the last byte.
    provider_timeout_seconds: int = Field(10, alias="PBCEX_PROVIDER_TIMEOUT_SECONDS", ge=1, le=30)

    #: The wait before the outbox sends an unfinished job again; it doubles each time.
    outbox_retry_seconds: float = Field(3, alias="PBCEX_OUTBOX_RETRY_SECONDS", gt=0, le=60)

    #: The ceiling of feature flags: what it does not allow, no page can switch on. 1: the minimum;
    #: 2: support desk and experiments; 3: everything.
    phase: int = Field(1, alias="PHASE", ge=1, le=3)
    enable_vault_redemption: bool = Field(default=False, alias="ENABLE_VAULT_REDEMPTION")
    enable_onchain: bool = Field(default=False, alias="ENABLE_ONCHAIN")
    #: Which partner fulfils a redemption whose order names none.
    fulfillment_strategy: Literal["JM", "BRINKS"] = Field("JM", alias="FULFILLMENT_STRATEGY")

    #: How many jobs of a queue may call one provider at once.
    provider_jobs_max: int = Field(2, alias="PBCEX_PROVIDER_JOBS_MAX", ge=1, le=100)

    #: Price feeds by name. Empty: the simulated feed; in production, none.
    price_feeds: Annotated[
        Names,
        AfterValidator(checks.check_price_feeds),
        checks.in_production(checks.forbid_simulated_prices),
    ] = Field((), alias="PBCEX_PRICE_FEEDS")
    price_interval_seconds: int = Field(2, alias="PBCEX_PRICE_INTERVAL_SECONDS", ge=1, le=3600)
    price_seed: str = Field("pbcex", alias="PBCEX_PRICE_SEED")
    #: Empty: real hours in production, always open elsewhere.
    market_hours: Annotated[
        Literal["", "always_open", "real"], checks.in_production(checks.forbid_always_open)
    ] = Field("", alias="PBCEX_MARKET_HOURS")
    metalpriceapi_base_url: Annotated[str, AfterValidator(checks.check_encrypted_url)] = Field(
        "https://api.metalpriceapi.com", alias="METALPRICEAPI_BASE_URL"
    )
    metalpriceapi_key: Annotated[SecretStr, AfterValidator(checks.require_named_feed_key)] = Field(
        SecretStr(""), alias="METALPRICEAPI_KEY"
    )

    @property
    def is_production(self) -> bool:
        """Whether the checks and the behaviour are those of production, as in staging."""
        return self.env.is_production

    @property
    def second_factor_required(self) -> bool:
        """Whether staff must have a second factor: everywhere but with sample data."""
        return self.env is not Environment.SAMPLE

    @property
    def base_url(self) -> str:
        """The URL of this exchange, for the links in emails, and the origin of passkeys: browsers
        bind them to a host name, never to 127.0.0.1."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def key_ring_path(self) -> Path:
        """The file of the key ring."""
        return Path(self.key_ring) if self.key_ring else self.data_dir / "keys.json"

    @property
    def flask(self) -> dict[str, Any]:
        """The same settings under the names that Flask and its extensions read."""
        return {
            # Never by FLASK_DEBUG: that passes exceptions on to the server.
            "DEBUG": False,
            # For the cookie of the pages (blueprints/staff_session_cookie.py); the API has none.
            "SECRET_KEY": self.secret_key,
            "MAX_CONTENT_LENGTH": self.body_bytes_max,
            "MAX_FORM_MEMORY_SIZE": self.body_bytes_max,
            "TRUSTED_HOSTS": list(self.allowed_hosts) or None,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
        }
