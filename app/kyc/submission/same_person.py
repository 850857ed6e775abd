"""One person with several accounts: found by ID number, by name and birth date, and by address.

Blind indexes find equal details without opening any. Limits are a person's (`accounts_of_person`),
so accounts with the same name and birth date, once verified, share them. A case names both; the
decision that they are two people separates them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from unicodedata import combining, normalize
from uuid import UUID

import sqlalchemy as sa

from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.registry import CaseOutcome
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.kyc import rules
from app.kyc.models import Verification
from app.kyc.rules import VerificationKind, VerificationStatus
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import PersonDetails
from app.screening.matching.name_normalization import name_words

SAME_PERSON, SAME_ADDRESS = "same_person", "same_address"
ONE_PERSON, TWO_PEOPLE = "one_person", "two_people"
_TITLES = {
    SAME_PERSON: "Several accounts with the same name and birth date",
    SAME_ADDRESS: "Several accounts with the same address",
}
_NAMED_MAX = 20
#: Two letters for one that some people write, some leave out: `Mueller` and `Muller`.
_DIGRAPHS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))


@dataclass(frozen=True, slots=True)
class DetailIndexes:
    """The blind indexes of a person's details."""

    id_number: bytes | None
    person: bytes
    address: bytes


def index_details(person: PersonDetails) -> DetailIndexes:
    """Return the blind indexes of the details."""
    id_number = None
    if person.id_type is not None:
        country = "US" if person.id_type in rules.US_ID_TYPES else person.address.country
        id_number = _index("id_number_index", f"{person.id_type}:{country}:{person.id_number}")
    return DetailIndexes(
        id_number,
        _index_person(person.first_name, person.last_name, person.date_of_birth),
        _index("address_index", _write_address(person.address)),
    )


def find_people(
    session: Session, first_name: str, last_name: str, date_of_birth: date
) -> Sequence[UUID]:
    """Return the ids of the people who were verified with this name and birth date."""
    index = _index_person(first_name, last_name, date_of_birth)
    found = sa.select(Verification.user_id).where(
        Verification.person_index == index, Verification.status == VerificationStatus.APPROVED
    )
    return session.select(lambda user_id: user_id, found.distinct().order_by(Verification.user_id))


def _index_person(first_name: str, last_name: str, date_of_birth: date) -> bytes:
    name = _write_name(first_name, last_name)
    return _index("person_index", f"{name}:{date_of_birth.isoformat()}")


def _index(column: str, value: str) -> bytes:
    return keys.blind_index(value, table="verifications", column=column)


def _write_name(first_name: str, last_name: str) -> str:
    """Write the first of the given names and the last name, in any order and transliteration."""
    words = sorted([*name_words(first_name)[:1], *name_words(last_name)])
    text = " ".join(words)
    for two, one in _DIGRAPHS:
        text = text.replace(two, one)
    return text


def _write_address(address: PostalAddress) -> str:
    lines = (address.street, address.street2, address.city, address.zip_code, address.country)
    folded = normalize("NFKD", " ".join(line for line in lines if line)).casefold()
    letters = "".join(c if c.isalnum() else " " for c in folded if not combining(c))
    return " ".join(letters.split())


def has_same_id_number(session: Session, user_id: UUID, indexes: DetailIndexes) -> bool:
    """Return whether another person submitted the same ID number."""
    is_same = Verification.id_number_index == indexes.id_number
    return indexes.id_number is not None and bool(_accounts(session, user_id, is_same))


def report_matches(session: Session, user_id: UUID, about: str, indexes: DetailIndexes) -> None:
    """Open a case for accounts of what may be the same person, and else for those at the same
    address. `about` is the public id of the new submission."""
    same = _accounts(session, user_id, Verification.person_index == indexes.person)
    if same:
        _open_case(session, SAME_PERSON, user_id, about, same)
        return
    neighbours = _accounts(session, user_id, Verification.address_index == indexes.address)
    if neighbours:
        _open_case(session, SAME_ADDRESS, user_id, about, neighbours)


def _accounts(session: Session, user_id: UUID, match: sa.ColumnElement[bool]) -> Sequence[UUID]:
    select = (
        sa.select(Verification.user_id)
        .where(
            match,
            Verification.user_id != user_id,
            Verification.status != VerificationStatus.WITHDRAWN,
        )
        .group_by(Verification.user_id)
        .order_by(sa.func.min(Verification.submitted_at))
        .limit(_NAMED_MAX)
    )
    return session.select(lambda user_id: user_id, select)


def _open_case(
    session: Session, kind: str, user_id: UUID, about: str, others: Sequence[UUID]
) -> None:
    account = ids.encode("usr", user_id)
    cases.open_case(
        session,
        kind=kind,
        subject=about,
        key=account,
        title=_TITLES[kind],
        facts={
            "account": account,
            "other accounts": ", ".join(ids.encode("usr", other) for other in others),
        },
        person_id=user_id,
    )


def _apply_decision(session: Session, outcome: CaseOutcome) -> None:
    if outcome.disposition == TWO_PEOPLE:
        session.write(_of_person(outcome).values(person_index=None))


def _lift_decision(session: Session, outcome: CaseOutcome) -> None:
    """Index the person's details again after a decision that they are another person."""
    select = sa.select(Verification.id.label("verification_id")).where(
        Verification.user_id == outcome.person_id,
        Verification.kind == VerificationKind.IDENTITY,
    )
    for verification_id in session.select(lambda verification_id: verification_id, select):
        details = submission_queries.details_of(session, verification_id)
        if isinstance(details, PersonDetails):
            update = _of_person(outcome).where(Verification.id == verification_id)
            session.write(update.values(person_index=index_details(details).person))


def _of_person(outcome: CaseOutcome) -> sa.Update:
    return sa.update(Verification).where(Verification.user_id == outcome.person_id)


cases_registry.register(
    cases_registry.CaseKind(
        SAME_PERSON,
        "Accounts of one person",
        dispositions=MappingProxyType(
            {ONE_PERSON: "One person", TWO_PEOPLE: "Two people"},
        ),
        on_closed=_apply_decision,
        on_reopened=_lift_decision,
        consequences=lambda _session, _case_id, _person_id: {
            ONE_PERSON: ["The accounts go on sharing the limits of one person."],
            TWO_PEOPLE: ["From now on, each account has limits of its own."],
        },
        reopening="Reopening lets the accounts share the limits of one person again.",
    )
)
