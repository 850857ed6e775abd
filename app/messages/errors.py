"""Refusals of messages."""

from app.kit.errors import Conflict


class PhoneNumberRequired(Conflict):
    """SMS notifications need a phone number in the profile: PATCH /api/me."""

    code = "phone_needed"
    title = "Add a phone number to your profile to receive SMS."
