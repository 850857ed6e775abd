"""Approval requests: list them, show one, and approve, reject, cancel or edit it."""

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.queries import ApprovalRequest
from app.approvals.registry import TextFields
from app.approvals.rules import ApprovalStatus
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.lists import ChoiceFilter, Column, ListPage, PersonCell, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.keys import rotation_approval as keys_approval
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound, Refusal

blp = PageBlueprint("approvals", "/admin/approvals")


_WAITING = "waiting"


class RotationSchema(FormSchema):
    """A request for a rotation."""

    reason = text_field("Reason", "Enter a reason.")


ROTATE = Form(
    "rotate",
    title="Rotate the key ring",
    about="Once a second person approves, a new key seals personal data, and existing data is"
    " wrapped again with it.",
    schema=RotationSchema,
    button="Request rotation",
    success="Rotation requested. A second person has to approve it.",
    failure="The rotation was not requested",
)


def _about(approval: ApprovalRequest) -> PersonCell | ReferenceCell:
    if approval.subject_id is not None:
        return PersonCell(approval.subject_id)
    return ReferenceCell(approval.subject)


APPROVALS = ListPage(
    name="approvals",
    title="Approvals",
    about="Requests that need a second person.",
    source=lambda _session, _actor: approvals_queries.approval_requests(),
    columns=(
        Column("request", "Request", lambda approval: approval.title),
        Column("about", "About", _about),
        Column("maker", "Requested by", lambda approval: PersonCell(approval.maker_id)),
        Column("reason", "Reason", lambda approval: approval.reason),
        Column("requested", "Requested", lambda approval: approval.created_at, sort="requested"),
        Column("expires", "Expires", lambda approval: approval.expires_at),
        Column("checker", "Decided by", lambda approval: PersonCell(approval.checker_id, "–")),
        Column("status", "Status", lambda approval: approval.status),
        Column("decided", "Decided", lambda approval: approval.decided_at, is_hidden=True),
        Column("id", "ID", lambda approval: ReferenceCell(approval.public_id), is_hidden=True),
    ),
    row_url=lambda approval: url_for(
        "approvals_pages.show_approval", approval_id=approval.public_id
    ),
    default_sort="-requested",
    filters=(
        ChoiceFilter(
            "folder",
            "Status",
            default=_WAITING,
            choices=lambda _session, _actor: [(_WAITING, "Waiting"), ("ended", "Decided")],
            convert=lambda text: text == _WAITING,
        ),
        ChoiceFilter("action", "Request", choices=lambda _session, _actor: _list_actions()),
    ),
    empty=("No requests waiting", "Requests that need a second person appear here."),
    no_match="Requests appear here when they are approved, rejected, cancelled or expired.",
)
list_approvals = blp.add_list(
    "",
    APPROVALS,
    permission=Permission.APPROVALS_READ,
    template="admin/approvals/index.html",
    context=lambda _session, actor: {
        "rotate_form": ROTATE,
        "may_rotate": Permission.KEYS_ROTATE in actor.permissions,
    },
)


def _list_actions() -> list[tuple[str, str]]:
    actions = map(approvals_registry.get_action, approvals_registry.action_names())
    return [(action.name, action.title) for action in actions]


@blp.form(
    "/key-rotation",
    ROTATE,
    shown_on=list_approvals,
    permission=Permission.KEYS_ROTATE,
    fresh=True,
)
def request_key_rotation(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Request a rotation of the key ring, which a second person approves."""
    approval_id = keys_approval.request_rotation(session, actor, reason=fields["reason"])
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))


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
