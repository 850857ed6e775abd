"""Schemas of branches."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    CodesField,
    PublicIdField,
    TimestampField,
)
from app.branches.hours.rules import WEEKDAYS

_CLOCK = {"pattern": "^[0-2][0-9]:[0-5][0-9]$"}


class HoursSchema(ApiSchema):
    """A period in which a branch is open, on its clock."""

    opens = ma.fields.String(
        required=True,
        metadata={**_CLOCK, "description": "When it opens", "examples": ["09:30"]},
    )
    closes = ma.fields.String(
        required=True,
        metadata={
            **_CLOCK,
            "description": "24:00 at the end of the day; on the next day if it is before `opens`",
            "examples": ["17:30"],
        },
    )


class WeekdayHoursSchema(HoursSchema):
    """A period of a weekday in which a branch is open, on its clock."""

    weekday = CodesField(
        {weekday.lower(): f"Each {weekday}" for weekday in WEEKDAYS}, required=True
    )


class OtherDaySchema(ApiSchema):
    """A day whose hours replace those of its weekday."""

    date = ma.fields.Date(
        required=True,
        metadata={"description": "On the clock of the branch", "examples": ["2026-12-25"]},
    )
    occasion = ma.fields.String(
        required=True,
        metadata={"description": "Why its hours differ", "examples": ["Christmas Day"]},
    )
    hours = ma.fields.List(
        ma.fields.Nested(HoursSchema),
        required=True,
        metadata={"description": "Empty if the branch is closed"},
    )


class BranchAddressSchema(ApiSchema):
    """Where a branch is."""

    street = ma.fields.String(required=True, metadata={"examples": ["48 Main Street"]})
    street2 = ma.fields.String(required=True, allow_none=True)
    district = ma.fields.String(required=True, allow_none=True)
    city = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, allow_none=True)
    zip_code = ma.fields.String(required=True, allow_none=True)
    country = ma.fields.String(
        required=True, metadata={"description": "ISO 3166, two letters", "examples": ["US"]}
    )


class PublicBranchSchema(ApiSchema):
    """A branch, as customers see it."""

    id = PublicIdField("brn", required=True)
    name = ma.fields.String(required=True, metadata={"examples": ["Main Street"]})
    address = ma.fields.Nested(
        BranchAddressSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Where it is; null until it is known"},
    )
    phone = ma.fields.String(required=True, allow_none=True)
    pickup = ma.fields.Boolean(
        required=True, metadata={"description": "Whether purchases can be picked up here"}
    )
    time_zone = ma.fields.String(
        required=True,
        metadata={
            "description": "The clock of `hours`, by the tz database",
            "examples": ["America/New_York"],
        },
    )
    hours = ma.fields.List(
        ma.fields.Nested(WeekdayHoursSchema),
        required=True,
        metadata={"description": "A weekday without an item is a day off"},
    )
    other_days = ma.fields.List(
        ma.fields.Nested(OtherDaySchema),
        required=True,
        metadata={"description": "Days from today on whose hours differ, in order"},
    )
    is_open = ma.fields.Boolean(required=True, metadata={"description": "Whether it is open now"})
    closes_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When it closes; null if it is not open, or does not close soon"},
    )
    opens_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When it opens next; null if it is open, or not soon"},
    )


class BranchesSchema(ApiSchema):
    """Every branch that serves customers."""

    data = ma.fields.List(
        ma.fields.Nested(PublicBranchSchema),
        required=True,
        metadata={"description": "Every branch, by its code"},
    )
