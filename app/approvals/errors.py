"""The refusals of approvals."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied


class SelfApproval(PermissionDenied):
    """The maker of a request and the person it is about cannot decide it."""

    code = "self_approval"
    title = "Another person must decide this request: you made it or it is about you."


class NotIndependent(PermissionDenied):
    """The checker and the maker are not independent: one owes their account, role or permission to
    the other, directly or through others, or both owe theirs to the same person."""

    code = "not_independent"
    title = "Another person must decide this request: you and its maker are not independent."


class ApprovalPending(Conflict):
    """The same request is already pending."""

    code = "approval_pending"
    title = "This request is already pending. A second person must decide it."


class ApprovalDecided(Conflict):
    """The request has ended."""

    code = "approval_decided"
    title = "This request has already ended."


class ApprovalChanged(Conflict):
    """The request is not the one that the checker saw."""

    code = "approval_changed"
    title = "The request is not the one that you saw. Read it again before you decide."


class ApprovalOutdated(Conflict):
    """The state that the request is about has changed; the request has ended."""

    code = "approval_outdated"
    title = "The state has changed since the request was made, so it has ended. Make a new request."


class ApprovalExpired(Conflict):
    """The request was not decided in time and has ended."""

    code = "approval_expired"
    title = "This request has expired. Make a new request."


register_refusal("approvals_one_pending_key", lambda _detail: ApprovalPending())
register_refusal("maker_is_not_checker", lambda _detail: SelfApproval())
register_refusal("subject_is_not_checker", lambda _detail: SelfApproval())
