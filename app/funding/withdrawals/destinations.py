"""Destinations of withdrawals: parsing, masking and comparing. Pure."""

import re
import unicodedata
from collections.abc import Mapping

from app.catalog.rules import PAXG, USDC, PaymentMethod
from app.kit.errors import Invalid
from app.kit.money import Asset

_ACCOUNT = re.compile(r"[0-9]{4,17}", re.ASCII)
_ROUTING = re.compile(r"[0-9]{9}", re.ASCII)
_ROUTING_WEIGHTS = (3, 7, 1) * 3
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_HOLDER_LENGTH_MAX = 140
#: The networks on which each token is sent.
NETWORKS: Mapping[Asset, frozenset[str]] = {
    PAXG: frozenset({"ETHEREUM"}),
    USDC: frozenset({"ETHEREUM"}),
}

Destination = Mapping[str, str]
FIELDS = {
    PaymentMethod.BANK: ("accountHolder", "accountNumber", "routingNumber"),
    PaymentMethod.MOBILE_MONEY: ("phone",),
    PaymentMethod.CRYPTO: ("address", "network"),
}


def parse_destination(
    method: PaymentMethod, asset: Asset, fields: Mapping[str, str]
) -> Destination:
    """Return the destination in its canonical form. Raises `Invalid` naming the field."""
    required = FIELDS[method]
    for name in (field for field in fields if field not in required):
        raise Invalid(f"destination.{name}", f"Leave this out for the method {method}.")
    for name in required:
        if not fields.get(name):
            raise Invalid(f"destination.{name}", f"Enter this for the method {method}.")
    match method:
        case PaymentMethod.BANK:
            return _bank(fields)
        case PaymentMethod.CRYPTO:
            return _crypto(asset, fields)
        case _:
            return {"phone": fields["phone"]}


def _bank(fields: Mapping[str, str]) -> Destination:
    holder = " ".join(fields["accountHolder"].split())
    account = fields["accountNumber"].replace(" ", "")
    routing = fields["routingNumber"]
    if len(holder) > _HOLDER_LENGTH_MAX:
        raise Invalid(
            "destination.accountHolder", f"Enter at most {_HOLDER_LENGTH_MAX} characters."
        )
    if not _ACCOUNT.fullmatch(account):
        raise Invalid("destination.accountNumber", "Enter an account number (4 to 17 digits).")
    if not _ROUTING.fullmatch(routing) or _aba_checksum(routing):
        raise Invalid(
            "destination.routingNumber",
            "Enter the routing number of a bank in the United States (9 digits).",
        )
    return {"holder": holder, "account": account, "routing": routing}


def _aba_checksum(routing: str) -> int:
    """Return the ABA checksum: 0 for a valid routing number."""
    return sum(int(d) * w for d, w in zip(routing, _ROUTING_WEIGHTS, strict=True)) % 10


def _crypto(asset: Asset, fields: Mapping[str, str]) -> Destination:
    network, address = fields["network"].upper(), fields["address"]
    if network not in NETWORKS[asset]:
        names = " or ".join(sorted(NETWORKS[asset]))
        raise Invalid("destination.network", f"Choose {names} for {asset.code}.")
    if not _ADDRESS.fullmatch(address) or int(address, 16) == 0:
        raise Invalid(
            "destination.address", "Enter a wallet address (0x and 40 hexadecimal digits)."
        )
    return {"network": network, "address": address}


def lookup_key(method: PaymentMethod, destination: Destination) -> str:
    """Return a text that is equal for equal destinations, however they were typed."""
    return "|".join([method, *(destination[name].casefold() for name in sorted(destination))])


def mask_destination(method: PaymentMethod, destination: Destination) -> str:
    """Return the destination as messages and lists show it."""
    match method:
        case PaymentMethod.BANK:
            return f"account ending {destination['account'][-4:]}"
        case PaymentMethod.CRYPTO:
            return f"{destination['address'][:6]}…{destination['address'][-4:]}"
        case _:
            return f"phone ending {destination['phone'][-3:]}"


def holder_is_person(holder: str, first_name: str, last_name: str) -> bool:
    """Return whether the account holder is this person: it contains every word of both names."""
    names = _words(f"{first_name} {last_name}")
    return bool(names) and names <= _words(holder)


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in plain)
    return set(letters.split())
