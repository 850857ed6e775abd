"""What a request may become, what binds an approval to it, and what a reason must be."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from unicodedata import normalize

from app.kit.errors import Invalid
from app.kit.states import Transitions

#: How long a request waits for a second person.
LIFETIME = timedelta(hours=72)
REASON_LENGTH_MIN = 5
REASON_LENGTH_MAX = 500
_CONTACT = re.compile(r"\S@\S|\+[\d ().-]{7,}")


class ApprovalStatus(StrEnum):
    """Where a request is."""

    PENDING = "pending"
    """Waits for a second person."""
    APPROVED = "approved"
    """Approved and done."""
    REJECTED = "rejected"
    """A second person said no."""
    WITHDRAWN = "withdrawn"
    """Its maker took it back."""
    SUPERSEDED = "superseded"
    """Its maker edited it: another request stands in its place."""
    OUTDATED = "outdated"
    """What it is about has changed since, or its maker may no longer ask for it."""
    EXPIRED = "expired"
    """Nobody decided in time."""


TRANSITIONS = Transitions(
    {ApprovalStatus.PENDING: frozenset(ApprovalStatus) - {ApprovalStatus.PENDING}}
)


def digest(
    *,
    action: str,
    subject: str,
    payload: Mapping[str, str],
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> bytes:
    """SHA-256 of a request as canonical JSON: sorted names, no blanks, UTF-8."""
    whole = {
        "action": action,
        "subject": subject,
        "payload": dict(payload),
        "before": dict(before),
        "after": dict(after),
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).digest()


def clean_reason(text: str) -> str:
    """A reason as it is kept. Raises `Invalid` unless it has 5 to 500 characters, and for an e-mail
    address or a phone number: it is kept longer than people may want to be known."""
    cleaned = normalize("NFC", " ".join(text.split()))
    if not REASON_LENGTH_MIN <= len(cleaned) <= REASON_LENGTH_MAX or not cleaned.isprintable():
        raise Invalid(
            "reason", f"Enter a reason ({REASON_LENGTH_MIN} to {REASON_LENGTH_MAX} characters)."
        )
    if _CONTACT.search(cleaned):
        raise Invalid("reason", "Name people by their ID, not by email address or phone number.")
    return cleaned
