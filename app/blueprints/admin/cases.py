"""Cases: what waits to be looked into, and one with its facts, its notes and its end."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.cases import queries as cases_queries
from app.cases import service
from app.cases.queries import Asked, Case
from app.cases.rules import State
from app.identity import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound

blp = PageBlueprint("cases", "/admin/cases")

_KIND_LENGTH_MAX = 100
#: In place of a person, in the filter by who looks into it.
_ME, _NOBODY = "me", "nobody"
#: Where the ids lead that a case may name, and what one needs to go there.
_PLACES = {
    "usr": ("people_pages.person", "person_id", Permission.PEOPLE_READ),
    service.PREFIX: ("cases_pages.case", "case_id", Permission.CASES_READ),
    "scr": ("screening_pages.screening", "screening_id", Permission.SCREENING_READ),
}


@blp.view("GET", "", permission=Permission.CASES_READ)
def cases(session: Session, actor: Actor) -> Response:
    """Cases by kind, state and who looks into them; those that are open first of all."""
    cursor = cursor_asked()
    typed = {
        "kind": request.args.get("kind", "")[:_KIND_LENGTH_MAX],
        "state": request.args.get("state", State.OPEN.value),
        "assignee": request.args.get("assignee", ""),
    }
    found = cases_queries.search(session, actor, _asked(typed, actor), cursor=cursor)
    workers = service.caseworkers(session)
    named = {each.assignee_id for each in found.data} | set(workers)
    names = people.names(session, [each for each in named if each is not None])
    return page(
        "admin/cases/index.html",
        "admin/cases/_cases.html",
        found=found,
        typed=typed,
        further=cursor is not None,
        kinds=[(kind.name, kind.title) for kind in cases_queries.kinds(session, actor)],
        assignees=[
            ("", "Anybody"),
            (_ME, "Me"),
            (_NOBODY, "Nobody yet"),
            *_people(workers, names, actor),
        ],
        names=names,
    )


def _asked(typed: dict[str, str], actor: Actor) -> Asked:
    """What the filters ask for; one that says nothing that could be asked for is left out."""
    state = State(typed["state"]) if typed["state"] in set(State) else None
    assignee = actor.user_id if typed["assignee"] == _ME else None
    if typed["assignee"].startswith("usr_"):
        assignee = ids.decode("usr", typed["assignee"])
    return Asked(typed["kind"] or None, state, assignee, typed["assignee"] == _NOBODY)


@blp.view("GET", "/<case_id>", permission=Permission.CASES_READ)
def case(session: Session, actor: Actor, case_id: str) -> Response:
    """A case: what was found, what happened since, and what can be done."""
    return _case(session, actor, ids.decode(service.PREFIX, case_id))


@blp.view("POST", "/<case_id>/note", permission=Permission.CASES_WORK)
def note(session: Session, actor: Actor, case_id: str) -> Response:
    """Write something down about a case."""
    text = request.form.get("note", "")
    return _done(session, actor, case_id, "note", lambda it: service.note(session, actor, it, text))


@blp.view("POST", "/<case_id>/assign", permission=Permission.CASES_WORK)
def assign(session: Session, actor: Actor, case_id: str) -> Response:
    """Give a case to somebody, or back to everybody."""

    def give(identifier: UUID) -> None:
        service.assign(session, actor, identifier, _assignee(request.form.get("assignee", "")))

    return _done(session, actor, case_id, "assign", give)


def _assignee(text: str) -> UUID | None:
    try:
        return ids.decode("usr", text) if text else None
    except NotFound:
        raise Invalid("assignee", "Choose a person from the list.") from None


@blp.view("POST", "/<case_id>/close", permission=Permission.CASES_WORK, fresh=True)
def close(session: Session, actor: Actor, case_id: str) -> Response:
    """End a case with a disposition and a reason."""

    def end(identifier: UUID) -> None:
        service.close(
            session,
            actor,
            identifier,
            disposition=request.form.get("disposition", ""),
            reason=request.form.get("reason", ""),
        )

    return _done(session, actor, case_id, "close", end)


@blp.view("POST", "/<case_id>/reopen", permission=Permission.CASES_WORK, fresh=True)
def reopen(session: Session, actor: Actor, case_id: str) -> Response:
    """Open a closed case again."""
    reason = request.form.get("reason", "")
    return _done(
        session,
        actor,
        case_id,
        "reopen",
        lambda it: service.reopen(session, actor, it, reason=reason),
    )


def _done(
    session: Session, actor: Actor, case_id: str, form: str, act: Callable[[UUID], None]
) -> Response:
    """The case again: after the act, or with what was wrong said at the form."""
    identifier = ids.decode(service.PREFIX, case_id)
    try:
        with session.savepoint():
            act(identifier)
    except (Invalid, Conflict) as refusal:
        status, problems = said_at_form(refusal)
        return _case(session, actor, identifier, status=status, form=form, problems=problems)
    return see_other(url_for("cases_pages.case", case_id=case_id))


def _case(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found = cases_queries.case(session, actor, identifier)
    events = cases_queries.events(session, identifier)
    facts = cases_queries.facts(session, identifier)
    workers = service.may_work(session, found.kind, found.person_id)
    named = {found.person_id, found.assignee_id, *workers}
    named |= {each.actor_id for each in events} | {each.assignee_id for each in events}
    names = people.names(session, [each for each in named if each is not None])
    return page(
        "admin/cases/case.html",
        "admin/cases/_case.html",
        status=status,
        case=found,
        events=events,
        facts=facts,
        names=names,
        links={
            text: url for text in (found.subject, *facts.values()) if (url := _link(text, actor))
        },
        workers=[("", "Nobody"), *_people(workers, names, actor)],
        assigned=ids.encode("usr", found.assignee_id) if found.assignee_id else "",
        dispositions=[("", "Choose …"), *found.kind.dispositions.items()],
        may_work=_may_work(actor, found),
        is_about_actor=actor.user_id == found.person_id,
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )


def _may_work(actor: Actor, found: Case) -> bool:
    """Whether the forms are shown; the service checks again."""
    return Permission.CASES_WORK in actor.permissions and actor.user_id != found.person_id


def _people(workers: list[UUID], names: Mapping[UUID, str], actor: Actor) -> list[tuple[str, str]]:
    """For a choice: the actor first, then by name."""
    others = [(ids.encode("usr", each), names[each]) for each in workers if each in names]
    return sorted(others, key=lambda each: (each[0] != ids.encode("usr", actor.user_id), each[1]))


def _link(text: str, actor: Actor) -> str | None:
    """Where a public id leads, for somebody who may go there."""
    prefix = text.partition("_")[0]
    if prefix not in _PLACES:
        return None
    endpoint, variable, permission = _PLACES[prefix]
    values: dict[str, Any] = {variable: text}
    try:
        ids.decode(prefix, text)
    except NotFound:
        return None
    return url_for(endpoint, **values) if permission in actor.permissions else None
