"""The personal data of identity: what is exported, what blocks an erasure, what it deletes."""

from dataclasses import asdict
from uuid import UUID

from app.access import Role
from app.identity.accounts import address_book
from app.identity.accounts.rules import AccountStatus
from app.identity.errors import TokenInvalid
from app.identity.sign_in import lockout
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import NotFound
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)

#: Stored in place of a password hash. No password matches it.
NO_PASSWORD = "erased"  # noqa: S105 - a marker, no secret

_LOCK = "SELECT status FROM users WHERE id = %s FOR UPDATE"
_ROLE_AND_STATUS = "SELECT role, status FROM users WHERE id = %s"
_PROFILE = """
SELECT id, email, first_name, last_name, phone, role, status, email_confirmed_at,
    phone_verified_at, created_at
FROM users WHERE id = %s
"""
_SESSIONS = """
SELECT id, created_at, expires_at, seen_at, revoked_at, revoked_reason, browser, network
FROM login_sessions WHERE user_id = %s ORDER BY id
"""
_API_KEYS = """
SELECT id, name, prefix, last_four, scopes, created_at, expires_at, revoked_at
FROM api_keys WHERE user_id = %s ORDER BY id
"""
_SECOND_FACTORS = """
SELECT 'authenticator app', NULL, c.created_at, c.confirmed_at,
    (SELECT count(*) FROM recovery_codes r WHERE r.user_id = c.user_id AND r.used_at IS NULL)
FROM totp_credentials c WHERE c.user_id = %(person)s
UNION ALL
SELECT 'passkey', name, created_at, NULL, NULL FROM passkeys WHERE user_id = %(person)s
"""
_LINKS = """
SELECT purpose, issued_at, expires_at, used_at FROM one_time_tokens WHERE user_id = %s ORDER BY id
"""
# Erased people get an email address in .invalid, which no one can own (RFC 2606).
_ANONYMIZE = """
UPDATE users SET email = %(nowhere)s, email_key = %(nowhere)s, password_hash = %(none)s,
    first_name = 'Erased', last_name = 'person', phone = NULL, phone_verified_at = NULL,
    email_confirmed_at = NULL, accepted_policies = '{}', status = 'erased', suspended_at = NULL,
    suspended_reason = NULL, erased_at = %(now)s
WHERE id = %(person)s
"""
_DELETE = (
    """
    DELETE FROM refresh_tokens t USING login_sessions s
    WHERE s.id = t.session_id AND s.user_id = %s
    """,
    *(
        f"DELETE FROM {table} WHERE user_id = %s"  # noqa: S608 - our own table names
        for table in (
            "login_sessions",
            "sign_ins",
            "addresses",
            "api_keys",
            "one_time_tokens",
            "phone_codes",
            "totp_credentials",
            "staff_pins",
            "passkeys",
            "passkey_challenges",
        )
    ),
)
_DELETE_COUNTER = "DELETE FROM login_failures WHERE key = %s"

# A request still in progress for an erased person fails as an unknown token would.
register_refusal("nobody_erased", lambda _detail: TokenInvalid())


def lock_person(session: Session, person_id: UUID) -> None:
    """Lock the person's row against every other change until the transaction ends.

    Raises `NotFound` for an unknown or erased person.
    """
    status = session.optional_value(_LOCK, (person_id,))
    if status is None or status == AccountStatus.ERASED:
        raise NotFound


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    profile, logins, keys, factors, links = session.fetch(
        (_PROFILE, (person_id,)),
        (_SESSIONS, (person_id,)),
        (_API_KEYS, (person_id,)),
        (_SECOND_FACTORS, {"person": person_id}),
        (_LINKS, (person_id,)),
    )
    return {
        "profile": export_records(
            profile,
            "id email firstName lastName phone role status emailConfirmedAt phoneVerifiedAt"
            " createdAt",
            id="usr",
        ),
        "addresses": export_records(
            (
                (entry.id, *asdict(entry.postal).values(), entry.is_default, entry.created_at)
                for entry in address_book.list_all(session, person_id)
            ),
            "id country street street2 district city state zipCode recipient company label phone"
            " stateCode isDefault createdAt",
            id="adr",
        ),
        "sessions": export_records(
            logins,
            "id createdAt expiresAt seenAt revokedAt revokedReason browser network",
            id="ses",
        ),
        "apiKeys": export_records(
            keys, "id name prefix lastFour scopes createdAt expiresAt revokedAt", id="key"
        ),
        "secondFactors": export_records(
            factors, "kind name createdAt confirmedAt recoveryCodesLeft"
        ),
        "links": export_records(links, "purpose issuedAt expiresAt usedAt"),
    }


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    [(role, status)] = session.rows(_ROLE_AND_STATUS, (person_id,))
    blockers = []
    if role != Role.USER:
        blockers.append(
            ErasureBlocker("role", f"The role is {role}. End it first: staff cannot be erased.")
        )
    if status == "suspended":
        blockers.append(
            ErasureBlocker("status", "The account is suspended. Close the open case first.")
        )
    return blockers


def _erase(session: Session, person_id: UUID) -> None:
    for statement in _DELETE:
        session.send(statement, (person_id,))
    session.send(_DELETE_COUNTER, (lockout.second_factor_key(person_id),))
    nowhere = f"{ids.encode('usr', person_id)}@erased.invalid"
    values = {"nowhere": nowhere, "none": NO_PASSWORD, "now": clock.now(), "person": person_id}
    session.send(_ANONYMIZE, values)


_CREDENTIAL = "Only useful to a person who can sign in."
_FOR_STAFF = "Only staff have them, and staff cannot be erased."
PERSONAL_DATA = PersonalData(
    "identity",
    {
        "users": PersonalDataTable(
            "Email address, names, phone number, password hash, role and status",
            ErasureEffect.ANONYMIZED,
            "Orders and entries refer to the row by its id. The row never changes again.",
            export_sections=("profile",),
        ),
        "addresses": PersonalDataTable(
            "The address book, sealed",
            ErasureEffect.DELETED,
            "Nothing is delivered to them any more.",
            export_sections=("addresses",),
        ),
        "login_sessions": PersonalDataTable(
            "When and where the person signed in: browser and network",
            ErasureEffect.DELETED,
            "Access ends at once. The audit trail still records the sign-in.",
            export_sections=("sessions",),
        ),
        "refresh_tokens": PersonalDataTable(
            "Hashes of tokens",
            ErasureEffect.DELETED,
            "Access ends at once.",
            not_exported="Hashes of secrets say nothing about the person.",
        ),
        "api_keys": PersonalDataTable(
            "API keys of the person's own programs: name, scopes, hash",
            ErasureEffect.DELETED,
            "Access ends at once.",
            export_sections=("apiKeys",),
        ),
        "one_time_tokens": PersonalDataTable(
            "Hashes of mailed links",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("links",),
        ),
        "phone_codes": PersonalDataTable(
            "Codes that were sent to verify a phone: when, and a blind index of the phone",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            not_exported="Random numbers that last minutes.",
        ),
        "totp_credentials": PersonalDataTable(
            "The secret of an authenticator app, sealed",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("secondFactors",),
        ),
        "staff_pins": PersonalDataTable(
            "The hash of a PIN",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            not_exported="A credential.",
        ),
        "recovery_codes": PersonalDataTable(
            "Hashes of recovery codes",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("secondFactors",),
        ),
        "passkeys": PersonalDataTable(
            "Public keys of passkeys, and their names",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            export_sections=("secondFactors",),
        ),
        "sign_ins": PersonalDataTable(
            "Pending sign-ins, for ten minutes",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            not_exported="Hashes of secrets that last minutes.",
        ),
        "kept_forms": PersonalDataTable(
            "Forms that staff sent too late, sealed, for a quarter of an hour until they prove"
            " their identity or sign in again",
            ErasureEffect.DELETED,
            f"{_FOR_STAFF} What a form says about a customer expires with it.",
            not_exported="What staff write about their decisions, for minutes.",
        ),
        "passkey_challenges": PersonalDataTable(
            "Challenges for authenticators, for minutes",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            not_exported="Hashes of random numbers that last minutes.",
        ),
        "role_grants": PersonalDataTable(
            "The permissions of each role, and by id which member of staff had it granted",
            ErasureEffect.RETAINED,
            f"It decides who may approve whose requests. {RETAINED_BY_LAW}",
            not_exported="How PBCEx divides duties among its staff is internal.",
        ),
        "sponsorships": PersonalDataTable(
            "Who of the staff invited whom, gave a role or restored access, by id",
            ErasureEffect.RETAINED,
            f"It decides who may approve whose requests. {RETAINED_BY_LAW}",
            not_exported="How PBCEx divides duties among its staff is internal.",
        ),
        "staff_invitations": PersonalDataTable(
            "Email address and names of people to be invited to the staff, for the days in which a"
            " second person decides",
            ErasureEffect.EXPIRES,
            "They have no account yet. The row is deleted with the approval, or after three days.",
            not_exported="They have no account yet.",
        ),
        "login_failures": PersonalDataTable(
            "Counts of failed sign-ins, by network and by a hash of email address and network",
            ErasureEffect.EXPIRES,
            "The person's own counter is deleted. The others expire after half an hour and are"
            " deleted within the hour.",
            not_exported="Counts by network and hash identify no one.",
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
    erase=_erase,
)
