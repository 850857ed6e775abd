"""The current version of the list in memory, built once for each process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from app.kit.db import Session
from app.screening.errors import NoSanctionsList
from app.screening.lists.sdn_remarks import births, countries, nicknames, wallet_key, wallets
from app.screening.matching.engine import Index, Party
from app.screening.rules import Sort

_CURRENT = "SELECT version, digest FROM sanctions_lists ORDER BY version DESC LIMIT 1"
_ENTRIES = """
SELECT number, name, sort, remarks, aliases, addresses FROM sanctions_entries
WHERE since <= %(version)s AND (until IS NULL OR until > %(version)s) ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version of the list, ready to be asked. `wallets`: entry and address as it is listed, by
    `wallet_key`."""

    version: int
    digest: bytes
    index: Index
    wallets: Mapping[str, Sequence[tuple[int, str]]]


_building = Lock()
_newest: list[Listed] = []


def current(session: Session) -> Listed:
    """The newest version that is there for this transaction. Raises `NoSanctionsList`.

    The first to ask for a version builds it, which takes a second; the others wait.
    """
    row = session.row(_CURRENT)
    if row is None:
        raise NoSanctionsList
    version, digest = row[0], bytes(row[1])
    with _building:
        if not _newest or (_newest[0].version, _newest[0].digest) != (version, digest):
            _newest[:] = [_build(session, version, digest)]
        return _newest[0]


def party(
    number: int,
    name: str,
    sort: Sort,
    *,
    remarks: str,
    aliases: Iterable[Sequence[str]],
    countries_of_addresses: Iterable[str],
) -> Party:
    """A listed party, as far as it is compared: `aliases` begin with kind and name."""
    names = [("name", name), *((alias[0], alias[1]) for alias in aliases)]
    names += [("weak", nickname) for nickname in nicknames(remarks)]
    living = countries(remarks, countries_of_addresses)
    return Party(number, sort, tuple(names), births(remarks), living)


def _build(session: Session, version: int, digest: bytes) -> Listed:
    parties = []
    listed_wallets: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, name, sort, remarks, aliases, addresses in session.rows(
        _ENTRIES, {"version": version}
    ):
        parties.append(
            party(
                number,
                name,
                Sort(sort),
                remarks=remarks,
                aliases=aliases,
                countries_of_addresses=[country for _, _, country, _ in addresses],
            )
        )
        for _currency, address in wallets(remarks):
            listed_wallets[wallet_key(address)].append((number, address))
    return Listed(version, digest, Index(parties), listed_wallets)
