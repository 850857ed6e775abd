"""Asking the provider: two transactions with the call between them.

The provider knows a verification by our id, so asking again begins nothing new: a job that was
ended anywhere is simply done again. What a webhook says is not believed; it has us ask how things
stand, as the poll does, and both end in the same function. So it does not matter in which order
they come, how often, or whether at all.
"""

from datetime import timedelta
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.keys import service as keys
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kit.tasks import task
from app.kyc import queries
from app.kyc.review import decisions, transitions
from app.kyc.rules import AWAITING_DECISION, VerificationKind
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

#: How long after it was asked last a provider is asked again, at least and at most; in between, a
#: tenth of the time since the person submitted.
POLL_INTERVAL_MIN, POLL_INTERVAL_MAX = timedelta(minutes=1), timedelta(hours=6)
_AGE_PER_INTERVAL = 10
_BATCH = 200

_STORE = """
UPDATE verifications SET provider = %s, provider_reference = %s, provider_status = %s,
    provider_link_sealed = %s, look_at = %s
WHERE id = %s
"""
_DUE = """
UPDATE verifications SET look_at = %(next)s
WHERE id = ANY (ARRAY(
    SELECT id FROM verifications
    WHERE look_at <= %(now)s AND kind = 'identity' AND status IN ('pending', 'in_review')
    ORDER BY look_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING id
"""


@task("kyc.verify", own_transactions=True)
def verify_identity(database: Database, *, verification_id: str) -> None:
    """Have a person verified, or learn how that stands; nothing where it is decided.

    Raises the errors of app.providers, to be tried again.
    """
    identifier = UUID(verification_id)
    with database.reading() as session:
        try:
            found = queries.by_id(session, identifier)
            known = account_queries.get_person(session, found.user_id)
            person = submission_queries.details_of(session, identifier)
        except NotFound:
            return
    if found.status not in AWAITING_DECISION or not isinstance(person, PersonDetails):
        return
    provider = resolve(IdentityProvider)
    try:
        if found.provider_reference is not None:
            answered = provider.get(found.provider_reference)
        else:
            answered = provider.create(
                VerificationRequest(identifier, known.email, known.phone, person)
            )
    except ProviderRefused:
        # It will not verify this person at all: staff do.
        answered = None
    with database.transaction() as session:
        apply_provider_result(session, identifier, answered)


@task("kyc.read_webhook", own_transactions=True)
def read_webhook(database: Database, *, event_id: str) -> None:
    """The provider says that something changed: ask what."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, UUID(event_id))
    try:
        answered = resolve(IdentityProvider).get(event.subject)
    except ProviderRefused:
        # It knows nothing of it, so neither do we.
        return
    if answered.verification_id is not None:
        with database.transaction() as session:
            apply_provider_result(session, answered.verification_id, answered)


@task("kyc.poll")
def poll_provider(session: Session) -> None:
    """Ask again about those that wait for the provider, in case it told us and we did not hear."""
    now = clock.now()
    for (identifier,) in session.rows(
        _DUE, {"now": now, "next": now + POLL_INTERVAL_MAX, "limit": _BATCH}
    ):
        outbox.stage(session, "kyc.verify", {"verification_id": str(identifier)})


def apply_provider_result(
    session: Session, verification_id: UUID, result: ProviderVerification | None
) -> None:
    """Write down what the provider says, None for a refusal, and settle what follows from it.

    What it says of a verification that is decided, or that it calls by another name, is left.
    """
    try:
        found = transitions.lock_verification(session, verification_id)
    except NotFound:
        return
    if found.status not in AWAITING_DECISION or found.kind is not VerificationKind.IDENTITY:
        return
    provider = resolve(IdentityProvider).name
    reference = found.provider_reference
    if result is not None and reference not in {None, result.reference}:
        return
    outcome = result.outcome if result else VerificationOutcome.REVIEW
    if result is not None:
        reference = result.reference
    link = result.link if result and outcome is VerificationOutcome.ACTIVE else None
    sealed = _seal_link(verification_id, link)
    age = clock.now() - found.submitted_at
    again = clock.now() + min(max(age / _AGE_PER_INTERVAL, POLL_INTERVAL_MIN), POLL_INTERVAL_MAX)
    session.send(_STORE, (provider, reference, outcome, sealed, again, verification_id))
    decisions.decide_automatically(session, transitions.lock_verification(session, verification_id))


def _seal_link(verification_id: UUID, link: str | None) -> bytes | None:
    if link is None:
        return None
    return keys.seal(
        link, table="verifications", column="provider_link_sealed", key=verification_id
    )
