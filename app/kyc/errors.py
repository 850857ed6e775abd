"""What kyc refuses."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class VerificationOpen(Conflict):
    """One was submitted already and is not decided yet."""

    code = "verification_open"
    title = "What you submitted before is being looked at. Wait for its decision"


class VerificationDecided(Conflict):
    """It is not open any more, or not in a state in which this can be done."""

    code = "verification_decided"
    title = "This verification was decided already, or something else has to happen first"


class ScreeningOpen(Conflict):
    """A sanctions list may name this person: compliance disposes of the case first."""

    code = "screening_open"
    title = "A sanctions screening is not disposed of yet: compliance closes its case first"


class EvidenceMissing(Conflict):
    """Nobody is approved for what nothing shows."""

    code = "evidence_missing"
    title = "What this would be decided on is not there yet"


class OwnVerification(Conflict):
    """Nobody decides about themselves."""

    code = "own_verification"
    title = "This is about you: somebody else decides it"


class DocumentsFull(Conflict):
    """So many documents are kept for a person, and no more."""

    code = "documents_full"
    title = "There are as many documents of you as we keep"


register_refusal("verifications_one_open_key", lambda _detail: VerificationOpen())
