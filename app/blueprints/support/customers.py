"""A customer: who they are, and in parts everything that they have with us."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for

from app.access import Actor, Permission, Role
from app.blueprints import customer_tabs, list_excerpts, user_agents
from app.blueprints.forms import Done, Form
from app.blueprints.list_excerpts import ListExcerpt
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, see_other
from app.blueprints.rendering import render_page
from app.blueprints.support import customer_forms as forms
from app.funding import customer_facts
from app.helpdesk.customers import summaries, timeline
from app.helpdesk.customers.rules import TimelineKind
from app.helpdesk.goodwill import service as goodwill
from app.helpdesk.notes import service as notes
from app.identity.accounts import assistance, people
from app.identity.accounts.people import AccountDetails
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import security_overview
from app.identity.sign_in import sessions
from app.kit import formatting, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kyc import queries as kyc_queries
from app.kyc.review import viewing
from app.kyc.submission.applicant_details import PersonDetails
from app.messages import queries as messages_queries

blp = PageBlueprint("support_customers", "/support/customers")

_ENTRIES, _MESSAGES, _NOTES = 20, 20, 20
#: Parts with a template of their own; the others are facts and lists.
_TEMPLATES = frozenset({"customer", "messages", "notes", "security"})
_REQUESTED = "Credit requested. Another person has to approve it."


@blp.view("GET", "/<person_id>", permission=Permission.PEOPLE_READ, shows="usr")
def show_customer(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a customer at a glance, with everything that happened, newest first."""
    person = people.get_account(session, ids.decode("usr", person_id))
    if person.role is not Role.USER:
        return see_other(url_for("people_pages.show_person", person_id=person_id))
    chosen = TimelineKind.with_value(request.args.get("kind", ""))
    kinds = timeline.list_kinds(actor)
    return _render_part(
        session,
        actor,
        person,
        "customer",
        kinds=kinds,
        chosen=chosen,
        entries=timeline.list_entries(
            session,
            actor,
            person.id,
            kinds=kinds if chosen is None else [chosen],
            limit=_ENTRIES,
            before=read_cursor(),
        ),
    )


@blp.view("GET", "/<person_id>/money", permission=Permission.PAYMENTS_READ)
def show_money(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a customer's balances, deposits and withdrawals."""
    person = _get_customer(session, person_id)
    return _render_part(
        session,
        actor,
        person,
        "money",
        facts_title="Money now",
        facts=customer_facts.describe_holdings(session, person.id),
        excerpts=_excerpts(session, actor, person, "deposits", "withdrawals"),
        forms=_offer(actor, person, Permission.PEOPLE_CREDIT, (forms.CREDIT, "credit")),
    )


# It writes: viewing what the customer submitted is recorded.
@blp.view("GET", "/<person_id>/verification", permission=Permission.KYC_READ, writes=True)
def show_verification(session: Session, actor: Actor, person_id: str) -> Response:
    """Show who a customer says to be, and their verifications."""
    person = _get_customer(session, person_id)
    identity = kyc_queries.effective_identity(kyc_queries.verifications_of(session, person.id))
    claims = viewing.view_details(session, actor, identity.id) if identity else None
    return _render_part(
        session,
        actor,
        person,
        "verification",
        facts_title="As submitted",
        facts=_list_claims(claims) if isinstance(claims, PersonDetails) else {},
        excerpts=_excerpts(session, actor, person, "verifications", found_by="q", status=""),
    )


@blp.view("GET", "/<person_id>/orders", permission=Permission.SHOP_ORDERS_READ)
def show_orders(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a customer's orders of goods, with their shipments and invoices."""
    person = _get_customer(session, person_id)
    excerpts = _excerpts(session, actor, person, "orders", "shipments", "documents")
    return _render_part(session, actor, person, "orders", excerpts=excerpts)


@blp.view("GET", "/<person_id>/redemptions", permission=Permission.REDEMPTIONS_READ)
def show_redemptions(session: Session, actor: Actor, person_id: str) -> Response:
    """Show a customer's redemptions."""
    person = _get_customer(session, person_id)
    excerpts = _excerpts(session, actor, person, "redemptions")
    return _render_part(session, actor, person, "redemptions", excerpts=excerpts)


@blp.view("GET", "/<person_id>/messages", permission=Permission.PEOPLE_READ)
def show_messages(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the messages in a customer's inbox."""
    person = _get_customer(session, person_id)
    messages = messages_queries.list_messages(session, person.id, _MESSAGES, read_cursor())
    return _render_part(session, actor, person, "messages", messages=messages)


@blp.view("GET", "/<person_id>/security", permission=Permission.PEOPLE_READ)
def show_security(session: Session, actor: Actor, person_id: str) -> Response:
    """Show what protects a customer's account, and where they are signed in."""
    person = _get_customer(session, person_id)
    return _render_part(
        session,
        actor,
        person,
        "security",
        overview=security_overview.get_overview(session, person.id),
        sessions=[
            (each, user_agents.describe_browser(each.browser))
            for each in sessions.list_of(session, person.id)
        ],
        forms=_offer(
            actor,
            person,
            Permission.PEOPLE_ASSIST,
            (forms.PASSWORD_LINK, "send_password_link"),
            *([] if person.email_confirmed_at else [(forms.CONFIRMATION, "send_confirmation")]),
            (forms.END_SESSIONS, "end_sessions"),
        ),
    )


@blp.view("GET", "/<person_id>/cases", permission=Permission.CASES_READ)
def show_cases(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the cases about a customer."""
    person = _get_customer(session, person_id)
    excerpts = _excerpts(session, actor, person, "cases", found_by="person")
    return _render_part(session, actor, person, "cases", excerpts=excerpts)


@blp.view("GET", "/<person_id>/notes", permission=Permission.PEOPLE_READ)
def show_notes(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the notes of staff on a customer."""
    person = _get_customer(session, person_id)
    page = notes.list_notes(session, person.id, limit=_NOTES, before=read_cursor())
    may_note = Permission.PEOPLE_NOTE in actor.permissions
    colleagues = notes.list_colleagues(session) if may_note else []
    mentioned = (note.mentioned_id for note in page.data if note.mentioned_id)
    writers = {note.actor_id for note in page.data}
    names = people.get_names(session, {*colleagues, *writers, *mentioned})
    return _render_part(
        session,
        actor,
        person,
        "notes",
        notes=page,
        names=names,
        colleagues=sorted(
            ((ids.encode("usr", each), names[each]) for each in colleagues if each in names),
            key=lambda option: option[1],
        ),
        forms=_offer(actor, person, Permission.PEOPLE_NOTE, (forms.NOTE, "add_note")),
    )


@blp.view("GET", "/<person_id>/audit", permission=Permission.AUDIT_READ)
def show_audit(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the audit records of acts on a customer and on what is theirs."""
    person = _get_customer(session, person_id)
    excerpts = list_excerpts.open_excerpts(
        session,
        actor,
        ["audit_records"],
        "what",
        person.public_id,
        more={"what": person.public_id},
    )
    return _render_part(session, actor, person, "audit", excerpts=excerpts)


@blp.form(
    "/<person_id>/password-link",
    forms.PASSWORD_LINK,
    shown_on=show_security,
    permission=Permission.PEOPLE_ASSIST,
    fresh=True,
)
def send_password_link(
    session: Session, actor: Actor, _fields: Mapping[str, str], person_id: str
) -> None:
    """Email a customer a link with which they choose a new password."""
    assistance.send_password_link(session, actor, ids.decode("usr", person_id))


@blp.form(
    "/<person_id>/confirmation",
    forms.CONFIRMATION,
    shown_on=show_security,
    permission=Permission.PEOPLE_ASSIST,
)
def send_confirmation(
    session: Session, actor: Actor, _fields: Mapping[str, str], person_id: str
) -> None:
    """Email a customer another link that confirms their email address."""
    assistance.send_confirmation(session, actor, ids.decode("usr", person_id))


@blp.form(
    "/<person_id>/end-sessions",
    forms.END_SESSIONS,
    shown_on=show_security,
    permission=Permission.PEOPLE_ASSIST,
    fresh=True,
)
def end_sessions(
    session: Session, actor: Actor, _fields: Mapping[str, str], person_id: str
) -> None:
    """End every session of a customer."""
    assistance.end_sessions(session, actor, ids.decode("usr", person_id))


@blp.form(
    "/<person_id>/credit",
    forms.CREDIT,
    shown_on=show_money,
    permission=Permission.PEOPLE_CREDIT,
    fresh=True,
)
def credit(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> Done:
    """Credit a customer for goodwill, or request that a second person approves it."""
    identifier = ids.decode("usr", person_id)
    approval_id = goodwill.credit(
        session, actor, identifier, fields["amount"], reason=fields["reason"]
    )
    if approval_id is None:
        return Done()
    public_id = ids.encode("apr", approval_id)
    return Done(url_for("approvals_pages.show_approval", approval_id=public_id), _REQUESTED)


@blp.form(
    "/<person_id>/note",
    forms.NOTE,
    shown_on=show_notes,
    permission=Permission.PEOPLE_NOTE,
)
def add_note(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> None:
    """Add a note on a customer, and tell a colleague who is mentioned."""
    mentioned = ids.try_decode("usr", fields["mentioned"])
    if fields["mentioned"] and mentioned is None:
        raise Invalid("mentioned", "Choose a colleague from the list.")
    identifier = ids.decode("usr", person_id)
    notes.add_note(session, actor, identifier, fields["note"], mentioned_id=mentioned)


def _offer(
    actor: Actor, person: AccountDetails, permission: Permission, *offered: tuple[Form, str]
) -> list[tuple[Form, str]]:
    """Return these forms with their URLs, for an actor with the permission; the services check
    again. A customer who is not active can only be written about."""
    is_open = person.status is AccountStatus.ACTIVE or permission is Permission.PEOPLE_NOTE
    if permission not in actor.permissions or not is_open:
        return []
    return [
        (form, url_for(f"support_customers_pages.{act}", person_id=person.public_id))
        for form, act in offered
    ]


def _get_customer(session: Session, person_id: str) -> AccountDetails:
    """Return the customer with this id. Raises `NotFound`, also for staff."""
    person = people.get_account(session, ids.decode("usr", person_id))
    if person.role is not Role.USER:
        raise NotFound
    return person


def _excerpts(
    session: Session,
    actor: Actor,
    person: AccountDetails,
    *names: str,
    found_by: str = "customer",
    **more: str,
) -> list[ListExcerpt]:
    """Return the excerpts of these lists about a customer, of those that the actor may open. The
    pages of the lists find the same rows with `more` filters."""
    search = {found_by: person.public_id, **more}
    return list_excerpts.open_excerpts(session, actor, names, found_by, person.id, more=search)


def _list_claims(claims: PersonDetails) -> Mapping[str, str]:
    """Return what the customer submitted, with which a caller is compared."""
    return {
        "Name": claims.name,
        "Birth date": formatting.format_date(claims.date_of_birth),
        "Address": claims.address.in_one_line,
        "ID number": claims.id_number_ending or "Not submitted",
    }


def _render_part(
    session: Session, actor: Actor, person: AccountDetails, part: str, **context: Any
) -> Response:
    """Render a part of a customer's page, with who they are at the top."""
    template = part if part in _TEMPLATES else "excerpts"
    return render_page(
        f"support/customers/{template}.html",
        summary=summaries.summarize_customer(session, actor, person),
        person=person,
        part=part,
        tabs=customer_tabs.list_tabs(actor, person.public_id),
        **context,
    )
