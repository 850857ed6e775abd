"""Redemptions that wait for their approval, for staff."""

from typing import Any

from app.access import Actor, Permission
from app.approvals.errors import ApprovalPending
from app.blueprints.api.schemas import redemption as schemas_redemption
from app.blueprints.api.schemas.fields import PageQuerySchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import RouteReply
from app.flags.rules import Feature
from app.fulfillment.shipments.errors import RecipientNotCleared
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListQuery, fetch_following
from app.redemption.errors import RecipientUnderReview, WrongRedemptionStatus
from app.redemption.requests import fulfilment, listed, queries, review
from app.redemption.requests.rules import PREFIX, RedemptionStatus
from app.screening.errors import RecipientBlocked

blp = ApiBlueprint("vault_redemptions", "/api/vault/redemptions", "Redemptions, for staff")


@blp.operation(
    "GET",
    "/pending",
    operation_id="vaultPendingRedemptions",
    permission=Permission.REDEMPTIONS_READ,
    feature=Feature.VAULT_REDEMPTION,
    query_schema=PageQuerySchema,
    response_schema=schemas_redemption.PendingRedemptionsSchema,
)
def list_pending(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """List the redemptions that wait for their approval, the longest waiting first."""
    waiting = {"status": RedemptionStatus.PENDING_APPROVAL}
    wanted = ListQuery(waiting, "submitted", query.get("cursor"), query["limit"])
    page, _ = fetch_following(session, listed.REDEMPTIONS, wanted)
    return page


@blp.operation(
    "POST",
    "/<redemption_id>/approve",
    operation_id="vaultApproveRedemption",
    permission=Permission.REDEMPTIONS_DECIDE,
    feature=Feature.VAULT_REDEMPTION,
    body_schema=schemas_redemption.ApprovalRequestSchema,
    response_schema=schemas_redemption.StaffRedemptionAnswerSchema,
    other_responses={202: schemas_redemption.RequestedApprovalSchema},
    idempotent=True,
    refusals=(
        NotFound,
        WrongRedemptionStatus,
        RecipientBlocked,
        RecipientUnderReview,
        ApprovalPending,
    ),
)
def approve_redemption(
    session: Session, actor: Actor, body: dict[str, Any], redemption_id: str
) -> object:
    """Approve a redemption: its metal is taken, and its pieces are the customer's.

    A large one is requested from a second person (202), and waits meanwhile. The recipient is
    screened: one who may be listed is decided by compliance first.
    """
    identifier = ids.decode(PREFIX, redemption_id)
    approval_id = review.approve(session, actor, identifier, reason=body.get("reason"))
    answer: dict[str, object] = {"redemption": queries.get_redemption(session, identifier)}
    if approval_id is None:
        return answer
    return RouteReply({**answer, "approval_id": approval_id}, status=202)


@blp.operation(
    "POST",
    "/<redemption_id>/reject",
    operation_id="vaultRejectRedemption",
    permission=Permission.REDEMPTIONS_DECIDE,
    feature=Feature.VAULT_REDEMPTION,
    body_schema=schemas_redemption.RejectionSchema,
    response_schema=schemas_redemption.StaffRedemptionAnswerSchema,
    idempotent=True,
    refusals=(NotFound, WrongRedemptionStatus),
)
def reject_redemption(
    session: Session, actor: Actor, body: dict[str, Any], redemption_id: str
) -> object:
    """Reject a redemption: everything is released. The customer is notified, without the reason."""
    identifier = ids.decode(PREFIX, redemption_id)
    review.reject(session, actor, identifier, reason=body["reason"])
    return {"redemption": queries.get_redemption(session, identifier)}


@blp.operation(
    "POST",
    "/<redemption_id>/ship",
    operation_id="vaultShipRedemption",
    permission=Permission.SHIPMENTS_WORK,
    feature=Feature.VAULT_REDEMPTION,
    body_schema=schemas_redemption.HandedToCarrierSchema,
    response_schema=schemas_redemption.StaffRedemptionAnswerSchema,
    idempotent=True,
    refusals=(NotFound, WrongRedemptionStatus, RecipientNotCleared),
)
def ship_redemption(
    session: Session, actor: Actor, body: dict[str, Any], redemption_id: str
) -> object:
    """Note that the pieces of a redemption are packed and that the carrier has them.

    The recipient is screened again. At the station of the desk, pieces are scanned one by one.
    """
    identifier = ids.decode(PREFIX, redemption_id)
    fulfilment.ship(
        session,
        actor,
        identifier,
        carrier=body["carrier"].label if "carrier" in body else "",
        tracking_number=body.get("tracking_number", ""),
    )
    return {"redemption": queries.get_redemption(session, identifier)}
