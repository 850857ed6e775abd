"""Destinations of withdrawals: parsing, masking and comparing. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from app.catalog.rules import PAXG, USDC, PaymentMethod
from app.custody import wallet_addresses
from app.funding.rules import mobile_money_phone
from app.kit.errors import Invalid
from app.kit.money import Asset
from app.screening.matching.name_normalization import (
    UNCOMPARABLE_NAME,
    is_comparable,
    name_words,
    name_words_in_digraphs,
)

_ACCOUNT = re.compile(r"[0-9]{4,17}", re.ASCII)
_ROUTING = re.compile(r"[0-9]{9}", re.ASCII)
_ROUTING_WEIGHTS = (3, 7, 1) * 3
#: The first two digits of banks (01 to 12), of thrifts, and of both for electronic transfers. The
#: Federal Reserve gives the others to the government (00) and to traveler's cheques (80), or
#: keeps them.
_ROUTING_PREFIXES = frozenset({*range(1, 13), *range(21, 33), *range(61, 73)})
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
            return {"phone": mobile_money_phone("destination.phone", fields["phone"])}


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
    if not is_comparable(holder):
        raise Invalid("destination.accountHolder", UNCOMPARABLE_NAME)
    if not is_routing_number(routing):
        raise Invalid(
            "destination.routingNumber",
            "Enter the routing number of a bank in the United States (9 digits).",
        )
    return {"holder": holder, "account": account, "routing": routing}


def is_routing_number(text: str) -> bool:
    """Return whether this can be the ABA routing number of a bank: its prefix and its checksum."""
    if not _ROUTING.fullmatch(text) or int(text[:2]) not in _ROUTING_PREFIXES:
        return False
    return sum(int(d) * w for d, w in zip(text, _ROUTING_WEIGHTS, strict=True)) % 10 == 0


def _crypto(asset: Asset, fields: Mapping[str, str]) -> Destination:
    network, address = fields["network"].upper(), fields["address"]
    if network not in NETWORKS[asset]:
        names = " or ".join(sorted(NETWORKS[asset]))
        raise Invalid("destination.network", f"Choose {names} for {asset.code}.")
    return {
        "network": network,
        "address": wallet_addresses.check_address("destination.address", address),
    }


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
    """Return whether the account holder is this person, in whatever order and transliteration.

    The first of the given names and every word of the last name have to be there. Other given names
    may be left out, or abbreviated to an initial. Nothing else may be there.
    """
    words = Counter(name_words(holder))
    return any(
        _are_words_of(words, write(first_name), write(last_name))
        for write in (name_words, name_words_in_digraphs)
    )


def _are_words_of(words: Counter[str], given: Sequence[str], last: Sequence[str]) -> bool:
    required = Counter([*given[:1], *last])
    if not given or not last or not required <= words:
        return False
    others = words - required
    for name in given[1:]:
        others -= Counter({name if name in others else name[0]: 1})
    return not others
