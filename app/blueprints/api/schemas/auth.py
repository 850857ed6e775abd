"""What registering, logging in and refreshing take and give."""

import marshmallow as ma

from app.access import Role
from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    PublicIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.privacy.rules import PolicyName

_EMAIL = {"format": "email", "examples": ["ada@example.com"]}
_PASSWORD = {"format": "password", "examples": ["correct horse battery"]}
_TOKEN = {"examples": ["otk_06df3mk7g0y8x2…"]}
# A stored password has at most 128 characters; another keyboard may write each as several.
TYPED_LENGTH_MAX = 512
POLICY_VERSION_MAX = 1_000_000


class AcceptedPolicySchema(ApiSchema):
    """A version of a policy that somebody read and agrees to."""

    policy = EnumField(PolicyName, required=True)
    version = ma.fields.Integer(
        strict=True,
        required=True,
        validate=whole_number_between(1, POLICY_VERSION_MAX),
        metadata={"examples": [1]},
    )


def _revoke_api_keys() -> StrictBooleanField:
    about = "Whether every API key is revoked at once, too. They stay active otherwise"
    return StrictBooleanField(load_default=False, metadata={"description": about})


def _api_keys_active() -> ma.fields.Integer:
    about = "How many API keys stay active: GET /api/me/api-keys lists them"
    return ma.fields.Integer(required=True, metadata={"description": about, "examples": [0]})


class RegisterSchema(ApiSchema):
    """Who wants an account."""

    email = TextField(254, required=True, metadata=_EMAIL)
    password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    first_name = TextField(100, required=True, metadata={"examples": ["Ada"]})
    last_name = TextField(100, required=True, metadata={"examples": ["Lovelace"]})
    phone = TextField(
        32,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "An international number, with + and the country's code",
            "examples": ["+12025550123"],
        },
    )
    accepted_policies = ma.fields.List(
        ma.fields.Nested(AcceptedPolicySchema),
        load_default=list,
        error_messages={"invalid": "Send a list."},
        metadata={"description": "What was read and agreed to; GET /api/me/consents says the rest"},
    )


class LoginSchema(ApiSchema):
    """Who says that they are somebody."""

    email = TextField(254, required=True, metadata=_EMAIL)
    password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = TextField(
        32,
        allow_none=True,
        metadata={
            "description": "The second factor, for those who have one",
            "examples": ["123456"],
        },
    )


class TokenSchema(ApiSchema):
    """What a mailed link carries."""

    token = TextField(200, required=True, metadata=_TOKEN)


class EmailConfirmedSchema(ApiSchema):
    """The address is known to be the person's."""

    email_confirmed = ma.fields.Boolean(required=True)


class OnItsWaySchema(ApiSchema):
    """A mail was asked for. Whether it arrives is not known yet."""

    message = TextField(
        200,
        required=True,
        metadata={"examples": ["If somebody has this address, a link is on its way there"]},
    )


class ForgotPasswordSchema(ApiSchema):
    """Whose password was forgotten."""

    email = TextField(254, required=True, metadata=_EMAIL)


class ResetPasswordSchema(ApiSchema):
    """What a mailed link carries, and the password from now on."""

    token = TextField(200, required=True, metadata=_TOKEN)
    password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class CodeSchema(ApiSchema):
    """A code of the second factor."""

    code = TextField(32, required=True, metadata={"examples": ["123456"]})


class RenewRecoveryCodesSchema(ApiSchema):
    """What proves that the recovery codes are one's own to replace."""

    password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = TextField(32, required=True, metadata={"examples": ["123456"]})


class SecondFactorSetupSchema(ApiSchema):
    """What an authenticator app needs."""

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
        metadata={"description": "The same as a picture, to photograph", "examples": ["<svg …>"]},
    )


class RecoveryCodesSchema(ApiSchema):
    """Each is good once, in place of a code of the app."""

    recovery_codes = ma.fields.List(
        TextField(32, metadata={"examples": ["MFRGGZ-DFMZTW-Q2LKNN-WG23TP"]}), required=True
    )


class RefreshSchema(ApiSchema):
    """A refresh token, to be used once."""

    refresh_token = TextField(512, required=True, metadata={"examples": ["kJ1x…"]})


class ChangePasswordSchema(ApiSchema):
    """The password until now, and from now on."""

    current_password = TextField(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    new_password = TextField(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class UserSchema(ApiSchema):
    """A person, as they see themselves."""

    id = PublicIdField("usr", required=True)
    email = TextField(254, required=True, metadata=_EMAIL)
    first_name = TextField(100, required=True)
    last_name = TextField(100, required=True)
    phone = TextField(32, required=True, allow_none=True, metadata={"examples": ["+12025550123"]})
    role = EnumField(Role, required=True)
    email_confirmed = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the address is known to be theirs"}
    )
    created_at = TimestampField(required=True)


class LoggedInSchema(ApiSchema):
    """A person with fresh tokens."""

    user = ma.fields.Nested(UserSchema, required=True)
    access_token = TextField(4096, required=True, metadata={"examples": ["eyJhbGciOi…"]})
    refresh_token = TextField(512, required=True, metadata={"examples": ["kJ1x…"]})
    expires_in = ma.fields.Integer(
        required=True,
        metadata={"description": "Seconds that the access token lives", "examples": [1800]},
    )


class PasswordChangedSchema(LoggedInSchema):
    """A person with fresh tokens and a new password."""

    api_keys_active = _api_keys_active()


class PasswordResetSchema(ApiSchema):
    """What still counts beside a new password."""

    api_keys_active = _api_keys_active()
