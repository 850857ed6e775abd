"""The verbs of accounts: register a customer, add a person in a role."""

from uuid import UUID

from app.access import Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import email_verification, rules
from app.identity.accounts.rules import Registration
from app.identity.credentials import rules as credential_rules
from app.identity.credentials.passwords import PasswordHashing
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.service import IssuedTokens
from app.identity.sign_in.sessions import Device
from app.kit import clock, ids, names, phones
from app.kit.db import Session
from app.kit.ports import resolve


def prepare_registration(
    *, email: str, password: str, first_name: str, last_name: str, phone: str | None = None
) -> Registration:
    """Check a registration and hash its password (slow, no database).

    Raises `Invalid` naming the field.
    """
    key = rules.normalize_email(email)
    first_name = names.clean_name("firstName", first_name)
    last_name = names.clean_name("lastName", last_name)
    phone = phones.normalize_phone(phone)
    guessable = credential_rules.guessable_texts(email, first_name, last_name)
    credential_rules.check_new_password("password", password, guessable=guessable)
    return Registration(
        email, key, first_name, last_name, phone, resolve(PasswordHashing).hash(password)
    )


_ADD_PERSON = """
    INSERT INTO users
        (id, email, email_key, password_hash, first_name, last_name, phone, role, branch_id,
            created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add_person(
    session: Session, registration: Registration, role: Role, *, branch_id: UUID | None = None
) -> UUID:
    """Add a person in a role and return their id. `branch_id` is required for a teller.

    Raises `EmailTaken` when the statement runs.
    """
    user_id = ids.new()
    session.send(
        _ADD_PERSON,
        (
            user_id,
            registration.email,
            registration.email_key,
            registration.password_hash,
            registration.first_name,
            registration.last_name,
            registration.phone,
            role,
            branch_id,
            clock.now(),
        ),
    )
    return user_id


def register(
    session: Session, registration: Registration, device: Device | None = None
) -> IssuedTokens:
    """Add a customer, email the link that confirms their address, and open a login session.

    Raises `EmailTaken` when the statement runs.
    """
    user_id = add_person(session, registration, Role.USER)
    email_verification.send_confirmation(session, user_id)
    audit.record(
        session,
        actor=None,
        action=AuditAction.PERSON_REGISTERED,
        subject=ids.encode("usr", user_id),
    )
    return sign_in.open_session(session, user_id, device)
