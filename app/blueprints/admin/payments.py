"""Payments: deposits and withdrawals, the release of large withdrawals, and their rejection."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    Filter,
    ListPage,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.ports import PaymentMethod
from app.funding.states import DepositStatus, WithdrawalStatus
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid
from app.kit.labels import StatusEnum

blp = PageBlueprint("payments", "/admin/payments")


def _filters(statuses: type[StatusEnum]) -> tuple[Filter, ...]:
    return (
        PersonFilter("customer", "Customer (email or ID)"),
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
        Column("method", "Method", lambda withdrawal: withdrawal.method),
        Column(
            "requested", "Requested", lambda withdrawal: withdrawal.requested_at, sort="requested"
        ),
        Column("status", "Status", lambda withdrawal: withdrawal.status),
        Column("to", "To", lambda withdrawal: withdrawal.destination),
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
        Column("method", "Method", lambda deposit: deposit.method),
        Column("requested", "Requested", lambda deposit: deposit.requested_at, sort="requested"),
        Column("status", "Status", lambda deposit: deposit.status),
        Column("credited", "Credited", lambda deposit: deposit.credited_at, is_hidden=True),
    ),
    row_url=lambda deposit: url_for("payments_pages.show_deposit", deposit_id=deposit.public_id),
    default_sort="-requested",
    filters=_filters(DepositStatus),
    empty=("No deposits yet", "They appear here when customers request them."),
)
blp.add_list("/withdrawals", WITHDRAWALS, permission=Permission.PAYMENTS_READ)
blp.add_list("/deposits", DEPOSITS, permission=Permission.PAYMENTS_READ)


@blp.view(
    "GET", "/deposits/<deposit_id>", permission=Permission.PAYMENTS_READ, shows=deposits.PREFIX
)
def show_deposit(session: Session, _actor: Actor, deposit_id: str) -> Response:
    """Show a deposit and its timeline."""
    deposit = deposit_queries.deposit(session, ids.decode(deposits.PREFIX, deposit_id))
    steps = deposit_queries.deposit_events(session, deposit.id)
    people_ids = [deposit.user_id, *(step.actor_id for step in steps if step.actor_id)]
    return render_page(
        "admin/payments/deposit.html",
        deposit=deposit,
        steps=steps,
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
    return _render_withdrawal(session, actor, ids.decode(withdrawals.PREFIX, withdrawal_id))


@blp.view(
    "POST",
    "/withdrawals/<withdrawal_id>/release",
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def request_release(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """Request the release of a large withdrawal, which a second person approves."""
    approval_ids: list[UUID] = []

    def ask_to_release(identifier: UUID, reason: str) -> None:
        approval_ids.append(
            withdrawal_approval.request_release(session, actor, identifier, reason=reason)
        )

    response = _act(session, actor, withdrawal_id, ask_to_release, "release")
    if not approval_ids:
        return response
    approval_id = ids.encode("apr", approval_ids[0])
    return see_other(url_for("approvals_pages.show_approval", approval_id=approval_id))


@blp.view(
    "POST",
    "/withdrawals/<withdrawal_id>/reject",
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def reject(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """Reject a withdrawal before it is sent, and end its hold."""

    def reject_withdrawal(identifier: UUID, reason: str) -> None:
        withdrawals.reject(session, actor, identifier, reason=reason)

    return _act(session, actor, withdrawal_id, reject_withdrawal, "reject")


def _act(
    session: Session,
    actor: Actor,
    withdrawal_id: str,
    act: Callable[[UUID, str], None],
    form_id: str,
) -> Response:
    """Run `act` with the form's reason and show the withdrawal again, with the problems of the
    form if it was refused."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    withdrawal_queries.withdrawal(session, identifier)
    try:
        with session.savepoint():
            act(identifier, request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        status, problems = report_at_form(refusal)
        return _render_withdrawal(
            session, actor, identifier, status=status, form_id=form_id, problems=problems
        )
    return see_other(url_for("payments_pages.show_withdrawal", withdrawal_id=withdrawal_id))


def _render_withdrawal(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    withdrawal = withdrawal_queries.withdrawal(session, identifier)
    steps = withdrawal_queries.withdrawal_events(session, identifier)
    people_ids = [withdrawal.user_id, *(step.actor_id for step in steps if step.actor_id)]
    pending = [
        approval
        for approval in approvals_queries.list_pending_about(session, withdrawal.user_id)
        if approval.subject == withdrawal.public_id
    ]
    return render_page(
        "admin/payments/withdrawal.html",
        pending=[(approval, ids.encode("apr", approval.id)) for approval in pending],
        status=status,
        withdrawal=withdrawal,
        steps=steps,
        names=people.get_names(session, people_ids),
        may_release=Permission.PAYMENTS_RELEASE in actor.permissions,
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )
