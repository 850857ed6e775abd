"""The erasure of a person races with other acts by them or about them."""

from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from app.access import Actor
from app.access.consents import POLICIES, PolicyName
from app.catalog.rules import USD, XAU
from app.identity.accounts import address_book, profile
from app.identity.api_keys import service as api_keys
from app.identity.errors import TokenInvalid
from app.kit.db import Session
from app.kit.errors import NotFound, Refusal
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.ledger.errors import InsufficientFunds
from app.privacy import consents, erasure, exports
from app.privacy.errors import ErasureRefused
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.drill import choose_size, rounds, seeded_random
from tests.people import set_prices
from tests.races.contest import THREADS, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(20, 200)
PEOPLE = 8
THREADS_PER_PERSON = THREADS // PEOPLE
HOME = PostalAddress(
    country="US", street="1 Main Street", city="Reno", state="NV", zip_code="89501"
)
CONVERSION = RequestedConversion(USD, XAU, Amount(USD, 1000), None)
Act = Callable[[Session, Actor], object]

_REMAINING_ROWS = """
SELECT (SELECT status FROM users WHERE id = %(id)s),
    (SELECT first_name FROM users WHERE id = %(id)s),
    (SELECT count(*) FROM orders WHERE user_id = %(id)s),
    (SELECT count(*) FROM erasures WHERE user_id = %(id)s),
    (SELECT count(*) FROM addresses WHERE user_id = %(id)s)
        + (SELECT count(*) FROM api_keys WHERE user_id = %(id)s)
        + (SELECT count(*) FROM quotes WHERE user_id = %(id)s)
        + (SELECT count(*) FROM exports WHERE user_id = %(id)s AND status = 'pending')
"""


def in_transaction(arena: Arena, person: Actor, act: Act) -> Callable[[], object]:
    """Return a function that runs the act in its own transaction."""

    def once() -> object:
        with arena.database.transaction() as session:
            return act(session, person)

    return once


def remaining_rows(arena: Arena, person_id: UUID) -> tuple[object, ...]:
    with arena.database.reading() as session:
        row = session.row(_REMAINING_ROWS, {"id": person_id})
    assert row is not None
    return row


def place_order(session: Session, person: Actor) -> object:
    return trading.convert_at_market(session, person, CONVERSION)


def create_quote(session: Session, person: Actor) -> object:
    return trading.create_quote(session, person, CONVERSION)


def race_against_erasure(
    arena: Arena, random: Random, act: Act, refusals: tuple[type[Refusal], ...], **amounts: str
) -> list[tuple[int, int, tuple[object, ...]]]:
    """Erase each of several people in some threads while other threads act for them.

    Return for each person how many erasures and acts had an effect, and the remaining rows. Few
    threads share a person, so that on a busy machine no statement exceeds its timeout.
    """
    people = [arena.people.customer(**amounts) for _ in range(PEOPLE)]
    acts = [
        in_transaction(arena, person, action)
        for person in people
        for action in [erasure.erase_own_account, act] * (THREADS_PER_PERSON // 2)
    ]
    outcomes = arena.all_at_once(acts, random)
    results = []
    for number, person in enumerate(people):
        outcomes_of_person = outcomes[
            number * THREADS_PER_PERSON : (number + 1) * THREADS_PER_PERSON
        ]
        erased = winners(outcomes_of_person[::2], ErasureRefused, NotFound)
        done = winners(outcomes_of_person[1::2], *refusals)
        results.append((len(erased), len(done), remaining_rows(arena, person.user_id)))
    return results


@pytest.mark.parametrize("amounts", [{}, {"USD": "320"}], ids=["without money", "with money"])
def test_person_trades_or_is_erased_and_never_both(arena: Arena, amounts: dict[str, str]) -> None:
    """A person with money trades and is not erased; one without is erased once and does not
    trade."""
    random = seeded_random(f"erasing and trading {amounts}")
    for _ in rounds(ROUNDS, "an order and an erasure"):
        set_prices(arena.database, AU="4000")
        for erased, traded, (status, _, orders, erasures, _) in race_against_erasure(
            arena, random, place_order, (InsufficientFunds,), **amounts
        ):
            observed = (erased, traded, status, orders, erasures)
            trades = THREADS_PER_PERSON // 2
            assert observed == (
                (0, trades, "active", trades, 0) if amounts else (1, 0, "erased", 0, 1)
            )


def test_person_is_quoted_or_erased_and_never_both(arena: Arena) -> None:
    """A person quoted first is not erased; a person erased first gets no quote."""
    random = seeded_random("erasing and quoting")
    won = set()
    for _ in rounds(ROUNDS, "a quote and an erasure"):
        set_prices(arena.database, AU="4000")
        for erased, quoted, (status, _, _, erasures, personal_rows) in race_against_erasure(
            arena, random, create_quote, (TokenInvalid,)
        ):
            assert erased == erasures == (0 if quoted else 1)
            assert (status, personal_rows) == (("active", quoted) if quoted else ("erased", 0))
            won.add(status)
    assert won == {"active", "erased"}, "one of the two always wins: there was no race"


def _add_address(session: Session, person: Actor) -> object:
    return address_book.add_address(session, person, HOME, is_default=False)


def _change_name(session: Session, person: Actor) -> object:
    return profile.change_profile(session, person, {"first_name": "Canary"})


def _create_api_key(session: Session, person: Actor) -> object:
    scopes = {scope for scope in person.permissions if scope == "own:balances:read"}
    return api_keys.create_key(session, person, name="a", scopes=scopes, expires_at=None)


def _give_consent(session: Session, person: Actor) -> object:
    policy = POLICIES[PolicyName.TERMS]
    return consents.record_decision(
        session, person, policy=policy.name, version=policy.version, given=True
    )


@pytest.mark.parametrize(
    "act",
    [_add_address, _change_name, _create_api_key, _give_consent, exports.request_export],
    ids=lambda act: act.__name__,
)
def test_rows_written_during_an_erasure_do_not_survive_it(arena: Arena, act: Act) -> None:
    random = seeded_random(f"erasing and {act.__name__}")
    for _ in rounds(ROUNDS // 2, f"{act.__name__} and an erasure"):
        for erased, _, remaining in race_against_erasure(
            arena, random, act, (TokenInvalid, NotFound)
        ):
            assert (erased, remaining) == (1, ("erased", "Erased", 0, 1, 0))
