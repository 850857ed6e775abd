"""Validate settings: formats, and what production requires or forbids."""

import os
import re
from collections.abc import Callable
from email.utils import parseaddr
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import email_validator
from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import NoDecode
from werkzeug.sansio.utils import host_is_trusted

PROJECT = Path(__file__).resolve().parents[2]
SECRET_LENGTH_MIN = 32
_SECRET_CHARACTERS_MIN = 12
#: A name with a dot whose last part is no number: no address, and nothing that is on this machine.
_HOST_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?", re.ASCII | re.IGNORECASE
)
_EMAIL_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - a name to refuse


class Environment(StrEnum):
    """The kind of environment. Sample data and embedded servers exist only outside production.

    Staging is production in which providers may be sandboxes.
    """

    SAMPLE = "sample"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_production(self) -> bool:
        """Whether the checks and the behaviour are those of production."""
        return self in {Environment.STAGING, Environment.PRODUCTION}


def in_production(check: Callable[[Any], None]) -> AfterValidator:
    """Return a validator that runs `check` in production and staging, and if the environment is
    invalid."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        if info.data.get("env", Environment.PRODUCTION).is_production:
            check(value)
        return value

    return AfterValidator(validate)


def require_value(value: object) -> None:
    if not value:
        raise ValueError("is required in production")


def find_host(value: str) -> str | None:
    """Return the host of a URL, None without one. Raises `ValueError` for a port that cannot be."""
    parts = urlsplit(value)
    try:
        is_port = parts.port != 0
    except ValueError:
        is_port = False
    if not is_port:
        raise ValueError("must have a port from 1 to 65535, or none")
    return parts.hostname


def check_web_url(value: str) -> str:
    """Require a URL of a web server, if there is one."""
    if value:
        host, is_web = find_host(value), urlsplit(value).scheme in {"http", "https"}
        if not is_web or not host or not value.isprintable() or " " in value:
            raise ValueError("must be a URL, like https://api.example.com")
    return value


def check_encrypted_url(value: str) -> str:
    """Require TLS to a web server that is not on this machine: the URL carries a key."""
    check_web_url(value)
    if not value.startswith("https://") and find_host(value) not in LOOPBACK:
        raise ValueError("must start with https://, because the server is on another host")
    return value


def check_postgresql_url(value: str) -> None:
    require_value(value)
    if not value.startswith("postgresql+psycopg://"):
        raise ValueError("must be the URL of a PostgreSQL server")
    check_postgresql_tls(value)


def check_postgresql_tls(value: str) -> None:
    """Require that the server proves who it is, unless it is on this machine."""
    if not value:
        return
    parts = urlsplit(value)
    options = parse_qs(parts.query)
    if "service" in options or os.environ.get("PGSERVICE"):
        raise ValueError("must name its server itself, without a service file of libpq")
    # libpq connects to `hostaddr` whatever the host, and to PGHOST where the URL names no host.
    hosts = [parts.hostname or "", *options.get("host", []), *options.get("hostaddr", [])]
    hosts += [os.environ.get("PGHOSTADDR", "")]
    if not any(hosts):
        hosts += [os.environ.get("PGHOST", "")]
    is_here = all(host in {"", *LOOPBACK} or host.startswith("/") for host in hosts)
    if not is_here and options.get("sslmode") not in (["verify-full"], ["verify-ca"]):
        raise ValueError(
            "must end with ?sslmode=verify-full, because the server is on another host (add "
            "&sslrootcert=system or the path of its CA)"
        )


def check_owner_role(value: str, info: ValidationInfo) -> str:
    """Require in production that the application does not act as the role that migrates."""
    is_production = info.data.get("env", Environment.PRODUCTION).is_production
    role = urlsplit(value).username
    if value and is_production and role == urlsplit(info.data.get("database_url", "")).username:
        raise ValueError(
            "must name another role than DATABASE_URL: the application may not change its tables"
        )
    return value


def check_redis_url(value: str) -> None:
    require_value(value)
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("must be the URL of a Redis server")
    find_host(value)
    # Write access to Redis allows enqueueing jobs.
    if not parts.password:
        raise ValueError("must contain a password")
    if parts.scheme == "redis" and parts.hostname not in LOOPBACK:
        raise ValueError("must start with rediss://, because the server is on another host")
    weakened = {"ssl_cert_reqs", "ssl_check_hostname"} & set(parse_qs(parts.query))
    if weakened:
        raise ValueError(f"must not set {min(weakened)}: the server proves who it is")


def check_public_url(value: str) -> None:
    require_value(value)
    parts = urlsplit(value)
    if parts.scheme != "https":
        raise ValueError("must start with https:// in production")
    find_host(value)
    if not _HOST_NAME.fullmatch(parts.hostname or ""):
        raise ValueError("is a placeholder: customers cannot reach it")
    if "@" in parts.netloc or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be https:// and a host name, without anything after it")


def check_allowed_hosts(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Require in production names that are ours, the one of the public URL among them."""
    if not info.data.get("env", Environment.PRODUCTION).is_production:
        return value
    require_value(value)
    if set(value) <= LOOPBACK:
        raise ValueError("is a placeholder: customers cannot reach it")
    # Werkzeug reads a first dot as any subdomain.
    domains = [name[1:] for name in value if name.startswith(".")]
    if "*" in "".join(value) or not all(map(_HOST_NAME.fullmatch, domains)):
        raise ValueError("must be host names of your own, without wildcards")
    public = urlsplit(info.data.get("public_url", "")).hostname
    if public and not host_is_trusted(public, value):
        raise ValueError(f"must include {public}, the host name of PBCEX_PUBLIC_URL")
    return value


def check_secret(value: str) -> None:
    require_value(value)
    if len(value) < SECRET_LENGTH_MIN:
        raise ValueError(f"must have {SECRET_LENGTH_MIN} characters or more")
    # A text that repeats itself occurs in its double before the end.
    is_repeated = value in (value * 2)[1:-1]
    steps = sum(ord(second) - ord(first) == 1 for first, second in pairwise(value))
    is_sequence = steps > len(value) // 2
    if len(set(value)) < _SECRET_CHARACTERS_MIN or is_repeated or is_sequence:
        raise ValueError("is a placeholder: use a random secret")
    if "secret" in value.lower():
        raise ValueError("is a placeholder: use a random secret")


def check_key_ring_path(value: str) -> None:
    require_value(value)
    path = Path(value)
    if not path.is_absolute() or path.resolve().is_relative_to(PROJECT):
        raise ValueError("must be an absolute path outside the checkout")


def check_smtp_url(value: str) -> str:
    if value:
        parts = urlsplit(value)
        is_smtp = parts.scheme in {"smtp", "smtp+starttls", "smtps"}
        if not is_smtp or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("must look like smtps://user:password@mail.example.com")
        find_host(value)
        try:
            parts.hostname.encode("idna")
        except UnicodeError:
            raise ValueError("names a host that no server can have") from None
    return value


def check_encrypted_smtp(value: str, info: ValidationInfo) -> str:
    """Require an encrypted SMTP connection in production, if emails are sent by SMTP."""
    is_production = info.data.get("env", Environment.PRODUCTION).is_production
    if is_production and info.data.get("mailer") == "smtp":
        require_value(value)
        if urlsplit(value).scheme == "smtp":
            raise ValueError("must be smtps:// or smtp+starttls:// in production")
    return value


def check_email_address(value: str) -> str:
    if not _EMAIL_ADDRESS.fullmatch(value):
        raise ValueError("must be an email address, like support@pbcex.example")
    return value


def check_mail_from(value: str) -> str:
    try:
        email_validator.validate_email(
            value, check_deliverability=False, allow_display_name=True, globally_deliverable=False
        )
    except email_validator.EmailNotValidError:
        raise ValueError("must look like PBCEx <no-reply@pbcex.example>") from None
    return value


def check_sender(value: str) -> None:
    address = parseaddr(value)[1]
    if not _EMAIL_ADDRESS.fullmatch(address) or address.endswith(".local"):
        raise ValueError("is required in production")


def check_keyed_secrets(value: str) -> str:
    pairs = [item.strip().partition(":") for item in value.split(",")] if value else []
    if any(not kid or len(secret) < SECRET_LENGTH_MIN for kid, _, secret in pairs):
        raise ValueError(
            f"must be kid:secret,… with secrets of {SECRET_LENGTH_MIN} characters or more"
        )
    if len({kid for kid, _, _ in pairs}) < len(pairs):
        raise ValueError("must name each kid once")
    return value


def check_random_keyed_secrets(value: str) -> None:
    for item in value.split(",") if value else []:
        check_secret(item.strip().partition(":")[2])


def forbid_rate_limit_override(value: str) -> None:
    if value:
        raise ValueError("limits cannot be overridden in production")


#: The price feeds that app/integrations/feeds.py can build.
PRICE_FEEDS = ("simulated", "metalpriceapi", "paxos")


def check_price_feeds(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in PRICE_FEEDS:
            raise ValueError(f"must be some of {', '.join(PRICE_FEEDS)}, separated by commas")
    if len(set(value)) < len(value):
        raise ValueError("must name each feed once")
    return value


def require_named_feed_key(value: SecretStr, info: ValidationInfo) -> SecretStr:
    if "metalpriceapi" in info.data.get("price_feeds", ()) and not value.get_secret_value():
        raise ValueError("is required: PBCEX_PRICE_FEEDS names metalpriceapi")
    return value


def forbid_simulated_prices(value: tuple[str, ...]) -> None:
    if "simulated" in value:
        raise ValueError("simulated prices are refused in production")


def forbid_always_open(value: str) -> None:
    if value == "always_open":
        raise ValueError("always_open is refused in production")


def check_rate_limit(value: str) -> str:
    if value and not re.fullmatch(r"off|[1-9][0-9]{0,8}/minute", value):
        raise ValueError("must be off or N/minute")
    return value


def require_encrypted_origins(value: tuple[str, ...]) -> None:
    if any(not origin.startswith("https://") for origin in value):
        raise ValueError("must be https:// in production")


def check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise ValueError("must be a list of origins such as https://app.example.com")
    return value


def use_psycopg_driver(value: str) -> str:
    """Return the URL with the scheme by which SQLAlchemy uses psycopg."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)


def split_names(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip() for part in value.split(",")) if value.strip() else ()
    if "" in parts:
        raise ValueError("has an empty part: remove the comma too many")
    return parts


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names)]


def forbid_sandbox(value: str, info: ValidationInfo) -> str:
    if value and info.data.get("env", Environment.PRODUCTION) is Environment.PRODUCTION:
        raise ValueError("is refused in production: there is no sandbox. PBCEX_ENV=staging has one")
    return value


#: Passes of argon2id that make up for less memory, by the least memory in KiB (OWASP's password
#: storage guidance, each as strong as the others).
_ARGON2_FLOORS = {47_104: 1, 19_456: 2, 12_288: 3, 9_216: 4, 7_168: 5}


def check_argon2_passes(value: int, info: ValidationInfo) -> int:
    """Require in production that passwords cost as much to guess as OWASP recommends."""
    memory = info.data.get("argon2_memory_kib")
    if memory is None or not info.data.get("env", Environment.PRODUCTION).is_production:
        return value
    enough = [passes for least, passes in _ARGON2_FLOORS.items() if memory >= least]
    if not enough:
        raise ValueError(
            f"cannot make up for PBCEX_ARGON2_MEMORY_KIB below {min(_ARGON2_FLOORS)}: set 19456 "
            "KiB with 2 passes"
        )
    if value < min(enough):
        raise ValueError(f"must be {min(enough)} or more with {memory} KiB of memory")
    return value
