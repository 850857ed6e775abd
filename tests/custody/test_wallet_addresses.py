"""Wallet addresses: the checksum of EIP-55, and the addresses that no wallet has."""

import pytest

from app.custody import wallet_addresses
from app.kit.errors import Invalid

#: The examples of EIP-55.
SPELLED = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("address", SPELLED)
def test_checksum_is_that_of_eip_55(address: str) -> None:
    assert wallet_addresses.with_checksum(address.lower()) == address
    for text in (address, address.lower(), "0x" + address[2:].upper()):
        assert wallet_addresses.check_address("address", text) == text


def test_contracts_are_written_with_their_checksum() -> None:
    for address in wallet_addresses.TOKEN_CONTRACTS.values():
        assert wallet_addresses.with_checksum(address) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0x52908400098527886E0F7030069857d2E4169EE7", "capital letters do not fit"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "capital letters do not fit"),
        ("0x" + "0" * 40, "There is no wallet"),
        ("0x" + "0" * 37 + "fff", "There is no wallet"),
        (wallet_addresses.TOKEN_CONTRACTS["PAXG"], "contract of PAXG"),
        (wallet_addresses.TOKEN_CONTRACTS["USDC"].lower(), "contract of USDC"),
        ("0x" + wallet_addresses.TOKEN_CONTRACTS["USDT"][2:].upper(), "contract of USDT"),
        ("0x" + "a" * 39, "40 hexadecimal digits"),
        ("0X" + "a" * 40, "40 hexadecimal digits"),
        ("0x" + "g" * 40, "40 hexadecimal digits"),
    ],
)
def test_address_where_tokens_would_be_lost_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        wallet_addresses.check_address("address", text)


def test_first_address_after_the_built_in_contracts_passes() -> None:
    assert wallet_addresses.check_address("address", "0x" + "0" * 36 + "1000")
