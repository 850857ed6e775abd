"""Distinct texts typed into every place that takes one, and the search for where they come out.

Where a canary may be seen again is decided here:

- Nowhere: what proves who somebody is (passwords, codes, passkeys, tokens in headers, cookies, keys
  of idempotency), and what browsers and proxies say of themselves. Not in any answer either.
- `X-Request-Id` is the sender's own name for a request: it comes back and is logged. The edge takes
  no more than 64 letters, digits and `._-`.
- Names of fields are named in errors, the ones that we do not know too; values are not.
- A form that is shown again holds in its fields what was typed, except secrets. A hidden field
  keeps the token of a mailed link, or the form could not be sent again.
- What somebody wrote about themselves or looks for is in their own answers that succeed.
- Mail goes to the address that was typed, and quotes nothing else that was.
- The trail keeps reasons, and names of what staff made: that is what it is for. So do the pages
  on which staff read them, beside a refusal too.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from werkzeug.test import TestResponse

from app.kit.db import Database
from tests.mailbox import Mailbox

_CANARY = re.compile(r"kanari[0-9]{5}x[0-9a-f]{8}")
#: Places whose canaries are names: of requests, and of fields.
_NAMED = frozenset({"request id"})
_NAMES = _NAMED | {"name of a field"}
#: Fields that only take what looks like their example.
_LIKE_EXAMPLES = frozenset(
    {
        "phone", "country", "state", "zipCode", "city", "scopes", "idType", "idNumber",
        "ownershipPercent", "dateOfBirth", "incorporatedOn", "expiresOn",
    }
)  # fmt: skip
_VALUES = re.compile(r'\svalue="[^"]*"')
#: Fields that prove who somebody is.
SECRET_FIELDS = frozenset(
    {
        "password", "newPassword", "currentPassword", "code", "credential", "csrf_token",
        "refreshToken",
    }
)  # fmt: skip
#: Fields of staff's acts that the audit trail keeps.
TOLD_TO_THE_TRAIL = frozenset({"reason", "name", "kind"})
HEADERS = (
    "User-Agent", "Referer", "Origin", "Accept-Language", "Forwarded", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Idempotency-Key", "Authorization",
)  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """Where a canary was typed: `password` of `POST /api/auth/login`, say."""

    place: str
    name: str

    @property
    def is_secret(self) -> bool:
        """Whether no answer at all may hold it."""
        if self.place in {"header", "cookie"}:
            return True
        # A branch has a code, too.
        return self.name in SECRET_FIELDS and "/admin/" not in self.place

    def __str__(self) -> str:
        return f"{self.place} {self.name}"


@dataclass
class Canaries:
    """Every canary, where it was typed, and where it was seen again although it may not be."""

    typed: dict[str, Typed] = field(default_factory=dict)
    leaks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: How often each kind of place was searched, so that an empty search is none.
    searched: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def new(self, place: str, name: str) -> str:
        """A text that was never typed before."""
        text = f"kanari{len(self.typed):05d}x{token_hex(4)}"
        self.typed[text] = Typed(place, name)
        return text

    def headers(self, **given: str) -> dict[str, str]:
        """Every header with a canary, but for those that are given."""
        made = {name: self.new("header", name) for name in HEADERS if name not in given}
        made["Cookie"] = "; ".join(
            f"{name}={self.new('cookie', name)}" for name in ("theme", "session", "remember_token")
        )
        return {**made, "X-Request-Id": self.new("request id", "X-Request-Id"), **given}

    def search(self, kind: str, text: str, at: str) -> None:
        """Note the canaries in a text."""
        legal = _NAMED if kind in {"log", "audit"} else frozenset()
        self.searched[kind] += 1
        for found in _CANARY.findall(text.lower()):
            typed = self.typed[found]
            told = kind == "audit" and typed.name in TOLD_TO_THE_TRAIL
            if typed.place not in legal and not told:
                self.leaks[kind].add(f"{typed} in {at}")

    def search_answer(self, at: str, answer: TestResponse) -> None:
        """An error holds nothing that was typed; no answer holds a secret."""
        headers = "\n".join(
            f"{name}: {value}" for name, value in answer.headers if name != "X-Request-Id"
        )
        said = answer.get_data(as_text=True)
        is_error = answer.status_code >= 400
        shown = said
        if answer.mimetype == "text/html":
            # A form that is shown again keeps what was typed in its fields.
            shown = _VALUES.sub("", said)
        self.searched["error" if is_error else "answer"] += 1
        for found in _CANARY.findall(f"{headers}\n{shown if is_error else ''}".lower()):
            typed = self.typed[found]
            on_a_desk = answer.mimetype == "text/html" and typed.name in TOLD_TO_THE_TRAIL
            if is_error and typed.place not in _NAMES and not on_a_desk:
                self.leaks["error"].add(f"{typed} in {at} {answer.status_code}")
        for found in _CANARY.findall(f"{headers}\n{said}".lower()):
            if self.typed[found].is_secret:
                self.leaks["answer"].add(f"{self.typed[found]} in {at} {answer.status_code}")

    def search_logs(self, text: str) -> None:
        """Log lines hold no canary but the names of requests."""
        for line in text.splitlines():
            self.search("log", line, line[:300])

    def search_mails(self, box: Mailbox) -> None:
        """Mails quote nothing."""
        for mail in box.sent:
            self.search("mail", f"{mail.subject}\n{mail.text}\n{mail.html}", mail.subject)

    def search_tables(self, database: Database) -> None:
        """Errors that are kept, and the trail."""
        for kind, statement in _KEPT.items():
            with database.reading() as session:
                for (text,) in session.rows(statement):
                    self.search(kind, text, text[:300])


_KEPT = {
    "outbox": "SELECT last_error FROM outbox WHERE last_error IS NOT NULL",
    "mails": "SELECT last_error FROM mails WHERE last_error IS NOT NULL",
    "texts": "SELECT last_error FROM texts WHERE last_error IS NOT NULL",
    "audit": "SELECT t::text FROM audit_records t",
}


def shaped(schema: Mapping[str, Any], canaries: Canaries, place: str, name: str) -> Any:
    """What fits the schema, with a canary wherever a text may be free."""
    if "allOf" in schema:
        [schema] = schema["allOf"]
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {
            each: shaped(below, canaries, place, each)
            for each, below in schema.get("properties", {}).items()
            if not below.get("readOnly")
        }
    if kind == "array":
        return [shaped(schema["items"], canaries, place, name)]
    if "enum" in schema:
        return schema["enum"][0]
    if kind != "string":
        return next(iter(schema.get("examples", ())), False)
    return _text(schema, canaries.new(place, name), name)


def _text(schema: Mapping[str, Any], canary: str, name: str) -> str:
    known = {
        "email": f"{canary}@example.com",
        "password": f"{canary} horse",
        "date-time": "2099-01-01T00:00:00Z",
    }
    if schema.get("format") in known:
        return known[schema["format"]]
    unfit = "pattern" in schema and not re.fullmatch(schema["pattern"], canary)
    if unfit or name in _LIKE_EXAMPLES:
        return str(schema.get("examples", [canary])[0])
    return canary[: schema.get("maxLength", 64)]


def misshaped(body: Mapping[str, Any], canaries: Canaries, place: str) -> Iterator[dict[str, Any]]:
    """The body with each field in turn of another type, too long, or with what no text holds."""
    for name in body:
        for wrong in (
            [canaries.new(place, name)],
            {canaries.new("name of a field", name): canaries.new(place, name)},
            canaries.new(place, name) + "\x00" + "x" * 5000,
            canaries.new(place, name),
        ):
            yield {**body, name: wrong}
    yield {**body, canaries.new("name of a field", "unknown"): canaries.new(place, "unknown")}
