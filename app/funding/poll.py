"""Checking every open payment again, whether a webhook came or not."""

from datetime import timedelta

from app.catalog.rules import PaymentMethod
from app.funding.card_refunds import service as card_refunds
from app.funding.deposits import service as deposits
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import service as withdrawals
from app.kit import clock
from app.kit.db import Session
from app.outbox import service as outbox

#: The time between two checks of a payment; longer once it has been open for an hour.
_PAUSE = timedelta(seconds=20)
_PAUSE_WHEN_OLD = timedelta(minutes=5)
_OLD = timedelta(hours=1)
_REVIEW_PAUSE = timedelta(minutes=2)
_BATCH = 200

# A selected row counts as checked, so that the next poll selects others. The statuses are written
# as the partial indexes have them.
_DEPOSITS = """
UPDATE deposits SET looked_at = %(now)s WHERE id = ANY (ARRAY(
    SELECT id FROM deposits
    WHERE status IN ('requested', 'unknown', 'pending') AND method <> 'bank'
        AND looked_at < CASE WHEN requested_at < %(long_ago)s THEN %(old_before)s
            ELSE %(before)s END
    ORDER BY looked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING id, method, provider
"""
# A bank is asked for a customer's account, not for each transfer that they announced: all of them
# are checked as soon as one is due.
_BANK_DEPOSITS = """
WITH due AS (
    SELECT DISTINCT user_id, provider FROM deposits
    WHERE status IN ('requested', 'unknown', 'pending') AND method = 'bank'
        AND looked_at < CASE WHEN requested_at < %(long_ago)s THEN %(old_before)s
            ELSE %(before)s END
    LIMIT %(limit)s
), checked AS (
    UPDATE deposits SET looked_at = %(now)s WHERE id = ANY (ARRAY(
        SELECT id FROM deposits JOIN due USING (user_id, provider)
        WHERE status IN ('requested', 'unknown', 'pending') AND method = 'bank'
        FOR UPDATE OF deposits SKIP LOCKED
    )) RETURNING id, user_id, method, provider
)
SELECT DISTINCT ON (user_id, provider) id, method, provider FROM checked
ORDER BY user_id, provider, id
"""
_CARD_REFUNDS = """
UPDATE card_refunds SET looked_at = %(now)s WHERE id = ANY (ARRAY(
    SELECT id FROM card_refunds
    WHERE status = 'requested'
        AND looked_at < CASE WHEN requested_at < %(long_ago)s THEN %(old_before)s
            ELSE %(before)s END
    ORDER BY looked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
_WITHDRAWALS = """
UPDATE withdrawals SET looked_at = %(now)s WHERE id = ANY (ARRAY(
    SELECT id FROM withdrawals
    WHERE status IN ('in_review', 'approved', 'sending', 'unknown', 'sent')
        AND (status <> 'approved' OR payable_from <= %(now)s)
        AND looked_at < CASE WHEN status = 'in_review' THEN %(reviewed_before)s
            WHEN requested_at < %(long_ago)s THEN %(old_before)s ELSE %(before)s END
    ORDER BY looked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING id, status, provider
"""


def poll_payments(session: Session) -> None:
    """Stage the check of every open payment to us, to a card or to customers, those that waited
    longest first."""
    now = clock.now()
    values = {
        "now": now, "before": now - _PAUSE, "reviewed_before": now - _REVIEW_PAUSE,
        "old_before": now - _PAUSE_WHEN_OLD, "long_ago": now - _OLD, "limit": _BATCH,
    }  # fmt: skip
    for deposit_id, method, provider in (
        *session.rows(_DEPOSITS, values),
        *session.rows(_BANK_DEPOSITS, values),
    ):
        deposits.stage_advance(session, deposit_id, PaymentMethod(method), provider)
    for (refund_id,) in session.rows(_CARD_REFUNDS, values):
        card_refunds.stage_advance(session, refund_id)
    for withdrawal_id, status, provider in session.rows(_WITHDRAWALS, values):
        if status == WithdrawalStatus.IN_REVIEW:
            args = {"withdrawal_id": str(withdrawal_id)}
            outbox.stage(session, "funding.review_withdrawal", args)
        else:
            withdrawals.stage_sending(session, withdrawal_id, provider)
