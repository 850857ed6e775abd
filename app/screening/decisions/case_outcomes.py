"""What follows when a case is closed: the same subject passes from then on, or is blocked.

A customer who is blocked is suspended at once. Rooms above that depend on a decision subscribe to
`ScreeningDecided`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from app.access import Permission, Role
from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.registry import CaseOutcome
from app.cases.service import PREFIX as CASE
from app.identity.accounts import account_status, people
from app.identity.accounts.rules import AccountStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.outbox import service as outbox
from app.screening.decisions.consequences import describe_effect
from app.screening.facts import ScreeningDecided
from app.screening.rules import Verdict

CASE_KIND = "screening.hit"
TRUE_MATCH, NOT_A_MATCH = "true_match", "not_a_match"

_HITS_OF_CASE = """
SELECT DISTINCT h.entry_number FROM screenings s JOIN screening_hits h ON h.screening_id = s.id
WHERE s.case_id = %s AND NOT h.cleared ORDER BY 1
"""
_DECIDE = """
INSERT INTO screening_decisions (id, subject_key, person_id, entry_number, decision, case_id,
    decided_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (subject_key, entry_number) WHERE lifted_at IS NULL DO NOTHING
"""
_LIFT = """
UPDATE screening_decisions SET lifted_at = %s WHERE case_id = %s AND lifted_at IS NULL
"""
_IS_BLOCKED = """
SELECT EXISTS (SELECT FROM screening_decisions
    WHERE decision = 'match' AND lifted_at IS NULL
    AND (person_id = %(person)s OR subject_key = %(key)s))
"""
_ABOUT = "SELECT DISTINCT about FROM screenings WHERE case_id = %s ORDER BY about"


def _apply_decision(session: Session, outcome: CaseOutcome) -> None:
    decision = "match" if outcome.disposition == TRUE_MATCH else "no_match"
    key, now = bytes.fromhex(outcome.key), clock.now()
    for (entry_number,) in session.rows(_HITS_OF_CASE, (outcome.case_id,)):
        session.send(
            _DECIDE,
            (ids.new(), key, outcome.person_id, entry_number, decision, outcome.case_id, now),
        )
    if outcome.disposition == TRUE_MATCH and outcome.person_id is not None:
        # Suspended now, so that nothing moves before staff decide what follows.
        reason = f"Sanctions match in case {ids.encode(CASE, outcome.case_id)}"
        ended = people.count_open_sessions(session, outcome.person_id, now)
        if account_status.suspend_customer(
            session, outcome.actor, outcome.person_id, reason=reason
        ):
            text = f"Customer suspended. {format_number_of(ended, 'active session')} ended."
            cases.record_consequence(session, outcome.case_id, text)
    _publish(session, outcome, Verdict.CLEAR)


def _lift_decision(session: Session, outcome: CaseOutcome) -> None:
    session.send(_LIFT, (clock.now(), outcome.case_id))
    text = "Sanctions decision withdrawn. Its hits wait for a decision again."
    cases.record_consequence(session, outcome.case_id, text)
    _publish(session, outcome, Verdict.REVIEW)


def _publish(session: Session, outcome: CaseOutcome, verdict: Verdict) -> None:
    """Publish the resulting verdict of everything that was screened in the case.

    A subject that is blocked for another reason stays blocked.
    """
    [[(is_blocked,)], screened_ids] = session.fetch(
        (_IS_BLOCKED, {"person": outcome.person_id, "key": bytes.fromhex(outcome.key)}),
        (_ABOUT, (outcome.case_id,)),
    )
    if is_blocked:
        verdict = Verdict.BLOCKED
    for (about,) in screened_ids:
        outbox.publish(
            session, ScreeningDecided(about, outcome.person_id, verdict, outcome.case_id)
        )


def _describe_consequences(
    session: Session, case_id: UUID, person_id: UUID | None
) -> Mapping[str, Sequence[str]]:
    """Return what would follow from each disposition now."""
    blocked = "Blocks the subject: until the case is reopened, no screening passes"
    match = [f"{blocked}, and a customer has no limits."]
    if person_id is not None:
        match.append(_describe_suspension(session, person_id))
    no_match = ["The subject passes these list entries from now on."]
    for (about,) in session.rows(_ABOUT, (case_id,)):
        effect = describe_effect(session, about)
        match += [effect.match] if effect.match else []
        no_match += [effect.no_match] if effect.no_match else []
    return {NOT_A_MATCH: no_match, TRUE_MATCH: match}


def _describe_suspension(session: Session, person_id: UUID) -> str:
    account = people.get_account(session, person_id)
    if account.role is not Role.USER:
        return "Does not suspend the account, which is of a member of staff: request it separately."
    if account.status is not AccountStatus.ACTIVE:
        return f"Does not change the customer's account status: {account.status.label}."
    count = people.count_open_sessions(session, person_id, clock.now())
    sessions = format_number_of(count, "active session")
    return f"Suspends the customer at once and ends {sessions}. To lift this takes two people."


cases_registry.register(
    cases_registry.CaseKind(
        CASE_KIND,
        "Sanctions screening",
        dispositions=MappingProxyType({NOT_A_MATCH: "False positive", TRUE_MATCH: "True match"}),
        read_permission=Permission.SCREENING_READ,
        on_closed=_apply_decision,
        on_reopened=_lift_decision,
        consequences=_describe_consequences,
        reopening="Reopening withdraws the sanctions decision: the hits wait for a decision again."
        " It undoes nothing else. A suspension stays until two people lift it, ended sessions stay"
        " ended, and rejected withdrawals and verifications stay rejected.",
    )
)
