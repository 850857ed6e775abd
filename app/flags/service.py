"""The verb of feature flags: narrow a feature at once, or widen it with a second person."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.flags import queries, rules
from app.flags.errors import FlagUnchanged
from app.flags.models import FlagChange
from app.flags.rules import Cohort, Feature
from app.identity.accounts.people import get_names
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid

WIDEN = "flag.widen"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('flags', 0))"


@dataclass(frozen=True, slots=True)
class _Change:
    """A cohort before and after, while no other change can be made."""

    feature: Feature
    before: Cohort
    after: Cohort

    @property
    def proposed(self) -> ProposedChange:
        """Both cohorts, for the checker to read."""
        return ProposedChange(_written(self.before), _written(self.after))


def change_flag(
    session: Session, actor: Actor, feature: Feature, *, share: str, people: str, reason: str
) -> UUID | None:
    """Let a share of all people, and these people in any case, have the feature. What takes it from
    people counts at once. What gives it to people is requested from a second person: then return
    the id of the request.

    Raises `PermissionDenied`, `Invalid` naming the field, `FlagUnchanged` and `ApprovalPending`.
    """
    require(actor, Permission.FLAGS_EDIT)
    listed = rules.parse_people(people)
    _require_people(session, listed)
    payload = {
        "feature": feature.value,
        "share": str(rules.parse_share(share)),
        "people": rules.write_people(listed),
    }
    change = _lock(session, payload)
    if not change.after.is_within(change.before):
        return approvals.request_approval(
            session, actor, WIDEN, payload, subject=feature.value, reason=reason
        )
    _store(
        session,
        change,
        actor=actor,
        maker_id=actor.user_id,
        reason=approvals_rules.clean_reason(reason),
    )
    return None


def _require_people(session: Session, people: frozenset[UUID]) -> None:
    missing = people - get_names(session, people).keys()
    if missing:
        raise Invalid("people", f"There is no person with the ID {rules.write_people(missing)}.")


def _written(cohort: Cohort) -> TextFields:
    return {"share": f"{cohort.share} %", "people": rules.write_people(cohort.people) or "–"}


def _lock(session: Session, payload: TextFields) -> _Change:
    """Return the cohorts before and after. Locks all flags, so that none changes meanwhile."""
    session.send(_LOCK)
    feature = Feature(payload["feature"])
    before = queries.get_cohort(session, feature)
    after = Cohort(rules.parse_share(payload["share"]), rules.parse_people(payload["people"]))
    if before == after:
        raise FlagUnchanged
    return _Change(feature, before, after)


def _store(
    session: Session,
    change: _Change,
    *,
    actor: Actor,
    maker_id: UUID,
    reason: str,
    approval_id: UUID | None = None,
) -> None:
    session.write(
        sa.insert(FlagChange).values(
            id=ids.new(),
            feature=change.feature,
            share=change.after.share,
            people=sorted(change.after.people),
            reason=reason,
            maker_id=maker_id,
            approval_id=approval_id,
            made_at=clock.now(),
        )
    )
    approved = {"approval": ids.encode("apr", approval_id)} if approval_id else {}
    audit.record(
        session,
        actor=actor,
        action=AuditAction.FLAG_CHANGED,
        subject=change.feature.value,
        before=change.proposed.before,
        after={**change.proposed.after, **approved},
        reason=reason,
    )


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    return _lock(session, payload).proposed


def _execute(session: Session, approved: ApprovedRequest) -> None:
    _store(
        session,
        _lock(session, approved.payload),
        actor=approved.checker,
        maker_id=approved.maker_id,
        reason=approved.reason,
        approval_id=approved.id,
    )


def _check(_session: Session, _actor: Actor, payload: TextFields) -> None:
    """Require that the program still knows the feature."""
    if Feature.with_value(payload["feature"]) is None:
        raise Invalid("feature", "There is no such feature any more.")


def _describe(_session: Session, _actor: Actor, subject: str) -> TextFields:
    """Return what the feature is, and what the environment has to say."""
    feature = Feature(subject)
    return {"Feature": feature.label, "Needs": feature.needs}


approvals_registry.register(
    ApprovalAction(
        WIDEN,
        "Widen a feature",
        Permission.FLAGS_EDIT,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"give it to {fields['share']} of all people",
    )
)
