"""Find the customer who is at the counter: by what only they and their document say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.access import Role
from app.catalog.rules import USD
from app.funding import card_money
from app.identity.accounts import people
from app.kit import ids, phones
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.kyc.submission import queries as submission_queries
from app.kyc.submission import same_person
from app.kyc.submission.queries import CustomerIdentity
from app.ledger import queries as ledger_queries

_FOUND_MAX = 10


@dataclass(frozen=True, slots=True)
class CustomerAtCounter:
    """A customer with their dollars. `withheld` was paid in by card lately and stays for now."""

    identity: CustomerIdentity
    available: Amount
    withheld: Amount

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("usr", self.identity.id)

    @property
    def is_verified(self) -> bool:
        """Whether their identity is approved."""
        return self.identity.tier_status.tier > 0


def find_customers(session: Session, text: str) -> Sequence[CustomerIdentity]:
    """Return the customers with this id, email address or phone number, or with this name and
    birth date, such as `Ada Lovelace 1951-02-28`; at most ten."""
    person_id = kyc_queries.find_person_id(session, text)
    phone = phones.parse_phone(text)
    if person_id is not None:
        found = [person_id]
    elif phone is not None:
        found = [each.id for each in people.find_by_phone(session, phone, limit=_FOUND_MAX)]
    else:
        found = list(_find_by_name(session, text))
    customers = [submission_queries.get_customer(session, each) for each in found[:_FOUND_MAX]]
    return sorted(customers, key=lambda customer: (customer.name, customer.id))


def get_customer(session: Session, person_id: UUID) -> CustomerAtCounter:
    """Return the customer with their dollars. Raises `NotFound`, also for staff: they have none."""
    identity = submission_queries.get_customer(session, person_id)
    if people.get_account(session, person_id).role is not Role.USER:
        raise NotFound
    balances = ledger_queries.customer_balances(session, person_id)
    available = sum(each.posted - each.held for each in balances if each.asset == USD.code)
    withheld = card_money.withheld_money(session, person_id)
    return CustomerAtCounter(identity, Amount(USD, available), withheld.amount)


def _find_by_name(session: Session, text: str) -> Iterator[UUID]:
    """Yield the people whose verified names and birth date these are, whichever of the words are
    first names."""
    *words, last = text.split() or [""]
    try:
        born = date.fromisoformat(last)
    except ValueError:
        return
    for at in range(1, len(words)):
        first_name, last_name = " ".join(words[:at]), " ".join(words[at:])
        yield from same_person.find_people(session, first_name, last_name, born)
