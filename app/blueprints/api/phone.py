"""Verify the phone number of the caller's profile."""

from typing import Any

from app.access import Actor, EmailNotConfirmed, Permission
from app.blueprints.api.schemas import auth as schemas_auth
from app.blueprints.api.schemas import phone as schemas_phone
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit
from app.identity.accounts import phone_verification
from app.identity.errors import PhoneAlreadyVerified, PhoneCodeInvalid, PhoneNumberRequired
from app.kit.db import Session
from app.limits.errors import LimitExceeded

blp = ApiBlueprint("phone", "/api/me/phone", "Verify the phone number of the profile")


@blp.operation(
    "POST",
    "/verification",
    operation_id="mePhoneSendCode",
    permission=Permission.ACCOUNT_CHANGE,
    response_schema=schemas_phone.SentCodeSchema,
    status=202,
    rate_limit=RateLimit.SIGN_IN,
    fresh=True,
    refusals=(EmailNotConfirmed, PhoneNumberRequired, PhoneAlreadyVerified, LimitExceeded),
)
def send_code(session: Session, actor: Actor) -> object:
    """Send a code to the phone of the profile.

    It comes as a text message and works for ten minutes; earlier codes stop working. Text messages,
    payment prompts and payouts go to a phone once its code was entered.
    """
    return phone_verification.request_code(session, actor)


@blp.operation(
    "POST",
    "/verification/confirm",
    operation_id="mePhoneConfirm",
    permission=Permission.ACCOUNT_CHANGE,
    body_schema=schemas_phone.PhoneCodeSchema,
    response_schema=schemas_auth.UserSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(PhoneAlreadyVerified, PhoneCodeInvalid),
)
def confirm_phone(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Verify the phone of the profile by the code that was sent to it."""
    return phone_verification.confirm_code(session, actor, body["code"])
