"""Cases: search them, show one with its facts and timeline, and work on it until it is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import (
    ChoiceFilter,
    Column,
    EnumFilter,
    Filter,
    ListPage,
    Options,
    PersonCell,
    PersonFilter,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.references import name_person
from app.blueprints.rendering import render_page
from app.cases import queries as cases_queries
from app.cases import registry, service, viewing
from app.cases.queries import CaseEventRow, CaseSummary
from app.cases.rules import NOTE_LENGTH_MAX, CaseEventKind, CaseState
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

blp = PageBlueprint("cases", "/admin/cases")

#: Values of the assignee filter that name no person.
_ME, _UNASSIGNED = "me", "unassigned"


@dataclass(frozen=True, slots=True)
class KindFilter(Filter):
    """A filter by the type of case. A type without cases is searched for, too."""

    type: str = field(default="select", init=False)

    def options(self, session: Session, actor: Actor) -> Options:
        """Return the types of existing cases that the actor may see."""
        return [(kind.name, kind.title) for kind in cases_queries.visible_kinds(session, actor)]

    def describe(self, text: str, _options: Options | None) -> str:
        """Return the title of the type."""
        return registry.case_kind(text).title


class AssigneeFilter(ChoiceFilter):
    """A filter by the assignee: the actor, unassigned, or one of the caseworkers."""

    def parse(
        self, session: Session, actor: Actor, text: str, options: Options | None
    ) -> UUID | None:
        """Return the person's id, None for cases without an assignee."""
        ChoiceFilter.parse(self, session, actor, text, options)
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
        Filter("about", "About (ID or source)"),
        PersonFilter("person", "Person", hint="Email or ID"),
    ),
    empty=("No open cases", "A case is opened when something has to be investigated."),
    no_match="No case has this type, status, assignee and subject.",
    refreshes=True,
)
blp.add_list("", CASES, permission=Permission.CASES_READ)


class NoteSchema(FormSchema):
    """A note."""

    note = text_field(
        "Note", f"Enter a note (1 to {NOTE_LENGTH_MAX} characters).", control="textarea"
    )


class AssigneeSchema(FormSchema):
    """The person who works on the case, if any."""

    assignee = choice_field("Assign to", None, none="Unassigned")


class OutcomeSchema(FormSchema):
    """How the case ends, and why."""

    disposition = choice_field("Outcome", "Choose an outcome from the list.")
    reason = reason_field()


class ReopeningSchema(FormSchema):
    """Why the case is opened again."""

    reason = reason_field()


def _describe_assignee(session: Session, actor: Actor, case_id: str) -> Mapping[str, str]:
    case = cases_queries.case(session, actor, ids.decode(service.PREFIX, case_id))
    if case.assignee_id is None:
        return {"Assignee": "Unassigned"}
    names = people.get_names(session, [case.assignee_id])
    return {"Assignee": name_person(case.assignee_id, names)}


NOTE = Form(
    "note",
    title="Add a note",
    schema=NoteSchema,
    button="Add note",
    success="Note added.",
    failure="The note was not added",
    is_secondary=True,
)
ASSIGN = Form(
    "assign",
    title="Assign",
    schema=AssigneeSchema,
    button="Assign",
    success="Case assigned.",
    failure="The case was not assigned",
    is_secondary=True,
    current=_describe_assignee,
    subject=lambda case_id: case_id,
)
CLOSE = Form(
    "close",
    title="Close",
    schema=OutcomeSchema,
    button="Close case",
    success="Case closed.",
    failure="The case was not closed",
    is_dangerous=True,
    confirm="Close this case?",
)
REOPEN = Form(
    "reopen",
    title="Reopen",
    schema=ReopeningSchema,
    button="Reopen case",
    success="Case reopened.",
    failure="The case was not reopened",
)


# It writes: viewing the facts is recorded.
@blp.view("GET", "/<case_id>", permission=Permission.CASES_READ, shows=service.PREFIX, writes=True)
def show_case(session: Session, actor: Actor, case_id: str) -> Response:
    """Show a case: its facts, its timeline and the forms to work on it."""
    identifier = ids.decode(service.PREFIX, case_id)
    case = cases_queries.case(session, actor, identifier)
    events = cases_queries.events(session, identifier)
    workers = service.eligible_assignees(session, case.kind, case.person_id)
    people_ids = {case.person_id, case.assignee_id, *workers}
    people_ids |= {event.actor_id for event in events} | {event.assignee_id for event in events}
    names = people.get_names(
        session, [person_id for person_id in people_ids if person_id is not None]
    )
    consequences = case.kind.consequences(session, case.id, case.person_id)
    reopen_form = replace(REOPEN, about=case.kind.reopening)
    return render_page(
        "admin/cases/case.html",
        case=case,
        events=events,
        facts=viewing.view_facts(session, actor, case),
        names=names,
        workers=_worker_options(workers, names, actor),
        assigned=ids.encode("usr", case.assignee_id) if case.assignee_id else "",
        dispositions=list(case.kind.dispositions.items()),
        may_work=_may_work(actor, case),
        is_about_actor=actor.user_id == case.person_id,
        consequences=[
            (disposition, case.kind.dispositions[disposition], sentences)
            for disposition, sentences in consequences.items()
        ],
        # What reopening does not undo.
        followed=_list_what_followed(events),
        forms={form.id: form for form in (NOTE, ASSIGN, CLOSE, reopen_form)},
        absent_forms=[REOPEN] if case.state is CaseState.OPEN else [NOTE, ASSIGN, CLOSE],
    )


@blp.form("/<case_id>/note", NOTE, shown_on=show_case, permission=Permission.CASES_WORK)
def add_note(session: Session, actor: Actor, fields: Mapping[str, str], case_id: str) -> None:
    """Add a note to a case."""
    service.add_note(session, actor, ids.decode(service.PREFIX, case_id), fields["note"])


@blp.form("/<case_id>/assign", ASSIGN, shown_on=show_case, permission=Permission.CASES_WORK)
def assign(session: Session, actor: Actor, fields: Mapping[str, str], case_id: str) -> Done:
    """Assign a case to a member of staff, or unassign it."""
    assignee = _parse_assignee(fields["assignee"])
    service.assign(session, actor, ids.decode(service.PREFIX, case_id), assignee)
    return Done(message=None if assignee else "Case unassigned.")


def _parse_assignee(text: str) -> UUID | None:
    try:
        return ids.decode("usr", text) if text else None
    except NotFound:
        raise Invalid("assignee", "Choose a person from the list.") from None


@blp.form(
    "/<case_id>/close", CLOSE, shown_on=show_case, permission=Permission.CASES_WORK, fresh=True
)
def close(session: Session, actor: Actor, fields: Mapping[str, str], case_id: str) -> None:
    """Close a case with an outcome and a reason."""
    service.close(
        session,
        actor,
        ids.decode(service.PREFIX, case_id),
        disposition=fields["disposition"],
        reason=fields["reason"],
    )


@blp.form(
    "/<case_id>/reopen", REOPEN, shown_on=show_case, permission=Permission.CASES_WORK, fresh=True
)
def reopen(session: Session, actor: Actor, fields: Mapping[str, str], case_id: str) -> None:
    """Reopen a closed case."""
    identifier = ids.decode(service.PREFIX, case_id)
    service.reopen(session, actor, identifier, reason=fields["reason"])


def _list_what_followed(events: Sequence[CaseEventRow]) -> list[str]:
    """Return what followed from the outcome since the case was last closed."""
    texts: list[str] = []
    for event in events:
        if event.kind is CaseEventKind.CLOSED:
            texts = []
        elif event.kind is CaseEventKind.FOLLOWED:
            texts.append(event.text)
    return texts


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
