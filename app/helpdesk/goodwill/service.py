"""Credit a customer for goodwill: small credits at once, large ones with a second person."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals.errors import SelfApproval
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD
from app.helpdesk.goodwill import rules
from app.helpdesk.goodwill.models import GoodwillCredit
from app.helpdesk.goodwill.rules import PREFIX, GoodwillRules
from app.identity.accounts import locked_person
from app.identity.accounts.locked_person import LockedPerson
from app.identity.errors import OwnAccountChange
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.desk_kinds import GoodwillCredited
from app.settings.queries import current

CREDIT = "goodwill.credit"
_DAY = timedelta(days=1)
_GIVEN_ALONE = """
SELECT coalesce(sum(units), 0)::bigint FROM goodwill_credits
WHERE actor_id = %s AND checker_id IS NULL AND at > %s
"""


def credit(
    session: Session, actor: Actor, person_id: UUID, amount_text: str, *, reason: str
) -> UUID | None:
    """Credit dollars to a customer. From the sum of a setting on, request it instead, and return
    the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnAccountChange`, `PersonErased`, `ApprovalPending`,
    and `Invalid` for the amount and the reason.
    """
    require(actor, Permission.PEOPLE_CREDIT)
    limits = current(session, GoodwillRules)
    amount = rules.parse_credit(amount_text, limits.credit_max)
    reason = approvals_rules.clean_reason(reason)
    # The own row first: two credits of one person at once would each see only what was before.
    locked_person.lock_person(session, actor.user_id)
    person = locked_person.lock_person(session, person_id)
    if person.id == actor.user_id:
        raise OwnAccountChange
    given = session.value(_GIVEN_ALONE, (actor.user_id, clock.now() - _DAY))
    if Amount(USD, given) + amount < limits.approval_from:
        _carry_out(session, person, amount, actor=actor, reason=reason)
        return None
    return locked_person.request_approval(
        session, actor, CREDIT, person, reason, amount=f"{amount} USD"
    )


def _carry_out(
    session: Session,
    person: LockedPerson,
    amount: Amount,
    *,
    actor: Actor,
    reason: str,
    maker_id: UUID | None = None,
    evidence: Mapping[str, str] | None = None,
) -> None:
    """Post the credit. `actor` is who decides: alone, or on the request of `maker_id`."""
    credit_id, now = ids.new(), clock.now()
    reference = ids.encode(PREFIX, credit_id)
    session.write(
        sa.insert(GoodwillCredit).values(
            id=credit_id,
            user_id=person.id,
            actor_id=maker_id or actor.user_id,
            checker_id=None if maker_id is None else actor.user_id,
            units=amount.units,
            at=now,
        )
    )
    ledger.post(
        session,
        cause="goodwill",
        reference=reference,
        posted_at=now,
        postings=[
            ledger.debit(chart.goodwill(USD), amount),
            ledger.credit(chart.customer(person.id, USD), amount),
        ],
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODWILL_CREDITED,
        subject=reference,
        on_behalf_of=person.id,
        after={"amount": f"{amount} USD", **(evidence or {})},
        reason=reason,
    )
    notifications.notify(session, GoodwillCredited(amount), to=person.id, event=reference)


def _amount_in(payload: Mapping[str, str]) -> Amount:
    return Amount.parse(USD, payload["amount"].removesuffix(" USD"))


def _compare(session: Session, payload: Mapping[str, str]) -> ProposedChange:
    person = locked_person.lock_payload_person(session, payload)
    named = {"person": person.public_id}
    return ProposedChange(named, {**named, "amount": payload["amount"]})


def _check(_session: Session, actor: Actor, payload: Mapping[str, str]) -> None:
    """Raise `SelfApproval` for a credit to the staff member's own account."""
    if ids.decode("usr", payload["person"]) == actor.user_id:
        raise SelfApproval


def _execute(session: Session, approved: ApprovedRequest) -> None:
    _carry_out(
        session,
        locked_person.lock_payload_person(session, approved.payload),
        _amount_in(approved.payload),
        actor=approved.checker,
        reason=approved.reason,
        maker_id=approved.maker_id,
        evidence=locked_person.approval_evidence(approved),
    )


approvals_registry.register(
    ApprovalAction(
        CREDIT,
        "Credit a customer for goodwill",
        Permission.PEOPLE_CREDIT,
        _compare,
        _check,
        _execute,
        locked_person.describe_person,
        lambda fields: f"credit {fields['amount']} to {fields['person']}",
        {"amount": format_exact_amount},
        follows="The dollars are in the customer's balance at once. They are notified.",
    )
)
