"""One person submits an identity, and a document, on many connections at once."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest

from app.access import Actor
from app.kit.db import Session
from app.kyc import queries as kyc_queries
from app.kyc.errors import VerificationOpen
from app.kyc.evidence import documents
from app.kyc.queries import VerificationRow
from app.kyc.rules import DocumentPurpose, VerificationKind, VerificationStatus
from app.kyc.submission import provider_verification
from app.kyc.submission import service as submission
from app.kyc.submission.ports import ProviderVerification, VerificationOutcome
from tests import sanctions
from tests.drill import choose_size, rounds, seeded_random
from tests.kyc.applicant import ADDRESS, make_picture
from tests.races.contest import THREADS, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(3, 50)
IDENTITY = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": {"zip_code" if name == "zipCode" else name: text for name, text in ADDRESS.items()},
}
Act = Callable[[Session, Actor], object]


def run_in_all_threads(arena: Arena, person: Actor, act: Act, choices: Random) -> list[object]:
    """Run the act in every thread, each in a transaction of its own."""

    def once() -> object:
        with arena.database.transaction() as session:
            return act(session, person)

    return arena.all_at_once([once] * THREADS, choices)


def test_identity_submitted_by_many_is_accepted_and_decided_once(arena: Arena) -> None:
    sanctions.import_sample_list(arena.database)
    choices = seeded_random("submissions")
    for number in rounds(ROUNDS, "submissions"):
        person = arena.people.customer()
        outcomes = run_in_all_threads(arena, person, submit_as_person_of_round(number), choices)
        [submitted] = winners(outcomes, VerificationOpen)
        assert isinstance(submitted, VerificationRow)
        apply_result(arena, person, submitted, choices)
        with arena.database.reading() as session:
            [verification] = kyc_queries.verifications_of(session, person.user_id)
            events = kyc_queries.events(session, verification.id)
        assert (verification.kind, verification.status, verification.tier) == (
            VerificationKind.IDENTITY,
            VerificationStatus.APPROVED,
            2,
        )
        assert [event.to_status for event in events] == ["pending", "approved"]


def submit_as_person_of_round(number: int) -> Act:
    """Return an act that submits an identity that no other round has: submissions of one person are
    limited, whatever their accounts."""
    born = date.fromisoformat("1985-04-12") + timedelta(days=number)
    identity = {**IDENTITY, "date_of_birth": born.isoformat()}
    return lambda session, actor: submission.submit(session, actor, identity)


def apply_result(arena: Arena, person: Actor, submitted: VerificationRow, choices: Random) -> None:
    """Apply the provider's result by every thread at once."""
    result = ProviderVerification(f"idv_{submitted.id}", submitted.id, VerificationOutcome.SUCCESS)
    winners(
        run_in_all_threads(
            arena,
            person,
            lambda s, _: provider_verification.apply_provider_result(s, submitted.id, result),
            choices,
        )
    )


def submit_document(session: Session, actor: Actor) -> object:
    """Submit a picture; return whether it was new."""
    file = documents.check_upload(make_picture(), name="")
    return documents.add_document(session, actor, purpose=DocumentPurpose.IDENTITY, upload=file)[1]


def test_document_submitted_by_many_is_stored_once(arena: Arena) -> None:
    choices = seeded_random("documents")
    for _ in rounds(ROUNDS, "documents"):
        person = arena.people.customer()
        assert winners(run_in_all_threads(arena, person, submit_document, choices)).count(True) == 1
        with arena.database.reading() as session:
            assert len(documents.documents_of(session, person.user_id)) == 1
