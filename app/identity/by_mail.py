"""What a link in a mail proves: that an address is a person's, and so that a password may be reset.

Asking for a link looks the same for every address: the request reads one row and stages one job,
whether there is such a person or not, and the job decides.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.identity import api_keys, one_time, queries, rules, sessions
from app.identity.errors import EmailAlreadyConfirmed
from app.identity.one_time import Purpose
from app.identity.passwords import Passwords
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound, RateLimited
from app.kit.ports import resolve
from app.kit.tasks import task
from app.outbox import service as outbox

LINKS_EACH_HOUR = 5
_HOUR = timedelta(hours=1)

_FIND_ACTIVE = "SELECT id FROM users WHERE email_key = %s AND status = 'active'"
_LOCK = "SELECT status, email_confirmed_at FROM users WHERE id = %s FOR NO KEY UPDATE"
_CONFIRM = """
UPDATE users SET email_confirmed_at = coalesce(email_confirmed_at, %s) WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that the bearer of a reset link has chosen, checked and hashed."""

    token: str
    password_hash: str
    revoke_api_keys: bool = False


# Confirming the address


def confirm_email(session: Session, user_id: UUID) -> None:
    """The person has shown that their address is theirs. The first time counts."""
    session.send(_CONFIRM, (clock.now(), user_id))


def send_confirmation(session: Session, user_id: UUID) -> None:
    """Mail the person a link that confirms their address, with this transaction."""
    _mail_link(session, user_id, Purpose.CONFIRM_EMAIL)


def send_confirmation_again(session: Session, actor: Actor) -> None:
    """The same, asked for by the person, a few times an hour.

    Raises `EmailAlreadyConfirmed` and `RateLimited`.
    """
    row = session.row(_LOCK, (actor.user_id,))
    if row is None:
        raise NotFound
    if row[1] is not None:
        raise EmailAlreadyConfirmed
    sent = one_time.issued_within(session, actor.user_id, Purpose.CONFIRM_EMAIL, _HOUR)
    if sent >= LINKS_EACH_HOUR:
        raise RateLimited(
            "Several links were sent within the last hour. Look among unwanted mail too",
            retry_after_seconds=int(_HOUR.total_seconds()),
        )
    send_confirmation(session, actor.user_id)


def redeem_confirmation(session: Session, token: str) -> None:
    """Confirm the address that the link was mailed to. Raises `TokenInvalid`."""
    user_id = one_time.redeem(session, token, Purpose.CONFIRM_EMAIL).user_id
    confirm_email(session, user_id)
    _record(session, user_id, "email.confirmed")


# Resetting a forgotten password


def ask_for_reset(session: Session, email: str) -> None:
    """Let the person with this address be mailed a link, if there is one.

    Neither the answer nor the time it takes tells whether there is. Raises `Invalid` for what is no
    address.
    """
    row = session.row(_FIND_ACTIVE, (rules.email_key(email),))
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
    sent = one_time.issued_within(session, person_id, Purpose.RESET_PASSWORD, _HOUR)
    if sent < LINKS_EACH_HOUR:
        _mail_link(session, person_id, Purpose.RESET_PASSWORD)


def check_reset(session: Session, token: str) -> queries.Person:
    """Whose password the link resets, without using it. Raises `TokenInvalid`."""
    link = one_time.find(session, token, Purpose.RESET_PASSWORD)
    return queries.person_by_id(session, link.user_id)


def prepare_reset(
    person: queries.Person, *, token: str, password: str, revoke_api_keys: bool = False
) -> NewPassword:
    """Check and hash the new password (slow, no database). Raises `Invalid`."""
    rules.check_new_password("password", password, known=person.known)
    return NewPassword(token, resolve(Passwords).hash(password), revoke_api_keys)


def conclude_reset(session: Session, chosen: NewPassword) -> int:
    """Use the link: set the password and end every session and every other reset link; answers
    how many API keys stay active.

    Who could read the mail has shown that the address is theirs. A second factor stays on.
    Raises `TokenInvalid`, to all but one of many at the same moment.
    """
    user_id = one_time.redeem(session, chosen.token, Purpose.RESET_PASSWORD).user_id
    session.send(
        "UPDATE users SET password_hash = %s WHERE id = %s", (chosen.password_hash, user_id)
    )
    confirm_email(session, user_id)
    one_time.end_others(session, user_id, Purpose.RESET_PASSWORD)
    sessions.revoke_all(session, user_id, sessions.Revocation.PASSWORD_CHANGED)
    _record(session, user_id, "password.reset")
    return password_changed(session, user_id, revoke_api_keys=chosen.revoke_api_keys)


def password_changed(session: Session, user_id: UUID, *, revoke_api_keys: bool) -> int:
    """Mail the person of their new password, and answer how many API keys stay active.

    They stay unless the person says otherwise: programs would stop without warning, and whoever
    knew the password could not read them. The mail counts them, so that nobody forgets them.
    """
    if revoke_api_keys:
        api_keys.revoke_all(session, user_id)
    active = api_keys.count_active(session, user_id)
    tell_of_change(session, user_id, "password_changed", api_keys=str(active))
    return active


def tell_of_change(session: Session, user_id: UUID, kind: str, **told: str) -> None:
    """Mail the person that a credential of theirs was changed: they may not know of it."""
    change = ids.encode("evt", ids.new())
    _stage_mail(
        session,
        user_id,
        kind=kind,
        event_key=f"{kind}:{change}",
        values={"changed_at": clock.rfc3339(clock.now()), **told},
    )


def _record(session: Session, user_id: UUID, action: str) -> None:
    # By the bearer of a link: nobody is logged in.
    audit.record(session, actor=None, action=action, subject=ids.encode("usr", user_id))


def _mail_link(session: Session, user_id: UUID, purpose: Purpose) -> None:
    link_id = one_time.issue(session, user_id, purpose)
    _stage_mail(
        session,
        user_id,
        kind=purpose.value,
        event_key=f"{purpose}:{ids.encode(one_time.PREFIX, link_id)}",
        values={},
        token_id=str(link_id),
    )


def _stage_mail(session: Session, user_id: UUID, **told: Any) -> None:
    outbox.stage(session, "messages.send_mail", {"user_id": str(user_id), **told})
