"""Storage fees: the list of charges, one charge with its arithmetic and the form to waive it, and
what was accrued each day."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.rules import ApprovalStatus
from app.blueprints.forms import Done, Form, FormSchema, reason_field
from app.blueprints.lists import (
    ChoiceFilter,
    Column,
    DateFilter,
    EnumFilter,
    ListPage,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES, Metal
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.storage_fees import queries, waiving
from app.storage_fees.rules import PREFIX, ChargeStatus

blp = PageBlueprint("storage_fees", "/admin/storage-fees")

_METALS = [(metal.value, PRICED_NAMES[metal].capitalize()) for metal in Metal]

CHARGES = ListPage(
    name="storage_fees",
    title="Storage fees",
    about="What customers pay for metal that we keep for them above the free ounces. A month is"
    " charged soon after it has ended: from dollars, from metal where the customer agreed to its"
    " sale, or as a debt.",
    source=lambda _session, _actor: queries.CHARGES,
    columns=(
        Column("id", "ID", lambda charge: charge.public_id),
        Column("month", "Month", lambda charge: charge.month_name, sort="month"),
        Column("customer", "Customer", lambda charge: PersonCell(charge.user_id)),
        Column("status", "Status", lambda charge: charge.status),
        Column("fee", "Fee", lambda charge: charge.fee, is_figure=True),
        Column("dollars", "From dollars", lambda charge: charge.paid_in_dollars, is_figure=True),
        Column("sale", "From metal", lambda charge: charge.paid_by_sale, is_figure=True),
        Column("owed", "Owed then", lambda charge: charge.owed, is_figure=True),
        Column("charged", "Charged", lambda charge: charge.charged_at, is_hidden=True),
        Column("waived", "Waived", lambda charge: charge.waived_at, is_hidden=True),
    ),
    row_url=lambda charge: url_for(
        "storage_fees_pages.show_storage_fee", storage_fee_id=charge.public_id
    ),
    default_sort="-month",
    filters=(
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", ChargeStatus),
        ChoiceFilter("owed", "Arrears", choices=lambda _session, _actor: [("yes", "Owed then")]),
        DateFilter("from", "Months from"),
        DateFilter("to", "Months to", is_end=True),
    ),
    empty=("No storage fees yet", "They appear here when a month has ended."),
)
ACCRUALS = ListPage(
    name="storage_accruals",
    title="Accrued storage",
    about="The ounces of each customer at 24:00 UTC of each day, where they were above the free"
    " ounces, with the price and the rate of that day.",
    source=lambda _session, _actor: queries.ACCRUALS,
    columns=(
        Column("day", "Day", lambda row: row.day, sort="day"),
        Column("customer", "Customer", lambda row: PersonCell(row.user_id)),
        Column("ounces", "Ounces", lambda row: row.ounces, is_figure=True),
        Column("chargeable", "Above the free ounces", lambda row: row.chargeable, is_figure=True),
        Column("price", "Price", lambda row: row.mid, is_figure=True),
        Column("rate", "Percent a year", lambda row: row.rate_percent, is_figure=True),
    ),
    default_sort="-day",
    filters=(
        PersonFilter("customer", "Customer", hint="Email or ID"),
        ChoiceFilter("metal", "Metal", choices=lambda _session, _actor: _METALS, convert=Metal),
        DateFilter("from", "From"),
        DateFilter("to", "To", is_end=True),
    ),
    empty=("No accrued storage", "Days appear here once they have ended."),
)


class WaiverSchema(FormSchema):
    """Why staff waive a charge."""

    reason = reason_field("Reason (internal)")


WAIVE = Form(
    "waive",
    title="Waive",
    about="A charge that is due is never taken. What was taken is given back, and a debt for it is"
    " cancelled. A large one also needs a second person.",
    schema=WaiverSchema,
    button="Waive storage fee",
    success="Storage fee waived.",
    failure="The storage fee was not waived",
    is_dangerous=True,
    confirm="Waive this storage fee?",
)

blp.add_list("", CHARGES, permission=Permission.STORAGE_FEES_READ)
blp.add_list("/accruals", ACCRUALS, permission=Permission.STORAGE_FEES_READ)


@blp.view("GET", "/<storage_fee_id>", permission=Permission.STORAGE_FEES_READ, shows=PREFIX)
def show_storage_fee(session: Session, actor: Actor, storage_fee_id: str) -> Response:
    """Show a charge with its arithmetic, how it was paid, and the form to waive it."""
    charge = queries.get_charge(session, ids.decode(PREFIX, storage_fee_id))
    requests = approvals_queries.list_requests_about(session, charge.public_id)
    is_requested = any(request.status is ApprovalStatus.PENDING for request in requests)
    may_waive = (
        charge.status is not ChargeStatus.WAIVED
        and Permission.STORAGE_FEES_WAIVE in actor.permissions
        and charge.user_id != actor.user_id
        and not is_requested
    )
    named = [charge.user_id, *([charge.waived_by] if charge.waived_by else [])]
    return render_page(
        "admin/storage_fees/storage_fee.html",
        charge=charge,
        approvals=requests,
        names=people.get_names(session, named),
        waive_form=WAIVE,
        waive_url=url_for("storage_fees_pages.waive", storage_fee_id=storage_fee_id),
        may_waive=may_waive,
    )


@blp.form(
    "/<storage_fee_id>/waive",
    WAIVE,
    shown_on=show_storage_fee,
    permission=Permission.STORAGE_FEES_WAIVE,
)
def waive(
    session: Session, actor: Actor, fields: Mapping[str, str], storage_fee_id: str
) -> Done | None:
    """Waive a charge, or request that a second person does."""
    identifier = ids.decode(PREFIX, storage_fee_id)
    approval_id = waiving.waive(session, actor, identifier, reason=fields["reason"])
    if approval_id is None:
        return None
    shown = url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
    return Done(shown, "Approval requested. Another person has to approve it.")
