"""Versions of the list in memory, indexed once in each process and outside any transaction.

The current version is kept, and the newest one, which is about to become current.
"""

import gc
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from app.kit.db import Database, Session
from app.kit.preparation import NotPrepared
from app.screening.errors import NoSanctionsList
from app.screening.lists.sdn import SdnEntry
from app.screening.lists.sdn_numbers import listed_numbers
from app.screening.lists.sdn_remarks import (
    birth_date_spans,
    nationalities,
    party_countries,
    wallet_addresses,
    wallet_key,
    weak_aliases,
)
from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.rules import PartyType

_CURRENT = """
SELECT version, digest FROM sanctions_lists WHERE current_at IS NOT NULL
ORDER BY version DESC LIMIT 1
"""
_NEWEST = "SELECT version, digest FROM sanctions_lists ORDER BY version DESC LIMIT 1"
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
_ready: dict[tuple[int, bytes], LoadedList] = {}


def current_list(session: Session) -> LoadedList:
    """Return the version that is current in this transaction. Raises `NoSanctionsList`, and
    `NotPrepared` if this process has not indexed it yet."""
    row = session.row(_CURRENT)
    if row is None:
        raise NoSanctionsList
    version, digest = row
    found = _ready.get((version, bytes(digest)))
    if found is None:
        raise NotPrepared("The sanctions list", prepare)
    return found


def prepare(database: Database) -> int:
    """Index the current version and the newest one. Return the newest; 0 without a list.

    This takes seconds for each version that is not in memory, and no transaction is open meanwhile.
    Callers at the same time wait for the first.
    """
    with _build_lock:
        with database.reading() as session:
            current, newest = session.fetch((_CURRENT, None), (_NEWEST, None))
        wanted = {(version, bytes(digest)): None for version, digest in (*current, *newest)}
        before = set(_ready)
        for version, digest in wanted:
            if (version, digest) not in before:
                _ready[(version, digest)] = _build(database, version, digest)
        for outdated in before.difference(wanted):
            del _ready[outdated]
        if before != set(_ready):
            _freeze()
        return max((version for version, _ in wanted), default=0)


def _freeze() -> None:
    """Keep the garbage collector from going through the index again and again, which takes a fifth
    of a second each time. A former version is freed without it, as nothing in it refers back."""
    gc.collect()
    gc.freeze()


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
    return IndexedParty(
        number,
        party_type,
        tuple(names),
        birth_date_spans(remarks),
        party_countries(remarks, address_countries),
        nationalities(remarks),
        listed_numbers(remarks),
    )


def indexed_party(entry: SdnEntry) -> IndexedParty:
    """Return the searchable part of an entry as it is in the files."""
    return build_party(
        entry.number,
        entry.name,
        entry.party_type,
        remarks=entry.remarks,
        aliases=entry.aliases,
        address_countries=[address[2] for address in entry.addresses],
    )


def build_index(entries: Iterable[SdnEntry]) -> NameIndex:
    """Return an index of entries as they are in the files."""
    return NameIndex(map(indexed_party, entries))


def _build(database: Database, version: int, digest: bytes) -> LoadedList:
    with database.reading() as session:
        rows = session.rows(_ENTRIES, {"version": version})
    parties = []
    listed_wallets: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, name, sort, remarks, aliases, addresses in rows:
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
