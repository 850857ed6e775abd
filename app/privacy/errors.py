"""What data rights refuse, by name."""

from app.kit.errors import Conflict, NotFound
from app.kit.personal import ErasureBlocker


class PolicyOutdated(Conflict):
    """A version of a policy was agreed to that is not the current one."""

    code = "policy_outdated"
    title = "This is not the current version of the policy"


class ConsentRequired(Conflict):
    """There is no account without agreeing to this. Whoever wants neither closes the account: POST
    /api/me/erasure."""

    code = "consent_required"
    title = "There is no account without this consent. To end both: POST /api/me/erasure"


class ArchiveLinkInvalid(NotFound):
    """The link is another person's, was changed, or ran out. Which of these is not told."""

    title = "The link is not valid, or not any more. GET /api/me/export/{id} gives a new one"


class ErasureRefused(Conflict):
    """Something of the person is still open: `errors` names each thing, and what would end it."""

    code = "erasure_refused"
    title = "Something is still open"

    def __init__(self, blockers: list[ErasureBlocker]) -> None:
        self.problems = [(each.field, each.message) for each in blockers]
        super().__init__(" ".join(each.message for each in blockers))
