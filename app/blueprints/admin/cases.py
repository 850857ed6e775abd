"""Cases: search them, show one with its facts and timeline, and work on it until it is closed."""

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.cases import queries as cases_queries
from app.cases import service
from app.cases.queries import CaseFilter, CaseSummary
from app.cases.rules import CaseState
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound

blp = PageBlueprint("cases", "/admin/cases")

_KIND_LENGTH_MAX = 100
#: Values of the assignee filter that name no person.
_ME, _UNASSIGNED = "me", "nobody"


@blp.view("GET", "", permission=Permission.CASES_READ)
def list_cases(session: Session, actor: Actor) -> Response:
    """List cases by type, status and assignee; open cases unless another status is chosen."""
    cursor = read_cursor()
    filters = {
        "kind": request.args.get("kind", "")[:_KIND_LENGTH_MAX],
        "state": request.args.get("state", CaseState.OPEN.value),
        "assignee": request.args.get("assignee", ""),
    }
    results = cases_queries.search(session, actor, _parse_filters(filters, actor), cursor=cursor)
    workers = service.caseworkers(session)
    people_ids = {case.assignee_id for case in results.data} | set(workers)
    names = people.get_names(
        session, [person_id for person_id in people_ids if person_id is not None]
    )
    return render_page(
        "admin/cases/index.html",
        results=results,
        filters=filters,
        state_options=[*CaseState.options(), ("any", "All statuses")],
        is_later_page=cursor is not None,
        kinds=[(kind.name, kind.title) for kind in cases_queries.visible_kinds(session, actor)],
        assignees=[
            ("", "Anyone"),
            (_ME, "Me"),
            (_UNASSIGNED, "Unassigned"),
            *_worker_options(workers, names, actor),
        ],
        names=names,
    )


def _parse_filters(filters: dict[str, str], actor: Actor) -> CaseFilter:
    """Return the search for these filters. A filter with an unknown value is left out."""
    state = CaseState.with_value(filters["state"])
    assignee = actor.user_id if filters["assignee"] == _ME else None
    if filters["assignee"].startswith("usr_"):
        assignee = ids.decode("usr", filters["assignee"])
    return CaseFilter(filters["kind"] or None, state, assignee, filters["assignee"] == _UNASSIGNED)


@blp.view("GET", "/<case_id>", permission=Permission.CASES_READ, shows=service.PREFIX)
def show_case(session: Session, actor: Actor, case_id: str) -> Response:
    """Show a case: its facts, its timeline and the forms to work on it."""
    return _render_case(session, actor, ids.decode(service.PREFIX, case_id))


@blp.view("POST", "/<case_id>/note", permission=Permission.CASES_WORK)
def add_note(session: Session, actor: Actor, case_id: str) -> Response:
    """Add a note to a case."""
    text = request.form.get("note", "")
    return _act(
        session,
        actor,
        case_id,
        "note",
        lambda identifier: service.add_note(session, actor, identifier, text),
    )


@blp.view("POST", "/<case_id>/assign", permission=Permission.CASES_WORK)
def assign(session: Session, actor: Actor, case_id: str) -> Response:
    """Assign a case to a member of staff, or unassign it."""

    def assign_case(identifier: UUID) -> None:
        assignee = _parse_assignee(request.form.get("assignee", ""))
        service.assign(session, actor, identifier, assignee)

    return _act(session, actor, case_id, "assign", assign_case)


def _parse_assignee(text: str) -> UUID | None:
    try:
        return ids.decode("usr", text) if text else None
    except NotFound:
        raise Invalid("assignee", "Choose a person from the list.") from None


@blp.view("POST", "/<case_id>/close", permission=Permission.CASES_WORK, fresh=True)
def close(session: Session, actor: Actor, case_id: str) -> Response:
    """Close a case with an outcome and a reason."""

    def close_case(identifier: UUID) -> None:
        service.close(
            session,
            actor,
            identifier,
            disposition=request.form.get("disposition", ""),
            reason=request.form.get("reason", ""),
        )

    return _act(session, actor, case_id, "close", close_case)


@blp.view("POST", "/<case_id>/reopen", permission=Permission.CASES_WORK, fresh=True)
def reopen(session: Session, actor: Actor, case_id: str) -> Response:
    """Reopen a closed case."""
    reason = request.form.get("reason", "")
    return _act(
        session,
        actor,
        case_id,
        "reopen",
        lambda identifier: service.reopen(session, actor, identifier, reason=reason),
    )


def _act(
    session: Session, actor: Actor, case_id: str, form_id: str, act: Callable[[UUID], None]
) -> Response:
    """Run `act` and show the case again, with the problems of the form if it was refused."""
    identifier = ids.decode(service.PREFIX, case_id)
    try:
        with session.savepoint():
            act(identifier)
    except (Invalid, Conflict) as refusal:
        status, problems = report_at_form(refusal)
        return _render_case(
            session, actor, identifier, status=status, form_id=form_id, problems=problems
        )
    return see_other(url_for("cases_pages.show_case", case_id=case_id))


def _render_case(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    case = cases_queries.case(session, actor, identifier)
    events = cases_queries.events(session, identifier)
    facts = cases_queries.facts(session, identifier)
    workers = service.eligible_assignees(session, case.kind, case.person_id)
    people_ids = {case.person_id, case.assignee_id, *workers}
    people_ids |= {event.actor_id for event in events} | {event.assignee_id for event in events}
    names = people.get_names(
        session, [person_id for person_id in people_ids if person_id is not None]
    )
    return render_page(
        "admin/cases/case.html",
        status=status,
        case=case,
        events=events,
        facts=facts,
        names=names,
        workers=[("", "Unassigned"), *_worker_options(workers, names, actor)],
        assigned=ids.encode("usr", case.assignee_id) if case.assignee_id else "",
        dispositions=[("", "Choose …"), *case.kind.dispositions.items()],
        may_work=_may_work(actor, case),
        is_about_actor=actor.user_id == case.person_id,
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )


def _may_work(actor: Actor, case: CaseSummary) -> bool:
    """Whether the forms are shown; the service checks again."""
    return Permission.CASES_WORK in actor.permissions and actor.user_id != case.person_id


def _worker_options(
    workers: list[UUID], names: Mapping[UUID, str], actor: Actor
) -> list[tuple[str, str]]:
    """Return the options for an assignee: the actor first, then the others by name."""
    own_id = ids.encode("usr", actor.user_id)
    options = [(ids.encode("usr", worker), names[worker]) for worker in workers if worker in names]
    return sorted(options, key=lambda option: (option[0] != own_id, option[1]))
