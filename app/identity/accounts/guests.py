"""Guests: people who buy without choosing a password.

A guest is a person like any other, signed in by a link that is mailed to them each time. So ledger,
screening, limits, tax, orders and privacy hold for them unchanged. A guest who resets the password
has an account from then on, with all that they bought, and the links end.
"""

from dataclasses import dataclass
from uuid import UUID

from app.access import Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import email_verification, rules
from app.identity.accounts import service as accounts
from app.identity.accounts.rules import GUEST_PASSWORD, AccountStatus, Registration
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.errors import EmailTaken, TokenInvalid
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.service import IssuedTokens
from app.identity.sign_in.sessions import Device
from app.kit import ids, names, phones
from app.kit.db import Session
from app.notifications.account_kinds import GuestSignIn

_FIND = "SELECT id, password_hash, status FROM users WHERE email_key = %s FOR NO KEY UPDATE"
_LOCK = "SELECT status FROM users WHERE id = %s AND password_hash = %s FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class GuestRequest:
    """Whose link a guest wants, and whether they are a new person."""

    user_id: UUID
    is_new: bool


def request_link(
    session: Session, *, email: str, first_name: str, last_name: str, phone: str | None = None
) -> GuestRequest:
    """Email a link that signs a guest in, a few times an hour at most. Names and phone count for a
    new guest only.

    Raises `Invalid` naming the field, and `EmailTaken` for an address whose account has a password.
    """
    key = rules.normalize_email(email)
    known = session.row(_FIND, (key,))
    if known is None:
        registration = Registration(
            email,
            key,
            names.clean_name("firstName", first_name),
            names.clean_name("lastName", last_name),
            phones.normalize_phone(phone),
            GUEST_PASSWORD,
        )
        user_id = _add(session, registration)
    else:
        user_id, password_hash, status = known
        if password_hash != GUEST_PASSWORD or status != AccountStatus.ACTIVE:
            raise EmailTaken
    sent = one_time_tokens.count_issued(session, user_id, LinkPurpose.GUEST, security_mail.HOUR)
    if sent < security_mail.LINKS_PER_HOUR_MAX:
        security_mail.mail_link(session, user_id, LinkPurpose.GUEST, GuestSignIn)
    return GuestRequest(user_id, known is None)


def _add(session: Session, registration: Registration) -> UUID:
    user_id = accounts.add_person(session, registration, Role.USER)
    audit.record(
        session,
        actor=None,
        action=AuditAction.PERSON_REGISTERED,
        subject=ids.encode("usr", user_id),
        reason="guest",
    )
    return user_id


def is_link_valid(session: Session, token: str) -> bool:
    """Return whether the token signs a guest in."""
    try:
        one_time_tokens.find_link(session, token, LinkPurpose.GUEST)
    except TokenInvalid:
        return False
    return True


def sign_in_guest(session: Session, token: str, device: Device | None = None) -> IssuedTokens:
    """Open a login session for the bearer of a mailed link, which confirms the email address.

    Raises `TokenInvalid`, also once the guest has chosen a password.
    """
    user_id = one_time_tokens.redeem_link(session, token, LinkPurpose.GUEST).user_id
    if session.optional_value(_LOCK, (user_id, GUEST_PASSWORD)) != AccountStatus.ACTIVE:
        raise TokenInvalid("This account has a password. Sign in with it.")
    email_verification.prove_email(session, user_id)
    audit.record(
        session,
        actor=None,
        action=AuditAction.SESSION_OPENED,
        subject=ids.encode("usr", user_id),
        reason="link of a guest",
    )
    return sign_in.open_session(session, user_id, device)
