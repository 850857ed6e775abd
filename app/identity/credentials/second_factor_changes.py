"""Change the second factor of a signed-in person, within the limits for staff."""

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.identity.credentials import second_factor
from app.identity.errors import LastSecondFactor
from app.identity.sign_in import lockout, password_proof, pending_sign_in
from app.identity.sign_in.password_proof import PasswordAttempt
from app.kit.db import Session

_LOCK = "SELECT status, role FROM users WHERE id = %s FOR NO KEY UPDATE"


def switch_off_app(
    session: Session, actor: Actor, code: str, *, network: str, required_for_staff: bool
) -> None:
    """Remove the authenticator app, with a code.

    Raises `LastSecondFactor` for staff who need a second factor and would have none left, and as
    `second_factor.switch_off` does.
    """
    session.row(_LOCK, (actor.user_id,))
    needs_one = required_for_staff and actor.role is not Role.USER
    has_app = second_factor.is_on(session, actor.user_id)
    if needs_one and has_app and not pending_sign_in.has_passkey(session, actor.user_id):
        raise LastSecondFactor
    second_factor.switch_off(session, actor, code, network=network)


def renew_recovery_codes(
    session: Session, actor: Actor, attempt: PasswordAttempt, code: str
) -> list[str]:
    """Replace the recovery codes after proof of password and second factor.

    Raises as `password_proof.conclude_password` and `second_factor.renew_recovery_codes` do.
    """
    password_proof.conclude_password(session, attempt, AuditAction.RECOVERY_CODES_RENEWED)
    network = attempt.counters.network_name
    codes = second_factor.renew_recovery_codes(session, actor, code, network=network)
    lockout.reset_failures(session, attempt.counters)
    return codes
