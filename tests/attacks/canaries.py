"""Canaries: distinct texts typed into every input, and the search for where they appear again.

Where a canary may appear again:

- Nowhere, not even in a response: credentials (passwords, codes, passkeys, tokens in headers,
  cookies, idempotency keys), and what browsers and proxies report about themselves.
- `X-Request-Id` is the sender's own name for a request: it is logged beside ours, if it has at most
  64 letters, digits and `._-`, and appears nowhere else: the audit trail has ours.
- Errors name fields, unknown ones too, and never their values.
- A form that is shown again keeps the typed values in its fields, except secrets. A hidden field
  keeps the token of an emailed link, or the form could not be sent again.
- A successful response contains what its own caller wrote or searched for.
- An email goes to the typed address and quotes no other input.
- The audit trail keeps reasons and names given by staff, which is its purpose. So do the pages on
  which staff read them, also beside a refusal.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any

from werkzeug.test import TestResponse

from app.kit import clock
from app.kit.db import Database
from tests.mailbox import Mailbox

_CANARY = re.compile(r"kanari[0-9]{5}x[0-9a-f]{8}")
#: Places whose canaries are names of requests or of fields.
_REQUEST_NAMES = frozenset({"request id"})
_NAME_PLACES = _REQUEST_NAMES | {"name of a field"}
#: Fields that accept only values like their example.
_EXAMPLE_FIELDS = frozenset(
    {
        "phone", "country", "state", "zipCode", "city", "scopes", "idType", "idNumber",
        "ownershipPercent", "dateOfBirth", "incorporatedOn", "expiresOn",
    }
)  # fmt: skip
_VALUES = re.compile(r'\svalue="[^"]*"')
#: Fields with credentials.
SECRET_FIELDS = frozenset(
    {
        "password", "newPassword", "currentPassword", "code", "credential", "csrf_token",
        "refreshToken",
    }
)  # fmt: skip
#: Fields of staff's acts that the audit trail keeps.
KEPT_BY_AUDIT_TRAIL = frozenset({"reason", "name", "kind"})
HEADERS = (
    "User-Agent", "Referer", "Origin", "Accept-Language", "Forwarded", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Idempotency-Key", "Authorization",
)  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """Where a canary was typed, for example `password` of `POST /api/auth/login`."""

    place: str
    name: str

    @property
    def is_secret(self) -> bool:
        """Return whether no response may contain it."""
        if self.place in {"header", "cookie"}:
            return True
        # The code of a branch is no secret.
        return self.name in SECRET_FIELDS and "/admin/" not in self.place

    def __str__(self) -> str:
        return f"{self.place} {self.name}"


@dataclass
class Canaries:
    """Every canary, where it was typed, and where it appeared although it must not."""

    typed: dict[str, Typed] = field(default_factory=dict)
    leaks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: How often each kind of place was searched: a search that never ran proves nothing.
    searched: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def new(self, place: str, name: str) -> str:
        """Return a new canary for this place."""
        text = f"kanari{len(self.typed):05d}x{token_hex(4)}"
        self.typed[text] = Typed(place, name)
        return text

    def headers(self, **real: str) -> dict[str, str]:
        """Return every header with a canary, except the real ones."""
        canaries = {name: self.new("header", name) for name in HEADERS if name not in real}
        canaries["Cookie"] = "; ".join(
            f"{name}={self.new('cookie', name)}" for name in ("theme", "session", "remember_token")
        )
        return {**canaries, "X-Request-Id": self.new("request id", "X-Request-Id"), **real}

    def search(self, kind: str, text: str, at: str) -> None:
        """Record the canaries in a text that it must not contain."""
        legal = _REQUEST_NAMES if kind == "log" else frozenset()
        self.searched[kind] += 1
        for canary in _CANARY.findall(text.lower()):
            typed = self.typed[canary]
            is_kept = kind == "audit" and typed.name in KEPT_BY_AUDIT_TRAIL
            if typed.place not in legal and not is_kept:
                self.leaks[kind].add(f"{typed} in {at}")

    def search_response(self, at: str, response: TestResponse) -> None:
        """Search a response: an error must contain no input, and no response a secret."""
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers)
        # What is no text, such as a PDF, is searched as far as it is readable.
        text = response.get_data().decode("utf-8", "replace")
        is_error = response.status_code >= 400
        shown = text
        if response.mimetype == "text/html":
            # A form that is shown again keeps the typed values in its fields.
            shown = _VALUES.sub("", text)
        self.searched["error" if is_error else "response"] += 1
        for canary in _CANARY.findall(f"{headers}\n{shown if is_error else ''}".lower()):
            typed = self.typed[canary]
            on_a_desk = response.mimetype == "text/html" and typed.name in KEPT_BY_AUDIT_TRAIL
            if is_error and typed.place not in _NAME_PLACES and not on_a_desk:
                self.leaks["error"].add(f"{typed} in {at} {response.status_code}")
        for canary in _CANARY.findall(f"{headers}\n{text}".lower()):
            if self.typed[canary].is_secret:
                self.leaks["response"].add(f"{self.typed[canary]} in {at} {response.status_code}")

    def search_logs(self, text: str) -> None:
        """Search log lines, which may contain names of requests only."""
        for line in text.splitlines():
            self.search("log", line, line[:300])

    def search_emails(self, box: Mailbox) -> None:
        """Search emails, which must quote no input."""
        for mail in box.sent:
            self.search("mail", f"{mail.subject}\n{mail.text}\n{mail.html}", mail.subject)

    def search_tables(self, database: Database) -> None:
        """Search stored errors and the audit trail."""
        for kind, statement in _STORED_TEXTS.items():
            with database.reading() as session:
                for (text,) in session.rows(statement):
                    self.search(kind, text, text[:300])


_STORED_TEXTS = {
    "outbox": "SELECT last_error FROM outbox WHERE last_error IS NOT NULL",
    "mails": "SELECT last_error FROM mails WHERE last_error IS NOT NULL",
    "texts": "SELECT last_error FROM texts WHERE last_error IS NOT NULL",
    "audit": "SELECT t::text FROM audit_records t",
}


def valid_value(schema: Mapping[str, Any], canaries: Canaries, place: str, name: str) -> Any:
    """Return a value that fits the schema, with a canary wherever free text is allowed."""
    if "allOf" in schema:
        [schema] = schema["allOf"]
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {
            each: valid_value(below, canaries, place, each)
            for each, below in schema.get("properties", {}).items()
            if not below.get("readOnly")
        }
    if kind == "array":
        return [valid_value(schema["items"], canaries, place, name)]
    if "enum" in schema:
        return schema["enum"][0]
    if kind != "string":
        return next(iter(schema.get("examples", ())), False)
    return _text(schema, canaries.new(place, name), name)


def _text(schema: Mapping[str, Any], canary: str, name: str) -> str:
    examples = {
        "email": f"{canary}@example.com",
        "password": f"{canary} horse",
        "date-time": clock.rfc3339(clock.now() + timedelta(days=1)),
    }
    if schema.get("format") in examples:
        return examples[schema["format"]]
    unfit = "pattern" in schema and not re.fullmatch(schema["pattern"], canary)
    if unfit or name in _EXAMPLE_FIELDS:
        return str(schema.get("examples", [canary])[0])
    return canary[: schema.get("maxLength", 64)]


def invalid_bodies(
    body: Mapping[str, Any], canaries: Canaries, place: str
) -> Iterator[dict[str, Any]]:
    """Yield the body with each field in turn of a wrong type, too long, or with a NUL."""
    for name in body:
        for invalid in (
            [canaries.new(place, name)],
            {canaries.new("name of a field", name): canaries.new(place, name)},
            canaries.new(place, name) + "\x00" + "x" * 5000,
            canaries.new(place, name),
        ):
            yield {**body, name: invalid}
    yield {**body, canaries.new("name of a field", "unknown"): canaries.new(place, "unknown")}
