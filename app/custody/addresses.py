"""The verbs of deposit addresses: one at a time for a person and asset, never for two people."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.custody import queries, wallet_addresses
from app.custody.ports import Custodian, Custodians, Network
from app.custody.rules import CustodianHealth
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import FeatureDisabled, Invalid
from app.kit.money import Asset
from app.kit.ports import resolve
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused, ProviderUnavailable

PREFIX = "cad"

_CURRENT = """
SELECT id, asset, network, custodian, address FROM custody_addresses
WHERE user_id = %s AND asset = %s AND retired_at IS NULL
"""
_INSERT = """
INSERT INTO custody_addresses (id, user_id, asset, network, asked_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (user_id, asset) WHERE retired_at IS NULL DO NOTHING
"""
_TO_CREATE = """
SELECT asset, network FROM custody_addresses
WHERE id = %s AND ready_at IS NULL AND retired_at IS NULL
"""
# Of two workers, the first one stores its address; the other one's is never used.
_SET_READY = """
UPDATE custody_addresses SET custodian = %s, address = %s, address_key = %s, ready_at = %s
WHERE id = %s AND ready_at IS NULL
"""
_IS_OWN = "SELECT FROM custody_addresses WHERE address_key = %s"
_RETIRE = "UPDATE custody_addresses SET retired_at = %s WHERE user_id = %s AND retired_at IS NULL"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """A person's address for an asset. Custodian and address are None until it is created."""

    id: UUID
    asset: str
    network: Network
    custodian: str | None
    address: str | None


def get_or_request_address(
    session: Session, user_id: UUID, asset: Asset, network: Network = Network.ETHEREUM
) -> DepositAddress:
    """Return the person's current address for an asset; request one if there is none.

    A requested address has no value yet: a job creates it. Raises `FeatureDisabled` when no
    custodian supports the asset on this network.
    """
    row = session.row(_CURRENT, (user_id, asset.code))
    requested_id = ids.new()
    if row is None:
        if not _supporting_custodians(asset.code, network):
            raise FeatureDisabled(f"You cannot deposit {asset.code} here.")
        session.send(_INSERT, (requested_id, user_id, asset.code, network, clock.now()))
        [row] = session.rows(_CURRENT, (user_id, asset.code))
    address_id, code, network_name, custodian, address = row
    if address_id == requested_id:
        outbox.stage(session, "custody.make_address", {"address_id": str(address_id)})
    return DepositAddress(address_id, code, Network(network_name), custodian, address)


def is_own_address(session: Session, address: str) -> bool:
    """Return whether this is a deposit address of any of our customers, on any network."""
    return session.row(_IS_OWN, (address.lower(),)) is not None


def retire_addresses(session: Session, user_id: UUID) -> None:
    """Retire the person's current addresses. Transfers to retired addresses are still theirs."""
    session.send(_RETIRE, (clock.now(), user_id))


def create_address(database: Database, address_id: UUID) -> None:
    """Create a requested address at a custodian, unless it exists.

    Our reference makes the request idempotent. After a call without an answer the same custodian is
    called again later; the next one is called only if it certainly created none. Raises the last
    custodian's error.
    """
    with database.transaction() as session:
        row = session.row(_TO_CREATE, (address_id,))
        if row is None:
            return
        asset, network_name = row
        network = Network(network_name)
        custodians = _supporting_custodians(asset, network)
        health = queries.custodian_health(session, [custodian.name for custodian in custodians])
    custodian, address = _create_at_first(
        address_id,
        asset,
        network,
        sorted(
            custodians,
            key=lambda custodian: list(CustodianHealth).index(health[custodian.name]),
        ),
    )
    with database.transaction() as session:
        values = (custodian, address, address.lower(), clock.now(), address_id)
        session.send(_SET_READY, values)


def _create_at_first(
    identifier: UUID, asset: str, network: Network, custodians: Iterable[Custodian]
) -> tuple[str, str]:
    """Return the first custodian that creates an address, and the address."""
    failure: ProviderUnavailable | ProviderRefused = ProviderUnavailable(
        "no custodian supports the asset any more"
    )
    for custodian in custodians:
        terms = next(terms for terms in custodian.terms if terms.asset.code == asset)
        try:
            reference = ids.encode(PREFIX, identifier)
            address = custodian.create_address(reference, terms.asset, network)
            return custodian.name, wallet_addresses.check_address("address", address)
        except Invalid as invalid:
            failure = ProviderRefused("address_not_payable", invalid.message)
            _log.error("custody_bad_address", custodian=custodian.name, reason=invalid.message)
        except (ProviderUnavailable, ProviderRefused) as error:
            _log.warning("custody_no_address", custodian=custodian.name, reason=str(error))
            failure = error
    raise failure


def _supporting_custodians(asset: str, network: Network) -> list[Custodian]:
    """Return the custodians that support this asset on this network, in order of preference."""
    return [
        custodian
        for custodian in resolve(Custodians).values()
        if any((terms.asset.code, terms.network) == (asset, network) for terms in custodian.terms)
    ]
