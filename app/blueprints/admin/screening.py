"""Sanctions lists, a name to be tried, and who was screened."""

from datetime import date

from flask import Response, request

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form
from app.blueprints.rendering import page
from app.cases.service import PREFIX as CASE
from app.identity import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.ports import resolve
from app.screening import queries as screening_queries
from app.screening import service
from app.screening.countries import NAMES
from app.screening.errors import NoSanctionsList
from app.screening.matching import Match
from app.screening.rules import Named, ScreeningRules

blp = PageBlueprint("screening", "/admin/screening")

_NAME_LENGTH_MAX = 200
_COUNTRIES = sorted(((code, name) for code, name in NAMES.items()), key=lambda each: each[1])


@blp.view("GET", "", permission=Permission.SCREENING_READ)
def show(session: Session, _actor: Actor) -> Response:
    """Versions of the list, and the last screenings."""
    return _show(session)


@blp.view("POST", "/try", permission=Permission.SCREENING_READ)
def try_name(session: Session, _actor: Actor) -> Response:
    """What a name would find. Nothing is kept: the name stands in no address and no log."""
    try:
        subject = _subject()
        version, found = service.try_subject(session, subject)
    except (Invalid, NoSanctionsList) as refusal:
        status, problems = said_at_form(refusal)
        return _show(session, status=status, problems=problems)
    return _show(session, tried=(subject, version, found))


def _subject() -> Named:
    name = request.form.get("name", "").strip()
    if not 1 <= len(name) <= _NAME_LENGTH_MAX:
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    born = request.form.get("born", "").strip()
    country = request.form.get("country", "")
    if country and country not in NAMES:
        raise Invalid("country", "Choose a country from the list.")
    try:
        day = date.fromisoformat(born) if born else None
    except ValueError:
        raise Invalid("born", "Enter a date, like 1970-12-31.") from None
    return Named((name,), day, frozenset({country}) if country else frozenset())


def _show(
    session: Session,
    *,
    status: int = 200,
    problems: dict[str, str] | None = None,
    tried: tuple[Named, int, list[Match]] | None = None,
) -> Response:
    everything = request.args.get("folder") == "all"
    cursor = cursor_asked()
    _subject_tried, version, matches = tried or (None, 0, [])
    return page(
        "admin/screening/index.html",
        "admin/screening/_screening.html",
        status=status,
        lists=screening_queries.list_versions(session),
        threshold=resolve(ScreeningRules).threshold,
        found=screening_queries.screenings(session, found_only=not everything, cursor=cursor),
        everything=everything,
        further=cursor is not None,
        tried=tried is not None,
        matches=matches,
        listings=screening_queries.listings(
            session, [each.entry_number for each in matches], version
        ),
        countries=[("", "Not known"), *_COUNTRIES],
        problems=problems or {},
        typed=request.form,
    )


@blp.view("GET", "/<screening_id>", permission=Permission.SCREENING_READ)
def screening(session: Session, actor: Actor, screening_id: str) -> Response:
    """A screening: who, what for, and what was found on which version of the list."""
    identifier = ids.decode(service.PREFIX, screening_id)
    found = screening_queries.screening(session, identifier)
    hits = screening_queries.hits(session, identifier)
    names = people.names(session, [found.person_id] if found.person_id else [])
    return page(
        "admin/screening/screening.html",
        "admin/screening/_one.html",
        screening=found,
        hits=hits,
        listings=screening_queries.listings(
            session, [each.entry_number for each in hits], found.list_version
        ),
        person=names.get(found.person_id) if found.person_id else None,
        person_id=ids.encode("usr", found.person_id) if found.person_id else "",
        case_id=ids.encode(CASE, found.case_id) if found.case_id else "",
        may_open_people=Permission.PEOPLE_READ in actor.permissions,
        may_open_cases=Permission.CASES_READ in actor.permissions,
        countries=NAMES,
    )
