"""Sanctions screening: check a name, list screenings and list versions, and show a screening."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import forms, list_view
from app.blueprints.forms import Form, FormSchema, choice_field, date_field, text_field
from app.blueprints.lists import Column, EnumFilter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.cases.service import PREFIX as CASE
from app.identity.accounts import people
from app.kit import ids
from app.kit.countries import COUNTRY_NAMES
from app.kit.db import Session
from app.kit.errors import Invalid
from app.screening import queries as screening_queries
from app.screening import viewing
from app.screening.errors import NoSanctionsList
from app.screening.matching import service
from app.screening.matching.name_normalization import UNCOMPARABLE_NAME, is_comparable
from app.screening.rules import HitDecision, ScreeningRules, ScreeningSubject, Verdict
from app.settings.queries import current

blp = PageBlueprint("screening", "/admin/screening")

_TEMPLATE = "admin/screening/index.html"
_NAME_LENGTH_MAX = 200
_COUNTRIES = sorted(
    ((code, name) for code, name in COUNTRY_NAMES.items()), key=lambda country: country[1]
)


def _check_name(text: str) -> None:
    """Raise `Invalid` for a name that is too long or cannot be compared."""
    if len(text) > _NAME_LENGTH_MAX:
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    if not is_comparable(text):
        raise Invalid("name", UNCOMPARABLE_NAME)


class CheckSchema(FormSchema):
    """A name, and what else is known about its bearer."""

    name = text_field(
        "Name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).", check=_check_name
    )
    born = date_field("Birth date (optional)", None)
    country = choice_field(
        "Country (optional)", None, _COUNTRIES, none="Unknown", hint="Of citizenship or residence"
    )


CHECK = Form(
    "check",
    title="Check a name",
    about="The name is compared with the sanctions list and not saved.",
    schema=CheckSchema,
    button="Check",
    failure="The name was not checked",
    # The result is shown at once.
    success="",
)


def _context(session: Session, _actor: Actor) -> dict[str, object]:
    """Return what the page shows besides the list of screenings."""
    return {
        "lists": screening_queries.list_versions(session),
        "rules": current(session, ScreeningRules),
        "check_form": CHECK,
        "check_values": request.form,
    }


SCREENINGS = ListPage(
    name="screenings",
    title="Screenings",
    about="Sanctions checks of people, companies, payees and wallet addresses.",
    source=lambda _session, _actor: screening_queries.SCREENINGS,
    columns=(
        Column("name", "Subject", lambda screening: screening.name),
        Column("screened", "Screened", lambda screening: screening.screened_at, sort="screened"),
        Column(
            "purpose",
            "Purpose",
            lambda screening: screening.purpose.replace("_", " ").capitalize(),
        ),
        Column("about", "Reference", lambda screening: ReferenceCell(screening.about)),
        Column("hits", "Hits", lambda screening: screening.hits),
        Column(
            "score",
            "Best score",
            lambda screening: screening.score,
            is_figure=True,
            tooltip="From 0 to 100",
        ),
        Column("verdict", "Verdict", lambda screening: screening.verdict),
        Column("decision", "Decision", lambda screening: screening.decision),
        Column("version", "List version", lambda screening: screening.list_version, is_hidden=True),
        Column("id", "ID", lambda screening: screening.public_id, is_hidden=True),
    ),
    row_url=lambda screening: url_for(
        "screening_pages.show_screening", screening_id=screening.public_id
    ),
    default_sort="-screened",
    filters=(
        EnumFilter("decision", "Decision", members=HitDecision, default=HitDecision.OPEN),
        EnumFilter("verdict", "Verdict", members=Verdict),
    ),
    empty=(
        "Nothing to decide",
        "Screenings with hits wait here until their case is closed. Remove the filter to see all.",
    ),
    no_match="Nothing waits for a decision, or no screening fits. Remove a filter to see others.",
)
blp.add_list(
    "",
    SCREENINGS,
    permission=Permission.SCREENING_READ,
    template=_TEMPLATE,
    context=_context,
)


@blp.view("GET", "/try", permission=Permission.SCREENING_READ)
def reload_check(_session: Session, _actor: Actor) -> Response:
    """Lead from the address of a check to its form: the name is in no URL."""
    return see_other(url_for("screening_pages.list_screenings"))


@blp.view("POST", "/try", permission=Permission.SCREENING_READ)
def check_name(session: Session, actor: Actor) -> Response:
    """Check a name against the sanctions list. It is not saved, and in no URL and no log."""
    fields = forms.parse(CHECK)
    if fields is None:
        return _render_check(session, actor, 422)
    country = fields["country"]
    countries = frozenset({country}) if country else frozenset[str]()
    subject = ScreeningSubject((fields["name"],), fields["born"], residences=countries)
    try:
        version, matches = service.preview_hits(session, subject)
    except NoSanctionsList as refusal:
        status, _problems = report_at_form(refusal)
        forms.show_refusal(CHECK, refusal)
        return _render_check(session, actor, status)
    listings = screening_queries.listed_parties(
        session, [match.entry_number for match in matches], version
    )
    return _render_check(
        session,
        actor,
        clear=None if matches else Verdict.CLEAR,
        matches=matches,
        listings=listings,
    )


def _render_check(session: Session, actor: Actor, status: int = 200, **result: object) -> Response:
    view = list_view.open_list(SCREENINGS, session, actor, request.args)
    context = _context(session, actor) | result
    return render_page(_TEMPLATE, status=status, view=view, **context)


# It writes: viewing the subject is recorded.
@blp.view(
    "GET",
    "/<screening_id>",
    permission=Permission.SCREENING_READ,
    shows=service.PREFIX,
    writes=True,
)
def show_screening(session: Session, actor: Actor, screening_id: str) -> Response:
    """Show a screening: its subject, its purpose and its hits on one version of the list."""
    identifier = ids.decode(service.PREFIX, screening_id)
    screening = viewing.view_screening(session, actor, identifier)
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
