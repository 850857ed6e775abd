"""Fields shared by the schemas. Nothing is coerced: a string is a string, an amount is text."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import marshmallow as ma
from marshmallow import ValidationError

from app.access import API_KEY_SCOPES, Permission
from app.blueprints.openapi_enums import describe_members, describe_values
from app.blueprints.uploaded_file import UploadedFile
from app.catalog.rules import METAL_OF, PRICED_NAMES, TRADABLE, Metal
from app.kit import clock, ids
from app.kit.money import Amount, InvalidAmount

_AMOUNT_LENGTH_MAX = 40
_TOKENS = {"USD": "US dollars", "USDC": "USD Coin", "PAXG": "PAX Gold, a token of an ounce of gold"}
#: What each asset is, with its scale.
ASSET_MEANINGS = {
    code: f"{_TOKENS.get(code) or f'ounces of {PRICED_NAMES[METAL_OF[code]]} that PBCEx owes you'},"
    f" {asset.scale} decimals"
    for code, asset in TRADABLE.items()
}
_AMOUNT_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"
_AMOUNT_REGEX = re.compile(_AMOUNT_PATTERN, re.ASCII)
_WHOLE_NUMBER_REGEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_TIMESTAMP_REGEX = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)

ma.fields.Field.default_error_messages.update(
    required="This field is required.",
    null="This field must not be null.",
    validator_failed="This value is not valid.",
)
ma.fields.Integer.default_error_messages.update(invalid="Enter a whole number.")


def _with_metadata(options: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """Return a field's options with OpenAPI metadata added; the caller's own metadata wins."""
    return {**options, "metadata": {**shape, **options.get("metadata", {})}}


def example_id(prefix: str) -> str:
    """Return an id for the examples of the OpenAPI document."""
    return ids.encode(prefix, UUID("019a9f3c-7d00-7abc-8def-0123456789ab"))


def whole_number_between(low: int, high: int) -> ma.validate.Range:
    """Return a validator of whole numbers from `low` to `high`, both included."""
    return ma.validate.Range(low, high, error="Enter a whole number from {min} to {max}.")


class ApiSchema(ma.Schema):
    """A request or response: camelCase on the wire, unknown fields refused."""

    #: Constraints on several fields together, as keywords of JSON Schema.
    together: ClassVar[Mapping[str, Any]] = {}

    class Meta:
        unknown = ma.RAISE

    error_messages: ClassVar[dict[str, str]] = {  # type: ignore[misc]
        "unknown": "This request has no such field. Remove it.",
        "type": "Send a JSON object.",
    }

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """Set the name of the field on the wire."""
        if field_obj.data_key is None:
            head, *tail = field_name.rstrip("_").split("_")
            field_obj.data_key = head + "".join(word.capitalize() for word in tail)


class TextField(ma.fields.String):
    """A string of `length_min` to `length_max` characters, as sent; no NUL."""

    def __init__(self, length_max: int, *, length_min: int = 1, **options: Any) -> None:
        self.length_min, self.length_max = length_min, length_max
        options["error_messages"] = {"invalid": "Send a string."}
        shape = {"minLength": length_min, "maxLength": length_max}
        super().__init__(**_with_metadata(options, shape))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        assert text is not None
        if not self.length_min <= len(text) <= self.length_max:
            raise ValidationError(f"Enter {self.length_min} to {self.length_max} characters.")
        if "\0" in text:
            raise ValidationError("Remove the NUL character.")
        return text


class CountryField(TextField):
    """The code of a country. A name or another code is passed on, so that the refusal can say which
    code is meant.
    """

    def __init__(self, **options: Any) -> None:
        shape = {"description": "ISO 3166, two letters", "examples": ["US"]}
        super().__init__(60, metadata=shape, **options)


class AmountField(ma.fields.String):
    """A decimal string in plain notation. `parse_amount` checks its scale by the asset."""

    def __init__(self, **options: Any) -> None:
        options["error_messages"] = {
            "invalid": 'Send the amount as a decimal string, like "12.5", not as a number.'
        }
        shape = {
            "pattern": _AMOUNT_PATTERN,
            "maxLength": _AMOUNT_LENGTH_MAX,
            "examples": ["1250.00"],
        }
        super().__init__(**_with_metadata(options, shape))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        assert text is not None
        if len(text) > _AMOUNT_LENGTH_MAX or not _AMOUNT_REGEX.fullmatch(text):
            raise ValidationError('Enter an amount as a decimal string, like "12.5".')
        return text

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> str | None:
        if isinstance(value, float):
            raise TypeError(f"{attr} is a float")
        if isinstance(value, Decimal):
            # str() would write a small price as 7.4E-7.
            return format(value, "f")
        return super()._serialize(value, attr, obj, **options)


class SignedAmountField(AmountField):
    """A decimal string that may be below zero: for responses only."""

    def __init__(self, **options: Any) -> None:
        shape = {"pattern": _AMOUNT_PATTERN.replace("^", "^-?"), "examples": ["-2.00000000"]}
        super().__init__(**_with_metadata(options, shape))


def parse_amount(field: str, asset: str, text: str) -> Amount:
    """Return the amount in a field of the request, for a known asset.

    Raises marshmallow's `ValidationError` at the field: too many decimals, zero, too large.
    """
    try:
        return Amount.parse(TRADABLE[asset], text)
    except InvalidAmount as invalid:
        raise ValidationError({field: [str(invalid)]}) from None


class CodesField(ma.fields.String):
    """One of a fixed set of codes, exactly as written."""

    def __init__(self, meanings: Mapping[str, str], **options: Any) -> None:
        self.codes = tuple(meanings)
        about = options.get("metadata", {}).get("description")
        described = [about] if about else []
        described.append(describe_values(meanings))
        options["metadata"] = {
            "enum": [*self.codes, *([None] if options.get("allow_none") else [])],
            **options.get("metadata", {}),
            "description": "\n\n".join(described),
        }
        super().__init__(**options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> str:
        if not isinstance(value, str) or value not in self.codes:
            raise ValidationError(f"Choose one of {', '.join(self.codes)}.")
        return value


class AssetCodeField(CodesField):
    """The code of an asset that can be traded: USD, XAU-s, …"""

    def __init__(self, **options: Any) -> None:
        super().__init__(ASSET_MEANINGS, **options)


class MetalCodeField(CodesField):
    """The symbol of a metal: AU, AG, …"""

    def __init__(self, **options: Any) -> None:
        super().__init__({metal: PRICED_NAMES[metal] for metal in Metal}, **options)


class ScopeField(CodesField):
    """A permission that an API key may have, loaded as `Permission`."""

    def __init__(self, **options: Any) -> None:
        meanings = describe_members(Permission)
        super().__init__({scope: meanings[scope] for scope in sorted(API_KEY_SCOPES)}, **options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> Permission:
        return Permission(super()._deserialize(value))


class EnumField(CodesField):
    """A member of an enumeration, loaded as that member."""

    def __init__(self, kind: type[StrEnum], **options: Any) -> None:
        self.kind = kind
        super().__init__(describe_members(kind), **options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> StrEnum:
        return self.kind(super()._deserialize(value))


class StrictBooleanField(ma.fields.Boolean):
    """JSON true or false; other values that marshmallow would convert are refused."""

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Send true or false.")
        return value


class ConstantField(ma.fields.String):
    """A constant text in responses."""

    def __init__(self, text: str) -> None:
        super().__init__(required=True, dump_default=text, metadata={"enum": [text]})


class PublicIdField(ma.fields.Field[UUID]):
    """A public id with its prefix, such as `trd_…`, loaded as a UUID.

    Loading raises `NotFound` for a string that cannot be an id: the response is that of an unknown
    id.
    """

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        shape = {"pattern": f"^{prefix}_[0-9a-z]{{26}}$", "examples": [example_id(prefix)]}
        super().__init__(**_with_metadata(options, shape))

    def _serialize(self, value: UUID | None, *_others: Any, **_options: Any) -> str | None:
        return None if value is None else ids.encode(self.prefix, value)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> UUID:
        if not isinstance(value, str):
            raise ValidationError("Send a string.")
        return ids.decode(self.prefix, value)


class TimestampField(ma.fields.Field[datetime]):
    """A time in RFC 3339 in UTC. Other offsets are accepted; a missing one is refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_with_metadata(options, {"examples": ["2026-11-22T09:30:00.000Z"]}))

    def _serialize(self, value: datetime | None, *_others: Any, **_options: Any) -> str | None:
        return None if value is None else clock.rfc3339(value)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> datetime:
        if not isinstance(value, str) or not _TIMESTAMP_REGEX.fullmatch(value):
            raise ValidationError("Enter a time, like 2026-11-22T09:30:00Z.")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Enter a time that exists.") from None


class FileField(ma.fields.Field[UploadedFile]):
    """An uploaded file of a form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_with_metadata(options, {"examples": ["(the bytes of the file)"]}))

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> UploadedFile:
        if not isinstance(value, UploadedFile):
            raise ValidationError("Send a file.")
        return value


class QueryIntegerField(ma.fields.Integer):
    """A whole number in a query string, in ASCII digits: int() would also read "1_0" and "５"."""

    def __init__(self, low: int, high: int, **options: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**_with_metadata(options, {"minimum": low, "maximum": high}))

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> int:
        if not _WHOLE_NUMBER_REGEX.fullmatch(value) or not self.low <= int(value) <= self.high:
            raise ValidationError(f"Enter a whole number from {self.low} to {self.high}.")
        return int(value)


class PageQuerySchema(ApiSchema):
    """The query of every list: page size and cursor."""

    limit = QueryIntegerField(
        1,
        100,
        load_default=50,
        metadata={"description": "The largest number of items", "examples": [50]},
    )
    cursor = TextField(
        300,
        metadata={"description": "The nextCursor of the previous page; absent for the first page"},
    )
