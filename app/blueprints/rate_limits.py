"""Rate limits: the class of a route, who is counted, and the headers that report it.

Each request counts against the limit of its class, which the route declares with its operation.
It is counted by Flask-Limiter's strategy: a fixed window by the clock, for one round trip to a
storage of our own. A request from IPv6 that counts for its network counts for the
/48 around it as well, with ten times the quota.

A token or key names its owner, and only the database knows whether it is still valid. Where it
refuses one, the request is taken off its owner's count and counts for the network.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypeVar, cast

from flask import Flask, current_app, request
from flask_limiter import Limiter, RequestLimit
from limits import RateLimitItem, parse

from app.blueprints.environ_keys import RATE_LIMIT, ROUTE
from app.blueprints.refused_credentials import RefusedCredentials
from app.identity.api_keys import service as api_keys
from app.identity.sign_in import access_tokens
from app.identity.sign_in.sessions import Device
from app.integrations import rate_limit_storage
from app.kit.db import Database
from app.kit.errors import RateLimited, Unauthenticated
from app.kit.networks import SITE_FACTOR, network_of, site_of

View = TypeVar("View", bound=Callable[..., object])

_CALLER = "pbcex.caller"
_ROUTE_LIMIT = "pbcex.route_limit"
_IS_PUBLIC = "pbcex.is_public"
_COUNTED = "pbcex.counted"
_REFUSED_CREDENTIALS = "refused_credentials"
_LIMITER = "rate_limiter"

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
    #: Images of products, of which one page shows many.
    IMAGE = ("image", 6000)
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
    #: Whether the request says nothing of its sender.
    is_visitor: bool = False


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
        refusal = Unauthenticated("Send an access token: Authorization: Bearer …")
        return ApiCaller(None, refusal, is_visitor=not header)
    try:
        return ApiCaller(_read_claims(token.strip()), None)
    except Unauthenticated as refusal:
        return ApiCaller(None, refusal)


def _read_claims(text: str) -> CallerClaims:
    if text.startswith(api_keys.KEY_PREFIX):
        return api_keys.parse_key(text)
    return access_tokens.read_access_token(text)


def client_network() -> str:
    """Return the network of the current request: what counts as one sender."""
    return network_of(request.remote_addr or "")


def client_device() -> Device:
    """Return the device of the current request."""
    return Device(client_network(), request.headers.get("User-Agent", ""))


def register(app: Flask, *, redis_url: str, database: Database, quota_override: str) -> None:
    """Count every request to a route with a class. `quota_override`: empty, `off` or `N/minute`
    instead of the quota of every class."""
    app.extensions[_REFUSED_CREDENTIALS] = RefusedCredentials()
    app.before_request(_note_route)
    if quota_override == "off":
        return
    limiter = app.extensions[_LIMITER] = Limiter(
        client_network,
        strategy="fixed-window",
        storage_uri=rate_limit_storage.storage_uri(redis_url),
        storage_options=cast("dict[str, Any]", {"database": database}),
    )
    # Its strategy counts. Its hooks would search each request for limits, which takes a twelfth of
    # what an order computes: they stay on an application that serves nothing.
    limiter.init_app(Flask(__name__))
    quotas = {limit: parse(quota_override or f"{limit.quota}/minute") for limit in RateLimit}
    app.before_request(partial(_count_request, quotas))


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
        environ[_IS_PUBLIC] = getattr(view, "is_public", False)


def _route_limit() -> RateLimit | None:
    """Return the class of the route; None if its requests are not counted."""
    return request.environ.get(_ROUTE_LIMIT)


def _count_request(quotas: dict[RateLimit, RateLimitItem]) -> None:
    """Count the current request for its sender, and for the /48 of a sender from IPv6.

    Raises `RateLimited`.
    """
    limit = _route_limit()
    if limit is None:
        return
    quota = quotas[limit]
    sender = _counted_person() if limit.per_person else client_network()
    if (site := site_of(sender)) is not None:
        wide = type(quota)(quota.amount * SITE_FACTOR, quota.multiples, quota.namespace)
        _count(wide, [site, limit.label])
    _note_counted(_count(quota, [sender, limit.label]))


def _count(quota: RateLimitItem, key: list[str]) -> RequestLimit:
    limiter: Limiter = current_app.extensions[_LIMITER]
    breached = not limiter.limiter.hit(quota, *key)
    counted = RequestLimit(limiter, quota, key, breached, shared=True)
    if breached:
        raise RateLimited(
            f"At most {quota.amount} requests a minute are allowed.",
            retry_after_seconds=_note_headers(counted),
        )
    return counted


def _counted_person() -> str:
    """Return who is counted on a route that counts people.

    A public route asks the database for no credential: there each counts for itself.
    """
    claims = current_caller().claims
    if claims is None or claims.credential in current_app.extensions[_REFUSED_CREDENTIALS]:
        return client_network()
    return claims.credential if request.environ.get(_IS_PUBLIC) else str(claims.user_id)


def count_refused_credential() -> None:
    """Count the present request for the network of its sender instead of the owner of its
    credential, which the database refused.

    Raises `RateLimited` above the network's quota.
    """
    claims = current_caller().claims
    assert claims is not None, "the database was asked for its claims"
    current_app.extensions[_REFUSED_CREDENTIALS].add(claims.credential)
    counted: RequestLimit | None = request.environ.get(_COUNTED)
    if counted is None or counted.request_args[0] != str(claims.user_id):
        return
    counted.limiter.hit(counted.limit, *counted.request_args, cost=-1)
    _note_counted(_count(counted.limit, [client_network(), *counted.request_args[1:]]))


def _note_counted(counted: RequestLimit) -> None:
    request.environ[_COUNTED] = counted
    _note_headers(counted)


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
