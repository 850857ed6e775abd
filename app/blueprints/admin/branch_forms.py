"""The forms on the pages of branches."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.access import Actor
from app.blueprints.admin import address_fields
from app.blueprints.admin.address_fields import ADDRESS_FIELDS, AddressFieldsSchema
from app.blueprints.form_changes import Facts
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    date_field,
    hidden_field,
    text_field,
    tick_field,
)
from app.branches import queries as branches_queries
from app.branches import rules
from app.branches.hours import rules as hours_rules
from app.branches.hours.rules import WEEKDAYS
from app.branches.queries import BranchSummary
from app.branches.service import BranchDetails
from app.kit import ids
from app.kit.db import Session

_HOURS_HINT = "Like 09:00-12:30, 14:00-18:00. Empty if it is closed."


class BranchSchema(FormSchema):
    """A new branch."""

    code = text_field(
        "Code",
        "Enter a code.",
        hint="2 to 12 capital letters and digits, like NYC1",
        check=rules.clean_code,
    )
    name = text_field("Name", "Enter a name.", check=rules.clean_name)
    entity = choice_field("Legal entity", "Choose a legal entity.")


class DetailsSchema(AddressFieldsSchema):
    """What customers read of a branch."""

    name = text_field("Name", "Enter a name.", check=rules.clean_name)
    phone = text_field("Telephone", None)
    time_zone = text_field(
        "Time zone",
        "Enter a time zone.",
        hint="Like America/New_York",
        check=hours_rules.clean_time_zone,
    )
    offers_pickup = tick_field("Customers can pick up here what they bought", None)

    class Meta(AddressFieldsSchema.Meta):
        fields = ("name", *ADDRESS_FIELDS, "phone", "time_zone", "offers_pickup")


def _weekday_field(weekday: str) -> Any:
    check = partial(hours_rules.parse_hours, weekday.lower())
    hint = _HOURS_HINT if weekday == WEEKDAYS[0] else ""
    return text_field(weekday, None, hint=hint, check=check)


class WeekSchema(FormSchema):
    """The hours of each weekday."""

    monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(_weekday_field, WEEKDAYS)


class DaySchema(FormSchema):
    """The hours of a day that differs."""

    day = date_field("Day", "Enter a day.")
    hours = text_field(
        "Hours", None, hint=_HOURS_HINT, check=partial(hours_rules.parse_hours, "hours")
    )
    note = text_field("Occasion", "Enter the occasion.", hint="Like Thanksgiving Day")


class ChosenDaySchema(FormSchema):
    """A day that differs."""

    day = hidden_field()


class TillSchema(FormSchema):
    """A new till."""

    code = text_field("Code", "Enter a code.", hint="Like T1", check=rules.clean_code)
    name = text_field("Name", "Enter a name.", check=rules.clean_name)


class ChosenTillSchema(FormSchema):
    """A till."""

    till = hidden_field()


def _describe_details(session: Session, actor: Actor, branch_id: str) -> Facts:
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", branch_id))
    return {
        "Name": branch.name,
        "Address": branch.postal.in_one_line if branch.postal else "",
        "Telephone": branch.phone or "",
        "Time zone": branch.time_zone,
        "Pick-up": "Yes" if branch.offers_pickup else "No",
    }


def _describe_hours(session: Session, actor: Actor, branch_id: str) -> Facts:
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", branch_id))
    return dict(zip(WEEKDAYS, branch.weekly_hours, strict=True))


OPEN_BRANCH = Form(
    "open",
    title="Open a branch",
    schema=BranchSchema,
    button="Open branch",
    success="Branch opened.",
    failure="The branch was not opened",
)
DETAILS = Form(
    "details",
    title="Change details",
    about="Customers see these.",
    schema=DetailsSchema,
    button="Save details",
    success="Details saved.",
    failure="The details were not saved",
    current=_describe_details,
    subject=lambda branch_id: branch_id,
    is_secondary=True,
)
WEEK = Form(
    "week",
    title="Change hours of the week",
    about="On the clock of the branch. Hours that end before they begin end on the next day.",
    schema=WeekSchema,
    button="Save hours",
    success="Hours saved.",
    failure="The hours were not saved",
    current=_describe_hours,
    subject=lambda branch_id: branch_id,
    is_secondary=True,
)
DAY = Form(
    "day",
    title="Add a day that differs",
    about="A holiday, or a day with other hours than its weekday.",
    schema=DaySchema,
    button="Save day",
    success="Day saved.",
    failure="The day was not saved",
    is_secondary=True,
)
REMOVE_DAY = Form(
    "remove-day",
    title="Remove a day",
    schema=ChosenDaySchema,
    button="Remove",
    success="Day removed.",
    failure="The day was not removed",
)
OPEN_TILL = Form(
    "till",
    title="Open a till",
    schema=TillSchema,
    button="Open till",
    success="Till opened.",
    failure="The till was not opened",
    is_secondary=True,
)
CLOSE_TILL = Form(
    "close-till",
    title="Close a till",
    schema=ChosenTillSchema,
    button="Close",
    success="Till closed.",
    failure="The till was not closed",
    confirm="Close this till for good?",
)


def read_details(fields: Mapping[str, Any]) -> BranchDetails:
    """Return the details of the form."""
    return BranchDetails(
        fields["name"],
        address_fields.read_address(fields),
        fields["phone"],
        fields["time_zone"],
        offers_pickup=bool(fields["offers_pickup"]),
    )


def details_of(branch: BranchSummary) -> dict[str, str]:
    """Return what the form of the details holds at first."""
    return {
        "name": branch.name,
        "phone": branch.phone or "",
        "time_zone": branch.time_zone,
        "offers_pickup": "yes" if branch.offers_pickup else "",
        **address_fields.write_address(branch.postal),
    }


def hours_of(branch: BranchSummary) -> dict[str, str]:
    """Return what the form of the hours holds at first."""
    return {
        weekday.lower(): text for weekday, text in zip(WEEKDAYS, branch.weekly_hours, strict=True)
    }
