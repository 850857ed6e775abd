"""Redemptions: the list, and one redemption with its costs, goods and history, and the forms to
decide it."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.rules import ApprovalStatus
from app.blueprints.forms import Done, Form, FormSchema, reason_field
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    ListPage,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.fulfillment.shipments import queries as shipments_queries
from app.funding import customer_facts
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.redemption.requests import listed, review
from app.redemption.requests.rules import PREFIX, RedemptionStatus
from app.tax.assessment import Delivery

blp = PageBlueprint("redemptions", "/admin/redemptions")

REDEMPTIONS = ListPage(
    name="redemptions",
    title="Redemptions",
    about="Metal that customers redeem as coins and bars. Metal, money and pieces are held until a"
    " redemption is decided, for a day at most.",
    source=lambda _session, _actor: listed.REDEMPTIONS,
    columns=(
        Column("id", "ID", lambda redemption: redemption.public_id),
        Column(
            "submitted", "Submitted", lambda redemption: redemption.submitted_at, sort="submitted"
        ),
        Column("customer", "Customer", lambda redemption: PersonCell(redemption.user_id)),
        Column("status", "Status", lambda redemption: redemption.status),
        Column("amount", "Amount", lambda redemption: redemption.amount, is_figure=True),
        Column("form", "Format", lambda redemption: redemption.form),
        Column("value", "Worth", lambda redemption: redemption.value, is_figure=True),
        Column("destination", "Destination", lambda redemption: redemption.destination),
        Column("expires", "To be decided by", lambda redemption: redemption.expires_at),
        Column("total", "Costs", lambda one: one.total, is_figure=True, is_hidden=True),
        Column("strategy", "Fulfilled by", lambda redemption: redemption.strategy, is_hidden=True),
    ),
    row_url=lambda redemption: url_for(
        "redemptions_pages.show_redemption", redemption_id=redemption.public_id
    ),
    default_sort="-submitted",
    filters=(
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", RedemptionStatus),
        EnumFilter("destination", "Destination", Delivery),
        DateFilter("from", "Submitted from"),
        DateFilter("to", "Submitted to", is_end=True),
    ),
    empty=("No redemptions yet", "They appear here when customers redeem metal."),
    refreshes=True,
)


class RedemptionReasonSchema(FormSchema):
    """Why staff approve or reject a redemption."""

    reason = reason_field("Reason (internal)")


APPROVE = Form(
    "approve",
    title="Approve",
    about="The metal is taken, and the pieces are packed for the customer. The recipient is"
    " screened. A large redemption also needs a second person.",
    schema=RedemptionReasonSchema,
    button="Approve redemption",
    success="Redemption approved. Its pieces are to be packed.",
    failure="The redemption was not approved",
    confirm="Approve this redemption?",
)
REJECT = Form(
    "reject",
    title="Reject",
    about="Metal, money and pieces are released. The customer is notified, without the reason.",
    schema=RedemptionReasonSchema,
    button="Reject redemption",
    success="Redemption rejected. The customer can use the metal again.",
    failure="The redemption was not rejected",
    is_dangerous=True,
    confirm="Reject this redemption?",
)

blp.add_list(
    "",
    REDEMPTIONS,
    permission=Permission.REDEMPTIONS_READ,
    template="admin/redemptions/list.html",
)


@blp.view("GET", "/board", permission=Permission.REDEMPTIONS_READ)
def show_board(session: Session, _actor: Actor) -> Response:
    """Show the redemptions under way by their status."""
    columns = listed.read_board(session)
    people_ids = {card.user_id for column in columns for card in column.cards}
    return render_page(
        "admin/redemptions/board.html",
        columns=columns,
        names=people.get_names(session, sorted(people_ids)),
        pending=RedemptionStatus.PENDING_APPROVAL,
    )


# It writes: viewing the redemption, with its address, is recorded.
@blp.view(
    "GET",
    "/<redemption_id>",
    permission=Permission.REDEMPTIONS_READ,
    shows=PREFIX,
    writes=True,
)
def show_redemption(session: Session, actor: Actor, redemption_id: str) -> Response:
    """Show a redemption, its timeline and the forms to approve or reject it."""
    redemption = listed.view_redemption(session, actor, ids.decode(PREFIX, redemption_id))
    pickup = redemption.quote.pickup_branch_id
    requests = approvals_queries.list_requests_about(session, redemption.public_id)
    is_requested = any(request.status is ApprovalStatus.PENDING for request in requests)
    may_decide = (
        redemption.status is RedemptionStatus.PENDING_APPROVAL
        and Permission.REDEMPTIONS_DECIDE in actor.permissions
        and redemption.user_id != actor.user_id
    )
    return render_page(
        "admin/redemptions/redemption.html",
        redemption=redemption,
        quote=redemption.quote,
        steps=redemption.events,
        approvals=requests,
        places=listed.list_places(session, redemption),
        shipments=shipments_queries.list_shipments_of(session, redemption.id),
        pickup=branches_queries.get_any_branch(session, pickup) if pickup else None,
        customer=customer_facts.describe_customer(session, actor, redemption.user_id),
        names=people.get_names(
            session,
            [redemption.user_id, *(step.actor_id for step in redemption.events if step.actor_id)],
        ),
        # Each form, its URL, and whether the status allows it.
        forms=[
            (
                APPROVE,
                url_for("redemptions_pages.approve", redemption_id=redemption_id),
                may_decide and not is_requested,
            ),
            (
                REJECT,
                url_for("redemptions_pages.reject", redemption_id=redemption_id),
                may_decide,
            ),
        ],
    )


@blp.form(
    "/<redemption_id>/approve",
    APPROVE,
    shown_on=show_redemption,
    permission=Permission.REDEMPTIONS_DECIDE,
)
def approve(
    session: Session, actor: Actor, fields: Mapping[str, str], redemption_id: str
) -> Done | None:
    """Approve a redemption, or request that a second person does."""
    identifier = ids.decode(PREFIX, redemption_id)
    approval_id = review.approve(session, actor, identifier, reason=fields["reason"])
    if approval_id is None:
        return None
    shown = url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
    return Done(shown, "Approval requested. Another person has to approve it.")


@blp.form(
    "/<redemption_id>/reject",
    REJECT,
    shown_on=show_redemption,
    permission=Permission.REDEMPTIONS_DECIDE,
)
def reject(session: Session, actor: Actor, fields: Mapping[str, str], redemption_id: str) -> None:
    """Reject a redemption, and release what it holds."""
    review.reject(session, actor, ids.decode(PREFIX, redemption_id), reason=fields["reason"])
