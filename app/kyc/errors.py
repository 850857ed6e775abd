"""Refusals of kyc."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class VerificationOpen(Conflict):
    """A verification of this kind is waiting for a decision."""

    code = "verification_open"
    title = "Your last submission is in review. Wait for the decision."


class VerificationDecided(Conflict):
    """The verification has been decided, or its status does not allow this act."""

    code = "verification_decided"
    title = "This verification has been decided, or is not ready for this decision."


class ScreeningOpen(Conflict):
    """A sanctions list may name this customer. Compliance closes the case first."""

    code = "screening_open"
    title = "A sanctions check is open. Compliance must close its case first."


class ResidenceOpen(Conflict):
    """Staff have not decided whether customers from this place are served."""

    code = "residence_open"
    title = "Where the customer lives is under review. Compliance must close its case first."


class EvidenceMissing(Conflict):
    """The documents that an approval needs have not been sent."""

    code = "evidence_missing"
    title = "Documents that this approval needs are missing."


class OwnVerification(Conflict):
    """Members of staff cannot decide their own verification."""

    code = "own_verification"
    title = "This verification is yours. Another member of staff must decide it."


class DocumentsFull(Conflict):
    """The limit of documents per person is reached."""

    code = "documents_full"
    title = "You have reached the limit of documents."


register_refusal("verifications_one_open_key", lambda _detail: VerificationOpen())
