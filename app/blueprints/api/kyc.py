"""Verification: submission of identities, businesses and documents, and its status."""

from dataclasses import fields
from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import kyc as schemas_kyc
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit
from app.blueprints.api_operation import RouteReply
from app.funding import customer_limits
from app.kit.db import Database, Session
from app.kit.errors import RateLimited
from app.kyc import status as kyc_status
from app.kyc.errors import DocumentsFull, VerificationOpen
from app.kyc.evidence import documents
from app.kyc.submission import service as submission
from app.pictures.file_types import BYTES_MAX

blp = ApiBlueprint("kyc", "/api/kyc", "Verification of people and companies")


def _status_of(session: Session, actor: Actor) -> dict[str, Any]:
    status = kyc_status.status_of(session, actor.user_id)
    shown = {each.name: getattr(status, each.name) for each in fields(status)}
    return shown | {"limits": customer_limits.tier_limits(session, actor.user_id)}


@blp.operation(
    "POST",
    "/submit",
    operation_id="kycSubmit",
    permission=Permission.KYC_SUBMIT,
    body_schema=schemas_kyc.SubmitIdentitySchema,
    response_schema=schemas_kyc.VerifiedSchema,
    status=201,
    refusals=(VerificationOpen, RateLimited),
)
def submit_identity(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Submit identity.

    The data alone give tier 1 once the email address is confirmed; approval by the provider gives
    tier 2. If the provider needs more from the caller, `verificationUrl` is where to continue.
    """
    submission.submit(session, actor, body)
    return _status_of(session, actor)


@blp.operation(
    "POST",
    "/documents",
    operation_id="kycSendDocument",
    permission=Permission.KYC_SUBMIT,
    body_schema=schemas_kyc.SendDocumentSchema,
    file_bytes_max=BYTES_MAX,
    response_schema=schemas_kyc.DocumentSchema,
    status=201,
    other_responses={200: schemas_kyc.DocumentSchema},
    rate_limit=RateLimit.UPLOAD,
    refusals=(DocumentsFull,),
    own_transactions=True,
)
def send_document(database: Database, actor: Actor, body: dict[str, Any]) -> object:
    """Upload a document.

    A JPEG, PNG, HEIC, AVIF, WEBP or TIFF picture or a PDF, 8 MiB at most. Its content decides,
    whatever its name and media type say. It is `received` at first; within seconds it is `accepted`
    or `refused`, and `message` says why (`GET /api/kyc/status`). The same file sent again for the
    same type gets the status 200. Once an identity, an address and a funds document are accepted, a
    customer of tier 2 is reviewed for tier 3.
    """
    upload = body["file"]
    file = documents.check_upload(upload.content, name=upload.name)
    with database.transaction() as session:
        added, is_new = documents.add_document(session, actor, purpose=body["type"], upload=file)
    return added if is_new else RouteReply(added, 200)


@blp.operation(
    "POST",
    "/kyb/submit",
    operation_id="kycSubmitBusiness",
    permission=Permission.KYC_SUBMIT,
    body_schema=schemas_kyc.SubmitBusinessSchema,
    response_schema=schemas_kyc.VerifiedSchema,
    status=201,
    refusals=(VerificationOpen, RateLimited),
)
def submit_business(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Submit business.

    Name every person who owns 25 percent or more of the company, and a person who controls it. Our
    staff decide once documents prove its registration and its owners.
    """
    submission.submit_business(session, actor, body)
    return _status_of(session, actor)


@blp.operation(
    "GET",
    "/status",
    operation_id="kycStatus",
    permission=Permission.KYC_STATUS,
    response_schema=schemas_kyc.VerifiedSchema,
)
def show_status(session: Session, actor: Actor) -> object:
    """Show the verification status.

    It comes with the limits that follow from it, and what is missing for the next tier.
    """
    return _status_of(session, actor)
