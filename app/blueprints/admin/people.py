"""People: search them, show one, and change their role, branch or account status."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission, Role
from app.access.descriptions import ROLE_DESCRIPTIONS
from app.approvals import queries as approvals_queries
from app.blueprints import customer_tabs
from app.blueprints.admin import branch_field, deciders
from app.blueprints.admin.branch_field import RoleSchema
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.branches.queries import BranchSummary
from app.cases import queries as cases_queries
from app.identity.accounts import account_status, lost_second_factor
from app.identity.accounts import people as identity_people
from app.identity.accounts.people import AccountDetails
from app.identity.accounts.rules import AccountStatus
from app.identity.roles import role_assignments, role_permissions
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import RETENTION_LAW
from app.privacy import consents, erasure, exports, personal_data_tables
from app.tax.certificates import queries as certificates_queries

blp = PageBlueprint("people", "/admin/people")

_EXPORTS_SHOWN = 5
_CASES_SHOWN = 10

PEOPLE = ListPage(
    name="people",
    title="People",
    about="Customers and staff.",
    source=lambda _session, _actor: identity_people.PEOPLE,
    columns=(
        Column("name", "Name", lambda person: person.name),
        Column("email", "Email", lambda person: person.email, sort="email"),
        Column("role", "Role", lambda person: person.role),
        Column("joined", "Joined", lambda person: person.created_at, sort="joined"),
        Column("status", "Status", lambda person: person.status),
        Column("phone", "Phone", lambda person: person.phone, is_hidden=True),
        Column("id", "ID", lambda person: person.public_id, is_hidden=True),
    ),
    row_url=lambda person: url_for(
        "support_customers_pages.show_customer"
        if person.role is Role.USER
        else "people_pages.show_person",
        person_id=person.public_id,
    ),
    default_sort="-joined",
    filters=(
        Filter("q", "Person", hint="Name, email or ID"),
        EnumFilter("role", "Role", Role),
        EnumFilter("status", "Status", AccountStatus),
    ),
    empty=("No people yet", "They appear here when they register or are invited."),
    no_match="Try a part of the name or of the email, or remove a filter.",
)
blp.add_list("", PEOPLE, permission=Permission.PEOPLE_READ)


class RoleChangeSchema(RoleSchema):
    """A person's new role and branch, and the reason."""

    role = choice_field("New role", "Choose a role from the list.", Role.options())
    reason = reason_field()


class AccountStatusSchema(FormSchema):
    """The reason to suspend a person, or to lift a suspension."""

    reason = reason_field()


class FactorRemovalSchema(FormSchema):
    """Why staff believe that the owner asks for it."""

    reason = reason_field(
        hint="How you made sure that the account's owner asks for it, and not another person."
    )


class ErasureSchema(FormSchema):
    """The customer's written request."""

    reason = reason_field(
        "Reference of the written request",
        hint="The date or number of the request and no name: the reference is kept.",
    )


def _describe_role(session: Session, actor: Actor, person_id: str) -> Facts:
    person = identity_people.get_account(session, ids.decode("usr", person_id))
    branches = branches_queries.list_branches(session, actor)
    return {"Role": person.role.label, "Branch": _branch_code(branches, person)}


def _branch_code(branches: Sequence[BranchSummary], person: AccountDetails) -> str:
    """Return the code of the person's branch; empty without one."""
    return next((branch.code for branch in branches if branch.id == person.branch_id), "")


CHANGE_ROLE = Form(
    "role",
    title="Role",
    about="A new role ends all sessions of the person. A second person must approve a role that"
    " gives permissions for acts that take two people.",
    schema=RoleChangeSchema,
    button="Change role",
    success="Role changed. All sessions of the person have ended.",
    failure="The role was not changed",
    confirm="Change the role of this person?",
    current=_describe_role,
    subject=lambda person_id: person_id,
)
SUSPEND = Form(
    "suspend",
    title="Suspend",
    about="Once a second person approves, all sessions end, and the person can neither sign in nor"
    " move money.",
    schema=AccountStatusSchema,
    button="Request suspension",
    success="Suspension requested. A second person has to approve it.",
    failure="The suspension was not requested",
    is_dangerous=True,
    confirm="Request the suspension of this person?",
)
REACTIVATE = Form(
    "reactivate",
    title="Lift suspension",
    about="Once a second person approves, the person can sign in again.",
    schema=AccountStatusSchema,
    button="Request to lift suspension",
    success="Lifting of the suspension requested. A second person has to approve it.",
    failure="The request was not made",
)
REMOVE_FACTOR = Form(
    "second-factor",
    title="Remove lost second factor",
    about="Once a second person approves, all sessions end and the password alone signs in. The"
    " person receives an email.",
    schema=FactorRemovalSchema,
    button="Request removal",
    success="Removal requested. A second person has to approve it.",
    failure="The removal was not requested",
    is_dangerous=True,
    confirm="Request that the second factor of this person is removed?",
)
ERASE = Form(
    "erase",
    title="Erase",
    about="Once a second person approves, the customer's identity is erased for good, and they can"
    " no longer sign in.",
    schema=ErasureSchema,
    button="Request erasure",
    success="Erasure requested. A second person has to approve it.",
    failure="The erasure was not requested",
    is_dangerous=True,
    confirm="Request that this customer is erased for good?",
)


@blp.view("GET", "/<person_id>", permission=Permission.PEOPLE_READ)
def show_person(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a person's account, privacy and pending requests, and the forms to change them."""
    identifier = ids.decode("usr", person_id)
    person = identity_people.get_account(session, identifier)
    branches = branches_queries.list_branches(session, actor)
    forms = _list_forms(session, actor, person)
    shown = [form for form, _endpoint in forms]
    return render_page(
        "admin/people/person.html",
        person=person,
        tabs=customer_tabs.list_tabs(actor, person.public_id) if person.role is Role.USER else [],
        role_description=ROLE_DESCRIPTIONS[person.role],
        sessions=identity_people.count_open_sessions(session, identifier, clock.now()),
        branch_id=ids.encode("brn", person.branch_id) if person.branch_id else "",
        branch_code=_branch_code(branches, person),
        branch_options=branch_field.list_choices(
            [branch for branch in branches if branch.serves_customers]
        ),
        consents=consents.list_consents(session, identifier),
        exports=exports.list_exports(session, identifier, _EXPORTS_SHOWN),
        erasure=erasure.find_erasure(session, identifier),
        still_open=personal_data_tables.list_erasure_blockers(session, identifier)
        if ERASE in shown
        else [],
        cases=cases_queries.list_cases_about(session, actor, identifier, _CASES_SHOWN)
        if Permission.CASES_READ in actor.permissions
        else [],
        certificates=certificates_queries.list_certificates(session, identifier)
        if Permission.TAX_READ in actor.permissions
        else [],
        pending=[
            (approval, ids.encode("apr", approval.id))
            for approval in approvals_queries.list_pending_about(session, identifier)
        ],
        legal_hold=RETENTION_LAW,
        forms=forms,
        absent_forms=[
            form
            for form in (CHANGE_ROLE, SUSPEND, REACTIVATE, REMOVE_FACTOR, ERASE)
            if form not in shown
        ],
        is_self=identifier == actor.user_id,
        two_person_roles=[
            role.label
            for role in Role
            if role_permissions.list_two_person_permissions(session, role, held_before=person.role)
        ],
        deciders=deciders.list_deciders(session, actor, role_assignments.CHANGE_ROLE, identifier)
        if CHANGE_ROLE in shown
        else {},
    )


def _list_forms(session: Session, actor: Actor, person: AccountDetails) -> list[tuple[Form, str]]:
    """Return the forms that are shown, each with its endpoint; the services check again."""
    if actor.user_id == person.id or person.status is AccountStatus.ERASED:
        return []
    forms = []
    if Permission.ROLES_ASSIGN in actor.permissions:
        forms.append((CHANGE_ROLE, "people_pages.change_role"))
    if Permission.PEOPLE_SUSPEND in actor.permissions:
        is_suspended = person.status is AccountStatus.SUSPENDED
        forms.append(
            (REACTIVATE, "people_pages.reactivate")
            if is_suspended
            else (SUSPEND, "people_pages.suspend")
        )
    may_recover = Permission.PEOPLE_RECOVER in actor.permissions
    if may_recover and lost_second_factor.has_factor(session, person.id):
        forms.append((REMOVE_FACTOR, "people_pages.remove_factor"))
    if Permission.PEOPLE_ERASE in actor.permissions and person.role is Role.USER:
        forms.append((ERASE, "people_pages.erase"))
    return forms


@blp.form(
    "/<person_id>/role",
    CHANGE_ROLE,
    shown_on=show_person,
    permission=Permission.ROLES_ASSIGN,
    fresh=True,
)
def change_role(
    session: Session, actor: Actor, fields: Mapping[str, str], person_id: str
) -> Done | None:
    """Change a person's role and branch. A second person approves a role that makes makers or
    checkers of acts of two people."""
    approval_id = role_assignments.change_role(
        session,
        actor,
        ids.decode("usr", person_id),
        Role(fields["role"]),
        branch_id=branch_field.find_branch(session, actor, fields),
        reason=fields["reason"],
    )
    if approval_id is None:
        return None
    return Done(
        _approval_url(approval_id),
        "Role requested. A second person has to approve it.",
    )


@blp.form(
    "/<person_id>/suspend",
    SUSPEND,
    shown_on=show_person,
    permission=Permission.PEOPLE_SUSPEND,
    fresh=True,
)
def suspend(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> str:
    """Request a person's suspension, which a second person approves."""
    identifier = ids.decode("usr", person_id)
    return _approval_url(
        account_status.request_suspension(session, actor, identifier, reason=fields["reason"])
    )


@blp.form(
    "/<person_id>/reactivate",
    REACTIVATE,
    shown_on=show_person,
    permission=Permission.PEOPLE_SUSPEND,
    fresh=True,
)
def reactivate(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> str:
    """Request that a suspension is lifted, which a second person approves."""
    identifier = ids.decode("usr", person_id)
    return _approval_url(
        account_status.request_reactivation(session, actor, identifier, reason=fields["reason"])
    )


@blp.form(
    "/<person_id>/second-factor",
    REMOVE_FACTOR,
    shown_on=show_person,
    permission=Permission.PEOPLE_RECOVER,
    fresh=True,
)
def remove_factor(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> str:
    """Request that a person's lost second factor is removed, which a second person approves."""
    identifier = ids.decode("usr", person_id)
    return _approval_url(
        lost_second_factor.request_removal(session, actor, identifier, reason=fields["reason"])
    )


@blp.form(
    "/<person_id>/erase",
    ERASE,
    shown_on=show_person,
    permission=Permission.PEOPLE_ERASE,
    fresh=True,
)
def erase(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> str:
    """Request a customer's erasure on their written request, which a second person approves."""
    identifier = ids.decode("usr", person_id)
    return _approval_url(
        erasure.request_erasure(session, actor, identifier, reason=fields["reason"])
    )


def _approval_url(approval_id: UUID) -> str:
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
