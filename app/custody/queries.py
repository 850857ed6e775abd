"""Reads of custody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog import provider_ids
from app.catalog.rules import TRADABLE
from app.custody import rules
from app.custody.ports import Custodians, CustodyTerms, Network, SendOrder
from app.custody.rules import SETTLED_STATES, CustodianCandidate, CustodianHealth, SendState
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount, Asset
from app.kit.pipeline import Row
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers import queries as providers_queries

_SENDS = """
SELECT reference, state, asset, units, network, custodian, provider_ref, cost_units, tx_hash, code,
    planned_at, looked_at, settled_at
FROM custody_sends
"""
_SEND = f"{_SENDS} WHERE reference = %s"
_RECENT_SENDS = f"{_SENDS} ORDER BY id DESC LIMIT %s"
_ARRIVALS = """
SELECT r.id, r.custodian, r.provider_ref, a.user_id, r.address, r.asset, r.units, r.tx_hash,
    r.arrived_at, r.seen_at
FROM custody_arrivals r LEFT JOIN custody_addresses a ON a.id = r.address_id
"""
_ARRIVAL = f"{_ARRIVALS} WHERE r.id = %s"
_RECENT_ARRIVALS = f"{_ARRIVALS} ORDER BY r.id DESC LIMIT %s"
_BALANCES = """
SELECT custodian, asset, available_units, total_units, observed_at FROM custody_balances
ORDER BY custodian, asset
"""
_ADDRESS_COUNTS = """
SELECT custodian, count(*) FROM custody_addresses WHERE ready_at IS NOT NULL GROUP BY custodian
"""
_OPEN_SENDS = """
SELECT count(*), count(*) FILTER (WHERE state = 'unknown') FROM custody_sends
WHERE settled_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class SendStatus:
    """How a send stands."""

    reference: str
    state: SendState
    #: What is to arrive.
    amount: Amount
    network: Network
    #: The one that was asked last, and its id of the send once it has it.
    custodian: str | None
    provider_ref: str | None
    #: What the custodian took on top of the amount; None until it says so.
    cost: Amount | None
    tx_hash: str
    #: Why it failed, was refused or is disputed.
    code: str
    planned_at: datetime
    looked_at: datetime
    settled_at: datetime | None

    @property
    def provider_id(self) -> UUID | None:
        """Whose account of class `custody` it leaves."""
        return _OWNERS[self.custodian] if self.custodian is not None else None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is done about it by itself."""
        return self.state in SETTLED_STATES


@dataclass(frozen=True, slots=True)
class IncomingTokenTransfer:
    """What came in at a custodian, final. `user_id` is None where the address is nobody's."""

    id: UUID
    custodian: str
    provider_ref: str
    user_id: UUID | None
    address: str
    amount: Amount
    tx_hash: str
    #: By the custodian's clock.
    arrived_at: datetime
    seen_at: datetime

    @property
    def provider_id(self) -> UUID:
        """Whose account of class `custody` it came to."""
        return _OWNERS[self.custodian]


@dataclass(frozen=True, slots=True)
class ReportedBalance:
    """What a custodian last said that it keeps."""

    custodian: str
    available: Amount
    total: Amount
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class CustodiedAsset:
    """An asset at a custodian: there as it says, here as the ledger has it."""

    asset: Asset
    reported: ReportedBalance | None
    booked: Amount
    terms: CustodyTerms | None

    @property
    def difference(self) -> Amount | None:
        """There less here; None while the custodian has not said."""
        return None if self.reported is None else self.reported.total - self.booked


@dataclass(frozen=True, slots=True)
class CustodianOverview:
    """A custodian as staff see it. One that is switched off has no health."""

    name: str
    health: CustodianHealth | None
    address_count: int
    assets: list[CustodiedAsset]


#: The owner of a custodian's accounts, by its name.
_OWNERS = {provider_ids.PROVIDER_NAMES[owner]: owner for owner in provider_ids.PROVIDER_NAMES}


def send_status(session: Session, reference: str) -> SendStatus:
    """How the send with this reference stands. Raises `NotFound`."""
    row = session.row(_SEND, (reference,))
    if row is None:
        raise NotFound
    return _status(row)


def recent_sends(session: Session, limit: int) -> list[SendStatus]:
    """Those planned last, newest first."""
    return [_status(row) for row in session.rows(_RECENT_SENDS, (limit,))]


def open_send_counts(session: Session) -> tuple[int, int]:
    """How many sends are not over, and of how many of them nobody knows what was done."""
    row = session.row(_OPEN_SENDS)
    assert row is not None
    return int(row[0]), int(row[1])


def incoming_transfer(session: Session, arrival_id: UUID) -> IncomingTokenTransfer:
    """One arrival. Raises `NotFound`."""
    row = session.row(_ARRIVAL, (arrival_id,))
    if row is None:
        raise NotFound
    return _arrival(row)


def recent_incoming_transfers(session: Session, limit: int) -> list[IncomingTokenTransfer]:
    """Those seen last, newest first."""
    return [_arrival(row) for row in session.rows(_RECENT_ARRIVALS, (limit,))]


def reported_balances(session: Session) -> list[ReportedBalance]:
    """What each custodian last said that it keeps, by custodian and asset."""
    return [
        ReportedBalance(name, Amount(TRADABLE[code], available), Amount(TRADABLE[code], total), at)
        for name, code, available, total, at in session.rows(_BALANCES)
    ]


def custodian_health(session: Session, names: Iterable[str]) -> dict[str, CustodianHealth]:
    """The health of each of these custodians, by the last calls of every process."""
    since = clock.now() - rules.HEALTH_WINDOW
    outcomes = providers_queries.recent_outcomes(
        session, list(names), since, rules.HEALTH_CALLS_MAX
    )
    return {name: rules.health_of(found) for name, found in outcomes.items()}


def custodians_for(session: Session, order: SendOrder) -> list[str]:
    """The custodians that can send this, in the order in which they are to be asked."""
    costs = {
        name: terms.cost
        for name, each in resolve(Custodians).items()
        for terms in each.terms
        if (terms.asset, terms.network) == (order.amount.asset, order.network)
    }
    available = {
        each.custodian: each.available
        for each in reported_balances(session)
        if each.available.asset == order.amount.asset
    }
    health = custodian_health(session, costs)
    candidates = [
        CustodianCandidate(name, health[name], available.get(name), cost)
        for name, cost in costs.items()
    ]
    return rules.ranked_custodians(candidates, order.amount)


def custodian_overviews(session: Session) -> list[CustodianOverview]:
    """Every custodian that we have, or that has something of ours."""
    custodians = resolve(Custodians)
    counts: dict[str, int] = dict(session.rows(_ADDRESS_COUNTS))
    health = custodian_health(session, custodians)
    there = {(each.custodian, each.total.asset.code): each for each in reported_balances(session)}
    names = [*custodians, *sorted({name for name, _ in there} - custodians.keys())]
    found = []
    for name in names:
        terms = {each.asset.code: each for each in getattr(custodians.get(name), "terms", ())}
        codes = {code for owner, code in there if owner == name} | terms.keys()
        kept = []
        for asset in (TRADABLE[code] for code in sorted(codes)):
            books = ledger_queries.account_balance(session, chart.custody(asset, _OWNERS[name]))
            code = asset.code
            kept.append(
                CustodiedAsset(
                    asset, there.get((name, code)), Amount(asset, books), terms.get(code)
                )
            )
        found.append(CustodianOverview(name, health.get(name), counts.get(name, 0), kept))
    return found


def _status(row: Row) -> SendStatus:
    reference, state, code, units, network, custodian, provider_ref, cost, *rest = row
    asset = TRADABLE[code]
    return SendStatus(
        reference,
        SendState(state),
        Amount(asset, units),
        Network(network),
        custodian,
        provider_ref,
        None if cost is None else Amount(asset, cost),
        *rest,
    )


def _arrival(row: Row) -> IncomingTokenTransfer:
    identifier, custodian, provider_ref, user_id, address, code, units, *rest = row
    amount = Amount(TRADABLE[code], units)
    return IncomingTokenTransfer(
        identifier, custodian, provider_ref, user_id, address, amount, *rest
    )
