"""The reason that a form asks for, which the audit trail keeps."""

from marshmallow import fields

from app.approvals import rules
from app.blueprints.forms import text_field


def reason_field(label: str = "Reason", *, hint: str = "") -> fields.String:
    """Return the field of a reason, checked as the room that records it does."""
    missing = f"Enter a reason ({rules.REASON_LENGTH_MIN} to {rules.REASON_LENGTH_MAX} characters)."
    return text_field(label, missing, hint=hint, check=rules.clean_reason)
