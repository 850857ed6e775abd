"""Refusals of data rights."""

from app.kit.errors import Conflict, NotFound
from app.kit.personal import ErasureBlocker


class PolicyOutdated(Conflict):
    """The consent names a version of the policy that is not the current one."""

    code = "policy_outdated"
    title = "This is not the current version of the policy"


class ConsentRequired(Conflict):
    """An account requires this consent. To end both, erase the account: POST /api/me/erasure."""

    code = "consent_required"
    title = "An account requires this consent. To end both, use POST /api/me/erasure"


class ArchiveLinkInvalid(NotFound):
    """The link belongs to another person, was altered or has expired. The answer does not say
    which."""

    title = "The link is not valid or has expired. Get a new one with GET /api/me/export/{id}"


class ErasureRefused(Conflict):
    """Something on the account is still open: `errors` names each item and what would end it."""

    code = "erasure_refused"
    title = "The account cannot be erased while something is still open"

    def __init__(self, blockers: list[ErasureBlocker]) -> None:
        self.problems = [(blocker.field, blocker.message) for blocker in blockers]
        super().__init__(" ".join(blocker.message for blocker in blockers))
