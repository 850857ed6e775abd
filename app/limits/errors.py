"""The refusal of limits."""

from datetime import datetime

from app.kit.errors import Conflict


class LimitExceeded(Conflict):
    """The request does not fit into a limit: `limit` names it, with what is left and from when on
    the request fits."""

    code = "limit_exceeded"
    title = "This would exceed one of your limits."

    def __init__(
        self,
        detail: str | None = None,
        *,
        limit: str = "",
        asset: str | None = None,
        maximum: str = "",
        left: str = "",
        frees_at: datetime | None = None,
    ) -> None:
        self.limit, self.asset, self.frees_at = limit, asset, frees_at
        self.maximum, self.left = maximum, left
        super().__init__(detail)
