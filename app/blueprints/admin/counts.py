"""Counts of the shelves: list and start them, enter lines, submit, and see their variance."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import Column, EnumFilter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.products import rules as products_rules
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault.counts import booking
from app.vault.counts import queries as counts_queries
from app.vault.counts import rules as counts_rules
from app.vault.counts import service as counts
from app.vault.counts.rules import CountStatus

blp = PageBlueprint("counts", "/admin/vault/counts")


class CountSchema(FormSchema):
    """A new count."""

    location = choice_field("Location", "Choose a location.")
    skus = text_field(
        "SKUs",
        None,
        hint="To count some products only: their SKUs, separated by blanks. Empty counts all.",
        check=counts_rules.parse_skus,
    )


class CountLineSchema(FormSchema):
    """The units of one product. The SKU comes last, because a scanner sends the form."""

    units = text_field(
        "Units", "Enter how many units you counted.", check=counts_rules.parse_counted
    )
    sku = text_field(
        "SKU",
        "Enter or scan a SKU.",
        hint="Scan it last: the scanner stores the line.",
        check=products_rules.clean_sku,
    )


class NoFieldsSchema(FormSchema):
    """Nothing is entered."""


START = Form(
    "start",
    title="Start a count",
    about="Who counts does not see what is expected.",
    schema=CountSchema,
    button="Start count",
    success="Count started.",
    failure="The count was not started",
)
ENTER = Form(
    "enter",
    title="Enter what you counted",
    about="All units at the location, for sale, reserved, to be examined, sold"
    " or packed. Entering a product again replaces what you entered before.",
    schema=CountLineSchema,
    button="Store line",
    success="Line stored.",
    failure="The line was not stored",
)
SUBMIT = Form(
    "submit",
    title="Submit",
    about="Products without a line are counted as none. If the count differs from the books,"
    " another person investigates.",
    schema=NoFieldsSchema,
    button="Submit count",
    failure="The count was not submitted",
    confirm="Submit this count? Its lines are not changed afterwards.",
    is_secondary=True,
)
CANCEL = Form(
    "cancel",
    title="Cancel",
    schema=NoFieldsSchema,
    button="Cancel count",
    success="Count cancelled.",
    failure="The count was not cancelled",
    confirm="Cancel this count? Its lines have no effect.",
    is_dangerous=True,
)


class BookingSchema(FormSchema):
    """Why the variance is booked."""

    reason = reason_field()


BOOK = Form(
    "book",
    title="Book the variance",
    about="A second person approves. Then what is missing is booked as lost, and what was found as"
    " found. If the count was wrong, close its case instead.",
    schema=BookingSchema,
    button="Request booking",
    success="Booking requested. A second person has to approve it.",
    failure="The booking was not requested",
)
_SUBMITTED = {
    CountStatus.AGREED: "Count submitted. It agrees with the books.",
    CountStatus.VARIANCE: "Count submitted. It differs from the books: see the variance below.",
}

COUNTS = ListPage(
    name="counts",
    title="Counts",
    about="What is on the shelves, counted without sight of the books.",
    source=lambda _session, _actor: counts_queries.COUNTS,
    columns=(
        Column("location", "Location", lambda count: count.location_code, is_code=True),
        Column("scope", "Products", lambda count: ", ".join(count.skus) or "All"),
        Column("started", "Started", lambda count: count.started_at, sort="started"),
        Column("started_by", "Started by", lambda count: PersonCell(count.started_by)),
        Column("status", "Status", lambda count: count.status),
        Column("submitted", "Submitted", lambda count: count.submitted_at),
    ),
    row_url=lambda count: url_for("counts_pages.show_count", count_id=count.public_id),
    default_sort="-started",
    filters=(location_field.location_filter(), EnumFilter("status", "Status", CountStatus)),
    empty=("No counts yet", "Start the first one here."),
)
list_counts = blp.add_list(
    "",
    COUNTS,
    permission=Permission.COUNTS_READ,
    form=ListForm(
        START,
        Permission.COUNTS_WORK,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
)


@blp.form("", START, shown_on=list_counts, permission=Permission.COUNTS_WORK)
def start_count(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Start a count."""
    count_id = counts.start_count(session, actor, location=fields["location"], skus=fields["skus"])
    return url_for("counts_pages.show_count", count_id=ids.encode(counts.PREFIX, count_id))


@blp.view("GET", "/<count_id>", permission=Permission.COUNTS_READ, shows=counts.PREFIX)
def show_count(session: Session, actor: Actor, count_id: str) -> Response:
    """Show a count: its lines and, once it was submitted, what was expected."""
    identifier = ids.decode(counts.PREFIX, count_id)
    count = counts_queries.get_count(session, identifier)
    lines = counts_queries.list_lines(session, identifier)
    person_ids = {count.started_by, *(line.counted_by for line in lines)}
    if count.submitted_by:
        person_ids.add(count.submitted_by)
    is_open = count.status is CountStatus.COUNTING
    return render_page(
        "admin/counts/count.html",
        count=count,
        lines=lines,
        names=people.get_names(session, person_ids),
        forms=[ENTER, SUBMIT, CANCEL, BOOK],
        enter_form=ENTER,
        submit_form=SUBMIT,
        cancel_form=CANCEL,
        book_form=BOOK,
        may_book=count.status is CountStatus.VARIANCE
        and Permission.VAULT_ADJUST in actor.permissions,
        may_count=is_open and Permission.COUNTS_WORK in actor.permissions,
    )


@blp.form("/<count_id>/lines", ENTER, shown_on=show_count, permission=Permission.COUNTS_WORK)
def enter_line(session: Session, actor: Actor, fields: Mapping[str, str], count_id: str) -> Done:
    """Enter the units of one product."""
    counts.enter_line(session, actor, ids.decode(counts.PREFIX, count_id), **fields)
    return Done(message=f"Stored: {fields['units']} of {products_rules.clean_sku(fields['sku'])}.")


@blp.form("/<count_id>/submit", SUBMIT, shown_on=show_count, permission=Permission.COUNTS_WORK)
def submit_count(session: Session, actor: Actor, _fields: Mapping[str, str], count_id: str) -> Done:
    """Submit a count."""
    status = counts.submit_count(session, actor, ids.decode(counts.PREFIX, count_id))
    return Done(message=_SUBMITTED[status])


@blp.form("/<count_id>/cancel", CANCEL, shown_on=show_count, permission=Permission.COUNTS_WORK)
def cancel_count(session: Session, actor: Actor, _fields: Mapping[str, str], count_id: str) -> None:
    """Cancel a count."""
    counts.cancel_count(session, actor, ids.decode(counts.PREFIX, count_id))


@blp.form("/<count_id>/book", BOOK, shown_on=show_count, permission=Permission.VAULT_ADJUST)
def request_booking(
    session: Session, actor: Actor, fields: Mapping[str, str], count_id: str
) -> None:
    """Request that the variance of a count is booked."""
    identifier = ids.decode(counts.PREFIX, count_id)
    booking.request_booking(session, actor, identifier, reason=fields["reason"])
