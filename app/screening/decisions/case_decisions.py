"""What follows from deciding a case: the same subject passes from then on, or is blocked; a
customer who is blocked is suspended at once.

Rooms above that wait for a decision name a task with `tell`; it is staged with each decision.
"""

from types import MappingProxyType

from app.access import Permission
from app.cases import registry as cases_registry
from app.cases.registry import Ended
from app.cases.service import PREFIX as CASE
from app.identity.accounts import account_status
from app.kit import clock, ids
from app.kit.db import Session
from app.outbox import service as outbox
from app.screening.rules import Verdict

KIND = "screening.hit"
MATCH, NO_MATCH = "true_match", "not_a_match"

_FOUND = """
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

_LISTENERS: list[str] = []


def tell(task: str) -> None:
    """From now on each decision stages this task, once for everything that was screened in its
    case: `{"about": …, "person_id": … or null, "verdict": "clear" | "review" | "blocked"}`."""
    if task not in _LISTENERS:
        _LISTENERS.append(task)


def _closed(session: Session, ended: Ended) -> None:
    decision = "match" if ended.disposition == MATCH else "no_match"
    key, now = bytes.fromhex(ended.key), clock.now()
    for (number,) in session.rows(_FOUND, (ended.case_id,)):
        session.send(
            _DECIDE, (ids.new(), key, ended.person_id, number, decision, ended.case_id, now)
        )
    if ended.disposition == MATCH and ended.person_id is not None:
        # Nothing of theirs is to move while a second person is asked.
        reason = f"A listed party, by {ids.encode(CASE, ended.case_id)}"
        account_status.suspend_customer(session, ended.actor, ended.person_id, reason=reason)
    _tell_listeners(session, ended, Verdict.CLEAR)


def _reopened(session: Session, ended: Ended) -> None:
    session.send(_LIFT, (clock.now(), ended.case_id))
    _tell_listeners(session, ended, Verdict.REVIEW)


def _tell_listeners(session: Session, ended: Ended, verdict: Verdict) -> None:
    """What the decision comes to: whoever is blocked for another reason stays so."""
    [[(is_blocked,)], abouts] = session.fetch(
        (_IS_BLOCKED, {"person": ended.person_id, "key": bytes.fromhex(ended.key)}),
        (_ABOUT, (ended.case_id,)),
    )
    if is_blocked:
        verdict = Verdict.BLOCKED
    for (about,) in abouts:
        args = {"about": about, "person_id": str(ended.person_id) if ended.person_id else None}
        for task in _LISTENERS:
            outbox.stage(session, task, {**args, "verdict": str(verdict)})


cases_registry.register(
    cases_registry.Kind(
        KIND,
        "Sanctions screening",
        dispositions=MappingProxyType(
            {NO_MATCH: "Not a match: somebody else", MATCH: "True match: a listed party"}
        ),
        read=Permission.SCREENING_READ,
        closed=_closed,
        reopened=_reopened,
    )
)
