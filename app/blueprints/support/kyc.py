"""Verification: the queue, one submission with its documents, and its decision."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.blueprints.lists import Column, EnumFilter, ListPage, PersonCell, PersonFilter
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid
from app.kyc import queries as kyc_queries
from app.kyc import rules as kyc_rules
from app.kyc.evidence import documents, file_sanitizer
from app.kyc.queries import QueuedVerification
from app.kyc.review import service as review
from app.kyc.rules import ReasonCode, VerificationKind, VerificationStatus
from app.kyc.submission import queries as submission_queries

blp = PageBlueprint("support_kyc", "/support/kyc")

_REASON_OPTIONS = [
    ("", "Choose …"),
    *ReasonCode.options(),
]
#: The policy of a document: it is displayed, and nothing in it loads or runs.
_DISPLAY_ONLY = "default-src 'none'; frame-ancestors 'none'"
#: Not for PDF: browsers show none in a sandbox, and their own viewer is one.
_SANDBOX = "; sandbox"


def _flags(verification: QueuedVerification) -> str | None:
    return ", ".join(sorted(flag.label for flag in verification.flags)) or None


def _tier(verification: QueuedVerification) -> int | None:
    return verification.tier if verification.kind is VerificationKind.IDENTITY else None


VERIFICATIONS = ListPage(
    name="verifications",
    title="Verification",
    about="Identity and company reviews.",
    source=lambda _session, _actor: kyc_queries.REVIEW_QUEUE,
    columns=(
        Column("customer", "Customer", lambda verification: PersonCell(verification.user_id)),
        Column("kind", "Review", lambda verification: verification.kind),
        Column(
            "submitted", "Submitted", lambda verification: verification.submitted_at, "submitted"
        ),
        Column("flags", "Flags", _flags, tooltip="Why staff must review it"),
        Column("tier", "Tier", _tier, is_figure=True),
        Column("status", "Status", lambda verification: verification.status),
        Column("id", "ID", lambda verification: verification.public_id, is_hidden=True),
    ),
    row_url=lambda verification: url_for(
        "support_kyc_pages.show_verification", verification_id=verification.public_id
    ),
    default_sort="submitted",
    filters=(
        PersonFilter("q", "Customer", hint="Email or ID"),
        EnumFilter(
            "status", "Status", VerificationStatus, default=VerificationStatus.IN_REVIEW.value
        ),
        EnumFilter("kind", "Review", VerificationKind),
    ),
    empty=("Nothing to review", "Verifications appear here when staff must decide them."),
    no_match="No verification matches these filters.",
)
blp.add_list("", VERIFICATIONS, permission=Permission.KYC_READ)


@blp.view("GET", "/<verification_id>", permission=Permission.KYC_READ, shows=kyc_queries.PREFIX)
def show_verification(session: Session, actor: Actor, verification_id: str) -> Response:
    """Show a submission: its details and documents, its timeline and the forms to decide it."""
    return _render_verification(session, actor, ids.decode(kyc_queries.PREFIX, verification_id))


# It writes: viewing a document is recorded.
@blp.view("GET", "/documents/<document_id>", permission=Permission.KYC_READ, writes=True)
def show_document(session: Session, actor: Actor, document_id: str) -> Response:
    """Show a document that a customer uploaded, and record the viewing."""
    document = documents.view_document(session, actor, ids.decode(documents.PREFIX, document_id))
    response = Response(document.data, content_type=document.media_type)
    policy = (
        _DISPLAY_ONLY if document.media_type == file_sanitizer.PDF else _DISPLAY_ONLY + _SANDBOX
    )
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@blp.view("POST", "/<verification_id>/approve", permission=Permission.KYC_REVIEW, fresh=True)
def approve(session: Session, actor: Actor, verification_id: str) -> Response:
    """Approve an identity, or request the approval of tier 3 or of a company."""
    reason = request.form.get("reason", "")
    return _act(
        session,
        actor,
        verification_id,
        "approve",
        lambda identifier: review.approve(session, actor, identifier, reason=reason),
    )


@blp.view("POST", "/<verification_id>/reject", permission=Permission.KYC_REVIEW, fresh=True)
def reject(session: Session, actor: Actor, verification_id: str) -> Response:
    """Reject a verification and tell the customer why."""
    return _decide(session, actor, verification_id, "reject", review.reject)


@blp.view("POST", "/<verification_id>/more", permission=Permission.KYC_REVIEW, fresh=True)
def request_information(session: Session, actor: Actor, verification_id: str) -> Response:
    """Request more information from the customer."""
    return _decide(session, actor, verification_id, "more", review.request_more_information)


@blp.view("POST", "/<verification_id>/take-back", permission=Permission.KYC_DECIDE, fresh=True)
def revoke_approval(session: Session, actor: Actor, verification_id: str) -> Response:
    """Revoke the approval of a verification and tell the customer why."""
    return _decide(session, actor, verification_id, "take-back", review.revoke)


def _decide(
    session: Session, actor: Actor, verification_id: str, form_id: str, decide: Callable[..., None]
) -> Response:
    """Call `decide` with the message to the customer and the internal note of the form."""
    reasons = [reason for reason in request.form.getlist("told") if reason]
    note = request.form.get("reason", "")
    return _act(
        session,
        actor,
        verification_id,
        form_id,
        lambda identifier: decide(session, actor, identifier, reasons=reasons, reason=note),
    )


def _act(
    session: Session,
    actor: Actor,
    verification_id: str,
    form_id: str,
    act: Callable[[UUID], object],
) -> Response:
    """Run `act` and show the submission again, with the problems of the form if it was refused."""
    identifier = ids.decode(kyc_queries.PREFIX, verification_id)
    try:
        with session.savepoint():
            act(identifier)
    except (Invalid, Conflict) as refusal:
        status, problems = report_at_form(refusal)
        return _render_verification(
            session, actor, identifier, status=status, form_id=form_id, problems=problems
        )
    return see_other(
        url_for("support_kyc_pages.show_verification", verification_id=verification_id)
    )


def _render_verification(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    verification = kyc_queries.by_id(session, identifier)
    events = kyc_queries.events(session, identifier)
    submission = submission_queries.details_of(session, identifier)
    person_id = verification.user_id
    pending = [
        approval
        for approval in approvals_queries.list_pending_about(session, person_id)
        if approval.subject == verification.public_id
    ]
    people_ids = {person_id} | {event.actor_id for event in events if event.actor_id}
    people_ids |= {approval.maker_id for approval in pending}
    return render_page(
        "support/kyc/verification.html",
        status=status,
        verification=verification,
        person=people.get_account(session, person_id),
        submission=submission,
        age=_age_of(submission),
        documents=documents.documents_of(session, person_id),
        events=events,
        others=[
            other
            for other in kyc_queries.verifications_of(session, person_id)
            if other.id != verification.id
        ],
        pending=[(approval, ids.encode("apr", approval.id)) for approval in pending],
        names=people.get_names(session, list(people_ids)),
        reason_options=_REASON_OPTIONS,
        permissions=actor.permissions,
        is_self=actor.user_id == person_id,
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )


def _age_of(submission: object) -> int | None:
    """Return the age in years of the person who submitted, None for a company."""
    born = getattr(submission, "date_of_birth", None)
    return kyc_rules.full_years_between(born, clock.now().date()) if born else None
