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
from app.kyc.rules import WAITING, Kind
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import Personal
from app.kyc.submission.ports import Answered, Asked, IdentityProvider, Outcome
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderRefused

#: How long after it was asked last a provider is asked again, at least and at most; in between, a
#: tenth of the time since the person submitted.
LOOK_MIN, LOOK_MAX = timedelta(minutes=1), timedelta(hours=6)
_PARTS = 10
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
def verify(database: Database, *, verification_id: str) -> None:
    """Have a person verified, or learn how that stands; nothing where it is decided.

    Raises the errors of app.providers, to be tried again.
    """
    identifier = UUID(verification_id)
    with database.reading() as session:
        try:
            found = queries.by_id(session, identifier)
            known = account_queries.get_person(session, found.user_id)
            person = submission_queries.of(session, identifier)
        except NotFound:
            return
    if found.status not in WAITING or not isinstance(person, Personal):
        return
    provider = resolve(IdentityProvider)
    try:
        if found.provider_reference is not None:
            answered = provider.get(found.provider_reference)
        else:
            answered = provider.create(Asked(identifier, known.email, known.phone, person))
    except ProviderRefused:
        # It will not verify this person at all: staff do.
        answered = None
    with database.transaction() as session:
        apply(session, identifier, answered)


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
            apply(session, answered.verification_id, answered)


@task("kyc.poll")
def poll(session: Session) -> None:
    """Ask again about those that wait for the provider, in case it told us and we did not hear."""
    now = clock.now()
    for (identifier,) in session.rows(_DUE, {"now": now, "next": now + LOOK_MAX, "limit": _BATCH}):
        outbox.stage(session, "kyc.verify", {"verification_id": str(identifier)})


def apply(session: Session, verification_id: UUID, answered: Answered | None) -> None:
    """Write down what the provider says, None for a refusal, and settle what follows from it.

    What it says of a verification that is decided, or that it calls by another name, is left.
    """
    try:
        found = transitions.locked(session, verification_id)
    except NotFound:
        return
    if found.status not in WAITING or found.kind is not Kind.IDENTITY:
        return
    provider = resolve(IdentityProvider).name
    reference = found.provider_reference
    if answered is not None and reference not in {None, answered.reference}:
        return
    outcome = answered.outcome if answered else Outcome.REVIEW
    if answered is not None:
        reference = answered.reference
    link = answered.link if answered and outcome is Outcome.ACTIVE else None
    sealed = _sealed_link(verification_id, link)
    age = clock.now() - found.submitted_at
    again = clock.now() + min(max(age / _PARTS, LOOK_MIN), LOOK_MAX)
    session.send(_STORE, (provider, reference, outcome, sealed, again, verification_id))
    decisions.settle(session, transitions.locked(session, verification_id))


def _sealed_link(verification_id: UUID, link: str | None) -> bytes | None:
    if link is None:
        return None
    return keys.seal(
        link, table="verifications", column="provider_link_sealed", key=verification_id
    )
