"""Rate limits: the class of a route, who is counted, and the headers that report it.

Each request counts against the limit of its class, which the route declares with its operation.
Flask-Limiter finds and checks the limits, except for the default class, whose one limit is counted
here by the same strategy. A limit is one fixed window by the clock and costs one round trip per
request, to a storage of our own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any, NoReturn, TypeVar

from flask import Flask, current_app, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits import RateLimitItem, parse

from app.blueprints.environ_keys import RATE_LIMIT, ROUTE
from app.identity.api_keys import service as api_keys
from app.identity.sign_in import access_tokens
from app.integrations import rate_limit_storage
from app.kit.db import Database
from app.kit.errors import RateLimited, Unauthenticated

View = TypeVar("View", bound=Callable[..., object])

_NETWORK_BITS = 64
_CALLER = "pbcex.caller"
_ROUTE_LIMIT = "pbcex.route_limit"

#: What an access token or an API key says of its owner, as this process can verify it.
CallerClaims = access_tokens.AccessTokenClaims | api_keys.ApiKeyClaims


class RateLimit(Enum):
    """A class of routes: its name on the wire and the requests that it allows each minute.

    They are counted per IP address, which an office may share, or `per_person`: then per IP address
    only without a token.
    """

    DEFAULT = ("default", 100)
    #: Statements, each of which can take half a second. Per person.
    STATEMENT = ("statement", 20)
    #: Files that are inspected, each of which can take seconds. Per person.
    UPLOAD = ("upload", 10)
    #: Pages, which refresh themselves.
    PAGE = ("page", 600)
    #: Webhooks of providers, each from a few IP addresses.
    WEBHOOK = ("webhook", 6000)
    #: Metrics, which take a tenth of a second.
    METRICS = ("metrics", 60)
    #: Routes where a secret could be guessed.
    SIGN_IN = ("sign-in", 10)

    def __init__(self, label: str, quota: int) -> None:
        self.label = label
        self.quota = quota

    @property
    def per_person(self) -> bool:
        """Return whether the person of the token is counted."""
        return self in {RateLimit.DEFAULT, RateLimit.STATEMENT, RateLimit.UPLOAD}


def counted_as(limit: RateLimit) -> Callable[[View], View]:
    """Declare the class of a view that is neither an operation of the API nor a page."""

    def declare(view: View) -> View:
        view.__dict__.update(rate_limit=limit)
        return view

    return declare


@dataclass(slots=True)
class ApiCaller:
    """The sender of a request, as far as the request itself shows."""

    #: The claims of the access token or API key; None without a valid one.
    claims: CallerClaims | None
    #: The reason why there are no claims.
    refusal: Unauthenticated | None


def current_caller() -> ApiCaller:
    """Return the caller of the current request. The token is read once."""
    environ = request.environ
    caller: ApiCaller | None = environ.get(_CALLER)
    if caller is None:
        caller = environ[_CALLER] = _read_caller(environ.get("HTTP_AUTHORIZATION", ""))
    return caller


def _read_caller(header: str) -> ApiCaller:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return ApiCaller(None, Unauthenticated("Send an access token: Authorization: Bearer …"))
    try:
        return ApiCaller(_read_claims(token.strip()), None)
    except Unauthenticated as refusal:
        return ApiCaller(None, refusal)


def _read_claims(text: str) -> CallerClaims:
    if text.startswith(api_keys.KEY_PREFIX):
        return api_keys.parse_key(text)
    return access_tokens.read_access_token(text)


def client_network() -> str:
    """Return the network of the current request, as `network_of` counts senders."""
    return network_of(request.remote_addr or "")


def network_of(address: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> _NETWORK_BITS << _NETWORK_BITS)}/64"


def register(app: Flask, *, redis_url: str, database: Database, quota_override: str) -> None:
    """Count every request to a route with a class. `quota_override`: empty, `off` or `N/minute`
    instead of the quota of every class."""
    app.before_request(_note_route)
    options: dict[str, Any] = {"database": database}
    quotas = {limit: quota_override or f"{limit.quota}/minute" for limit in RateLimit}
    limiter = Limiter(
        client_network,
        app=app,
        application_limits=[
            ApplicationLimit(
                quota,
                scope=limit.label,
                key_function=_counted_person if limit.per_person else client_network,
                exempt_when=partial(_is_of_another_class, limit),
            )
            for limit, quota in quotas.items()
            if limit is not RateLimit.DEFAULT
        ],
        on_breach=_refuse,
        enabled=quota_override != "off",
        strategy="fixed-window",
        storage_uri=rate_limit_storage.storage_uri(redis_url),
        storage_options=options,
        headers_enabled=False,
    )
    if not limiter.enabled:
        return
    limiter.request_filter(_is_of_default_class)
    default = parse(quotas[RateLimit.DEFAULT])

    @app.before_request
    def finish_counting() -> None:
        if _is_of_default_class():
            _note_headers(_count_default(limiter, default))
        elif limiter.current_limit is not None:
            _note_headers(limiter.current_limit)


def _note_route() -> None:
    """Name the route to the logs and metrics, and its class to those who count."""
    rule = request.url_rule
    if rule is None:
        return
    environ = request.environ
    environ[ROUTE] = rule.rule
    # Flask answers the preflight request of a browser (CORS), which does nothing.
    if environ["REQUEST_METHOD"] != "OPTIONS":
        view = current_app.view_functions[rule.endpoint]
        environ[_ROUTE_LIMIT] = getattr(view, "rate_limit", None)


def _route_limit() -> RateLimit | None:
    """Return the class of the route; None if its requests are not counted."""
    return request.environ.get(_ROUTE_LIMIT)


def _is_of_default_class() -> bool:
    return _route_limit() is RateLimit.DEFAULT


def _is_of_another_class(limit: RateLimit) -> bool:
    return _route_limit() is not limit


def _count_default(limiter: Limiter, item: RateLimitItem) -> RequestLimit:
    """Count a request of the default class, which orders have. Flask-Limiter itself would first
    decide which limits apply: a twelfth of what an order computes."""
    key = [_counted_person(), RateLimit.DEFAULT.label]
    breached = not limiter.limiter.hit(item, *key)
    counted = RequestLimit(limiter, item, key, breached, shared=True)
    if breached:
        _refuse(counted)
    return counted


def _counted_person() -> str:
    claims = current_caller().claims
    return str(claims.user_id) if claims else client_network()


def _note_headers(counted: RequestLimit) -> int:
    """Leave the headers for the response. Return in how many seconds the window ends."""
    limit = _route_limit()
    assert limit is not None, "the request was counted"
    quota, window = counted.limit.amount, counted.window
    reset = int(window.reset_time) - int(time.time())
    request.environ[RATE_LIMIT] = [
        ("RateLimit-Policy", f'"{limit.label}";q={quota};w={counted.limit.get_expiry()}'),
        ("RateLimit", f'"{limit.label}";r={window.remaining};t={reset}'),
    ]
    return reset


def _refuse(counted: RequestLimit) -> NoReturn:
    reset = _note_headers(counted)
    raise RateLimited(
        f"At most {counted.limit.amount} requests a minute are allowed.",
        retry_after_seconds=reset,
    )
