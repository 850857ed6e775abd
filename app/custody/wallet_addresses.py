"""Wallet addresses on Ethereum: their form, checksum (EIP-55), and those of no wallet. Pure."""

import re

from Crypto.Hash import keccak

from app.kit.errors import Invalid

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
#: Below it are the zero address and the contracts that Ethereum itself brings along.
_FIRST_OF_WALLETS = 1 << 12
#: The contracts of tokens. What is sent to one is lost: it cannot be moved from there.
TOKEN_CONTRACTS = {
    "PAXG": "0x45804880De22913dAFE09f4980848ECE6EcbAf78",
    "USDC": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
    "USDT": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "DAI": "0x6B175474E89094C44Da98b954EedeAC495271d0F",
    "USDP": "0x8E870D67F660D95d5be530380D0eC0bd388289E1",
    "XAUt": "0x68749665FF8D2d112Fa859AA293F07A622782F38",
    "WETH": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "WBTC": "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599",
}
_TOKEN_OF = {address.lower(): token for token, address in TOKEN_CONTRACTS.items()}


def check_address(field: str, text: str) -> str:
    """Return the address. Raises `Invalid` naming the field unless tokens can be sent there.

    Letters all small or all capital carry no checksum; a mixture has to be the right one.
    """
    if not _ADDRESS.fullmatch(text):
        raise Invalid(field, "Enter a wallet address (0x and 40 hexadecimal digits).")
    digits = text[2:]
    if digits not in {digits.lower(), digits.upper()} and text != with_checksum(text):
        raise Invalid(
            field,
            "A character of this address is wrong: its capital letters do not fit the others."
            " Copy it from your wallet again.",
        )
    if int(digits, 16) < _FIRST_OF_WALLETS:
        raise Invalid(field, "Enter the address of a wallet. There is no wallet at this address.")
    if token := _TOKEN_OF.get(text.lower()):
        raise Invalid(
            field,
            f"Enter the address of a wallet. This is the contract of {token}: what is sent there"
            " is lost.",
        )
    return text


def with_checksum(address: str) -> str:
    """Return the address in the spelling of EIP-55, whose capital letters are a checksum."""
    digits = address[2:].lower()
    digest = keccak.new(data=digits.encode("ascii"), digest_bits=256).hexdigest()
    return "0x" + "".join(
        digit.upper() if nibble >= "8" else digit
        for digit, nibble in zip(digits, digest, strict=False)
    )
