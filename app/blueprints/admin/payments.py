"""Deposits and withdrawals: where they stand, and what staff do about them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.funding import approval, deposits, withdrawals
from app.funding import queries as funding_queries
from app.funding.ports import Method
from app.funding.statuses import DepositStatus, WithdrawalStatus
from app.identity import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid

blp = PageBlueprint("payments", "/admin/payments")

_SHOWN = 50
_METHODS = [("", "Every method"), *((each.value, each.replace("_", " ")) for each in Method)]


@blp.view("GET", "/withdrawals", permission=Permission.PAYMENTS_READ)
def show_withdrawals(session: Session, _actor: Actor) -> Response:
    """Withdrawals, newest first, by status and method."""
    return _list(
        session,
        funding_queries.withdrawals,
        WithdrawalStatus,
        title="Withdrawals",
        about="What customers have sent to themselves. The money is held from the start.",
        goes_out=True,
    )


@blp.view("GET", "/deposits", permission=Permission.PAYMENTS_READ)
def show_deposits(session: Session, _actor: Actor) -> Response:
    """Deposits, newest first, by status and method."""
    return _list(
        session,
        funding_queries.deposits,
        DepositStatus,
        title="Deposits",
        about="What customers pay in. It is theirs once it is credited.",
        goes_out=False,
    )


@blp.view("GET", "/deposits/<deposit_id>", permission=Permission.PAYMENTS_READ)
def show_deposit(session: Session, actor: Actor, deposit_id: str) -> Response:
    """A deposit and its steps."""
    found = funding_queries.deposit(session, ids.decode(deposits.PREFIX, deposit_id))
    return page(
        "admin/payments/deposit.html",
        "admin/payments/_deposit.html",
        deposit=found,
        steps=funding_queries.deposit_steps(session, found.id),
        names=people.names(session, [found.user_id]),
        person_id=ids.encode("usr", found.user_id),
        may_open_people=Permission.PEOPLE_READ in actor.permissions,
    )


@blp.view("GET", "/withdrawals/<withdrawal_id>", permission=Permission.PAYMENTS_READ)
def show_withdrawal(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """A withdrawal, its steps, and what can be done about it."""
    return _withdrawal(session, actor, ids.decode(withdrawals.PREFIX, withdrawal_id))


@blp.view(
    "POST",
    "/withdrawals/<withdrawal_id>/release",
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def ask_to_release(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """Ask a second person to let a large withdrawal go."""
    asked: list[UUID] = []

    def act(found: UUID, reason: str) -> None:
        asked.append(approval.ask_to_release(session, actor, found, reason=reason))

    answer = _acted(session, actor, withdrawal_id, act, "release")
    if not asked:
        return answer
    return see_other(url_for("approvals_pages.approval", approval_id=ids.encode("apr", asked[0])))


@blp.view(
    "POST",
    "/withdrawals/<withdrawal_id>/reject",
    permission=Permission.PAYMENTS_RELEASE,
    fresh=True,
)
def reject(session: Session, actor: Actor, withdrawal_id: str) -> Response:
    """Refuse to send it; the customer's money is free again."""

    def act(found: UUID, reason: str) -> None:
        withdrawals.reject(session, actor, found, reason=reason)

    return _acted(session, actor, withdrawal_id, act, "reject")


def _acted(
    session: Session,
    actor: Actor,
    withdrawal_id: str,
    act: Callable[[UUID, str], None],
    form: str,
) -> Response:
    found = ids.decode(withdrawals.PREFIX, withdrawal_id)
    funding_queries.withdrawal(session, found)
    try:
        with session.savepoint():
            act(found, request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        status, problems = said_at_form(refusal)
        return _withdrawal(session, actor, found, status=status, form=form, problems=problems)
    return see_other(url_for("payments_pages.show_withdrawal", withdrawal_id=withdrawal_id))


def _withdrawal(
    session: Session,
    actor: Actor,
    withdrawal_id: UUID,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found = funding_queries.withdrawal(session, withdrawal_id)
    steps = funding_queries.withdrawal_steps(session, withdrawal_id)
    known = [found.user_id, *(step.actor_id for step in steps if step.actor_id)]
    return page(
        "admin/payments/withdrawal.html",
        "admin/payments/_withdrawal.html",
        status=status,
        withdrawal=found,
        steps=steps,
        names=people.names(session, known),
        person_id=ids.encode("usr", found.user_id),
        may_release=Permission.PAYMENTS_RELEASE in actor.permissions,
        may_open_people=Permission.PEOPLE_READ in actor.permissions,
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )


def _list(
    session: Session,
    read: Callable[..., object],
    statuses: type[DepositStatus] | type[WithdrawalStatus],
    **texts: Any,
) -> Response:
    asked = {name: request.args.get(name, "") for name in ("status", "method")}
    cursor = cursor_asked()
    found = read(
        session,
        limit=_SHOWN,
        before=cursor,
        status=asked["status"] if asked["status"] in set(statuses) else None,
        method=asked["method"] if asked["method"] in set(Method) else None,
    )
    options = [("", "Every status")]
    options += [(each.value, each.replace("_", " ").capitalize()) for each in statuses]
    return page(
        "admin/payments/list.html",
        "admin/payments/_list.html",
        found=found,
        asked=asked,
        status_options=options,
        method_options=_METHODS,
        **texts,
    )
