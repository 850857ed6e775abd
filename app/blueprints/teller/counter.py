"""The counter: find the customer, compare their document with what they submitted, and record the
ID check."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import searches
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Done, Form, FormSchema, choice_field, tick_field
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import queries as account_queries
from app.kit import formatting, ids, phones
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kyc import queries as kyc_queries
from app.kyc.queries import VerificationRow
from app.kyc.review import service as review
from app.kyc.review import viewing
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import PersonDetails

blp = PageBlueprint("counter", "/teller/counter")

_DOCUMENTS = (
    ("passport", "Passport"),
    ("driving licence", "Driving licence"),
    ("identity card", "Identity card"),
)


class IdCheckSchema(FormSchema):
    """The document that the customer showed, and that it was compared."""

    document = choice_field("Document shown", "Choose a document from the list.", _DOCUMENTS)
    compared = tick_field(
        "The document is valid, shows these details, and its photo looks like the customer",
        "Compare the document with these details and the customer, then tick the box.",
    )


def _describe_claims(session: Session, _actor: Actor, verification_id: str) -> Facts:
    _identity, claims = _get_identity(session, verification_id)
    return _list_claims(claims)


def _list_claims(claims: PersonDetails) -> Facts:
    """Return what the document must show, with the labels of the page."""
    return {
        "Name": claims.name,
        "Birth date": formatting.format_date(claims.date_of_birth),
        "Country": claims.address.country,
        "ID number": claims.id_number_ending or "Not submitted",
    }


RECORD = Form(
    "check",
    title="Record the ID check",
    about="Reviewers see who recorded it.",
    schema=IdCheckSchema,
    button="Record ID check",
    success="ID check recorded.",
    failure="The ID check was not recorded",
    current=_describe_claims,
    subject=lambda verification_id: verification_id,
)


@blp.view("GET", "", permission=Permission.KYC_VERIFY)
def show_counter(session: Session, _actor: Actor) -> Response:
    """Find the customer whose document is checked."""
    text, problems = "", dict[str, str]()
    try:
        text = searches.searched_text("customer")
        if text:
            identity = _find_identity(session, text)
            url = url_for("counter_pages.show_identity", verification_id=identity.public_id)
            return see_other(url)
    except Invalid as refusal:
        problems = {refusal.field: refusal.message}
    return render_page("teller/counter.html", text=text, problems=problems)


@blp.view("POST", "", permission=Permission.KYC_VERIFY)
def find_customer(_session: Session, _actor: Actor) -> Response:
    """Find the customer: the URL holds what was typed sealed."""
    text = searches.typed_text("customer")
    return see_other(searches.url_of("counter_pages.show_counter", customer=text))


# It writes: viewing what a customer submitted is recorded.
@blp.view("GET", "/<verification_id>/check", permission=Permission.KYC_VERIFY, writes=True)
def show_identity(session: Session, actor: Actor, verification_id: str) -> Response:
    """Show what the customer's document is compared with, and the form to record the ID check."""
    identity, claims = _get_identity(session, verification_id)
    viewing.view_details(session, actor, identity.id)
    return render_page(
        "teller/identity.html",
        claims=_list_claims(claims),
        record_form=RECORD,
        is_self=identity.user_id == actor.user_id,
    )


@blp.form(
    "/<verification_id>/check",
    RECORD,
    shown_on=show_identity,
    permission=Permission.KYC_VERIFY,
    fresh=True,
)
def record_id_check(
    session: Session, actor: Actor, fields: Mapping[str, str], verification_id: str
) -> Done:
    """Record that a customer showed an identity document at the counter."""
    identity, claims = _get_identity(session, verification_id)
    reason = f"Seen at the counter: {fields['document']}"
    review.record_id_check(session, actor, identity.id, reason=reason)
    return Done(url_for("counter_pages.show_counter"), f"ID check recorded for {claims.name}.")


def _find_identity(session: Session, text: str) -> VerificationRow:
    """Return the identity that counts for the customer with this email, phone or public id. Raises
    `Invalid`."""
    if phone := phones.parse_phone(text):
        person_id = account_queries.find_by_verified_phone(session, phone)
    else:
        person_id = kyc_queries.find_person_id(session, text)
    everything = kyc_queries.verifications_of(session, person_id) if person_id else []
    identity = kyc_queries.effective_identity(everything)
    if identity is None:
        raise Invalid(
            "customer",
            "No customer with this email, phone or ID has submitted their identity. Check it.",
        )
    return identity


def _get_identity(session: Session, verification_id: str) -> tuple[VerificationRow, PersonDetails]:
    """Return an identity with its details. Raises `NotFound` unless it is the one that counts."""
    requested = kyc_queries.by_id(session, ids.decode(kyc_queries.PREFIX, verification_id))
    everything = kyc_queries.verifications_of(session, requested.user_id)
    identity = kyc_queries.effective_identity(everything)
    if identity is None or identity.id != requested.id:
        raise NotFound
    claims = submission_queries.details_of(session, identity.id)
    if not isinstance(claims, PersonDetails):
        raise NotFound
    return identity, claims
