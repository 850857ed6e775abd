"""What identity holds on a person, and how it forgets them."""

from dataclasses import asdict
from uuid import UUID

from app.access import Role
from app.identity.accounts import address_book
from app.identity.errors import TokenInvalid
from app.identity.sign_in import lockout
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import NotFound
from app.kit.personal import (
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)

#: In place of a hash: no password matches it.
NO_PASSWORD = "erased"  # noqa: S105 - says that there is none

_LOCK = "SELECT role, status FROM users WHERE id = %s FOR UPDATE"
_STANDING = "SELECT role, status FROM users WHERE id = %s"
_PROFILE = """
SELECT id, email, first_name, last_name, phone, role, status, email_confirmed_at, created_at
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
# The addresses of people who were erased are nobody's: .invalid is reserved for that (RFC 2606).
_EMPTY = """
UPDATE users SET email = %(nowhere)s, email_key = %(nowhere)s, password_hash = %(none)s,
    first_name = 'Erased', last_name = 'person', phone = NULL, email_confirmed_at = NULL,
    status = 'erased', suspended_at = NULL, suspended_reason = NULL, erased_at = %(now)s
WHERE id = %(person)s
"""
_DELETE = (
    """
    DELETE FROM refresh_tokens t USING login_sessions s
    WHERE s.id = t.session_id AND s.user_id = %s
    """,
    *(
        f"DELETE FROM {table} WHERE user_id = %s"  # noqa: S608 - names of our own
        for table in (
            "login_sessions",
            "sign_ins",
            "addresses",
            "api_keys",
            "one_time_tokens",
            "totp_credentials",
            "passkeys",
            "passkey_challenges",
        )
    ),
)
_FORGET_COUNTER = "DELETE FROM login_failures WHERE key = %s"

# Whatever was still under way in the name of somebody who is erased: they are nobody now.
register_refusal("nobody_erased", lambda _detail: TokenInvalid())


def lock_person(session: Session, person_id: UUID) -> None:
    """Whatever else changes about this person waits until this transaction ends, and whatever was
    under way about them has ended. Raises `NotFound` for nobody, and for somebody erased."""
    row = session.row(_LOCK, (person_id,))
    if row is None or row[1] == "erased":
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
            "id email firstName lastName phone role status emailConfirmedAt createdAt",
            id="usr",
        ),
        "addresses": export_records(
            (
                (each.id, *asdict(each.postal).values(), each.is_default, each.created_at)
                for each in address_book.list_all(session, person_id)
            ),
            "id country street street2 district city state zipCode recipient company label phone"
            " isDefault createdAt",
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
    [(role, status)] = session.rows(_STANDING, (person_id,))
    found = []
    if role != Role.USER:
        found.append(
            ErasureBlocker("role", f"The role is {role}. End it first: staff cannot be erased.")
        )
    if status == "suspended":
        found.append(
            ErasureBlocker("status", "The account is suspended. Close the open case first.")
        )
    return found


def _erase(session: Session, person_id: UUID) -> None:
    for statement in _DELETE:
        session.send(statement, (person_id,))
    session.send(_FORGET_COUNTER, (lockout.second_factor_key(person_id),))
    nowhere = f"{ids.encode('usr', person_id)}@erased.invalid"
    values = {"nowhere": nowhere, "none": NO_PASSWORD, "now": clock.now(), "person": person_id}
    session.send(_EMPTY, values)


_CREDENTIAL = "It is of use only to somebody who can sign in."
_FOR_STAFF = "Only staff have them; whoever is erased is no member of staff."
PERSONAL_DATA = PersonalData(
    "identity",
    {
        "users": PersonalDataTable(
            "E-mail address, names, phone number, password hash, role and status",
            ErasureEffect.ANONYMIZED,
            "Orders and entries name the row by its id. It is never changed again.",
            export_sections=("profile",),
        ),
        "addresses": PersonalDataTable(
            "The address book, sealed",
            ErasureEffect.DELETED,
            "Nothing is sent there any more.",
            export_sections=("addresses",),
        ),
        "login_sessions": PersonalDataTable(
            "Where and when the person logged in: browser and network",
            ErasureEffect.DELETED,
            "Access ends at once. That there was a login stands in the audit trail.",
            export_sections=("sessions",),
        ),
        "refresh_tokens": PersonalDataTable(
            "Hashes of tokens",
            ErasureEffect.DELETED,
            "Access ends at once.",
            not_exported="Hashes of secrets say nothing about the person.",
        ),
        "api_keys": PersonalDataTable(
            "Keys of the person's own programs: name, scopes, hash",
            ErasureEffect.DELETED,
            "Access ends at once.",
            export_sections=("apiKeys",),
        ),
        "one_time_tokens": PersonalDataTable(
            "Links that were mailed, by hash",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("links",),
        ),
        "totp_credentials": PersonalDataTable(
            "The secret of an authenticator app, sealed",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("secondFactors",),
        ),
        "recovery_codes": PersonalDataTable(
            "Hashes of recovery codes",
            ErasureEffect.DELETED,
            _CREDENTIAL,
            export_sections=("secondFactors",),
        ),
        "passkeys": PersonalDataTable(
            "Public halves of passkeys, and what their owner calls them",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            export_sections=("secondFactors",),
        ),
        "sign_ins": PersonalDataTable(
            "Sign-ins half done, for ten minutes",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            not_exported="Hashes of secrets that last minutes.",
        ),
        "passkey_challenges": PersonalDataTable(
            "What an authenticator is to sign, for minutes",
            ErasureEffect.DELETED,
            _FOR_STAFF,
            not_exported="Hashes of random numbers that last minutes.",
        ),
        "login_failures": PersonalDataTable(
            "Counted failures, by network and by a hash of address and network",
            ErasureEffect.EXPIRES,
            "The person's own counter is deleted; the others mean nothing after half an hour, and"
            " are deleted within the hour.",
            not_exported="Counters of networks and hashes lead to nobody.",
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
    erase=_erase,
)
