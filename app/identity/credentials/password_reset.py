"""Reset a forgotten password by a mailed link.

A request for a link looks the same for every email address: it reads one row and stages one job,
whether an account exists or not. The job decides whether a link is sent.
"""

from dataclasses import dataclass
from uuid import UUID

from app.audit import service as audit
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
from app.kit.tasks import task
from app.outbox import service as outbox

_FIND_ACTIVE = "SELECT id FROM users WHERE email_key = %s AND status = 'active'"
_LOCK = "SELECT status, email_confirmed_at FROM users WHERE id = %s FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class PreparedReset:
    """A password that the bearer of a reset link has chosen, checked and hashed."""

    token: str
    password_hash: str
    revoke_api_keys: bool = False


def request_reset(session: Session, email: str) -> None:
    """Let the person with this address be mailed a link, if there is one.

    Neither the answer nor the time it takes tells whether there is. Raises `Invalid` for what is no
    address.
    """
    row = session.row(_FIND_ACTIVE, (account_rules.normalize_email(email),))
    user_id = str(row[0]) if row else None
    outbox.stage(session, "identity.send_reset_link", {"user_id": user_id})


@task("identity.send_reset_link")
def send_reset_link(session: Session, *, user_id: str | None) -> None:
    """Mail a reset link to somebody who asked for one: to nobody, if it was nobody, and to nobody
    more than a few times an hour."""
    if user_id is None:
        return
    person_id = UUID(user_id)
    row = session.row(_LOCK, (person_id,))
    if row is None or row[0] != "active":
        return
    sent = one_time_tokens.count_issued(
        session, person_id, LinkPurpose.RESET_PASSWORD, security_mail.HOUR
    )
    if sent < security_mail.LINKS_PER_HOUR_MAX:
        security_mail.mail_link(session, person_id, LinkPurpose.RESET_PASSWORD)


def find_person_to_reset(session: Session, token: str) -> account_queries.PersonProfile:
    """Whose password the link resets, without using it. Raises `TokenInvalid`."""
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
    """Use the link: set the password and end every session and every other reset link; answers
    how many API keys stay active.

    Who could read the mail has shown that the address is theirs. A second factor stays on.
    Raises `TokenInvalid`, to all but one of many at the same moment.
    """
    user_id = one_time_tokens.redeem_link(
        session, prepared.token, LinkPurpose.RESET_PASSWORD
    ).user_id
    session.send(
        "UPDATE users SET password_hash = %s WHERE id = %s", (prepared.password_hash, user_id)
    )
    email_verification.confirm_email(session, user_id)
    one_time_tokens.invalidate_links(session, user_id, LinkPurpose.RESET_PASSWORD)
    sessions.revoke_all(session, user_id, sessions.Revocation.PASSWORD_CHANGED)
    _record(session, user_id, "password.reset")
    return password_change.finish_password_change(
        session, user_id, revoke_api_keys=prepared.revoke_api_keys
    )


def _record(session: Session, user_id: UUID, action: str) -> None:
    # By the bearer of a link: nobody is logged in.
    audit.record(session, actor=None, action=action, subject=ids.encode("usr", user_id))
