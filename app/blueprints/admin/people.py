"""People: search them, show one, and change their role, branch or account status."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission, Role
from app.access.descriptions import ROLE_DESCRIPTIONS
from app.approvals import queries as approvals_queries
from app.blueprints.admin import branch_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.cases import queries as cases_queries
from app.identity.accounts import account_status
from app.identity.accounts import people as identity_people
from app.identity.accounts.rules import AccountStatus
from app.identity.roles import role_assignments
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, Refusal
from app.kit.personal import RETENTION_LAW
from app.privacy import consents, erasure, exports, personal_data_tables

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
    row_url=lambda person: url_for("people_pages.show_person", person_id=person.public_id),
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


@blp.view("GET", "/<person_id>", permission=Permission.PEOPLE_READ, shows="usr")
def show_person(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a person's account, privacy and pending requests, and the forms to change them."""
    return _render_person(session, actor, ids.decode("usr", person_id))


@blp.view("POST", "/<person_id>/role", permission=Permission.ROLES_ASSIGN, fresh=True)
def change_role(session: Session, actor: Actor, person_id: str) -> Response:
    """Change a person's role and branch. A second person approves a new administrator."""
    identifier = ids.decode("usr", person_id)
    identity_people.get_account(session, identifier)
    try:
        with session.savepoint():
            role = _parse_role(request.form.get("role", ""))
            approval_id = role_assignments.change_role(
                session,
                actor,
                identifier,
                role,
                branch_id=branch_field.read_branch(session, actor, role),
                reason=request.form.get("reason", ""),
            )
    except (Invalid, Conflict) as refusal:
        return _render_refused(session, actor, identifier, "role", refusal)
    return _redirect_after(person_id, approval_id)


@blp.view("POST", "/<person_id>/suspend", permission=Permission.PEOPLE_SUSPEND, fresh=True)
def suspend(session: Session, actor: Actor, person_id: str) -> Response:
    """Request a person's suspension, which a second person approves."""
    return _request_approval(
        session, actor, person_id, "suspend", account_status.request_suspension
    )


@blp.view("POST", "/<person_id>/reactivate", permission=Permission.PEOPLE_SUSPEND, fresh=True)
def reactivate(session: Session, actor: Actor, person_id: str) -> Response:
    """Request that a suspension is lifted, which a second person approves."""
    return _request_approval(
        session, actor, person_id, "reactivate", account_status.request_reactivation
    )


def _request_approval(
    session: Session, actor: Actor, person_id: str, form_id: str, ask: Callable[..., UUID]
) -> Response:
    """Call `ask` with the form's reason and show the new approval request."""
    identifier = ids.decode("usr", person_id)
    try:
        with session.savepoint():
            approval_id = ask(session, actor, identifier, reason=request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        return _render_refused(session, actor, identifier, form_id, refusal)
    return _redirect_after(person_id, approval_id)


@blp.view("POST", "/<person_id>/erase", permission=Permission.PEOPLE_ERASE, fresh=True)
def erase(session: Session, actor: Actor, person_id: str) -> Response:
    """Request a customer's erasure on their written request, which a second person approves."""
    identifier = ids.decode("usr", person_id)
    identity_people.get_account(session, identifier)
    try:
        with session.savepoint():
            reason = request.form.get("reason", "")
            approval_id = erasure.request_erasure(session, actor, identifier, reason=reason)
    except (Invalid, Conflict) as refusal:
        return _render_refused(session, actor, identifier, "erase", refusal)
    return _redirect_after(person_id, approval_id)


def _parse_role(text: str) -> Role:
    role = Role.with_value(text)
    if role is None:
        raise Invalid("role", "Choose a role from the list.")
    return role


def _redirect_after(person_id: str, approval_id: UUID | None) -> Response:
    """Redirect to the approval request if the act needs one, else to the person."""
    if approval_id is not None:
        public_id = ids.encode("apr", approval_id)
        return see_other(url_for("approvals_pages.show_approval", approval_id=public_id))
    return see_other(url_for("people_pages.show_person", person_id=person_id))


def _may_erase(actor: Actor, person: identity_people.AccountDetails) -> bool:
    """Whether the form to erase a customer is shown; the service checks again."""
    is_permitted = Permission.PEOPLE_ERASE in actor.permissions and actor.user_id != person.id
    return is_permitted and person.role is Role.USER and person.status is not AccountStatus.ERASED


def _render_refused(
    session: Session, actor: Actor, identifier: UUID, form_id: str, refusal: Refusal
) -> Response:
    """Show the person again with the problems of the form. Nothing was changed."""
    status, problems = report_at_form(refusal)
    return _render_person(
        session, actor, identifier, status=status, form_id=form_id, problems=problems
    )


def _render_person(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    person = identity_people.get_account(session, identifier)
    pending = approvals_queries.list_pending_about(session, identifier)
    visible_branches = branches_queries.list_branches(session, actor)
    branch_codes = {branch.id: branch.code for branch in visible_branches}
    may_erase = _may_erase(actor, person)
    return render_page(
        "admin/people/person.html",
        status=status,
        person=person,
        role_description=ROLE_DESCRIPTIONS[person.role],
        sessions=identity_people.count_open_sessions(session, identifier, clock.now()),
        branch_code=branch_codes.get(person.branch_id) if person.branch_id else None,
        branch_options=branch_field.list_options(visible_branches),
        chosen_branch=ids.encode("brn", person.branch_id) if person.branch_id else "",
        role_options=Role.options(),
        consents=consents.list_consents(session, identifier),
        exports=exports.list_exports(session, identifier, _EXPORTS_SHOWN),
        erasure=erasure.find_erasure(session, identifier),
        still_open=personal_data_tables.list_erasure_blockers(session, identifier)
        if may_erase
        else [],
        cases=cases_queries.list_cases_about(session, actor, identifier, _CASES_SHOWN)
        if Permission.CASES_READ in actor.permissions
        else [],
        pending=[(approval, ids.encode("apr", approval.id)) for approval in pending],
        legal_hold=RETENTION_LAW,
        permissions=actor.permissions,
        may_erase=may_erase,
        is_self=identifier == actor.user_id,
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )
