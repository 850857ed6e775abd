"""The counter: ID checks of customers who come to the branch."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid
from app.kyc import queries as kyc_queries
from app.kyc.queries import VerificationRow
from app.kyc.review import service as review

blp = PageBlueprint("counter", "/teller/counter")

_TEXT_LENGTH_MAX = 320
_DOCUMENTS = (
    ("passport", "Passport"),
    ("driving licence", "Driving licence"),
    ("identity card", "Identity card"),
)


@blp.view("GET", "", permission=Permission.KYC_VERIFY)
def show_counter(session: Session, _actor: Actor) -> Response:
    """Show the form to record an ID check at the counter."""
    return _render_counter(session)


@blp.view("POST", "", permission=Permission.KYC_VERIFY, fresh=True)
def record_id_check(session: Session, actor: Actor) -> Response:
    """Record that a customer showed an identity document at the counter."""
    try:
        with session.savepoint():
            verification = _find_identity(session, request.form.get("person", ""))
            document = _parse_document(request.form.get("document", ""))
            reason = f"Seen at the counter: {document}"
            review.record_id_check(session, actor, verification.id, reason=reason)
    except (Invalid, Conflict) as refusal:
        status, problems = report_at_form(refusal)
        return _render_counter(session, status=status, problems=problems)
    return see_other(url_for("counter_pages.show_counter", confirmed=verification.public_id))


def _parse_document(text: str) -> str:
    if text not in dict(_DOCUMENTS):
        raise Invalid("document", "Choose a document from the list.")
    return text


def _find_identity(session: Session, text: str) -> VerificationRow:
    """Return the identity that counts for the customer with this email or public id."""
    person_id = kyc_queries.find_person_id(session, text[:_TEXT_LENGTH_MAX])
    identity = (
        kyc_queries.effective_identity(kyc_queries.verifications_of(session, person_id))
        if person_id
        else None
    )
    if identity is None:
        raise Invalid(
            "person",
            "No customer with this email or ID has submitted their identity yet."
            " Check the spelling.",
        )
    return identity


def _render_counter(
    session: Session, *, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    verification_id = request.args.get("confirmed", "")
    name = ""
    if verification_id:
        person_id = kyc_queries.by_id(
            session, ids.decode(kyc_queries.PREFIX, verification_id)
        ).user_id
        name = people.get_names(session, [person_id]).get(person_id, "")
    return render_page(
        "teller/counter.html",
        status=status,
        recorded_for=name,
        document_options=[("", "Choose …"), *_DOCUMENTS],
        problems=problems or {},
        form_values=request.form,
    )
