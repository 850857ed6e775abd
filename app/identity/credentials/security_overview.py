"""What protects a person's account, for staff who help them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import clock
from app.kit.db import Session

_OVERVIEW = """
SELECT (SELECT confirmed_at FROM totp_credentials WHERE user_id = %(person)s),
    (SELECT count(*) FROM recovery_codes WHERE user_id = %(person)s AND used_at IS NULL),
    (SELECT count(*) FROM passkeys WHERE user_id = %(person)s),
    (SELECT count(*) FROM api_keys
     WHERE user_id = %(person)s AND revoked_at IS NULL AND expires_at > %(now)s)
"""


@dataclass(frozen=True, slots=True)
class SecurityOverview:
    """A person's means of signing in besides the password. `app_since` is None without an
    authenticator app."""

    app_since: datetime | None
    recovery_codes: int
    passkeys: int
    api_keys: int

    @property
    def has_second_factor(self) -> bool:
        """Whether a password alone does not sign in."""
        return self.app_since is not None or self.passkeys > 0


def get_overview(session: Session, person_id: UUID) -> SecurityOverview:
    """Return what protects the person's account."""
    [row] = session.rows(_OVERVIEW, {"person": person_id, "now": clock.now()})
    return SecurityOverview(*row)
