"""The security headers of every response: content security policy, CORS, caching, HSTS."""

from typing import TYPE_CHECKING

from app.blueprints.environ_keys import NONCE, RATE_LIMIT
from app.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HeaderList = list[tuple[str, str]]

# A response for programs loads nothing.
_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Pages load our own files only, without inline script or style.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Pages of the desks run only the scripts that carry this response's nonce. Their forms send the
# referrer to our own pages; other sites get none.
_NONCE_CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
_SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
_EXPOSED = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"
_CORS = [
    ("Access-Control-Expose-Headers", _EXPOSED),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"),
    ("Access-Control-Max-Age", "600"),
]


class SecurityHeaders:
    """The headers that these settings add to a response."""

    def __init__(self, settings: Settings) -> None:
        self._origins = frozenset(settings.cors_origins)
        self._fixed = [*_SECURITY, _HSTS] if settings.is_production else _SECURITY

    def add(self, headers: HeaderList, environ: "WSGIEnvironment") -> None:
        """Add the security headers, and those of the rate limit, to a response's `headers`."""
        headers += self._fixed
        names = {name for name, _value in headers}
        nonce = environ.get(NONCE)
        headers.append(("Referrer-Policy", "same-origin" if nonce else "no-referrer"))
        if nonce:
            headers.append(("Content-Security-Policy", _NONCE_CSP.format(nonce=nonce)))
        elif "Content-Security-Policy" not in names:
            page = ("Content-Type", "text/html; charset=utf-8") in headers
            headers.append(("Content-Security-Policy", PAGE_CSP if page else _CSP))
        api = environ["PATH_INFO"].startswith("/api/")
        if api and "Cache-Control" not in names:
            headers.append(("Cache-Control", "no-store"))
        rate_limit_headers = environ.get(RATE_LIMIT)
        if rate_limit_headers is not None:
            headers += rate_limit_headers
        if self._origins:
            headers.append(("Vary", "Origin"))
            origin = environ.get("HTTP_ORIGIN")
            if api and origin in self._origins:
                headers += [("Access-Control-Allow-Origin", origin), *_CORS]
        elif api:
            headers.append(("Cross-Origin-Resource-Policy", "same-origin"))
