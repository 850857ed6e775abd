"""Invitations of staff: list the pending ones, invite a person, and send a link again."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.admin import branch_field
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.identity.accounts import invitations
from app.identity.errors import EmailTaken
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("staff", "/admin/staff")

_LENGTHS = {"email": 320, "first_name": 200, "last_name": 200, "role": 20}
_FIELDS = {"firstName": "first_name", "lastName": "last_name"}


@blp.view("GET", "", permission=Permission.STAFF_INVITE)
def list_invitations(session: Session, actor: Actor) -> Response:
    """List the pending invitations, with a form to invite a person."""
    return _render_list(session, actor)


@blp.view("POST", "", permission=Permission.STAFF_INVITE, fresh=True)
def invite(session: Session, actor: Actor) -> Response:
    """Add a person to the staff and email them a link to accept the invitation."""
    values = {
        name: request.form.get(name, "").strip()[:length] for name, length in _LENGTHS.items()
    }
    try:
        branch_id = branch_field.read_branch(session, actor, values["role"])
        invitations.invite(session, actor, **values, branch_id=branch_id)
    except EmailTaken as refusal:
        return _render_list(session, actor, 409, {"email": refusal.detail})
    except Invalid as refusal:
        field = _FIELDS.get(refusal.field, refusal.field)
        return _render_list(session, actor, 422, {field: refusal.message})
    return see_other(url_for("staff_pages.list_invitations"))


@blp.view("POST", "/<identifier>/invite", permission=Permission.STAFF_INVITE, fresh=True)
def resend_invitation(session: Session, actor: Actor, identifier: str) -> Response:
    """Email a new link; the earlier ones stop working."""
    invitations.resend_invitation(session, actor, identifier)
    return see_other(url_for("staff_pages.list_invitations"))


def _render_list(
    session: Session,
    actor: Actor,
    status: int = 200,
    problems: dict[str, str] | None = None,
) -> Response:
    branches = branches_queries.list_branches(session, actor)
    return render_page(
        "admin/staff/index.html",
        status=status,
        form_values=request.form,
        branch_options=branch_field.list_options(branches),
        branch_codes={branch.id: branch.code for branch in branches},
        problems=problems or {},
        role_options=[
            ("", "Choose …"),
            *(
                (role.value, role.label)
                for role in invitations.list_invitable_roles(session, actor)
            ),
        ],
        pending=invitations.list_pending(session),
    )
