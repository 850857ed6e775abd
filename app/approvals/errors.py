"""What approvals refuse."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied


class SelfApproval(PermissionDenied):
    """The maker of a request, or whom it is about, cannot decide it."""

    code = "self_approval"
    title = "Another person has to decide this: you asked for it, or it is about you"


class ApprovalPending(Conflict):
    """The same was asked for already, and waits."""

    code = "approval_pending"
    title = "This was asked for already and waits for a second person"


class ApprovalDecided(Conflict):
    """The request has ended; nothing more becomes of it."""

    code = "approval_decided"
    title = "This request was decided already, or has ended"


class ApprovalChanged(Conflict):
    """What would be approved is not what the checker saw."""

    code = "approval_changed"
    title = "The request is not the one that was shown to you. Look at it again"


class ApprovalOutdated(Conflict):
    """What the request is about has changed since; the request has ended."""

    code = "approval_outdated"
    title = "What this is about has changed since it was asked for. It has to be asked for again"


class ApprovalExpired(Conflict):
    """Nobody decided in time; the request has ended."""

    code = "approval_expired"
    title = "This request has expired. It has to be asked for again"


register_refusal("approvals_one_pending_key", lambda _detail: ApprovalPending())
register_refusal("maker_is_not_checker", lambda _detail: SelfApproval())
register_refusal("subject_is_not_checker", lambda _detail: SelfApproval())
