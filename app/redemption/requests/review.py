"""What staff decide: approve a redemption, with a second person above a setting, or reject it."""

from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_amount, format_exact_amount, format_time
from app.ledger import service as ledger
from app.ledger.errors import HoldNotPending
from app.outbox import service as outbox
from app.redemption.errors import OwnRedemption, RecipientUnderReview, WrongRedemptionStatus
from app.redemption.quotes.rules import RedemptionRules
from app.redemption.requests import messages, postings, queries, status_changes
from app.redemption.requests.goods import list_goods
from app.redemption.requests.holds import REDEMPTION_CAUSE
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import PREFIX, RedemptionStatus
from app.screening import recipients
from app.screening.errors import RecipientBlocked
from app.screening.rules import Verdict
from app.settings.queries import current
from app.vault.stock import service as stock

APPROVE = "redemption.approve"
#: The reason of a request for a second person where its maker gave none.
_REVIEWED = "Reviewed and in order."


def approve(
    session: Session, actor: Actor, redemption_id: UUID, *, reason: str | None = None
) -> UUID | None:
    """Approve a redemption: post it, and have it fulfilled. One that is worth more than one person
    may approve is requested from a second one: then return the id of the request.

    Raises `PermissionDenied`, `OwnRedemption`, `WrongRedemptionStatus`, `RecipientBlocked`, which
    rejects the redemption, `RecipientUnderReview`, `ApprovalPending`, and `Invalid` for the reason.
    """
    require(actor, Permission.REDEMPTIONS_DECIDE)
    if is_large(session, queries.get_redemption(session, redemption_id)):
        return approvals.request_approval(
            session,
            actor,
            APPROVE,
            {"redemption": ids.encode(PREFIX, redemption_id)},
            subject=ids.encode(PREFIX, redemption_id),
            subject_id=queries.get_redemption(session, redemption_id).user_id,
            reason=reason or _REVIEWED,
        )
    redemption = _lock_waiting(session, redemption_id)
    _check_other(redemption, actor)
    match _approve(session, redemption, actor, reason):
        case Verdict.CLEAR:
            return None
        case Verdict.BLOCKED:
            raise RecipientBlocked().keeping_records()
    raise RecipientUnderReview().keeping_records()


def is_large(session: Session, redemption: Redemption) -> bool:
    """Return whether a second person has to approve a redemption."""
    return current(session, RedemptionRules).approval_from <= redemption.quote.goods_value


def reject(session: Session, actor: Actor, redemption_id: UUID, *, reason: str) -> None:
    """Reject a redemption, and release what it holds. The reason is for staff.

    Raises `PermissionDenied`, `OwnRedemption`, `WrongRedemptionStatus`, and `Invalid` for the
    reason.
    """
    require(actor, Permission.REDEMPTIONS_DECIDE)
    reason = approvals_rules.clean_reason(reason)
    redemption = _lock_waiting(session, redemption_id)
    _check_other(redemption, actor)
    _reject(session, redemption, actor, reason, clock.now())


def _lock_waiting(session: Session, redemption_id: UUID) -> Redemption:
    """Return a redemption that waits for its approval, locked. Raises `WrongRedemptionStatus`."""
    redemption = queries.lock_redemption(session, redemption_id)
    is_waiting = redemption.status is RedemptionStatus.PENDING_APPROVAL
    if not is_waiting or redemption.expires_at <= clock.now():
        raise WrongRedemptionStatus
    return redemption


def _check_other(redemption: Redemption, actor: Actor) -> None:
    if redemption.user_id == actor.user_id:
        raise OwnRedemption


def _reject(
    session: Session, redemption: Redemption, actor: Actor, reason: str, at: datetime
) -> None:
    status_changes.end(
        session, redemption, RedemptionStatus.REJECTED, at=at, actor=actor, evidence=reason
    )
    messages.notify_of_end(session, redemption, RedemptionStatus.REJECTED)


def _approve(
    session: Session, redemption: Redemption, actor: Actor, reason: str | None
) -> Verdict | None:
    """Screen the recipient of a locked redemption, and return the verdict; None without a list.
    Clear, it is posted; to a listed party, it is rejected; otherwise it goes on waiting."""
    at = clock.now()
    verdict = recipients.screen_recipient(
        session, redemption.user_id, redemption.shipping_address, about=redemption.public_id
    )
    if verdict is Verdict.CLEAR:
        _post(session, redemption, at)
        status_changes.transition(
            session, redemption, RedemptionStatus.APPROVED, at=at, actor=actor, evidence=reason
        )
        args = {"redemption_id": str(redemption.id)}
        outbox.stage(session, "redemption.request_shipments", args)
        messages.notify_of_approval(session, redemption)
    elif verdict is Verdict.BLOCKED:
        _reject(session, redemption, actor, f"screening: {verdict}", at)
    else:
        status_changes.record_event(
            session,
            redemption,
            redemption.status,
            before=redemption.status,
            at=at,
            actor=actor,
            evidence=f"screening: {verdict or 'no list'}",
        )
    return verdict


def _post(session: Session, redemption: Redemption, at: datetime) -> None:
    """Post the one entry of a redemption: metal and dollars, and the goods."""
    found = list_goods(session, redemption)
    money = [redemption.money_hold_id] if redemption.money_hold_id else []
    # The holds end at the same instant as the time for the decision.
    with session.refusing(HoldNotPending, WrongRedemptionStatus):
        _, given = stock.give_to(
            session,
            found.goods,
            owner_id=redemption.user_id,
            reference=redemption.public_id,
            at=at,
            hold_ids=found.hold_ids,
        )
        ledger.post(
            session,
            cause=REDEMPTION_CAUSE,
            reference=redemption.public_id,
            posted_at=at,
            postings=[
                *given,
                *postings.post_payment(redemption),
                *postings.post_shipping(redemption, found.ounces),
            ],
            hold_ids=[*found.hold_ids, redemption.metal_hold_id, *money],
        )


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    redemption = _lock_waiting(session, _id_of(payload))
    quote = redemption.quote
    facts = {
        "amount": f"{quote.amount} {quote.asset.code}",
        "worth": format_amount(quote.goods_value),
        "pieces": ", ".join(f"{item.quantity} x {item.sku}" for item in quote.items),
        "customer": ids.encode("usr", redemption.user_id),
    }
    return ProposedChange(
        {"status": redemption.status}, {"status": RedemptionStatus.APPROVED, **facts}
    )


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `OwnRedemption` for the staff member's own redemption."""
    _check_other(_lock_waiting(session, _id_of(payload)), actor)


def _execute(session: Session, approved: ApprovedRequest) -> None:
    redemption = _lock_waiting(session, _id_of(approved.payload))
    _approve(session, redemption, approved.checker, approved.reason)


def _id_of(payload: TextFields) -> UUID:
    return ids.decode(PREFIX, payload["redemption"])


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return when it was submitted, and until when it has to be decided."""
    if Permission.REDEMPTIONS_READ not in actor.permissions:
        return {}
    redemption = queries.get_redemption(session, ids.decode(PREFIX, subject))
    return {
        "Submitted": format_time(redemption.submitted_at),
        "To be decided by": format_time(redemption.expires_at),
    }


approvals_registry.register(
    ApprovalAction(
        APPROVE,
        "Approve a redemption",
        Permission.REDEMPTIONS_DECIDE,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"redeem {fields['amount']}",
        {"status": label_of(RedemptionStatus), "amount": format_exact_amount},
        follows="The customer's metal is taken, and the pieces are packed for them.",
    )
)
