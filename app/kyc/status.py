"""How far somebody is, as they are told it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import clock
from app.kit.db import Session
from app.kyc import queries, rules
from app.kyc.evidence import documents
from app.kyc.evidence.documents import Document
from app.kyc.queries import Standing, Verification
from app.kyc.review import enhanced_due_diligence
from app.kyc.rules import BUSINESS_NEEDS, OPEN, REASON_TEXTS, Kind, Reason, Status
from app.kyc.submission import queries as submission_queries

#: Of who has submitted nothing.
NONE = "none"


@dataclass(frozen=True, slots=True)
class Told:
    """Why, in words."""

    code: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """A verification as its person sees it."""

    id: UUID | None
    status: str
    submitted_at: datetime | None
    decided_at: datetime | None
    expires_at: datetime | None
    reasons: list[Told]


_NOTHING = Step(None, NONE, None, None, None, [])


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that somebody is told. `identity` is the one that counts."""

    identity: Step
    standing: Standing
    missing: list[str]
    verification_url: str | None
    documents: list[Document]
    renewal: Step | None
    upgrade: Step | None
    business: Step | None


def of(session: Session, user_id: UUID) -> Overview:
    """How far a person is, what they may do for it, and what the next tier needs."""
    found, sent = queries.of_person(session, user_id), documents.of_person(session, user_id)
    standing, best = queries.standing_of(session, user_id, found), queries.best_of(found)
    newest = {kind: next((each for each in found if each.kind is kind), None) for kind in Kind}
    latest, company = newest[Kind.IDENTITY], newest[Kind.BUSINESS]
    waits = latest is not None and latest.status is Status.PENDING
    confirmed = account_queries.get_person(session, user_id).email_confirmed
    return Overview(
        _step(best) or _NOTHING,
        standing,
        _missing(standing, latest, company, sent, confirmed=confirmed),
        submission_queries.link_of(session, latest.id) if latest is not None and waits else None,
        sent,
        _step(latest) if latest is not best else None,
        _step(newest[Kind.ENHANCED]),
        _step(company),
    )


def _missing(
    standing: Standing,
    latest: Verification | None,
    company: Verification | None,
    sent: list[Document],
    *,
    confirmed: bool,
) -> list[str]:
    """What the person can do for the next tier, and for their company."""
    missing = [] if confirmed else ["email"]
    if latest is None or latest.status in {Status.REJECTED, Status.EXPIRED, Status.MORE_NEEDED}:
        missing.append("identity")
    if standing.tier == rules.TIER_VERIFIED:
        missing += [f"document:{each}" for each in enhanced_due_diligence.missing(sent)]
    if company is not None and company.status in OPEN:
        there = {each.purpose for each in sent}
        missing += [f"document:{each}" for each in BUSINESS_NEEDS if each not in there]
    return missing


def _step(found: Verification | None) -> Step | None:
    if found is None:
        return None
    return Step(
        found.id,
        found.status_at(clock.now()),
        found.submitted_at,
        found.decided_at,
        found.expires_at,
        [Told(each, REASON_TEXTS[each]) for each in found.reasons],
    )
