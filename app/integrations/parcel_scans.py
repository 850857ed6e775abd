"""What adapters of carriers share: scans of parcels as events, and the PDFs of carriers."""

import base64
import hashlib
from datetime import datetime

from app.fulfillment.carriers.ports import TrackingEvent
from app.fulfillment.carriers.rules import TrackingStatus
from app.integrations.transport import parsing_response
from app.providers.errors import ResponseUnreadable

_TEXT_LENGTH_MAX = 200
_PDF = b"%PDF"


def scan_event(
    at: datetime, code: str, status: TrackingStatus | None, *, place: str, text: str
) -> TrackingEvent:
    """Return the event of a scan. Carriers give scans no id: it is a digest of what identifies
    one."""
    identity = f"{at.isoformat()}|{code}|{place}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:32]
    return TrackingEvent(digest, at, status, place[:_TEXT_LENGTH_MAX], text[:_TEXT_LENGTH_MAX])


def read_pdf(encoded: object) -> bytes:
    """Return the PDF in a base64 text. Raises `ResponseUnreadable`."""
    if not isinstance(encoded, str):
        raise ResponseUnreadable("The document is missing.")
    with parsing_response():
        document = base64.b64decode(encoded, validate=True)
    if not document.startswith(_PDF):
        raise ResponseUnreadable("The document is not a PDF.")
    return document
