"""The current version of the list in memory, indexed once in each process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from app.kit.db import Session
from app.screening.errors import NoSanctionsList
from app.screening.lists.sdn_remarks import (
    birth_date_spans,
    party_countries,
    wallet_addresses,
    wallet_key,
    weak_aliases,
)
from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.rules import PartyType

_CURRENT = "SELECT version, digest FROM sanctions_lists ORDER BY version DESC LIMIT 1"
_ENTRIES = """
SELECT number, name, sort, remarks, aliases, addresses FROM sanctions_entries
WHERE since <= %(version)s AND (until IS NULL OR until > %(version)s) ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class LoadedList:
    """A version of the list, ready to search.

    `wallets` maps a `wallet_key` to entry numbers with the address as it is listed.
    """

    version: int
    digest: bytes
    name_index: NameIndex
    wallets: Mapping[str, Sequence[tuple[int, str]]]


_build_lock = Lock()
_loaded: list[LoadedList] = []


def current_list(session: Session) -> LoadedList:
    """Return the newest version that this transaction sees. Raises `NoSanctionsList`.

    The first caller for a version builds it, which takes a second; the others wait.
    """
    row = session.row(_CURRENT)
    if row is None:
        raise NoSanctionsList
    version, digest = row
    with _build_lock:
        if not _loaded or (_loaded[0].version, _loaded[0].digest) != (version, digest):
            _loaded[:] = [_build(session, version, digest)]
        return _loaded[0]


def build_party(
    number: int,
    name: str,
    party_type: PartyType,
    *,
    remarks: str,
    aliases: Iterable[Sequence[str]],
    address_countries: Iterable[str],
) -> IndexedParty:
    """Return the searchable part of an entry. Each of `aliases` begins with kind and name."""
    names = [("name", name), *((alias[0], alias[1]) for alias in aliases)]
    names += [("weak", nickname) for nickname in weak_aliases(remarks)]
    countries = party_countries(remarks, address_countries)
    return IndexedParty(number, party_type, tuple(names), birth_date_spans(remarks), countries)


def _build(session: Session, version: int, digest: bytes) -> LoadedList:
    parties = []
    listed_wallets: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, name, sort, remarks, aliases, addresses in session.rows(
        _ENTRIES, {"version": version}
    ):
        parties.append(
            build_party(
                number,
                name,
                PartyType(sort),
                remarks=remarks,
                aliases=aliases,
                address_countries=[country for _, _, country, _ in addresses],
            )
        )
        for _currency, address in wallet_addresses(remarks):
            listed_wallets[wallet_key(address)].append((number, address))
    return LoadedList(version, digest, NameIndex(parties), listed_wallets)
