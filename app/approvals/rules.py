"""Transitions of a request, the hash that an approval is bound to, and what a reason must be."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from unicodedata import normalize

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions

#: How long a request waits for a second person.
LIFETIME = timedelta(hours=72)
REASON_LENGTH_MIN = 5
REASON_LENGTH_MAX = 500
_CONTACT = re.compile(r"\S@\S|\+[\d ().-]{7,}")


class ApprovalStatus(StatusEnum):
    """The status of a request."""

    PENDING = "pending", "Waiting", Mark.WAITING
    """Waits for a second person."""
    APPROVED = "approved", "Approved", Mark.DONE
    """Approved and executed."""
    REJECTED = "rejected", "Rejected", Mark.FAILED
    """Rejected by a second person."""
    WITHDRAWN = "withdrawn", "Cancelled", Mark.ENDED
    """Cancelled by its maker."""
    SUPERSEDED = "superseded", "Replaced", Mark.ENDED
    """Edited by its maker: a new request replaces it."""
    OUTDATED = "outdated", "Outdated", Mark.ENDED
    """The state has changed since, or its maker is no longer permitted to request it."""
    EXPIRED = "expired", "Expired", Mark.ENDED
    """Not decided in time."""


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
    """Return the SHA-256 of a request as canonical JSON: sorted names, no blanks, UTF-8."""
    request = {
        "action": action,
        "subject": subject,
        "payload": dict(payload),
        "before": dict(before),
        "after": dict(after),
    }
    text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).digest()


def clean_reason(text: str) -> str:
    """Return the reason as it is stored, with blanks collapsed.

    Raises `Invalid` unless it has 5 to 500 characters, and for an email address or a phone number:
    the reason outlives an erasure.
    """
    cleaned = normalize("NFC", " ".join(text.split()))
    if not REASON_LENGTH_MIN <= len(cleaned) <= REASON_LENGTH_MAX or not cleaned.isprintable():
        raise Invalid(
            "reason", f"Enter a reason ({REASON_LENGTH_MIN} to {REASON_LENGTH_MAX} characters)."
        )
    if _CONTACT.search(cleaned):
        raise Invalid("reason", "Name people by their ID, not by email address or phone number.")
    return cleaned
