"""Schemas of the caller's profile, postal addresses, notification settings and API keys."""

import marshmallow as ma
from marshmallow import ValidationError

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    CountryField,
    EnumField,
    PublicIdField,
    ScopeField,
    StrictBooleanField,
    TextField,
    TimestampField,
)
from app.messages.rules import TOPIC_CHANNELS
from app.notifications.rules import NotificationChannel, Topic

_LINE_MAX = 100
_PHONE = {
    "description": "A phone number with + and its country code, or as it is dialled in the country"
    " where you live",
    "examples": ["+12025550123"],
}
_STATE = {"description": "State or province, by code or name, as typed", "examples": ["CA"]}


class ChangeProfileSchema(ApiSchema):
    """Changes of the profile. Absent fields stay unchanged."""

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
        metadata={"description": "A name chosen by its owner", "examples": ["Home"]},
    )
    phone = TextField(32, allow_none=True, metadata=_PHONE)
    is_default = StrictBooleanField(
        metadata={"description": "The first address is always the default"}
    )


_COUNTRY = {"description": "ISO 3166, two letters", "examples": ["US"]}
_STREET = {"examples": ["1600 Amphitheatre Pkwy"]}


class AddAddressSchema(_AddressLinesSchema):
    """A new postal address. Required fields beside street and country depend on the country."""

    country = CountryField(required=True)
    street = TextField(_LINE_MAX, required=True, metadata=_STREET)


class ChangeAddressSchema(_AddressLinesSchema):
    """Changes of a postal address. Absent fields stay unchanged; null empties a field."""

    country = CountryField()
    street = TextField(_LINE_MAX, metadata=_STREET)


class AddressSchema(ApiSchema):
    """A postal address of the caller."""

    id = PublicIdField("adr", required=True)
    country = TextField(2, required=True, attribute="postal.country", metadata=_COUNTRY)
    street = TextField(_LINE_MAX, required=True, attribute="postal.street", metadata=_STREET)
    street2 = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.street2")
    district = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.district")
    city = TextField(_LINE_MAX, required=True, allow_none=True, attribute="postal.city")
    state = TextField(
        _LINE_MAX, required=True, allow_none=True, attribute="postal.state", metadata=_STATE
    )
    state_code = ma.fields.String(
        required=True,
        allow_none=True,
        attribute="postal.state_code",
        metadata={
            "description": "The state by ISO 3166-2, without the country; null where addresses"
            " name none",
            "examples": ["CA"],
        },
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
    """A page of postal addresses, newest first."""

    data = ma.fields.List(ma.fields.Nested(AddressSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


def _each_once(scopes: list[str]) -> None:
    if not scopes or len(set(scopes)) < len(scopes):
        raise ValidationError("Choose one or more scopes, each once.")


class CreateApiKeySchema(ApiSchema):
    """A new API key."""

    name = TextField(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    scopes = ma.fields.List(
        ScopeField(),
        required=True,
        validate=_each_once,
        error_messages={"invalid": "Send a list."},
        metadata={
            "minItems": 1,
            "uniqueItems": True,
            "description": "What a program with this key may do",
            "examples": [["own:balances:read", "own:orders:place"]],
        },
    )
    expires_at = TimestampField(
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Within a year, unless PBCEx allows longer. Null: 90 days from now",
            "examples": [None],
        },
    )


class ApiKeySchema(ApiSchema):
    """An API key without its secret. It is active while `revokedAt` is null and `expiresAt` is not
    reached."""

    id = PublicIdField("key", required=True)
    name = TextField(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    prefix = TextField(20, required=True, metadata={"examples": ["pbk_x8Tq1z"]})
    last_four = TextField(4, required=True, metadata={"examples": ["9k_A"]})
    scopes = ma.fields.List(
        ma.fields.String(), required=True, metadata={"examples": [["own:balances:read"]]}
    )
    created_at = TimestampField(required=True)
    expires_at = TimestampField(required=True)
    revoked_at = TimestampField(required=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """A new API key with its secret, which is shown only once."""

    key = TextField(100, required=True, metadata={"examples": ["pbk_x8Tq1z…9k_A"]})


class ApiKeysSchema(ApiSchema):
    """A page of API keys, newest first."""

    data = ma.fields.List(ma.fields.Nested(ApiKeySchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class NotificationWishSchema(ApiSchema):
    """Whether messages on a topic are sent by a channel."""

    topic = EnumField(Topic, required=True, metadata={"examples": ["deposits"]})
    channel = EnumField(NotificationChannel, required=True, metadata={"examples": ["sms"]})
    wanted = StrictBooleanField(required=True, metadata={"examples": [False]})


class ChooseNotificationsSchema(ApiSchema):
    """Every choice that differs from its default."""

    choices = ma.fields.List(
        ma.fields.Nested(NotificationWishSchema),
        required=True,
        validate=ma.validate.Length(max=len(TOPIC_CHANNELS), error="Send at most {max} choices."),
        error_messages={"invalid": "Send a list."},
        metadata={"maxItems": len(TOPIC_CHANNELS)},
    )


class NotificationSchema(NotificationWishSchema):
    """The present choice for a topic and channel."""

    fixed = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the choice cannot be changed"}
    )


class NotificationsSchema(ApiSchema):
    """All notification settings."""

    phone = TextField(
        32,
        required=True,
        allow_none=True,
        metadata={**_PHONE, "description": "The phone number for text messages"},
    )
    choices = ma.fields.List(ma.fields.Nested(NotificationSchema), required=True)
