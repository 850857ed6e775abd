"""Payments: deposits and withdrawals, the release of large withdrawals, and their rejection."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.rules import ApprovalStatus
from app.blueprints.forms import Form, FormSchema, reason_field
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    Filter,
    ListPage,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PaymentMethod
from app.funding import customer_facts
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.states import DepositStatus, WithdrawalStatus
from app.funding.withdrawals import payout_waits, withdrawal_approval
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.labels import StatusEnum

blp = PageBlueprint("payments", "/admin/payments")


def _filters(statuses: type[StatusEnum]) -> tuple[Filter, ...]:
    return (
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", statuses),
        EnumFilter("method", "Method", PaymentMethod),
        DateFilter("from", "Requested from"),
        DateFilter("to", "Requested to", is_end=True),
    )


WITHDRAWALS = ListPage(
    name="withdrawals",
    title="Withdrawals",
    about="Payouts requested by customers. The amount is held until the payout ends.",
    source=lambda _session, _actor: withdrawal_queries.WITHDRAWALS,
    columns=(
        Column("id", "ID", lambda withdrawal: withdrawal.public_id),
        Column("customer", "Customer", lambda withdrawal: PersonCell(withdrawal.user_id)),
        Column("amount", "Amount", lambda withdrawal: withdrawal.amount, is_figure=True),
        Column("fee", "Fee", lambda withdrawal: withdrawal.fee, is_figure=True, is_hidden=True),
        Column("method", "Method", lambda withdrawal: withdrawal.method),
        Column(
            "requested", "Requested", lambda withdrawal: withdrawal.requested_at, sort="requested"
        ),
        Column("status", "Status", lambda withdrawal: withdrawal.status),
        Column("to", "To", lambda withdrawal: withdrawal.destination, is_code=True),
        Column(
            "completed", "Completed", lambda withdrawal: withdrawal.completed_at, is_hidden=True
        ),
    ),
    row_url=lambda withdrawal: url_for(
        "payments_pages.show_withdrawal", withdrawal_id=withdrawal.public_id
    ),
    default_sort="-requested",
    filters=_filters(WithdrawalStatus),
    empty=("No withdrawals yet", "They appear here when customers request them."),
    refreshes=True,
)
DEPOSITS = ListPage(
    name="deposits",
    title="Deposits",
    about="Money and tokens paid in by customers.",
    source=lambda _session, _actor: deposit_queries.DEPOSITS,
    columns=(
        Column("id", "ID", lambda deposit: deposit.public_id),
        Column("customer", "Customer", lambda deposit: PersonCell(deposit.user_id)),
        Column("amount", "Amount", lambda deposit: deposit.amount, is_figure=True),
        Column("fee", "Fee", lambda deposit: deposit.fee, is_figure=True, is_hidden=True),
        Column("method", "Method", lambda deposit: deposit.method),
        Column("requested", "Requested", lambda deposit: deposit.requested_at, sort="requested"),
        Column("status", "Status", lambda deposit: deposit.shown_status),
        Column("credited", "Credited", lambda deposit: deposit.credited_at, is_hidden=True),
    ),
    row_url=lambda deposit: url_for("payments_pages.show_deposit", deposit_id=deposit.public_id),
    default_sort="-requested",
    filters=_filters(DepositStatus),
    empty=("No deposits yet", "They appear here when customers request them."),
)


class ReasonSchema(FormSchema):
    """Why staff release or reject a payout."""

    reason = reason_field("Reason (internal)")


RELEASE = Form(
    "release",
    title="Release",
    about="A second person must approve a payout of this size. Then it is sent, and cannot be"
    " called back.",
    schema=ReasonSchema,
    button="Request release",
    success="Release requested. Another person has to approve it.",
    failure="The release was not requested",
    confirm="Request the release of this payout?",
)
REJECT = Form(
    "reject",
    title="Reject payout",
    about="The hold ends and the customer can use the amount again. They are notified, without the"
    " reason.",
    schema=ReasonSchema,
    button="Reject payout",
    success="Payout rejected. The customer can use the amount again.",
    failure="The payout was not rejected",
    is_dangerous=True,
    confirm="Reject this payout?",
)

blp.add_list("/withdrawals", WITHDRAWALS, permission=Permission.PAYMENTS_READ)
blp.add_list("/deposits", DEPOSITS, permission=Permission.PAYMENTS_READ)


@blp.view(
    "GET", "/deposits/<deposit_id>", permission=Permission.PAYMENTS_READ, shows=deposits.PREFIX
)
def show_deposit(session: Session, actor: Actor, deposit_id: str) -> Response:
    """Show a deposit and its timeline."""
    deposit = deposit_queries.deposit(session, ids.decode(deposits.PREFIX, deposit_id))
    steps = deposit_queries.deposit_events(session, deposit.id)
    people_ids = [deposit.user_id, *(step.actor_id for step in steps if step.actor_id)]
    return render_page(
        "admin/payments/deposit.html",
        deposit=deposit,
        steps=steps,
        customer=customer_facts.describe_customer(session, actor, deposit.user_id),
        names=people.get_names(session, people_ids),
    )


@blp.view(
    "GET",
    "/withdrawals/<withdrawal_id>",
    permission=Permission.PAYMENTS_READ,
    shows=withdrawals.PREFIX,
)
def show_withdrawal(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """Show a withdrawal, its timeline and the forms to release or reject it."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    withdrawal = withdrawal_queries.withdrawal(session, identifier)
    steps = withdrawal_queries.withdrawal_events(session, identifier)
    people_ids = [withdrawal.user_id, *(step.actor_id for step in steps if step.actor_id)]
    requests = approvals_queries.list_requests_about(session, withdrawal.public_id)
    is_requested = any(approval.status is ApprovalStatus.PENDING for approval in requests)
    is_own = withdrawal.user_id == actor.user_id
    may_release = Permission.PAYMENTS_RELEASE in actor.permissions and not is_own
    is_awaiting = withdrawal.status is WithdrawalStatus.AWAITING_APPROVAL
    return render_page(
        "admin/payments/withdrawal.html",
        approvals=requests,
        withdrawal=withdrawal,
        steps=steps,
        customer=customer_facts.describe_customer(session, actor, withdrawal.user_id),
        wait=payout_waits.find_wait(session, withdrawal),
        names=people.get_names(session, people_ids),
        # Each form, its URL, and whether the withdrawal's status allows it.
        forms=[
            (
                RELEASE,
                url_for("payments_pages.request_release", withdrawal_id=withdrawal_id),
                may_release and is_awaiting and not is_requested,
            ),
            (
                REJECT,
                url_for("payments_pages.reject", withdrawal_id=withdrawal_id),
                may_release and withdrawal.is_cancellable,
            ),
        ],
    )


@blp.form(
    "/withdrawals/<withdrawal_id>/release",
    RELEASE,
    shown_on=show_withdrawal,
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def request_release(
    session: Session, actor: Actor, fields: Mapping[str, str], withdrawal_id: str
) -> str:
    """Request the release of a large withdrawal, which a second person approves."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    approval_id = withdrawal_approval.request_release(
        session, actor, identifier, reason=fields["reason"]
    )
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))


@blp.form(
    "/withdrawals/<withdrawal_id>/reject",
    REJECT,
    shown_on=show_withdrawal,
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def reject(session: Session, actor: Actor, fields: Mapping[str, str], withdrawal_id: str) -> None:
    """Reject a withdrawal before it is sent, and end its hold."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    withdrawals.reject(session, actor, identifier, reason=fields["reason"])
