"""Verification by the provider: two transactions with the call between them.

The provider knows a verification by our id, so calling again starts nothing new: an interrupted
job can always be repeated. The content of a webhook is not trusted; it makes us fetch the current
state, as polling does, and both end in the same function. The order, number or loss of webhooks
does not matter.

A decision stands, whatever the provider says later, until a person changes it: a late word that
contradicts it, or comes from a second session of the same person, is a case.
"""

from datetime import timedelta
from uuid import UUID

from app.access import Permission
from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.registry import CaseKind
from app.identity.accounts import queries as account_queries
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kyc import queries
from app.kyc.queries import VerificationRow
from app.kyc.review import automatic_decisions, transitions
from app.kyc.rules import AWAITING_DECISION, VerificationKind, VerificationStatus
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import PersonDetails
from app.kyc.submission.ports import (
    IdentityProvider,
    ProviderVerification,
    VerificationOutcome,
    VerificationRequest,
)
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderRefused

#: Time between two polls of the provider, at least and at most; in between, a tenth of the time
#: since submission.
POLL_INTERVAL_MIN, POLL_INTERVAL_MAX = timedelta(minutes=1), timedelta(hours=6)
_AGE_PER_INTERVAL = 10
_BATCH = 200

CASE_KIND = "kyc.late_result"
_FINAL_OUTCOMES = frozenset(
    {VerificationOutcome.SUCCESS, VerificationOutcome.FAILED, VerificationOutcome.REVIEW}
)
cases_registry.register(
    CaseKind(CASE_KIND, "Late result of the identity provider", read_permission=Permission.KYC_READ)
)

_STORE = """
UPDATE verifications SET provider = %s, provider_reference = %s, provider_status = %s,
    provider_link_sealed = %s, look_at = %s
WHERE id = %s
"""
_DUE = """
UPDATE verifications SET look_at = %(next)s
WHERE id = ANY (ARRAY(
    SELECT id FROM verifications
    WHERE look_at <= %(now)s AND kind = 'identity' AND status = ANY (%(statuses)s)
    ORDER BY look_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING id
"""


def verify_identity(database: Database, verification_id: UUID) -> None:
    """Have a person verified, or fetch the result. Do nothing if the verification is decided.

    Raises the errors of app.providers, so that the job is tried again.
    """
    with database.reading() as session:
        try:
            verification = queries.by_id(session, verification_id)
            account = account_queries.get_person(session, verification.user_id)
            person = submission_queries.details_of(session, verification_id)
        except NotFound:
            return
    if verification.status not in AWAITING_DECISION or not isinstance(person, PersonDetails):
        return
    provider = resolve(IdentityProvider)
    try:
        if verification.provider_reference is not None:
            result = provider.get(verification.provider_reference)
        else:
            result = provider.create(
                VerificationRequest(verification_id, account.email, account.phone, person)
            )
    except ProviderRefused:
        # The provider refuses to verify this person: staff decide.
        result = None
    with database.transaction() as session:
        apply_provider_result(session, verification_id, result)


def fetch_changed_verification(database: Database, event_id: UUID) -> None:
    """Fetch the state of the verification that a webhook is about."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
    try:
        result = resolve(IdentityProvider).get(event.subject)
    except ProviderRefused:
        # The provider does not know the verification, so it is not ours.
        return
    if result.verification_id is not None:
        with database.transaction() as session:
            apply_provider_result(session, result.verification_id, result)


def poll_provider(session: Session) -> None:
    """Stage verifications that still wait for the provider, in case a webhook was lost."""
    now = clock.now()
    for (verification_id,) in session.rows(
        _DUE,
        {
            "now": now,
            "next": now + POLL_INTERVAL_MAX,
            "statuses": list(AWAITING_DECISION),
            "limit": _BATCH,
        },
    ):
        args = {"verification_id": str(verification_id)}
        outbox.stage_unless_waiting(session, "kyc.verify", args)


def apply_provider_result(
    session: Session, verification_id: UUID, result: ProviderVerification | None
) -> None:
    """Store the provider's result, None if it refused, and decide what follows.

    A result for a verification that is decided, or under another reference, changes nothing. Where
    it contradicts what we know, it opens a case, once.
    """
    try:
        verification = transitions.lock_verification(session, verification_id)
    except NotFound:
        return
    if verification.kind is not VerificationKind.IDENTITY:
        return
    provider = resolve(IdentityProvider).name
    reference = verification.provider_reference
    is_other_session = result is not None and reference not in {None, result.reference}
    if is_other_session or verification.status not in AWAITING_DECISION:
        if result is not None and (is_other_session or _contradicts(verification, result.outcome)):
            _open_case(session, provider, verification, result)
        return
    outcome = result.outcome if result else VerificationOutcome.REVIEW
    if result is not None:
        reference = result.reference
    link = result.link if result and outcome is VerificationOutcome.ACTIVE else None
    sealed = _seal_link(verification_id, link)
    age = clock.now() - verification.submitted_at
    next_poll = clock.now() + min(
        max(age / _AGE_PER_INTERVAL, POLL_INTERVAL_MIN), POLL_INTERVAL_MAX
    )
    session.send(_STORE, (provider, reference, outcome, sealed, next_poll, verification_id))
    automatic_decisions.decide_automatically(
        session, transitions.lock_verification(session, verification_id)
    )


def _contradicts(verification: VerificationRow, outcome: VerificationOutcome) -> bool:
    """Return whether a late outcome is news, and speaks against the decision."""
    agreeing = {
        VerificationStatus.APPROVED: VerificationOutcome.SUCCESS,
        VerificationStatus.REJECTED: VerificationOutcome.FAILED,
    }
    return outcome not in {verification.provider_status, agreeing.get(verification.status)}


def _open_case(
    session: Session, provider: str, verification: VerificationRow, result: ProviderVerification
) -> None:
    if result.outcome not in _FINAL_OUTCOMES:
        return
    cases.open_once(
        session,
        kind=CASE_KIND,
        subject=ids.encode(queries.PREFIX, verification.id),
        key=f"{verification.id}:{result.reference}:{result.outcome}",
        title="The identity provider contradicts what we know",
        facts={
            "Provider": provider,
            "Status of the verification": verification.status.label,
            "Result until now": verification.provider_status or "None",
            "Later result": result.outcome.value,
            "Session at the provider": result.reference,
            "Same session": "Yes" if result.reference == verification.provider_reference else "No",
        },
        person_id=verification.user_id,
    )


def _seal_link(verification_id: UUID, link: str | None) -> bytes | None:
    if link is None:
        return None
    return keys.seal(
        link, table="verifications", column="provider_link_sealed", key=verification_id
    )
