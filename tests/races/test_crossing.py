"""Transfers in opposite directions: all succeed without a deadlock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor
from app.catalog.rules import PAXG, USD, XAU, Wallet
from app.funding.transfers import service as transfers
from app.identity.accounts import email_verification
from app.kit import clock
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import service as ledger
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.api_client import ACCEPTED_POLICIES
from tests.drill import choose_size, rounds, seeded_random
from tests.people import credit, set_prices
from tests.races.contest import THREADS, Act, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(20, 200)
HALF = THREADS // 2
#: Long ago, so that expiring holds finds none of other tests.
NOW = datetime(2001, 1, 1, tzinfo=UTC)
Record = Callable[[str, object], None]


def mint_or_burn(arena: Arena, person: Actor, asset: Asset) -> Act:
    """Return an act that moves a thousandth of an ounce out of PAXG, or out of XAU-s."""
    wallets = [Wallet.FUNDING, Wallet.TRADING]
    origin, destination = wallets if asset == PAXG else reversed(wallets)

    def act() -> None:
        with arena.database.transaction() as session:
            transfers.transfer(
                session,
                person,
                amount=Amount(asset, 100_000),
                origin=origin,
                destination=destination,
            )

    return act


def test_mints_and_burns_of_one_person_all_happen(arena: Arena, record_property: Record) -> None:
    random = seeded_random("mint")
    # One person opened the accounts in this order, the other in the reverse order.
    people = [arena.people.customer(PAXG="1", XAU_s="1"), arena.people.customer(XAU_s="1")]
    with arena.database.transaction() as session:
        credit(session, people[1].user_id, "1", "PAXG")
    for number in rounds(ROUNDS, "mint against burn"):
        set_prices(arena.database, AU="4000", PAXG="4000")
        person = people[number % 2]
        acts = [mint_or_burn(arena, person, asset) for asset in (PAXG, XAU)] * HALF
        assert len(winners(arena.all_at_once(acts, random))) == THREADS
        assert arena.people.balances(person) == {"PAXG": "1.00000000", "XAU-s": "1.00000000"}
    record_property(
        "evidence",
        f"PAXG to XAU-s against XAU-s to PAXG of one person: {ROUNDS} rounds of {THREADS} threads; "
        f"all {ROUNDS * THREADS:,} happened.",
    )


def test_opposite_conversions_of_one_person_all_happen(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("trade")
    person = arena.people.customer(PAXG="1000", USD="1000000.00")

    def convert(conversion: RequestedConversion) -> None:
        with arena.database.transaction() as session:
            trading.convert_at_market(session, person, conversion)

    ounce = Amount(PAXG, PAXG.unit)
    buy, sell = (
        RequestedConversion(USD, PAXG, None, ounce),
        RequestedConversion(PAXG, USD, ounce, None),
    )
    acts: list[Act] = [lambda: convert(buy), lambda: convert(sell)] * HALF
    for _ in rounds(ROUNDS, "trade against trade"):
        set_prices(arena.database, AU="4000", PAXG="4000")

        assert len(winners(arena.all_at_once(acts, random))) == THREADS
    # Buying an ounce at 4008: with its fee 4028.14. Selling it at 3992: 3972.04 after the fee.
    cost = ROUNDS * HALF * (402_814 - 397_204)
    remaining = Amount(USD, 100_000_000 - cost)
    assert arena.people.balances(person) == {"PAXG": "1000.00000000", "USD": str(remaining)}
    record_property(
        "evidence",
        f"Dollars to PAXG against PAXG to dollars of one person: {ROUNDS} rounds of {THREADS} "
        f"threads; all {ROUNDS * THREADS:,} happened, and the balances are exact to the cent.",
    )


def test_payments_in_both_directions_all_happen(arena: Arena, record_property: Record) -> None:
    random = seeded_random("payment")
    ada, bob = (arena.people.customer(USD="1000.00", PAXG="1000") for _ in range(2))

    def pay(sender: Actor, receiver: Actor, units: int) -> Act:
        amounts = [Amount(asset, units) for asset in (PAXG, USD)]

        def act() -> None:
            with arena.database.transaction() as session:
                ledger.post(
                    session,
                    cause="race",
                    reference=uuid4().hex,
                    posted_at=clock.now(),
                    postings=[
                        leg
                        for amount in amounts
                        for leg in (
                            ledger.debit(chart.customer(sender.user_id, amount.asset), amount),
                            ledger.credit(chart.customer(receiver.user_id, amount.asset), amount),
                        )
                    ],
                )

        return act

    for _ in rounds(ROUNDS, "payment against payment"):
        acts = [pay(ada, bob, 3), pay(bob, ada, 2)] * HALF
        assert len(winners(arena.all_at_once(acts, random))) == THREADS
    moved = ROUNDS * HALF
    assert arena.people.balances(ada) == {
        "USD": str(Amount(USD, 100_000 - moved)),
        "PAXG": str(Amount(PAXG, 1000 * PAXG.unit - moved)),
    }
    record_property(
        "evidence",
        f"Payments between two people in both directions, two assets each: {ROUNDS} rounds of "
        f"{THREADS} threads; all {ROUNDS * THREADS:,} happened.",
    )


def test_first_entries_open_each_account_once(arena: Arena, record_property: Record) -> None:
    """All threads open the same accounts: each exists once afterwards, with every unit."""
    random = seeded_random("newcomer")
    for _ in rounds(ROUNDS, "first entries of one newcomer"):
        person = arena.people.customer()

        def pay_in(person: Actor = person) -> None:
            with arena.database.transaction() as session:
                credit(session, person.user_id, "1.00", "USD")
                credit(session, person.user_id, "1", "XAU-s")

        assert len(winners(arena.all_at_once([pay_in] * THREADS, random))) == THREADS
        balances = arena.people.balances(person)
        assert balances == {"USD": f"{THREADS}.00", "XAU-s": f"{THREADS}.00000000"}
    record_property(
        "evidence",
        f"First entries of one newcomer: {ROUNDS} rounds of {THREADS} threads; every account was "
        "opened once.",
    )


def test_each_hold_expires_once_while_money_moves(arena: Arena, record_property: Record) -> None:
    """Holds on both accounts expire while gold moves between them."""
    random = seeded_random("sweep")
    # XAU-s is opened first here, so that the order of accounts is not that of assets.
    person = arena.people.customer(XAU_s="1")
    with arena.database.transaction() as session:
        credit(session, person.user_id, "1", "PAXG")
    expiry = NOW + timedelta(hours=1)

    def sweep() -> int:
        with arena.database.transaction() as session:
            return ledger.expire_holds(session, now=expiry)

    for _ in rounds(ROUNDS, "sweeps against moves"):
        set_prices(arena.database, AU="4000", PAXG="4000")
        with arena.database.transaction() as session:
            for asset in (XAU, PAXG) * 4:
                ledger.place_hold(
                    session,
                    hold_id=uuid4(),
                    account=chart.customer(person.user_id, asset),
                    amount=Amount(asset, 1000),
                    cause="race",
                    placed_at=NOW,
                    expires_at=expiry,
                )
        moves = [mint_or_burn(arena, person, asset) for asset in (PAXG, XAU)]
        acts: list[Act] = [sweep, sweep, *moves] * (THREADS // 4)
        outcomes = winners(arena.all_at_once(acts, random))
        assert len(outcomes) == THREADS
        assert sum(int(swept or 0) for swept in outcomes) == 8
        assert arena.people.balances(person) == {"PAXG": "1.00000000", "XAU-s": "1.00000000"}
    record_property(
        "evidence",
        f"Expiry of holds against moves between the accounts with these holds: {ROUNDS} "
        f"rounds of {THREADS} threads; each of {ROUNDS * 8:,} holds expired once.",
    )


def test_one_idempotency_key_has_one_effect_and_one_response(
    arena: Arena, racing: Flask, record_property: Record
) -> None:
    """One Idempotency-Key over HTTP: one effect, and the same bytes in every response."""
    random = seeded_random("key")
    registered = racing.test_client().post(
        "/api/auth/register",
        json={
            "email": f"{uuid4().hex}@example.com",
            "password": "correct horse",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "acceptedPolicies": ACCEPTED_POLICIES,
        },
    )
    assert registered.status_code == 201, registered.text
    token = registered.json["accessToken"]
    user_id = find_user_id(arena, registered.json["user"]["email"])
    with arena.database.transaction() as session:
        email_verification.confirm_email(session, user_id)
        credit(session, user_id, f"{ROUNDS * THREADS * 10}.00", "USD")
    for done in rounds(ROUNDS, "one key sent by all"):
        set_prices(arena.database, AU="4000", PAXG="4000")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}

        def send(headers: dict[str, str] = headers) -> TestResponse:
            body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"}
            return racing.test_client().post("/api/trade/order", json=body, headers=headers)

        responses = winners(arena.all_at_once([send] * THREADS, random))
        assert {(response.status_code, response.data) for response in responses} == {
            (201, responses[0].data)
        }
        replayed = [response.headers.get("Idempotent-Replayed") for response in responses]
        assert sorted(replayed, key=str) == [None, *["true"] * (THREADS - 1)]
        with arena.database.reading() as session:
            orders = session.row("SELECT count(*) FROM orders WHERE user_id = %s", (user_id,))
        assert orders == (done + 1,)
    record_property(
        "evidence",
        f"One Idempotency-Key sent by all over HTTP: {ROUNDS} rounds of {THREADS} threads; "
        f"{ROUNDS:,} orders, one of each, and the same bytes {ROUNDS * THREADS:,} times.",
    )


def find_user_id(arena: Arena, email: str) -> object:
    with arena.database.reading() as session:
        row = session.row("SELECT id FROM users WHERE email = %s", (email,))
    assert row is not None
    return row[0]
