"""A customer: who they are, and in parts everything that they have with us."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for

from app.access import Actor, Permission, Role
from app.blueprints import customer_tabs, list_excerpts, user_agents
from app.blueprints.list_excerpts import ListExcerpt
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, see_other
from app.blueprints.rendering import render_page
from app.funding import customer_facts
from app.helpdesk.customers import summaries, timeline
from app.helpdesk.customers.rules import TimelineKind
from app.identity.accounts import people
from app.identity.accounts.people import AccountDetails
from app.identity.credentials import security_overview
from app.identity.sign_in import sessions
from app.kit import formatting, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc import queries as kyc_queries
from app.kyc.review import viewing
from app.kyc.submission.applicant_details import PersonDetails
from app.messages import queries as messages_queries

blp = PageBlueprint("support_customers", "/support/customers")

_ENTRIES, _MESSAGES = 20, 20
#: Parts with a template of their own; the others are facts and lists.
_TEMPLATES = frozenset({"customer", "messages", "security"})


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
    )


@blp.view("GET", "/<person_id>/cases", permission=Permission.CASES_READ)
def show_cases(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the cases about a customer."""
    person = _get_customer(session, person_id)
    excerpts = _excerpts(session, actor, person, "cases", found_by="person")
    return _render_part(session, actor, person, "cases", excerpts=excerpts)


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
