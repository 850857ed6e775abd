"""What a person types into a search, sealed in URLs.

URLs end up in access logs, in the browser's history and in referrers. Names, email addresses and
phone numbers must not: a search form is POSTed, and its response leads to the page with what was
typed sealed in its parameter: `/admin/people?q=~nT5k…`. Choices, dates and ids of ours stay
readable. A sealed text opens at the page and parameter that it was sealed for, for each person who
may open that page: the URL can be reloaded, bookmarked, and sent to a colleague. What is typed into
the address bar itself works too; the links of the page that it leads to are sealed.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app, request, url_for

from app.kit import crypto, ids
from app.kit.errors import Invalid

#: Characters of a search.
TEXT_LENGTH_MAX = 320
_MARK = "~"


def url_of(endpoint: str, **texts: str) -> str:
    """Return the URL of the page with these texts as parameters, sealed."""
    sealed: dict[str, Any] = {name: seal_text(endpoint, name, text) for name, text in texts.items()}
    return url_for(endpoint, **sealed)


def typed_text(name: str) -> str:
    """Return what was typed into this field of the search form that was sent."""
    return request.form.get(name, "")[:TEXT_LENGTH_MAX].strip()


def searched_text(name: str) -> str:
    """Return what the current page searches for by this parameter. Raises `Invalid`."""
    text = open_text(request.endpoint or "", name, request.args.get(name, ""))
    return text[:TEXT_LENGTH_MAX].strip()


def seal_text(endpoint: str, name: str, text: str) -> str:
    """Return the text as this parameter of this page's URL."""
    if not text or ids.prefix_of(text):
        return text
    sealed = crypto.encrypt(_key(), text.encode(), _place(endpoint, name))
    return _MARK + urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def open_text(endpoint: str, name: str, text: str) -> str:
    """Return the text in this parameter, sealed or not.

    Raises `Invalid` naming the parameter for a text that was cut off, or was sealed elsewhere or
    under an earlier secret key.
    """
    if not text.startswith(_MARK):
        return text
    try:
        sealed = urlsafe_b64decode(text.removeprefix(_MARK).encode("ascii") + b"==")
        return crypto.decrypt(_key(), sealed, _place(endpoint, name)).decode()
    except (ValueError, crypto.DecryptionFailed):
        raise Invalid(name, "This link cannot be read any more. Enter the search again.") from None


def _place(endpoint: str, name: str) -> bytes:
    return f"{endpoint}?{name}".encode()


def _key() -> bytes:
    secret = current_app.secret_key
    assert isinstance(secret, str), "the application has a secret key"
    return _derive_key(secret)


@lru_cache(maxsize=8)
def _derive_key(secret: str) -> bytes:
    return HKDF(SHA256(), crypto.KEY_BYTES, salt=None, info=b"pbcex searches").derive(
        secret.encode()
    )
