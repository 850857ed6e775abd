"""Invitations of staff: list the pending ones, invite a person, and send links again."""

from collections.abc import Mapping

from flask import url_for

from app.access import Actor, Permission
from app.blueprints.admin import branch_field, deciders
from app.blueprints.admin.branch_field import RoleSchema
from app.blueprints.forms import Done, Form, reason_field, text_field
from app.blueprints.lists import BulkAction, Column, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.branches import queries as branches_queries
from app.identity.accounts import invitations, rules
from app.identity.roles import role_permissions
from app.kit import ids, names
from app.kit.db import Session

blp = PageBlueprint("staff", "/admin/staff")


def _check_name(text: str) -> None:
    names.clean_name("name", text)


class InvitationSchema(RoleSchema):
    """A person to invite."""

    email = text_field(
        "Email", "Enter an email address.", control="email", check=rules.normalize_email
    )
    first_name = text_field("First name", "Enter a first name.", check=_check_name)
    last_name = text_field("Last name", "Enter a last name.", check=_check_name)
    reason = reason_field()

    class Meta(RoleSchema.Meta):
        """The order of the fields on the page."""

        fields = ("email", "first_name", "last_name", "role", "branch", "reason")


INVITE = Form(
    "invite",
    title="Invite a member of staff",
    schema=InvitationSchema,
    button="Send invitation",
    success="Invitation sent.",
    failure="The invitation was not sent",
    about="You can only give a role if you hold all of its permissions. Administrators cannot be"
    " invited. A second person must approve an invitation to a role with permissions for acts that"
    " take two people.",
)
INVITATIONS = ListPage(
    name="invitations",
    title="Invitations",
    about="Invite staff. They choose a password and set up a second factor.",
    source=lambda _session, _actor: invitations.PENDING_INVITATIONS,
    columns=(
        Column("name", "Name", lambda invitation: PersonCell(invitation.id)),
        Column("email", "Email", lambda invitation: invitation.email),
        Column("role", "Role", lambda invitation: invitation.role),
        Column("branch", "Branch", lambda invitation: invitation.branch_code, is_code=True),
        Column("invited", "Invited", lambda invitation: invitation.invited_at, sort="invited"),
    ),
    default_sort="-invited",
    empty=("No pending invitations", "All invitations have been accepted."),
    bulk_actions=(
        BulkAction(
            "resend",
            "Resend",
            Permission.STAFF_INVITE,
            "usr",
            invitations.resend_invitation,
            ("invitation sent again.", "invitations sent again."),
            fresh=True,
        ),
    ),
)


def _describe_form(session: Session, actor: Actor) -> Mapping[str, object]:
    roles = invitations.list_invitable_roles(session, actor)
    branches = branches_queries.list_serving_branches(session, actor)
    return {
        "invite_form": INVITE,
        "options": {
            "role": [(role.value, role.label) for role in roles],
            "branch": branch_field.list_choices(branches),
        },
        "deciders": deciders.list_deciders(session, actor, invitations.INVITE),
        "two_person_roles": [
            role.label
            for role in roles
            if role_permissions.list_two_person_permissions(session, role)
        ],
    }


list_invitations = blp.add_list(
    "",
    INVITATIONS,
    permission=Permission.STAFF_INVITE,
    template="admin/staff/index.html",
    context=_describe_form,
)


@blp.form("", INVITE, shown_on=list_invitations, permission=Permission.STAFF_INVITE, fresh=True)
def invite(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done | None:
    """Add a person to the staff and email them a link to accept the invitation."""
    approval_id = invitations.invite(
        session,
        actor,
        email=fields["email"],
        first_name=fields["first_name"],
        last_name=fields["last_name"],
        role=fields["role"],
        branch_id=branch_field.find_branch(session, actor, fields),
        reason=fields["reason"],
    )
    if approval_id is None:
        return None
    return Done(
        url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id)),
        "Invitation requested. A second person has to approve it.",
    )
