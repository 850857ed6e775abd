"""Destinations of withdrawals: holders, routing numbers, wallet addresses."""

import pytest

from app.catalog.rules import PAXG, PaymentMethod
from app.custody.wallet_addresses import TOKEN_CONTRACTS
from app.funding.ports import PayoutRails
from app.funding.withdrawals import destinations
from app.funding.withdrawals import service as withdrawals
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.ports import provide
from tests.paying_customer import PayingCustomer
from tests.unchanged_database import database_unchanged


@pytest.mark.parametrize(
    ("holder", "first_name", "last_name"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("LOVELACE, Ada", "Ada", "Lovelace"),
        ("LUKASZ ZOLC", "Łukasz", "Żółć"),
        ("Łukasz Żółć", "Lukasz", "Zolc"),
        ("Joerg Mueller", "Jörg", "Müller"),
        ("JORG MULLER", "Jörg", "Müller"),
        ("Ann Tester", "Ann Mary", "Tester"),
        ("Tester, Ann M.", "Ann Mary", "Tester"),
        ("Ann Mary Tester", "Ann Mary", "Tester"),
        ("SHANE O'BRIEN", "Shane", "O’Brien"),
        ("Ana de la Cruz Ruiz", "Ana", "de la Cruz-Ruiz"),
    ],
)
def test_account_holder_may_be_transliterated_and_lack_middle_names(
    holder: str, first_name: str, last_name: str
) -> None:
    assert destinations.holder_is_person(holder, first_name, last_name)


@pytest.mark.parametrize(
    ("holder", "first_name", "last_name"),
    [
        ("Bob Thief care of Ann Tester", "Ann", "Tester"),
        ("Ann Thief Tester", "Ann", "Tester"),
        ("Ann Tester and Bob Thief", "Ann", "Tester"),
        ("Ann Ann Tester", "Ann", "Tester"),
        ("Ann T.", "Ann", "Tester"),
        ("A. Tester", "Ann", "Tester"),
        ("Mary Tester", "Ann Mary", "Tester"),
        ("Ann B. Tester", "Ann Mary", "Tester"),
        ("Ann Cruz", "Ann", "de la Cruz"),
        ("Mallory Lovelace", "Ada", "Lovelace"),
        ("Tester", ".", "Tester"),
        ("", ".", "-"),
    ],
)
def test_account_holder_with_another_or_a_further_name_is_refused(
    holder: str, first_name: str, last_name: str
) -> None:
    assert not destinations.holder_is_person(holder, first_name, last_name)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("011000015", True),
        ("122105278", True),
        ("211391825", True),
        ("322271627", True),
        ("611000017", True),
        ("722222221", True),
        ("000000000", False),
        ("000000518", False),
        ("131000005", False),
        ("200000004", False),
        ("331000009", False),
        ("600000002", False),
        ("731000007", False),
        ("800000006", False),
        ("011000016", False),
        ("01100001", False),
        ("\u0661" * 9, False),
    ],
)
def test_routing_number_has_a_prefix_of_a_bank_and_a_checksum(text: str, *, is_one: bool) -> None:
    assert destinations.is_routing_number(text) is is_one


def test_own_deposit_address_or_invalid_wallet_address_is_refused(customer: PayingCustomer) -> None:
    provide(PayoutRails, PayoutRails({PaymentMethod.CRYPTO: customer.bank}))
    address = "0x" + customer.actor.user_id.hex + "00000000"
    with customer.database.transaction() as session:
        session.send(
            "INSERT INTO custody_addresses (id, user_id, asset, network, custodian, address,"
            " address_key, asked_at, ready_at)"
            " VALUES (%s, %s, 'PAXG', 'ETHEREUM', 'paxos', %s, %s, now(), now())",
            (customer.actor.user_id, customer.actor.user_id, address.upper(), address),
        )
    destination = {"address": address, "network": "ETHEREUM"}
    with database_unchanged(customer.database), customer.database.transaction() as session:
        for given, field in (
            (destination, "address"),
            ({**destination, "address": "0x12"}, "address"),
            ({**destination, "address": "0x" + "0" * 40}, "address"),
            (
                {**destination, "address": "0x52908400098527886E0F7030069857d2E4169EE7"},
                "address",
            ),
            ({**destination, "address": TOKEN_CONTRACTS["PAXG"]}, "address"),
            ({**destination, "network": "BITCOIN"}, "network"),
        ):
            with pytest.raises(Invalid) as refusal:
                withdrawals.request(
                    session, customer.actor, method=PaymentMethod.CRYPTO, destination=given,
                    amount=Amount.parse(PAXG, "0.1"),
                )  # fmt: skip
            assert refusal.value.field == f"destination.{field}"
