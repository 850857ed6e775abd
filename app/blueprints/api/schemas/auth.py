"""What registering, logging in and refreshing take and give."""

import marshmallow as ma

from app.access import Role
from app.blueprints.api.schemas.fields import Choice, Flag, Instant, PublicId, Schema, Text, between
from app.privacy.rules import PolicyName

_EMAIL = {"format": "email", "examples": ["ada@example.com"]}
_PASSWORD = {"format": "password", "examples": ["correct horse battery"]}
_TOKEN = {"examples": ["otk_06df3mk7g0y8x2…"]}
# A stored password has at most 128 characters; another keyboard may write each as several.
TYPED_LENGTH_MAX = 512
POLICY_VERSION_MAX = 1_000_000


class AcceptedPolicy(Schema):
    """A version of a policy that somebody read and agrees to."""

    policy = Choice(PolicyName, required=True)
    version = ma.fields.Integer(
        strict=True,
        required=True,
        validate=between(1, POLICY_VERSION_MAX),
        metadata={"examples": [1]},
    )


def _revoke_api_keys() -> Flag:
    about = "Whether every API key is revoked at once, too. They stay active otherwise"
    return Flag(load_default=False, metadata={"description": about})


def _api_keys_active() -> ma.fields.Integer:
    about = "How many API keys stay active: GET /api/me/api-keys lists them"
    return ma.fields.Integer(required=True, metadata={"description": about, "examples": [0]})


class Register(Schema):
    """Who wants an account."""

    email = Text(254, required=True, metadata=_EMAIL)
    password = Text(128, length_min=10, required=True, metadata=_PASSWORD)
    first_name = Text(100, required=True, metadata={"examples": ["Ada"]})
    last_name = Text(100, required=True, metadata={"examples": ["Lovelace"]})
    phone = Text(
        32,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "An international number, with + and the country's code",
            "examples": ["+12025550123"],
        },
    )
    accepted_policies = ma.fields.List(
        ma.fields.Nested(AcceptedPolicy),
        load_default=list,
        error_messages={"invalid": "Send a list."},
        metadata={"description": "What was read and agreed to; GET /api/me/consents says the rest"},
    )


class Login(Schema):
    """Who says that they are somebody."""

    email = Text(254, required=True, metadata=_EMAIL)
    password = Text(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = Text(
        32,
        allow_none=True,
        metadata={
            "description": "The second factor, for those who have one",
            "examples": ["123456"],
        },
    )


class Token(Schema):
    """What a mailed link carries."""

    token = Text(200, required=True, metadata=_TOKEN)


class EmailConfirmed(Schema):
    """The address is known to be the person's."""

    email_confirmed = ma.fields.Boolean(required=True)


class OnItsWay(Schema):
    """A mail was asked for. Whether it arrives is not known yet."""

    message = Text(
        200,
        required=True,
        metadata={"examples": ["If somebody has this address, a link is on its way there"]},
    )


class ForgotPassword(Schema):
    """Whose password was forgotten."""

    email = Text(254, required=True, metadata=_EMAIL)


class ResetPassword(Schema):
    """What a mailed link carries, and the password from now on."""

    token = Text(200, required=True, metadata=_TOKEN)
    password = Text(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class Code(Schema):
    """A code of the second factor."""

    code = Text(32, required=True, metadata={"examples": ["123456"]})


class RenewRecoveryCodes(Schema):
    """What proves that the recovery codes are one's own to replace."""

    password = Text(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    code = Text(32, required=True, metadata={"examples": ["123456"]})


class SecondFactorSetup(Schema):
    """What an authenticator app needs."""

    secret = Text(64, required=True, metadata={"examples": ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]})
    otpauth_uri = Text(
        1024,
        required=True,
        metadata={"examples": ["otpauth://totp/PBCEx:ada%40example.com?secret=…&issuer=PBCEx"]},
    )
    qr_svg = Text(
        65_536,
        required=True,
        metadata={"description": "The same as a picture, to photograph", "examples": ["<svg …>"]},
    )


class RecoveryCodes(Schema):
    """Each is good once, in place of a code of the app."""

    recovery_codes = ma.fields.List(
        Text(32, metadata={"examples": ["MFRGGZ-DFMZTW-Q2LKNN-WG23TP"]}), required=True
    )


class Refresh(Schema):
    """A refresh token, to be used once."""

    refresh_token = Text(512, required=True, metadata={"examples": ["kJ1x…"]})


class ChangePassword(Schema):
    """The password until now, and from now on."""

    current_password = Text(TYPED_LENGTH_MAX, required=True, metadata=_PASSWORD)
    new_password = Text(128, length_min=10, required=True, metadata=_PASSWORD)
    revoke_api_keys = _revoke_api_keys()


class User(Schema):
    """A person, as they see themselves."""

    id = PublicId("usr", required=True)
    email = Text(254, required=True, metadata=_EMAIL)
    first_name = Text(100, required=True)
    last_name = Text(100, required=True)
    phone = Text(32, required=True, allow_none=True, metadata={"examples": ["+12025550123"]})
    role = Choice(Role, required=True)
    email_confirmed = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the address is known to be theirs"}
    )
    created_at = Instant(required=True)


class LoggedIn(Schema):
    """A person with fresh tokens."""

    user = ma.fields.Nested(User, required=True)
    access_token = Text(4096, required=True, metadata={"examples": ["eyJhbGciOi…"]})
    refresh_token = Text(512, required=True, metadata={"examples": ["kJ1x…"]})
    expires_in = ma.fields.Integer(
        required=True,
        metadata={"description": "Seconds that the access token lives", "examples": [1800]},
    )


class PasswordChanged(LoggedIn):
    """A person with fresh tokens and a new password."""

    api_keys_active = _api_keys_active()


class PasswordReset(Schema):
    """What still counts beside a new password."""

    api_keys_active = _api_keys_active()
