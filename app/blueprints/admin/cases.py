"""Cases: search them, show one with its facts and timeline, and work on it until it is closed."""

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.lists import (
    ChoiceFilter,
    Column,
    EnumFilter,
    Filter,
    ListPage,
    Options,
    PersonCell,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.cases import queries as cases_queries
from app.cases import registry, service
from app.cases.queries import CaseSummary
from app.cases.rules import CaseState
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound

blp = PageBlueprint("cases", "/admin/cases")

#: Values of the assignee filter that name no person.
_ME, _UNASSIGNED = "me", "nobody"


class KindFilter(Filter):
    """A filter by the type of case. A type without cases is searched for, too."""

    def options(self, session: Session, actor: Actor) -> Options:
        """Return the types of existing cases that the actor may see."""
        return [(kind.name, kind.title) for kind in cases_queries.visible_kinds(session, actor)]

    def describe(self, text: str, _options: Options | None) -> str:
        """Return the title of the type."""
        return registry.case_kind(text).title


class AssigneeFilter(ChoiceFilter):
    """A filter by the assignee: the actor, nobody, or one of the staff who work on cases."""

    def parse(self, session: Session, actor: Actor, text: str) -> UUID | None:
        """Return the person's id, None for cases without an assignee."""
        ChoiceFilter.parse(self, session, actor, text)
        if text == _ME:
            return actor.user_id
        return None if text == _UNASSIGNED else ids.decode("usr", text)


def _list_assignees(session: Session, actor: Actor) -> Options:
    workers = service.caseworkers(session)
    names = people.get_names(session, workers)
    return [(_ME, "Me"), (_UNASSIGNED, "Unassigned"), *_worker_options(workers, names, actor)]


CASES = ListPage(
    name="cases",
    title="Cases",
    about="Findings to investigate.",
    source=lambda _session, actor: cases_queries.visible_cases(actor),
    columns=(
        Column("title", "Case", lambda case: case.title),
        Column("kind", "Type", lambda case: case.kind.title),
        Column("about", "About", lambda case: ReferenceCell(case.subject)),
        Column("opened", "Opened", lambda case: case.opened_at, sort="opened"),
        Column("assignee", "Assignee", lambda case: PersonCell(case.assignee_id, "Unassigned")),
        Column("outcome", "Outcome", lambda case: case.outcome or None),
        Column("state", "Status", lambda case: case.state),
        Column("closed", "Closed", lambda case: case.closed_at, is_hidden=True),
        Column("id", "ID", lambda case: ReferenceCell(case.public_id), is_hidden=True),
    ),
    row_url=lambda case: url_for("cases_pages.show_case", case_id=case.public_id),
    default_sort="-opened",
    filters=(
        KindFilter("kind", "Type"),
        EnumFilter("state", "Status", CaseState, default=CaseState.OPEN.value),
        AssigneeFilter("assignee", "Assignee", choices=_list_assignees),
    ),
    empty=("No open cases", "A case is opened when something has to be investigated."),
    no_match="No case has this type, status and assignee.",
)
blp.add_list("", CASES, permission=Permission.CASES_READ)


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
