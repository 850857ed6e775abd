"""Screening of the people and companies to whom goods are shipped or handed over."""

from uuid import UUID

from app.identity.accounts import people
from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.screening import queries
from app.screening.decisions import subjects
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.matching.name_normalization import sorted_words
from app.screening.rules import PartyType, ScreeningSubject, Verdict

PURPOSE = "delivery"


def screen_recipient(
    session: Session, customer_id: UUID, address: PostalAddress | None, *, about: str
) -> Verdict | None:
    """Screen the person, and the company, to whom goods of a customer go, and return the verdict;
    None without a list. Only `Verdict.CLEAR` lets goods leave.

    `address` is where the goods are sent; None if the customer collects them. Where it names no
    one, the recipient is the customer. The verdict on the customer counts too. `about` is the
    public id of the order, shipment or redemption. Callers never give the customer the reason.
    """
    name = people.get_names(session, [customer_id])[customer_id]
    try:
        verdicts = {
            screening.screen(
                session, subject, about=about, purpose=PURPOSE, person_id=customer_id
            ).verdict
            for subject in _subjects(session, customer_id, name, address)
        }
    except NoSanctionsList:
        return None
    verdicts.add(queries.verdict_of(session, customer_id) or Verdict.CLEAR)
    if Verdict.BLOCKED in verdicts:
        return Verdict.BLOCKED
    return Verdict.CLEAR if verdicts == {Verdict.CLEAR} else Verdict.REVIEW


def _subjects(
    session: Session, customer_id: UUID, name: str, address: PostalAddress | None
) -> list[ScreeningSubject]:
    recipient = (address and address.recipient) or name
    if address is None or sorted_words(recipient) == sorted_words(name):
        found = [subjects.person_subject(session, customer_id, name)]
    else:
        found = [_subject(recipient, PartyType.INDIVIDUAL, address)]
    if address is not None and address.company is not None:
        found.append(_subject(address.company, PartyType.ENTITY, address))
    return found


def _subject(name: str, party_type: PartyType, address: PostalAddress) -> ScreeningSubject:
    return ScreeningSubject(
        (name,),
        party_type=party_type,
        residences=frozenset({address.country}),
        numbers=(address.phone,) if address.phone else (),
    )
