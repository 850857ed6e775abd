"""Approval requests: list them, show one, and approve, reject, cancel or edit it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.queries import ApprovalRequest
from app.approvals.registry import TextFields
from app.approvals.rules import ApprovalStatus
from app.blueprints.admin import deciders
from app.blueprints.forms import Form, FormSchema, hidden_field, reason_field, text_field
from app.blueprints.lists import ChoiceFilter, Column, ListPage, PersonCell, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.references import name_person
from app.blueprints.rendering import render_page
from app.funding import customer_facts
from app.identity.accounts import people
from app.keys import rotation_approval as keys_approval
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc import queries as kyc_queries
from app.kyc.evidence import documents

blp = PageBlueprint("approvals", "/admin/approvals")


_WAITING = "waiting"


class ApprovalReasonSchema(FormSchema):
    """Why a rotation is requested, or a request rejected or updated."""

    reason = reason_field()


ROTATE = Form(
    "rotate",
    title="Rotate the key ring",
    about="Once a second person approves, a new key seals personal data, and existing data is"
    " wrapped again with it.",
    schema=ApprovalReasonSchema,
    button="Request rotation",
    success="Rotation requested. A second person has to approve it.",
    failure="The rotation was not requested",
)


class ApprovalSchema(FormSchema):
    """The hash of the request that the checker saw."""

    request_hash = hidden_field()


class NewReasonSchema(FormSchema):
    """The new reason of one's own request. Its rules are checked after whose request it is."""

    reason = text_field(
        "Reason", "Enter a reason.", hint="Kept in the audit trail. Do not write names; use IDs."
    )


class CancellationSchema(FormSchema):
    """Nothing is entered."""


APPROVE = Form(
    "approve",
    title="Approve",
    about="Approving carries the request out at once.",
    schema=ApprovalSchema,
    # Each page names the effect of its request instead.
    button="Approve and carry out",
    success="Approved and carried out.",
    failure="The request was not approved",
    confirm="Approve this request?",
)
REJECT = Form(
    "reject",
    title="Reject",
    about="Nothing changes. The person who requested it can request it again.",
    schema=ApprovalReasonSchema,
    button="Reject request",
    success="Request rejected.",
    failure="The request was not rejected",
    is_dangerous=True,
    confirm="Reject this request?",
)
EDIT = Form(
    "edit",
    title="Update the reason",
    about="A new request with the new reason replaces this one.",
    schema=NewReasonSchema,
    button="Update reason and resubmit",
    success="Reason updated. This request replaces the one before.",
    failure="The request was not updated",
    is_secondary=True,
)
CANCEL = Form(
    "withdraw",
    title="Cancel",
    schema=CancellationSchema,
    button="Cancel request",
    success="Request cancelled.",
    failure="The request was not cancelled",
    confirm="Cancel this request?",
    is_dangerous=True,
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
    refreshes=True,
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


# It writes: viewing what a customer submitted, on which the checker decides, is recorded.
@blp.view("GET", "/<approval_id>", permission=Permission.APPROVALS_READ, shows="apr", writes=True)
def show_approval(session: Session, actor: Actor, approval_id: str) -> Response:
    """Show an approval request: who made it, why, and what it changes."""
    approval = approvals_queries.get_approval(session, ids.decode("apr", approval_id))
    action = approvals_registry.get_action(approval.action)
    names = people.get_names(session, _find_people(approval))
    details = _describe(session, actor, approval)
    is_pending = approval.status is ApprovalStatus.PENDING
    is_maker = actor.user_id == approval.maker_id
    is_about_actor = actor.user_id == approval.subject_id
    may_decide = approvals_registry.deciding_permissions(action) <= actor.permissions
    is_other = is_pending and may_decide and not is_maker and not is_about_actor
    dependence = (
        approvals_queries.find_dependence(session, action, approval.maker_id, actor.user_id)
        if is_other
        else None
    )
    is_decidable = is_other and dependence is None
    return render_page(
        "admin/approvals/approval.html",
        approval=approval,
        details=details,
        **_decision_facts(session, actor, approval),
        names=names,
        subjects={ids.encode("usr", person_id): name for person_id, name in names.items()},
        permission=action.permission,
        is_maker=is_maker,
        is_about_actor=is_about_actor,
        may_decide=may_decide,
        dependence=dependence,
        is_decidable=is_decidable,
        deciders=_list_deciders(session, approval) if is_pending and not is_decidable else {},
        # Each form, and whether it is open.
        forms=[
            # What is about nothing any more cannot be approved.
            (_with_effect(APPROVE, approval, names), is_decidable and details is not None),
            (REJECT, is_decidable),
            (EDIT, is_pending and is_maker),
            (CANCEL, is_pending and is_maker),
        ],
        form_values={"request_hash": approval.hash.hex()},
        # What the dialogs restate.
        restated=_restate(approval, names),
    )


@blp.form(
    "/<approval_id>/approve",
    APPROVE,
    shown_on=show_approval,
    permission=Permission.APPROVALS_DECIDE,
    fresh=True,
)
def approve(session: Session, actor: Actor, fields: Mapping[str, str], approval_id: str) -> None:
    """Approve an approval request as it was shown, and carry it out."""
    try:
        seen = bytes.fromhex(fields["request_hash"])
    except ValueError:
        seen = b""
    approvals.approve(session, actor, ids.decode("apr", approval_id), seen_hash=seen)


@blp.form(
    "/<approval_id>/reject",
    REJECT,
    shown_on=show_approval,
    permission=Permission.APPROVALS_DECIDE,
)
def reject(session: Session, actor: Actor, fields: Mapping[str, str], approval_id: str) -> None:
    """Reject an approval request."""
    approvals.reject(session, actor, ids.decode("apr", approval_id), reason=fields["reason"])


@blp.form(
    "/<approval_id>/withdraw", CANCEL, shown_on=show_approval, permission=Permission.APPROVALS_READ
)
def withdraw(session: Session, actor: Actor, _fields: Mapping[str, str], approval_id: str) -> None:
    """Cancel your own approval request."""
    approvals.withdraw(session, actor, ids.decode("apr", approval_id))


@blp.form("/<approval_id>/edit", EDIT, shown_on=show_approval, permission=Permission.APPROVALS_READ)
def edit(session: Session, actor: Actor, fields: Mapping[str, str], approval_id: str) -> str:
    """Update the reason of your own approval request: a new request replaces it."""
    old_id = ids.decode("apr", approval_id)
    new_id = approvals.replace_request(session, actor, old_id, reason=fields["reason"])
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", new_id))


def _restate(approval: ApprovalRequest, names: Mapping[UUID, str]) -> list[tuple[str, str]]:
    """Return what the dialogs restate: labels and texts, with people by name."""
    return [
        ("About", _name(approval.subject, names)),
        *(
            (
                field.label,
                f"{_name(field.before, names)} → {_name(field.after, names)}"
                if field.is_changed
                else _name(field.after, names),
            )
            for field in approval.fields
            if field.after != approval.subject
        ),
        ("Requested by", name_person(approval.maker_id, names)),
        ("Reason of the request", approval.reason),
    ]


def _with_effect(form: Form, approval: ApprovalRequest, names: Mapping[UUID, str]) -> Form:
    """Return the form with the effect of the request on its button and in its question."""
    fields = {field.name: _name(field.after, names) for field in approval.fields}
    action = approvals_registry.get_action(approval.action)
    effect = action.effect(fields)
    return replace(
        form,
        about=f"{form.about} {action.follows}".rstrip(),
        button=f"Approve and {effect}",
        confirm=f"Approve and {effect}?",
    )


def _name(text: str | None, names: Mapping[UUID, str]) -> str:
    """Return the name of the person whose id the text is, else the text itself."""
    person_id = ids.try_decode("usr", text) if text else None
    return text or "–" if person_id is None else name_person(person_id, names)


def _describe(session: Session, actor: Actor, approval: ApprovalRequest) -> TextFields | None:
    """Return what the checker compares a pending request with; None if its subject is gone."""
    if approval.status is not ApprovalStatus.PENDING:
        return {}
    action = approvals_registry.get_action(approval.action)
    try:
        return action.describe(session, actor, approval.subject)
    except NotFound:
        return None


def _decision_facts(session: Session, actor: Actor, approval: ApprovalRequest) -> dict[str, Any]:
    """Return what to know of the customer whom a pending request is about, and the documents of a
    verification, as far as the actor may read them."""
    facts: dict[str, Any] = {"customer": {}, "documents": None}
    person_id = approval.subject_id
    if approval.status is not ApprovalStatus.PENDING or person_id is None:
        return facts
    if Permission.PEOPLE_READ in actor.permissions:
        account = people.get_account(session, person_id)
        if account.role is Role.USER:
            facts["customer"] = customer_facts.describe_customer(session, actor, person_id)
    is_verification = ids.try_decode(kyc_queries.PREFIX, approval.subject) is not None
    if is_verification and Permission.KYC_READ in actor.permissions:
        facts["documents"] = documents.documents_of(session, person_id)
    return facts


def _list_deciders(session: Session, approval: ApprovalRequest) -> Mapping[UUID, str]:
    return deciders.name_deciders(
        session,
        approvals_queries.list_deciders(
            session, approval.action, approval.maker_id, approval.subject_id
        ),
    )


def _find_people(approval: ApprovalRequest) -> set[UUID]:
    """Return the ids of the people whom the request names."""
    texts = [approval.subject, *approval.before.values(), *approval.after.values()]
    named = {ids.try_decode("usr", text) for text in texts}
    return approval.people | {person_id for person_id in named if person_id is not None}
