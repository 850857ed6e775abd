"""What waits for a second person: look at it, approve it or say no."""

from collections.abc import Callable

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.identity import people
from app.keys import rotation_approval as keys_approval
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, Refusal

blp = PageBlueprint("approvals", "/admin/approvals")


@blp.view("GET", "", permission=Permission.APPROVALS_READ)
def inbox(session: Session, actor: Actor) -> Response:
    """What waits for a decision, or what was decided."""
    return _inbox(session, actor)


@blp.view("POST", "/key-rotation", permission=Permission.KEYS_ROTATE, fresh=True)
def ask_to_rotate(session: Session, actor: Actor) -> Response:
    """Ask a second person to rotate the key ring."""
    try:
        with session.savepoint():
            asked = keys_approval.request_rotation(
                session, actor, reason=request.form.get("reason", "")
            )
    except (Invalid, Conflict) as refusal:
        return _inbox(session, actor, *said_at_form(refusal))
    return see_other(url_for("approvals_pages.approval", approval_id=ids.encode("apr", asked)))


def _inbox(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    ended = request.args.get("folder") == "ended"
    cursor = cursor_asked()
    found = approvals_queries.approvals(session, waiting=not ended, cursor=cursor)
    named = set().union(*(each.people for each in found.data))
    return page(
        "admin/approvals/index.html",
        "admin/approvals/_approvals.html",
        found=found,
        ended=ended,
        names=people.names(session, named),
        encode=ids.encode,
        status=status,
        may_rotate=Permission.KEYS_ROTATE in actor.permissions,
        problems=problems or {},
        typed=request.form,
    )


@blp.view("GET", "/<approval_id>", permission=Permission.APPROVALS_READ)
def approval(session: Session, actor: Actor, approval_id: str) -> Response:
    """A request: who asks for what, why, and what it would change."""
    return _approval(session, actor, approval_id)


@blp.view("POST", "/<approval_id>/approve", permission=Permission.APPROVALS_DECIDE, fresh=True)
def approve(session: Session, actor: Actor, approval_id: str) -> Response:
    """Approve the request that was shown, and do what it asks for."""
    try:
        seen = bytes.fromhex(request.form.get("seen", ""))
    except ValueError:
        seen = b""
    return _decided(
        session,
        actor,
        approval_id,
        lambda: approvals.approve(session, actor, ids.decode("apr", approval_id), seen=seen),
    )


@blp.view("POST", "/<approval_id>/reject", permission=Permission.APPROVALS_DECIDE)
def reject(session: Session, actor: Actor, approval_id: str) -> Response:
    """Say no to a request."""
    reason = request.form.get("reason", "")
    return _decided(
        session,
        actor,
        approval_id,
        lambda: approvals.reject(session, actor, ids.decode("apr", approval_id), reason=reason),
    )


@blp.view("POST", "/<approval_id>/withdraw", permission=Permission.APPROVALS_READ)
def withdraw(session: Session, actor: Actor, approval_id: str) -> Response:
    """Take back what one asked for."""
    return _decided(
        session,
        actor,
        approval_id,
        lambda: approvals.withdraw(session, actor, ids.decode("apr", approval_id)),
    )


@blp.view("POST", "/<approval_id>/edit", permission=Permission.APPROVALS_READ)
def edit(session: Session, actor: Actor, approval_id: str) -> Response:
    """Give another reason for what one asked for: a new request stands in its place."""
    made = []

    def act() -> None:
        reason = request.form.get("reason", "")
        made.append(approvals.edit(session, actor, ids.decode("apr", approval_id), reason=reason))

    answer = _decided(session, actor, approval_id, act, form="edit")
    if not made:
        return answer
    new = ids.encode("apr", made[0])
    return see_other(url_for("approvals_pages.approval", approval_id=new))


def _decided(
    session: Session,
    actor: Actor,
    approval_id: str,
    act: Callable[[], Refusal | None],
    form: str = "reject",
) -> Response:
    """The request again: after the act, or with what was wrong."""
    approvals_queries.approval(session, ids.decode("apr", approval_id))
    try:
        with session.savepoint():
            refusal = act()
    except (Invalid, Conflict) as raised:
        refusal = raised
    if refusal is None:
        return see_other(url_for("approvals_pages.approval", approval_id=approval_id))
    status, problems = said_at_form(refusal)
    return _approval(session, actor, approval_id, status=status, form=form, problems=problems)


def _approval(
    session: Session,
    actor: Actor,
    approval_id: str,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found = approvals_queries.approval(session, ids.decode("apr", approval_id))
    permission = approvals_registry.action_named(found.action).permission
    return page(
        "admin/approvals/approval.html",
        "admin/approvals/_approval.html",
        status=status,
        approval=found,
        approval_id=approval_id,
        names=people.names(session, found.people),
        encode=ids.encode,
        permission=permission,
        is_makers=actor.user_id == found.maker_id,
        is_about_actor=actor.user_id == found.subject_id,
        may_decide={permission, Permission.APPROVALS_DECIDE} <= actor.permissions,
        may_open_people=Permission.PEOPLE_READ in actor.permissions,
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )
