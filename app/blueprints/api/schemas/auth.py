"""Schemas of registration, login sessions, passwords and the second factor."""

import marshmallow as ma

from app.access import Role
from app.access.consents import POLICIES, PolicyName
from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    PublicIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
    whole_number_between,
)

_EMAIL = {"format": "email", "examples": ["ada@example.com"]}
_PASSWORD = {"format": "password", "examples": ["correct horse battery"]}
_TOKEN = {"examples": ["otk_06df3mk7g0y8x2…"]}
# A password has at most 128 characters after normalisation; keyboards may send each as several.
TYPED_LENGTH_MAX = 512
POLICY_VERSION_MAX = 1_000_000
#: The example of a policy is the terms of service: their current version can be accepted.
TERMS_VERSION = POLICIES[PolicyName.TERMS].version
VERSION_EXAMPLE = {"examples": [TERMS_VERSION]}


class AcceptedPolicySchema(ApiSchema):
    """A version of a policy that the person has read and accepts."""

    policy = EnumField(PolicyName, required=True)
    version = ma.fields.Integer(
        strict=True,
        required=True,
        validate=whole_number_between(1, POLICY_VERSION_MAX),
        metadata=VERSION_EXAMPLE,
    )


def _revoke_api_keys() -> StrictBooleanField:
    about = "Whether to revoke every API key too. Otherwise they stay active"
    return StrictBooleanField(load_default=False, metadata={"description": about})


def _api_keys_active() -> ma.fields.Integer:
    about = "The number of API keys that stay active: GET /api/me/api-keys lists them"
    return ma.fields.Integer(required=True, metadata={"description": about, "examples": [0]})


def _cart_id() -> TextField:
    return TextField(
        80,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "A cart that was filled without a sign-in. What it holds is added to"
            " your own, as far as that holds it; a cart that is gone is ignored",
            "examples": ["crt_mfrggzdfmztwq2lknnwg23tpobyxe43u"],
        },
    )


def _phone() -> TextField:
    return TextField(
        32,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "A phone number with + and its country code",
            "examples": ["+12025550123"],
        },
    )


def _accepted_policies() -> ma.fields.Field[list[object]]:
    return ma.fields.List(
        ma.fields.Nested(AcceptedPolicySchema),
        load_default=list,
        error_messages={"invalid": "Send a list."},
        metadata={
            "description": "The policies that are accepted; GET /api/me/consents lists all of them."
            " No money moves before the required ones are"
        },
    )


class GuestSchema(ApiSchema):
    """Who wants to buy as a guest."""

    email = TextField(254, required=True, metadata=_EMAIL)
    first_name = TextField(100, required=True, metadata={"examples": ["Ada"]})
    last_name = TextField(100, required=True, metadata={"examples": ["Lovelace"]})
    phone = _phone()
    accepted_policies = _accepted_policies()


class RegisterSchema(ApiSchema):
    """The data of a new account."""

    email = TextField(254, required=True, metadata=_EMAIL)
    password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    first_name = TextField(100, required=True, metadata={"examples": ["Ada"]})
    last_name = TextField(100, required=True, metadata={"examples": ["Lovelace"]})
    phone = _phone()
    accepted_policies = _accepted_policies()
    cart_id = _cart_id()


class LoginSchema(ApiSchema):
    """The credentials of a person."""

    email = TextField(254, required=True, metadata=_EMAIL)
    password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = TextField(
        32,
        allow_none=True,
        metadata={
            "description": "The second factor, if it is on",
            "examples": ["123456"],
        },
    )
    cart_id = _cart_id()


class ReauthenticateSchema(ApiSchema):
    """The credentials of the person who is signed in."""

    password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = TextField(
        32,
        allow_none=True,
        metadata={"description": "The second factor, if it is on", "examples": ["123456"]},
    )


class TokenSchema(ApiSchema):
    """The token of a link in an email."""

    token = TextField(200, required=True, metadata=_TOKEN)


class GuestTokenSchema(TokenSchema):
    """The token of a link that was mailed to a guest."""

    cart_id = _cart_id()


class EmailConfirmedSchema(ApiSchema):
    """Whether the email address is confirmed."""

    email_confirmed = ma.fields.Boolean(required=True)


class OnItsWaySchema(ApiSchema):
    """An email was requested; its delivery is not certain."""

    message = TextField(
        200,
        required=True,
        metadata={
            "examples": ["If there is an account with this email address, we have sent a link."]
        },
    )


class ForgotPasswordSchema(ApiSchema):
    """The email address of the account."""

    email = TextField(254, required=True, metadata=_EMAIL)


class ResetPasswordSchema(ApiSchema):
    """The token of a link in an email, and the new password."""

    token = TextField(200, required=True, metadata=_TOKEN)
    password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class CodeSchema(ApiSchema):
    """A code of the second factor."""

    code = TextField(32, required=True, metadata={"examples": ["123456"]})


class RenewRecoveryCodesSchema(ApiSchema):
    """Proof of identity to replace the recovery codes."""

    password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = TextField(32, required=True, metadata={"examples": ["123456"]})


class SecondFactorSetupSchema(ApiSchema):
    """The secret for an authenticator app, in three forms."""

    secret = TextField(
        64, required=True, metadata={"examples": ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]}
    )
    otpauth_uri = TextField(
        1024,
        required=True,
        metadata={"examples": ["otpauth://totp/PBCEx:ada%40example.com?secret=…&issuer=PBCEx"]},
    )
    qr_svg = TextField(
        65_536,
        required=True,
        metadata={"description": "The same as a QR code to scan", "examples": ["<svg …>"]},
    )


class RecoveryCodesSchema(ApiSchema):
    """Recovery codes: each works once, instead of a code from the authenticator app."""

    recovery_codes = ma.fields.List(
        TextField(32, metadata={"examples": ["MFRGGZ-DFMZTW-Q2LKNN-WG23TP"]}), required=True
    )


class RefreshSchema(ApiSchema):
    """A refresh token, which works once."""

    refresh_token = TextField(512, required=True, metadata={"examples": ["kJ1x…"]})


class ChangePasswordSchema(ApiSchema):
    """The current and the new password."""

    current_password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    new_password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class UserSchema(ApiSchema):
    """A user, as shown to themselves."""

    id = PublicIdField("usr", required=True)
    email = TextField(254, required=True, metadata=_EMAIL)
    first_name = TextField(100, required=True)
    last_name = TextField(100, required=True)
    phone = TextField(32, required=True, allow_none=True, metadata={"examples": ["+12025550123"]})
    phone_verified = ma.fields.Boolean(
        required=True, metadata={"description": "Whether a code has verified the phone number"}
    )
    role = EnumField(Role, required=True)
    email_confirmed = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the email address is confirmed"}
    )
    created_at = TimestampField(required=True)


class LoggedInSchema(ApiSchema):
    """A user with new tokens."""

    user = ma.fields.Nested(UserSchema, required=True)
    access_token = TextField(4096, required=True, metadata={"examples": ["eyJhbGciOi…"]})
    refresh_token = TextField(512, required=True, metadata={"examples": ["kJ1x…"]})
    expires_in = ma.fields.Integer(
        required=True,
        metadata={"description": "Lifetime of the access token in seconds", "examples": [1800]},
    )


class PasswordChangedSchema(LoggedInSchema):
    """A user with new tokens, after a change of password."""

    api_keys_active = _api_keys_active()


class PasswordResetSchema(ApiSchema):
    """The result of a password reset."""

    api_keys_active = _api_keys_active()
