"""What people see and change of themselves: profile, addresses, keys for their programs."""

import marshmallow as ma
from marshmallow import ValidationError

from app.blueprints.api.schemas.fields import (
    Choice,
    Flag,
    Instant,
    PublicId,
    Schema,
    Scope,
    Text,
)
from app.messages.rules import TOPIC_CHANNELS, NotificationChannel, Topic

_LINE_MAX = 100
_PHONE = {
    "description": "An international number, with + and the country's code",
    "examples": ["+12025550123"],
}
_STATE = {"description": "State or province, by code or name", "examples": ["CA"]}


class ChangeProfile(Schema):
    """What is to change; what is absent stays."""

    first_name = Text(100, metadata={"examples": ["Ada"]})
    last_name = Text(100, metadata={"examples": ["Lovelace"]})
    phone = Text(32, allow_none=True, metadata=_PHONE)


class _Lines(Schema):
    street2 = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["Suite 5"]})
    district = Text(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    city = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["Mountain View"]})
    state = Text(_LINE_MAX, allow_none=True, metadata=_STATE)
    zip_code = Text(20, allow_none=True, metadata={"examples": ["94043"]})
    recipient = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["Ada Lovelace"]})
    company = Text(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    label = Text(
        _LINE_MAX,
        allow_none=True,
        metadata={"description": "What its owner calls it", "examples": ["Home"]},
    )
    phone = Text(32, allow_none=True, metadata=_PHONE)
    is_default = Flag(metadata={"description": "The first address is the default in any case"})


_COUNTRY = {"description": "ISO 3166, two letters", "examples": ["US"]}
_STREET = {"examples": ["1600 Amphitheatre Pkwy"]}


class AddAddress(_Lines):
    """A new address. What it needs beside street and country depends on the country."""

    country = Text(2, length_min=2, required=True, metadata=_COUNTRY)
    street = Text(_LINE_MAX, required=True, metadata=_STREET)


class ChangeAddress(_Lines):
    """What is to change; what is absent stays, and null empties a line."""

    country = Text(2, length_min=2, metadata=_COUNTRY)
    street = Text(_LINE_MAX, metadata=_STREET)


class Address(Schema):
    """An entry of the caller's address book."""

    id = PublicId("adr", required=True)
    country = Text(2, required=True, attribute="postal.country", metadata=_COUNTRY)
    street = Text(_LINE_MAX, required=True, attribute="postal.street", metadata=_STREET)
    street2 = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.street2")
    district = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.district")
    city = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.city")
    state = Text(
        _LINE_MAX, required=True, allow_none=True, attribute="postal.state", metadata=_STATE
    )
    zip_code = Text(
        20,
        required=True,
        allow_none=True,
        attribute="postal.zip_code",
        metadata={"examples": ["94043"]},
    )
    recipient = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.recipient")
    company = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.company")
    label = Text(_LINE_MAX, required=True, allow_none=True, attribute="postal.label")
    phone = Text(32, required=True, allow_none=True, attribute="postal.phone", metadata=_PHONE)
    is_default = ma.fields.Boolean(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class Addresses(Schema):
    """A page of addresses, newest first."""

    data = ma.fields.List(ma.fields.Nested(Address), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


def _each_once(scopes: list[str]) -> None:
    if not scopes or len(set(scopes)) < len(scopes):
        raise ValidationError("Choose one or more scopes, each once.")


class CreateApiKey(Schema):
    """A key that is to be made."""

    name = Text(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    scopes = ma.fields.List(
        Scope(),
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
    expires_at = Instant(
        allow_none=True,
        load_default=None,
        metadata={"examples": ["2036-11-22T09:30:00.000Z"]},
    )


class ApiKey(Schema):
    """A key, as it is shown ever after. It counts while `revokedAt` is null and `expiresAt` is not
    reached."""

    id = PublicId("key", required=True)
    name = Text(100, required=True, metadata={"examples": ["Rebalancing at home"]})
    prefix = Text(20, required=True, metadata={"examples": ["pbk_x8Tq1z"]})
    last_four = Text(4, required=True, metadata={"examples": ["9k_A"]})
    scopes = ma.fields.List(
        ma.fields.String(), required=True, metadata={"examples": [["own:balances:read"]]}
    )
    created_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True)
    revoked_at = Instant(required=True, allow_none=True)


class NewApiKey(ApiKey):
    """A key that was just made, with its text, which is told only this once."""

    key = Text(100, required=True, metadata={"examples": ["pbk_x8Tq1z…9k_A"]})


class ApiKeys(Schema):
    """A page of keys, newest first."""

    data = ma.fields.List(ma.fields.Nested(ApiKey), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class NotificationWish(Schema):
    """Whether to be told of a topic by a channel."""

    topic = Choice(Topic, required=True, metadata={"examples": ["deposits"]})
    channel = Choice(NotificationChannel, required=True, metadata={"examples": ["sms"]})
    wanted = Flag(required=True, metadata={"examples": [False]})


class ChooseNotifications(Schema):
    """Every choice that is to differ from how it was in the beginning."""

    choices = ma.fields.List(
        ma.fields.Nested(NotificationWish),
        required=True,
        validate=ma.validate.Length(max=len(TOPIC_CHANNELS), error="Send at most {max} choices."),
        error_messages={"invalid": "Send a list."},
        metadata={"maxItems": len(TOPIC_CHANNELS)},
    )


class Notification(NotificationWish):
    """How the caller stands to one choice."""

    fixed = ma.fields.Boolean(
        required=True, metadata={"description": "Nobody can choose otherwise"}
    )


class Notifications(Schema):
    """Every choice there is."""

    phone = Text(
        32,
        required=True,
        allow_none=True,
        metadata={**_PHONE, "description": "Where text messages go"},
    )
    choices = ma.fields.List(ma.fields.Nested(Notification), required=True)
