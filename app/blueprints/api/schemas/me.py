"""What people see and change of themselves: profile, addresses, keys for their programs."""

import marshmallow as ma
from marshmallow import ValidationError

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    PublicIdField,
    ScopeField,
    StrictBooleanField,
    TextField,
    TimestampField,
)
from app.messages.rules import TOPIC_CHANNELS, NotificationChannel, Topic

_LINE_MAX = 100
_PHONE = {
    "description": "An international number, with + and the country's code",
    "examples": ["+12025550123"],
}
_STATE = {"description": "State or province, by code or name", "examples": ["CA"]}


class ChangeProfileSchema(ApiSchema):
    """What is to change; what is absent stays."""

    first_name = TextField(100, metadata={"examples": ["Ada"]})
    last_name = TextField(100, metadata={"examples": ["Lovelace"]})
    phone = TextField(32, allow_none=True, metadata=_PHONE)


class _AddressLinesSchema(ApiSchema):
    street2 = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Suite 5"]})
    district = TextField(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    city = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Mountain View"]})
    state = TextField(_LINE_MAX, allow_none=True, metadata=_STATE)
    zip_code = TextField(20, allow_none=True, metadata={"examples": ["94043"]})
    recipient = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Ada Lovelace"]})
    company = TextField(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    label = TextField(
        _LINE_MAX,
        allow_none=True,
        metadata={"description": "What its owner calls it", "examples": ["Home"]},
    )
    phone = TextField(32, allow_none=True, metadata=_PHONE)
    is_default = StrictBooleanField(
        metadata={"description": "The first address is the default in any case"}
    )


_COUNTRY = {"description": "ISO 3166, two letters", "examples": ["US"]}
_STREET = {"examples": ["1600 Amphitheatre Pkwy"]}


class AddAddressSchema(_AddressLinesSchema):
    """A new address. What it needs beside street and country depends on the country."""

    country = TextField(2, length_min=2, required=True, metadata=_COUNTRY)
    street = TextField(_LINE_MAX, required=True, metadata=_STREET)


class ChangeAddressSchema(_AddressLinesSchema):
    """What is to change; what is absent stays, and null empties a line."""

    country = TextField(2, length_min=2, metadata=_COUNTRY)
    street = TextField(_LINE_MAX, metadata=_STREET)


class AddressSchema(ApiSchema):
    """An entry of the caller's address book."""

    id = PublicIdField("adr", required=True)
    country = TextField(2, required=True, attribute="postal.country", metadata=_COUNTRY)
    street = TextField(_LINE_MAX, required=True, attribute="postal.street", metadata=_STREET)
    street2 = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.street2")
    district = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.district")
    city = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.city")
    state = TextField(
        _LINE_MAX, required=True, allow_none=True, attribute="postal.state", metadata=_STATE
    )
    zip_code = TextField(
        20,
        required=True,
        allow_none=True,
        attribute="postal.zip_code",
        metadata={"examples": ["94043"]},
    )
    recipient = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.recipient")
    company = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.company")
    label = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.label")
    phone = TextField(32, required=True, allow_none=True, attribute="postal.phone", metadata=_PHONE)
    is_default = ma.fields.Boolean(required=True)
    created_at = TimestampField(required=True)
    updated_at = TimestampField(required=True)


class AddressesSchema(ApiSchema):
    """A page of addresses, newest first."""

    data = ma.fields.List(ma.fields.Nested(AddressSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


def _each_once(scopes: list[str]) -> None:
    if not scopes or len(set(scopes)) < len(scopes):
        raise ValidationError("Choose one or more scopes, each once.")


class CreateApiKeySchema(ApiSchema):
    """A key that is to be made."""

    name = TextField(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    scopes = ma.fields.List(
        ScopeField(),
        required=True,
        validate=_each_once,
        error_messages={"invalid": "Send a list."},
        metadata={
            "minItems": 1,
            "uniqueItems": True,
            "description": "What programs with this key may do",
            "examples": [["own:balances:read", "own:orders:place"]],
        },
    )
    expires_at = TimestampField(
        allow_none=True,
        load_default=None,
        metadata={"examples": ["2036-11-22T09:30:00.000Z"]},
    )


class ApiKeySchema(ApiSchema):
    """A key, as it is shown ever after. It counts while `revokedAt` is null and `expiresAt` is not
    reached."""

    id = PublicIdField("key", required=True)
    name = TextField(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    prefix = TextField(20, required=True, metadata={"examples": ["pbk_x8Tq1z"]})
    last_four = TextField(4, required=True, metadata={"examples": ["9k_A"]})
    scopes = ma.fields.List(
        ma.fields.String(), required=True, metadata={"examples": [["own:balances:read"]]}
    )
    created_at = TimestampField(required=True)
    expires_at = TimestampField(required=True, allow_none=True)
    revoked_at = TimestampField(required=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """A key that was just made, with its text, which is told only this once."""

    key = TextField(100, required=True, metadata={"examples": ["pbk_x8Tq1z…9k_A"]})


class ApiKeysSchema(ApiSchema):
    """A page of keys, newest first."""

    data = ma.fields.List(ma.fields.Nested(ApiKeySchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class NotificationWishSchema(ApiSchema):
    """Whether to be told of a topic by a channel."""

    topic = EnumField(Topic, required=True, metadata={"examples": ["deposits"]})
    channel = EnumField(NotificationChannel, required=True, metadata={"examples": ["sms"]})
    wanted = StrictBooleanField(required=True, metadata={"examples": [False]})


class ChooseNotificationsSchema(ApiSchema):
    """Every choice that is to differ from how it was in the beginning."""

    choices = ma.fields.List(
        ma.fields.Nested(NotificationWishSchema),
        required=True,
        validate=ma.validate.Length(max=len(TOPIC_CHANNELS), error="Send at most {max} choices."),
        error_messages={"invalid": "Send a list."},
        metadata={"maxItems": len(TOPIC_CHANNELS)},
    )


class NotificationSchema(NotificationWishSchema):
    """How the caller stands to one choice."""

    fixed = ma.fields.Boolean(
        required=True, metadata={"description": "Nobody can choose otherwise"}
    )


class NotificationsSchema(ApiSchema):
    """Every choice there is."""

    phone = TextField(
        32,
        required=True,
        allow_none=True,
        metadata={**_PHONE, "description": "Where text messages go"},
    )
    choices = ma.fields.List(ma.fields.Nested(NotificationSchema), required=True)
