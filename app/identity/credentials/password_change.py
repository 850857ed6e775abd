"""Change a password after proof of the present one."""

from dataclasses import dataclass
from uuid import UUID

from app.access import Actor
from app.audit.actions import AuditAction
from app.identity.accounts.queries import PersonProfile
from app.identity.api_keys import service as api_keys
from app.identity.credentials import one_time_tokens, rules, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passwords import PasswordHashing
from app.identity.sign_in import lockout, password_proof, sessions
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.password_proof import PasswordAttempt
from app.identity.sign_in.service import IssuedTokens
from app.identity.sign_in.sessions import Device, Revocation
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve
from app.notifications.account_kinds import PasswordChanged


@dataclass(frozen=True, slots=True)
class PasswordChangeTokens(IssuedTokens):
    """The tokens after a password change, and the number of API keys that stay active."""

    api_keys_active: int


def prepare_new_password(person: PersonProfile, password: str) -> str:
    """Check and hash a new password for the person (slow, no database). Raises `Invalid`."""
    rules.check_new_password("newPassword", password, guessable=person.guessable_texts)
    return resolve(PasswordHashing).hash(password)


def conclude_password_change(
    session: Session,
    attempt: PasswordAttempt,
    new_hash: str,
    *,
    revoke_api_keys: bool = False,
    device: Device | None = None,
) -> PasswordChangeTokens:
    """Replace the password, end every session of the person and open a new one for the caller.

    Raises as `password_proof.conclude_password` does.
    """
    user_id = _replace_password(session, attempt, new_hash, apart_from=None)
    active = finish_password_change(session, user_id, revoke_api_keys=revoke_api_keys)
    opened = sign_in.open_session(session, user_id, device)
    return PasswordChangeTokens(
        opened.user, opened.access_token, opened.refresh_token, opened.expires_in, active
    )


def conclude_own_password_change(
    session: Session, actor: Actor, attempt: PasswordAttempt, new_hash: str
) -> int:
    """Replace the password and end every session of the actor but the one that they act in.

    Returns the number of API keys that stay active. Raises as `password_proof.conclude_password`
    does.
    """
    user_id = _replace_password(session, attempt, new_hash, apart_from=actor.session_id)
    return finish_password_change(session, user_id, revoke_api_keys=False)


def _replace_password(
    session: Session, attempt: PasswordAttempt, new_hash: str, *, apart_from: UUID | None
) -> UUID:
    if attempt.user_id is not None:
        # Lock links before people, as everywhere, to avoid deadlocks.
        one_time_tokens.lock_links(session, attempt.user_id, LinkPurpose.RESET_PASSWORD)
    user_id = password_proof.conclude_password(session, attempt, AuditAction.PASSWORD_CHANGED)
    lockout.reset_failures(session, attempt.counters)
    password_proof.store_hash(session, user_id, new_hash)
    password_proof.record_success(session, attempt, AuditAction.PASSWORD_CHANGED)
    sessions.revoke_all(session, user_id, Revocation.PASSWORD_CHANGED, apart_from=apart_from)
    return user_id


def finish_password_change(session: Session, user_id: UUID, *, revoke_api_keys: bool) -> int:
    """End the links that would reset the new password, and the count of wrong codes that followed
    the old one; email the person about it. Returns the number of API keys that stay active.

    API keys stay active unless `revoke_api_keys`: programs would stop without warning, and the
    password did not reveal them. The email states their number, so that none is forgotten.
    """
    one_time_tokens.invalidate_links(session, user_id, LinkPurpose.RESET_PASSWORD)
    lockout.forget_codes(session, user_id)
    if revoke_api_keys:
        api_keys.revoke_all_keys(session, user_id, reason="with a new password")
    active = api_keys.count_active_keys(session, user_id)
    security_mail.mail_change_notice(session, user_id, PasswordChanged(clock.now(), active))
    return active
