"""Sanctions screening: check a name, list screenings and list versions, and show a screening."""

from datetime import date

from flask import Response, request

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, report_at_form
from app.blueprints.rendering import render_page
from app.cases.service import PREFIX as CASE
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.ports import resolve
from app.screening import queries as screening_queries
from app.screening.errors import NoSanctionsList
from app.screening.lists.countries import COUNTRY_NAMES
from app.screening.matching import service
from app.screening.matching.name_index import Hit
from app.screening.rules import ScreeningRules, ScreeningSubject, Verdict

blp = PageBlueprint("screening", "/admin/screening")

_NAME_LENGTH_MAX = 200
_COUNTRIES = sorted(
    ((code, name) for code, name in COUNTRY_NAMES.items()), key=lambda country: country[1]
)


@blp.view("GET", "", permission=Permission.SCREENING_READ)
def list_screenings(session: Session, _actor: Actor) -> Response:
    """List the versions of the sanctions list and the latest screenings."""
    return _render_list(session)


@blp.view("POST", "/try", permission=Permission.SCREENING_READ)
def check_name(session: Session, _actor: Actor) -> Response:
    """Check a name against the sanctions list. It is not saved, and in no URL and no log."""
    try:
        version, matches = service.preview_hits(session, _parse_subject())
    except (Invalid, NoSanctionsList) as refusal:
        status, problems = report_at_form(refusal)
        return _render_list(session, status=status, problems=problems)
    return _render_list(session, checked=(version, matches))


def _parse_subject() -> ScreeningSubject:
    name = request.form.get("name", "").strip()
    if not 1 <= len(name) <= _NAME_LENGTH_MAX:
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    born = request.form.get("born", "").strip()
    country = request.form.get("country", "")
    if country and country not in COUNTRY_NAMES:
        raise Invalid("country", "Choose a country from the list.")
    try:
        birth_date = date.fromisoformat(born) if born else None
    except ValueError:
        raise Invalid("born", "Enter a date, like 1970-12-31.") from None
    return ScreeningSubject((name,), birth_date, frozenset({country}) if country else frozenset())


def _render_list(
    session: Session,
    *,
    status: int = 200,
    problems: dict[str, str] | None = None,
    checked: tuple[int, list[Hit]] | None = None,
) -> Response:
    """Show the list; `checked` is the list's version and the matches of a name that was checked."""
    shows_all = request.args.get("folder") == "all"
    cursor = read_cursor()
    version, matches = checked or (0, [])
    return render_page(
        "admin/screening/index.html",
        status=status,
        lists=screening_queries.list_versions(session),
        threshold=resolve(ScreeningRules).threshold,
        results=screening_queries.screenings(session, with_hits_only=not shows_all, cursor=cursor),
        shows_all=shows_all,
        is_later_page=cursor is not None,
        clear=Verdict.CLEAR if checked is not None and not matches else None,
        matches=matches,
        listings=screening_queries.listed_parties(
            session, [match.entry_number for match in matches], version
        ),
        countries=[("", "Unknown"), *_COUNTRIES],
        problems=problems or {},
        form_values=request.form,
    )


@blp.view("GET", "/<screening_id>", permission=Permission.SCREENING_READ, shows=service.PREFIX)
def show_screening(session: Session, _actor: Actor, screening_id: str) -> Response:
    """Show a screening: its subject, its purpose and its hits on one version of the list."""
    identifier = ids.decode(service.PREFIX, screening_id)
    screening = screening_queries.screening(session, identifier)
    hits = screening_queries.hits(session, identifier)
    return render_page(
        "admin/screening/screening.html",
        screening=screening,
        hits=hits,
        listings=screening_queries.listed_parties(
            session, [hit.entry_number for hit in hits], screening.list_version
        ),
        names=people.get_names(session, [screening.person_id] if screening.person_id else []),
        case_id=ids.encode(CASE, screening.case_id) if screening.case_id else "",
        countries=COUNTRY_NAMES,
    )
