"""The ids of providers as owners of ledger accounts, and their names. Never renumbered."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

STRIPE = UUID(int=0x501)
MPESA = UUID(int=0x502)
BANK = UUID(int=0x601)
PAXOS = UUID(int=0x701)
PRIMETRUST = UUID(int=0x702)
ANCHORAGE = UUID(int=0x703)

#: The names in exported books, on pages and in webhook URLs.
PROVIDER_NAMES: Mapping[UUID, str] = MappingProxyType(
    {
        STRIPE: "stripe",
        MPESA: "mpesa",
        BANK: "bank",
        PAXOS: "paxos",
        PRIMETRUST: "primetrust",
        ANCHORAGE: "anchorage",
    }
)
