"""Delete every second factor of a person, with what it has issued."""

from uuid import UUID

import sqlalchemy as sa

from app.identity.models import Passkey, PasskeyChallenge, TotpCredential
from app.identity.sign_in import lockout
from app.kit.db import Session


def delete_factors(session: Session, user_id: UUID) -> None:
    """Delete the person's authenticator app with its recovery codes, their passkeys, the challenges
    that wait for one, and the count of their wrong codes. Call with the person's row locked."""
    for table in (TotpCredential, Passkey, PasskeyChallenge):
        session.write(sa.delete(table).where(table.user_id == user_id))
    lockout.forget_codes(session, user_id)
