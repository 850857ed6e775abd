"""People: finding them, their role and branch, suspending them and letting them back in."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import BRANCH_BOUND, Actor, Permission, Role
from app.access.catalogue import ROLE_MEANS
from app.approvals import queries as approvals_queries
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.branches import queries as branches_queries
from app.identity import people as identity_people
from app.identity import standing
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound, Refusal
from app.kit.personal import RETENTION_LAW
from app.privacy import consents, erasure, exports, personal_data_tables

blp = PageBlueprint("people", "/admin/people")

_TEXT_LENGTH_MAX = 320
_EXPORTS_SHOWN = 5
_ROLE_OPTIONS = [(role.value, role.value) for role in Role]


@blp.view("GET", "", permission=Permission.PEOPLE_READ)
def search(session: Session, _actor: Actor) -> Response:
    """Find people by name, address or id, role and status."""
    asked = {
        "q": request.args.get("q", "")[:_TEXT_LENGTH_MAX],
        "role": request.args.get("role", ""),
        "status": request.args.get("status", ""),
    }
    cursor = cursor_asked()
    found = identity_people.search(
        session,
        text=asked["q"],
        role=Role(asked["role"]) if asked["role"] in set(Role) else None,
        status=asked["status"] if asked["status"] in identity_people.STATUSES else None,
        cursor=cursor,
    )
    return page(
        "admin/people/index.html",
        "admin/people/_people.html",
        found=found,
        asked=asked,
        role_options=_ROLE_OPTIONS,
    )


@blp.view("GET", "/<person_id>", permission=Permission.PEOPLE_READ)
def person(session: Session, actor: Actor, person_id: str) -> Response:
    """A person, how they stand, and what can be done about it."""
    return _person(session, actor, ids.decode("usr", person_id))


@blp.view("POST", "/<person_id>/role", permission=Permission.ROLES_ASSIGN, fresh=True)
def change_role(session: Session, actor: Actor, person_id: str) -> Response:
    """Change a person's role and branch; the ADMIN role is asked for."""
    who = ids.decode("usr", person_id)
    identity_people.standing(session, who)
    try:
        with session.savepoint():
            role = _role(request.form.get("role", ""))
            asked = standing.change_role(
                session,
                actor,
                who,
                role,
                branch_id=_branch(role, request.form.get("branch", "")),
                reason=request.form.get("reason", ""),
            )
    except (Invalid, Conflict) as refusal:
        return _again(session, actor, who, "role", refusal)
    return _on(person_id, asked)


@blp.view("POST", "/<person_id>/suspend", permission=Permission.PEOPLE_SUSPEND, fresh=True)
def suspend(session: Session, actor: Actor, person_id: str) -> Response:
    """Ask a second person to suspend somebody."""
    return _ask(session, actor, person_id, "suspend", standing.ask_to_suspend)


@blp.view("POST", "/<person_id>/reactivate", permission=Permission.PEOPLE_SUSPEND, fresh=True)
def reactivate(session: Session, actor: Actor, person_id: str) -> Response:
    """Ask a second person to let somebody back in."""
    return _ask(session, actor, person_id, "reactivate", standing.ask_to_reactivate)


def _ask(
    session: Session, actor: Actor, person_id: str, form: str, ask: Callable[..., UUID]
) -> Response:
    """Ask with the reason given in that form."""
    who = ids.decode("usr", person_id)
    try:
        with session.savepoint():
            asked = ask(session, actor, who, reason=request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        return _again(session, actor, who, form, refusal)
    return _on(person_id, asked)


@blp.view("POST", "/<person_id>/erase", permission=Permission.PEOPLE_ERASE, fresh=True)
def erase(session: Session, actor: Actor, person_id: str) -> Response:
    """Ask a second person to erase a customer who wrote to us."""
    who = ids.decode("usr", person_id)
    identity_people.standing(session, who)
    try:
        with session.savepoint():
            reason = request.form.get("reason", "")
            asked = erasure.request_erasure(session, actor, who, reason=reason)
    except (Invalid, Conflict) as refusal:
        return _again(session, actor, who, "erase", refusal)
    return _on(person_id, asked)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Invalid("role", "Choose a role from the list.") from None


def _branch(role: Role, text: str) -> UUID | None:
    """The branch that was chosen; one chosen for somebody who is no teller is left alone."""
    if role not in BRANCH_BOUND or not text:
        return None
    try:
        return ids.decode("brn", text)
    except NotFound:
        raise Invalid("branch", "Choose a branch from the list.") from None


def _on(person_id: str, asked: UUID | None) -> Response:
    if asked is not None:
        return see_other(url_for("approvals_pages.approval", approval_id=ids.encode("apr", asked)))
    return see_other(url_for("people_pages.person", person_id=person_id))


def _may_erase(actor: Actor, person: identity_people.Standing) -> bool:
    """Whether the form that erases a customer is shown; the service checks again."""
    may = Permission.PEOPLE_ERASE in actor.permissions and actor.user_id != person.id
    return may and person.role is Role.USER and person.status != "erased"


def _again(session: Session, actor: Actor, who: UUID, form: str, refusal: Refusal) -> Response:
    """The page again, with what was wrong said at the form; nothing was changed."""
    status, problems = said_at_form(refusal)
    return _person(session, actor, who, status=status, form=form, problems=problems)


def _person(
    session: Session,
    actor: Actor,
    who: UUID,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found = identity_people.standing(session, who)
    waiting = approvals_queries.waiting_about(session, who)
    open_ones = branches_queries.branches(session, actor)
    return page(
        "admin/people/person.html",
        "admin/people/_person.html",
        status=status,
        person=found,
        meaning=ROLE_MEANS[found.role],
        sessions=identity_people.open_sessions(session, who, clock.now()),
        branch_code=next((each.code for each in open_ones if each.id == found.branch_id), None),
        branch_options=[("", "none")]
        + [(ids.encode("brn", each.id), f"{each.code} {each.name}") for each in open_ones],
        chosen_branch=ids.encode("brn", found.branch_id) if found.branch_id else "",
        role_options=_ROLE_OPTIONS,
        consents=consents.list_consents(session, who),
        exports=exports.list_exports(session, who, _EXPORTS_SHOWN),
        erasure=erasure.find_erasure(session, who),
        still_open=personal_data_tables.list_erasure_blockers(session, who)
        if _may_erase(actor, found)
        else [],
        waiting=[(each, ids.encode("apr", each.id)) for each in waiting],
        legal_hold=RETENTION_LAW,
        may=actor.permissions,
        may_erase=_may_erase(actor, found),
        is_self=who == actor.user_id,
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )
