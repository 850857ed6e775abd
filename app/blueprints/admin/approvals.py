"""Approval requests: list them, show one, and approve, reject, cancel or edit it."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.queries import ApprovalRequest
from app.approvals.registry import TextFields
from app.approvals.rules import ApprovalStatus
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.keys import rotation_approval as keys_approval
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound, Refusal

blp = PageBlueprint("approvals", "/admin/approvals")


@blp.view("GET", "", permission=Permission.APPROVALS_READ)
def list_approvals(session: Session, actor: Actor) -> Response:
    """List the pending or the decided approval requests."""
    return _render_list(session, actor)


@blp.view("POST", "/key-rotation", permission=Permission.KEYS_ROTATE, fresh=True)
def request_key_rotation(session: Session, actor: Actor) -> Response:
    """Request a rotation of the key ring, which a second person approves."""
    try:
        with session.savepoint():
            approval_id = keys_approval.request_rotation(
                session, actor, reason=request.form.get("reason", "")
            )
    except (Invalid, Conflict) as refusal:
        return _render_list(session, actor, *report_at_form(refusal))
    return see_other(
        url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
    )


def _render_list(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    shows_decided = request.args.get("folder") == "ended"
    cursor = read_cursor()
    results = approvals_queries.list_approvals(session, pending=not shows_decided, cursor=cursor)
    people_ids = set().union(*(approval.people for approval in results.data))
    return render_page(
        "admin/approvals/index.html",
        results=results,
        shows_decided=shows_decided,
        names=people.get_names(session, people_ids),
        encode=ids.encode,
        status=status,
        may_rotate=Permission.KEYS_ROTATE in actor.permissions,
        problems=problems or {},
        form_values=request.form,
    )


@blp.view("GET", "/<approval_id>", permission=Permission.APPROVALS_READ, shows="apr")
def show_approval(session: Session, actor: Actor, approval_id: str) -> Response:
    """Show an approval request: who made it, why, and what it changes."""
    return _render_approval(session, actor, approval_id)


@blp.view("POST", "/<approval_id>/approve", permission=Permission.APPROVALS_DECIDE, fresh=True)
def approve(session: Session, actor: Actor, approval_id: str) -> Response:
    """Approve an approval request as it was shown, and carry it out."""
    try:
        seen = bytes.fromhex(request.form.get("seen", ""))
    except ValueError:
        seen = b""
    return _act(
        session,
        actor,
        approval_id,
        lambda: approvals.approve(session, actor, ids.decode("apr", approval_id), seen_hash=seen),
    )


@blp.view("POST", "/<approval_id>/reject", permission=Permission.APPROVALS_DECIDE)
def reject(session: Session, actor: Actor, approval_id: str) -> Response:
    """Reject an approval request."""
    reason = request.form.get("reason", "")
    return _act(
        session,
        actor,
        approval_id,
        lambda: approvals.reject(session, actor, ids.decode("apr", approval_id), reason=reason),
    )


@blp.view("POST", "/<approval_id>/withdraw", permission=Permission.APPROVALS_READ)
def withdraw(session: Session, actor: Actor, approval_id: str) -> Response:
    """Cancel your own approval request."""
    return _act(
        session,
        actor,
        approval_id,
        lambda: approvals.withdraw(session, actor, ids.decode("apr", approval_id)),
    )


@blp.view("POST", "/<approval_id>/edit", permission=Permission.APPROVALS_READ)
def edit(session: Session, actor: Actor, approval_id: str) -> Response:
    """Update the reason of your own approval request: a new request replaces it."""
    new_ids = []

    def resubmit() -> None:
        reason = request.form.get("reason", "")
        old_id = ids.decode("apr", approval_id)
        new_ids.append(approvals.replace_request(session, actor, old_id, reason=reason))

    response = _act(session, actor, approval_id, resubmit, form_id="edit")
    if not new_ids:
        return response
    new_id = ids.encode("apr", new_ids[0])
    return see_other(url_for("approvals_pages.show_approval", approval_id=new_id))


def _act(
    session: Session,
    actor: Actor,
    approval_id: str,
    act: Callable[[], Refusal | None],
    form_id: str = "reject",
) -> Response:
    """Run `act` and show the request again, with the problems of the form if it was refused."""
    approvals_queries.get_approval(session, ids.decode("apr", approval_id))
    try:
        with session.savepoint():
            refusal = act()
    except (Invalid, Conflict) as raised:
        refusal = raised
    if refusal is None:
        return see_other(url_for("approvals_pages.show_approval", approval_id=approval_id))
    status, problems = report_at_form(refusal)
    return _render_approval(
        session, actor, approval_id, status=status, form_id=form_id, problems=problems
    )


def _render_approval(
    session: Session,
    actor: Actor,
    approval_id: str,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    approval = approvals_queries.get_approval(session, ids.decode("apr", approval_id))
    permission = approvals_registry.get_action(approval.action).permission
    names = people.get_names(session, _find_people(approval))
    return render_page(
        "admin/approvals/approval.html",
        status=status,
        approval=approval,
        approval_id=approval_id,
        changed={name for name, before, after in approval.changes if before and before != after},
        details=_describe(session, actor, approval),
        names=names,
        subjects={ids.encode("usr", person_id): name for person_id, name in names.items()},
        permission=permission,
        is_maker=actor.user_id == approval.maker_id,
        is_about_actor=actor.user_id == approval.subject_id,
        may_decide={permission, Permission.APPROVALS_DECIDE} <= actor.permissions,
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )


def _describe(session: Session, actor: Actor, approval: ApprovalRequest) -> TextFields | None:
    """Return what the checker compares a pending request with; None if its subject is gone."""
    if approval.status is not ApprovalStatus.PENDING:
        return {}
    action = approvals_registry.get_action(approval.action)
    try:
        return action.describe(session, actor, approval.subject)
    except NotFound:
        return None


def _find_people(approval: ApprovalRequest) -> set[UUID]:
    """Return the ids of the people whom the request names."""
    texts = [approval.subject, *approval.before.values(), *approval.after.values()]
    named = {ids.try_decode("usr", text) for text in texts}
    return approval.people | {person_id for person_id in named if person_id is not None}
