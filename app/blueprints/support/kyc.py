"""Verification: the queue, one submission with its documents, and its decision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field
from app.blueprints.lists import Column, EnumFilter, ListPage, PersonCell, PersonFilter
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.funding import customer_facts
from app.identity.accounts import people
from app.kit import clock, ids
from app.kit.db import Session
from app.kyc import queries as kyc_queries
from app.kyc import rules as kyc_rules
from app.kyc.evidence import documents
from app.kyc.queries import QueuedVerification, VerificationRow
from app.kyc.review import service as review
from app.kyc.review import viewing
from app.kyc.rules import ReasonCode, VerificationKind, VerificationStatus
from app.kyc.submission.applicant_details import CompanyDetails, PersonDetails

blp = PageBlueprint("support_kyc", "/support/kyc")

#: The policy of a page of a document: it is displayed, and nothing in it loads or runs.
_DISPLAY_ONLY = "default-src 'none'; frame-ancestors 'none'; sandbox"


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
    refreshes=True,
)
blp.add_list("", VERIFICATIONS, permission=Permission.KYC_READ)


class EvidenceSchema(FormSchema):
    """What proves the submission."""

    reason = reason_field("Evidence (internal)", "Enter what proves it.")


class CustomerMessageSchema(FormSchema):
    """The message to the customer, and a note that stays internal."""

    customer_message = choice_field(
        "Message to customer", "Choose a message for the customer.", ReasonCode.options()
    )
    reason = reason_field("Internal note", "Enter a note.")


APPROVE = Form(
    "approve",
    title="Approve",
    about="Gives tier 2 and its limits at once. The customer is notified.",
    schema=EvidenceSchema,
    button="Approve",
    success="Verification approved. The customer is notified.",
    failure="The verification was not approved",
    confirm="Approve this identity?",
)
#: The same act where a second person must approve: tier 3 or a company.
REQUEST_APPROVAL = replace(
    APPROVE,
    title="Request approval",
    about="A second person must approve. Then the customer has tier 3, or their company is"
    " verified, and they are notified.",
    button="Request approval",
    success="Approval requested. A second person has to decide it.",
    failure="The approval was not requested",
    confirm="",
)
MORE = Form(
    "more",
    title="Request more information",
    about="The customer is notified and can send what is missing. The tier that they have stays.",
    schema=CustomerMessageSchema,
    button="Send request",
    success="Request sent to the customer.",
    failure="The request was not sent",
    is_secondary=True,
)
REJECT = Form(
    "reject",
    title="Reject",
    about="The customer is notified of the reason and can submit again. What this submission gave"
    " ends; an earlier approval stays.",
    schema=CustomerMessageSchema,
    button="Reject",
    success="Verification rejected. The customer is notified of the reason.",
    failure="The verification was not rejected",
    is_dangerous=True,
    confirm="Reject this verification?",
)
REVOKE = Form(
    "take-back",
    title="Revoke approval",
    about="The customer loses the tier that it gave, is notified of the reason and can submit"
    " again. Payouts of a customer without a tier wait.",
    schema=CustomerMessageSchema,
    button="Revoke approval",
    success="Approval revoked. The customer is notified of the reason.",
    failure="The approval was not revoked",
    is_dangerous=True,
    confirm="Revoke this approval?",
)


# It writes: viewing what a customer submitted is recorded.
@blp.view(
    "GET",
    "/<verification_id>",
    permission=Permission.KYC_READ,
    shows=kyc_queries.PREFIX,
    writes=True,
)
def show_verification(session: Session, actor: Actor, verification_id: str) -> Response:
    """Show a submission: its details and documents, its timeline and the forms to decide it."""
    verification = kyc_queries.by_id(session, ids.decode(kyc_queries.PREFIX, verification_id))
    person_id = verification.user_id
    events = kyc_queries.events(session, verification.id)
    everything = kyc_queries.verifications_of(session, person_id)
    pending = [
        approval
        for approval in approvals_queries.list_pending_about(session, person_id)
        if approval.subject == verification.public_id
    ]
    people_ids = {person_id} | {event.actor_id for event in events if event.actor_id}
    people_ids |= {approval.maker_id for approval in pending}
    claimed, claims = _find_claims(session, actor, verification, everything)
    return render_page(
        "support/kyc/verification.html",
        verification=verification,
        person=people.get_account(session, person_id),
        claimed=claimed,
        claims=claims,
        age=_age_of(claims),
        customer=customer_facts.describe_customer(session, actor, person_id),
        documents=documents.documents_of(session, person_id),
        events=events,
        others=[other for other in everything if other.id != verification.id],
        pending=pending,
        names=people.get_names(session, list(people_ids)),
        permissions=actor.permissions,
        is_self=actor.user_id == person_id,
        forms=_list_forms(actor, verification, is_requested=bool(pending)),
    )


# It writes: viewing a document is recorded.
@blp.view("GET", "/documents/<document_id>", permission=Permission.KYC_READ, writes=True)
def show_document(session: Session, actor: Actor, document_id: str) -> Response:
    """Show a page of a document that a customer uploaded, and record the viewing."""
    number = request.args.get("page", 1, type=int)
    identifier = ids.decode(documents.PREFIX, document_id)
    page = documents.view_page(session, actor, identifier, number)
    response = Response(page, content_type=documents.JPEG)
    response.headers["Content-Security-Policy"] = _DISPLAY_ONLY
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@blp.form(
    "/<verification_id>/approve",
    APPROVE,
    shown_on=show_verification,
    permission=Permission.KYC_REVIEW,
    fresh=True,
)
def approve(
    session: Session, actor: Actor, fields: Mapping[str, str], verification_id: str
) -> Done:
    """Approve an identity, or request the approval of tier 3 or of a company."""
    identifier = ids.decode(kyc_queries.PREFIX, verification_id)
    approval_id = review.approve(session, actor, identifier, reason=fields["reason"])
    return Done(message=(REQUEST_APPROVAL if approval_id else APPROVE).success)


@blp.form(
    "/<verification_id>/reject",
    REJECT,
    shown_on=show_verification,
    permission=Permission.KYC_REVIEW,
    fresh=True,
)
def reject(session: Session, actor: Actor, fields: Mapping[str, str], verification_id: str) -> None:
    """Reject a verification and tell the customer why."""
    _decide(review.reject, session, actor, fields, verification_id)


@blp.form(
    "/<verification_id>/more",
    MORE,
    shown_on=show_verification,
    permission=Permission.KYC_REVIEW,
    fresh=True,
)
def request_information(
    session: Session, actor: Actor, fields: Mapping[str, str], verification_id: str
) -> None:
    """Request more information from the customer."""
    _decide(review.request_more_information, session, actor, fields, verification_id)


@blp.form(
    "/<verification_id>/take-back",
    REVOKE,
    shown_on=show_verification,
    permission=Permission.KYC_DECIDE,
    fresh=True,
)
def revoke_approval(
    session: Session, actor: Actor, fields: Mapping[str, str], verification_id: str
) -> None:
    """Revoke the approval of a verification and tell the customer why."""
    _decide(review.revoke, session, actor, fields, verification_id)


def _decide(
    decide: Callable[..., None],
    session: Session,
    actor: Actor,
    fields: Mapping[str, str],
    verification_id: str,
) -> None:
    identifier = ids.decode(kyc_queries.PREFIX, verification_id)
    decide(
        session, actor, identifier, reasons=[fields["customer_message"]], reason=fields["reason"]
    )


def _list_forms(
    actor: Actor, verification: VerificationRow, *, is_requested: bool
) -> list[tuple[Form, str, bool]]:
    """Return each form with its URL, and whether the status and the actor allow it. The service
    checks again."""
    status, permissions = verification.status, actor.permissions
    may_review = Permission.KYC_REVIEW in permissions and actor.user_id != verification.user_id
    is_open = may_review and status is VerificationStatus.IN_REVIEW and not is_requested
    is_identity = verification.kind is VerificationKind.IDENTITY
    may_reject = may_review and status in review.DECIDABLE
    may_revoke = may_review and Permission.KYC_DECIDE in permissions
    may_revoke = may_revoke and status is VerificationStatus.APPROVED
    forms = (
        (APPROVE if is_identity else REQUEST_APPROVAL, "approve", is_open),
        (MORE, "request_information", is_open),
        (REJECT, "reject", may_reject),
        (REVOKE, "revoke_approval", may_revoke),
    )
    return [
        (
            form,
            url_for(f"support_kyc_pages.{act}", verification_id=verification.public_id),
            is_shown,
        )
        for form, act, is_shown in forms
    ]


def _find_claims(
    session: Session,
    actor: Actor,
    verification: VerificationRow,
    everything: Sequence[VerificationRow],
) -> tuple[VerificationRow, PersonDetails | CompanyDetails | None]:
    """Return what the documents must show, with the verification that it was submitted for: the
    customer's identity where the one to decide consists of documents only."""
    identity = kyc_queries.effective_identity(everything)
    is_documents_only = verification.kind is VerificationKind.ENHANCED
    claimed = identity if is_documents_only and identity is not None else verification
    return claimed, viewing.view_details(session, actor, claimed.id)


def _age_of(claims: PersonDetails | CompanyDetails | None) -> int | None:
    """Return the age in years of the person, None for a company."""
    if not isinstance(claims, PersonDetails):
        return None
    return kyc_rules.full_years_between(claims.date_of_birth, clock.now().date())
