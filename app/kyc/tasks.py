"""The background tasks of kyc."""

from uuid import UUID

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.kyc.evidence import checking
from app.kyc.review import automatic_decisions, sanctions_decisions
from app.kyc.submission import provider_verification
from app.kyc.submission.ports import VerificationChanged
from app.screening.facts import ScreeningDecided


@task("kyc.verify", queue=Queue.FULFILLMENT, own_transactions=True, provider="identity")
def verify_identity(database: Database, *, verification_id: str) -> None:
    """Have a person verified, or fetch the result."""
    provider_verification.verify_identity(database, UUID(verification_id))


@task(
    "kyc.read_webhook",
    queue=Queue.FULFILLMENT,
    own_transactions=True,
    provider="identity",
    on=VerificationChanged,
)
def fetch_changed_verification(database: Database, *, event_id: str) -> None:
    """Fetch the state of the verification that a webhook is about."""
    provider_verification.fetch_changed_verification(database, UUID(event_id))


@task("kyc.check_document", queue=Queue.FULFILLMENT, own_transactions=True)
def check_document(database: Database, *, document_id: str) -> None:
    """Draw the pages of a document, or refuse it."""
    checking.check_document(database, UUID(document_id))


@task("kyc.poll", queue=Queue.FULFILLMENT)
def poll_provider(session: Session) -> None:
    """Stage verifications that still wait for the provider."""
    provider_verification.poll_provider(session)


@task("kyc.screening_decided", queue=Queue.FULFILLMENT, on=ScreeningDecided)
def apply_screening_decision(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - part of the decision
    verdict: str,  # noqa: ARG001 - everyone is screened again: other hits may be undecided
    case_id: str | None = None,
) -> None:
    """Screen again the verification that a sanctions decision is about."""
    sanctions_decisions.apply_screening_decision(
        session, about, UUID(case_id) if case_id is not None else None
    )


@task("kyc.screen_waiting", queue=Queue.FULFILLMENT)
def screen_unscreened(session: Session) -> None:
    """Screen those who submitted while there was no sanctions list."""
    automatic_decisions.screen_unscreened(session)


@task("kyc.expire", queue=Queue.NIGHTLY)
def expire_verifications(session: Session) -> None:
    """Expire approvals that ran out, and warn about those that end soon."""
    automatic_decisions.expire_verifications(session)


@task("kyc.forget_kept", queue=Queue.NIGHTLY)
def delete_expired_evidence(session: Session) -> None:
    """Delete evidence about erased people when its retention period has ended."""
    automatic_decisions.delete_expired_evidence(session)
