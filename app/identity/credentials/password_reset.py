"""Reset a forgotten password by a mailed link.

A request for a link looks the same for every email address: it reads one row and stages one job,
whether an account exists or not. The job decides whether a link is sent.
"""

from dataclasses import dataclass
from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import email_verification
from app.identity.accounts import queries as account_queries
from app.identity.accounts import rules as account_rules
from app.identity.credentials import one_time_tokens, password_change, rules, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passwords import PasswordHashing
from app.identity.sign_in import sessions
from app.kit import ids
from app.kit.db import Session
from app.kit.ports import resolve
from app.notifications.account_kinds import ResetPassword
from app.outbox import service as outbox

_FIND_ACTIVE = "SELECT id FROM users WHERE email_key = %s AND status = 'active'"
_LOCK = "SELECT status FROM users WHERE id = %s FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class PreparedReset:
    """A new password chosen by the bearer of a reset link, checked and hashed."""

    token: str
    password_hash: str
    revoke_api_keys: bool = False


def request_reset(session: Session, email: str) -> None:
    """Stage the email with a reset link for the account of this email address, if there is one.

    Neither result nor duration reveals whether there is. Raises `Invalid` for a malformed address.
    """
    user_id = session.optional_value(_FIND_ACTIVE, (account_rules.normalize_email(email),))
    payload = {"user_id": None if user_id is None else str(user_id)}
    outbox.stage(session, "identity.send_reset_link", payload)


def send_reset_link(session: Session, person_id: UUID) -> None:
    """Email a reset link to an active person, a few times an hour at most."""
    if session.optional_value(_LOCK, (person_id,)) != account_rules.AccountStatus.ACTIVE:
        return
    sent = one_time_tokens.count_issued(
        session, person_id, LinkPurpose.RESET_PASSWORD, security_mail.HOUR
    )
    if sent < security_mail.LINKS_PER_HOUR_MAX:
        security_mail.mail_link(session, person_id, LinkPurpose.RESET_PASSWORD, ResetPassword)


def find_person_to_reset(session: Session, token: str) -> account_queries.PersonProfile:
    """Return the person whose password the link resets, without using it. Raises `TokenInvalid`."""
    link = one_time_tokens.find_link(session, token, LinkPurpose.RESET_PASSWORD)
    return account_queries.get_person(session, link.user_id)


def prepare_reset(
    person: account_queries.PersonProfile,
    *,
    token: str,
    password: str,
    revoke_api_keys: bool = False,
) -> PreparedReset:
    """Check and hash the new password (slow, no database). Raises `Invalid`."""
    rules.check_new_password("password", password, guessable=person.guessable_texts)
    return PreparedReset(token, resolve(PasswordHashing).hash(password), revoke_api_keys)


def conclude_reset(session: Session, prepared: PreparedReset) -> int:
    """Use the link: set the password and end every session and other reset link.

    Returns the number of API keys that stay active. The mailed link also proves the email address:
    the first proof ends keys and second factors, too. Otherwise a second factor stays on. Raises
    `TokenInvalid`, for all but one of concurrent uses too.
    """
    user_id = one_time_tokens.redeem_link(
        session, prepared.token, LinkPurpose.RESET_PASSWORD
    ).user_id
    session.send(
        "UPDATE users SET password_hash = %s WHERE id = %s", (prepared.password_hash, user_id)
    )
    email_verification.prove_email(session, user_id)
    sessions.revoke_all(session, user_id, sessions.Revocation.PASSWORD_CHANGED)
    _record(session, user_id, AuditAction.PASSWORD_RESET)
    return password_change.finish_password_change(
        session, user_id, revoke_api_keys=prepared.revoke_api_keys
    )


def _record(session: Session, user_id: UUID, action: AuditAction) -> None:
    # The bearer of a link acts: no one is signed in.
    audit.record(session, actor=None, action=action, subject=ids.encode("usr", user_id))
