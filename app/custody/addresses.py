"""The verbs of addresses: one at a time for a person and asset, and never for two people."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.custody import queries
from app.custody.ports import Custodian, Custodians, Network
from app.custody.rules import CustodianHealth
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import FeatureDisabled
from app.kit.money import Asset
from app.kit.ports import resolve
from app.kit.tasks import task
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused, ProviderUnavailable

PREFIX = "cad"

_CURRENT = """
SELECT id, asset, network, custodian, address FROM custody_addresses
WHERE user_id = %s AND asset = %s AND retired_at IS NULL
"""
_ADD = """
INSERT INTO custody_addresses (id, user_id, asset, network, asked_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (user_id, asset) WHERE retired_at IS NULL DO NOTHING
"""
_TO_MAKE = """
SELECT asset, network FROM custody_addresses
WHERE id = %s AND ready_at IS NULL AND retired_at IS NULL
"""
# Of two workers at it, one has its address kept; the other's is used for nobody.
_READY = """
UPDATE custody_addresses SET custodian = %s, address = %s, address_key = %s, ready_at = %s
WHERE id = %s AND ready_at IS NULL
"""
_IS_OURS = "SELECT FROM custody_addresses WHERE address_key = %s"
_RETIRE = "UPDATE custody_addresses SET retired_at = %s WHERE user_id = %s AND retired_at IS NULL"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """Where a person sends an asset to. Without custodian and address while it is being made."""

    id: UUID
    asset: str
    network: Network
    custodian: str | None
    address: str | None


def get_or_request_address(
    session: Session, user_id: UUID, asset: Asset, network: Network = Network.ETHEREUM
) -> DepositAddress:
    """The person's present address for an asset; asked for now where there is none, and then it
    comes without the address, which a job has made by the next time.

    Raises `FeatureDisabled` where no custodian keeps the asset.
    """
    row = session.row(_CURRENT, (user_id, asset.code))
    if row is None:
        if not _keepers(asset.code, network):
            raise FeatureDisabled(f"{asset.code} cannot be received here")
        identifier = ids.new()
        session.send(_ADD, (identifier, user_id, asset.code, network, clock.now()))
        row = session.row(_CURRENT, (user_id, asset.code))
        assert row is not None, "it was added, or was there"
        if row[0] == identifier:
            outbox.stage(session, "custody.make_address", {"address_id": str(identifier)})
    found, code, where, custodian, address = row
    return DepositAddress(found, code, Network(where), custodian, address)


def is_own_address(session: Session, address: str) -> bool:
    """Whether this is an address that we gave to somebody, on any network."""
    return session.row(_IS_OURS, (address.lower(),)) is not None


def retire_addresses(session: Session, user_id: UUID) -> None:
    """The person has no present address any more. What still comes to the old ones is theirs."""
    session.send(_RETIRE, (clock.now(), user_id))


@task("custody.make_address", own_transactions=True)
def create_address(database: Database, *, address_id: str) -> None:
    """Have a custodian give us the address that was asked for, unless that was done.

    A custodian knows a repetition by our reference. If it gives no answer, it is asked again later;
    another is asked when it has certainly given none. Raises the last custodian's error.
    """
    identifier = UUID(address_id)
    with database.transaction() as session:
        row = session.row(_TO_MAKE, (identifier,))
        if row is None:
            return
        asset, network = row[0], Network(row[1])
        keepers = _keepers(asset, network)
        health = queries.custodian_health(session, [each.name for each in keepers])
    custodian, address = _asked(
        identifier,
        asset,
        network,
        sorted(keepers, key=lambda each: list(CustodianHealth).index(health[each.name])),
    )
    with database.transaction() as session:
        values = (custodian, address, address.lower(), clock.now(), identifier)
        session.send(_READY, values)


def _asked(
    identifier: UUID, asset: str, network: Network, keepers: Iterable[Custodian]
) -> tuple[str, str]:
    """The first custodian that gives an address, and the address."""
    failure: ProviderUnavailable | ProviderRefused = ProviderUnavailable(
        "no custodian keeps it any more"
    )
    for custodian in keepers:
        terms = next(each for each in custodian.terms if each.asset.code == asset)
        try:
            reference = ids.encode(PREFIX, identifier)
            return custodian.name, custodian.create_address(reference, terms.asset, network)
        except (ProviderUnavailable, ProviderRefused) as caught:
            _log.warning("custody_no_address", custodian=custodian.name, reason=str(caught))
            failure = caught
    raise failure


def _keepers(asset: str, network: Network) -> list[Custodian]:
    """The custodians that keep this asset on this network, in their order."""
    return [
        custodian
        for custodian in resolve(Custodians).values()
        if any((each.asset.code, each.network) == (asset, network) for each in custodian.terms)
    ]
