"""Reads of custody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog import providers
from app.catalog.rules import TRADABLE
from app.custody import rules
from app.custody.ports import Custodians, Network, SendOrder, Terms
from app.custody.rules import OVER, Candidate, Health, SendState
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
    def is_over(self) -> bool:
        """Whether nothing more is done about it by itself."""
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Arrival:
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
class Balance:
    """What a custodian last said that it keeps."""

    custodian: str
    available: Amount
    total: Amount
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """An asset at a custodian: there as it says, here as the ledger has it."""

    asset: Asset
    there: Balance | None
    ledger: Amount
    terms: Terms | None

    @property
    def difference(self) -> Amount | None:
        """There less here; None while the custodian has not said."""
        return None if self.there is None else self.there.total - self.ledger


@dataclass(frozen=True, slots=True)
class CustodianView:
    """A custodian as staff see it. One that is switched off has no health."""

    name: str
    health: Health | None
    addresses: int
    kept: list[Kept]


#: The owner of a custodian's accounts, by its name.
_OWNERS = {providers.NAMES[owner]: owner for owner in providers.NAMES}


def send_status(session: Session, reference: str) -> SendStatus:
    """How the send with this reference stands. Raises `NotFound`."""
    row = session.row(_SEND, (reference,))
    if row is None:
        raise NotFound
    return _status(row)


def recent_sends(session: Session, limit: int) -> list[SendStatus]:
    """Those planned last, newest first."""
    return [_status(row) for row in session.rows(_RECENT_SENDS, (limit,))]


def open_sends(session: Session) -> tuple[int, int]:
    """How many sends are not over, and of how many of them nobody knows what was done."""
    row = session.row(_OPEN_SENDS)
    assert row is not None
    return int(row[0]), int(row[1])


def arrival(session: Session, arrival_id: UUID) -> Arrival:
    """One arrival. Raises `NotFound`."""
    row = session.row(_ARRIVAL, (arrival_id,))
    if row is None:
        raise NotFound
    return _arrival(row)


def recent_arrivals(session: Session, limit: int) -> list[Arrival]:
    """Those seen last, newest first."""
    return [_arrival(row) for row in session.rows(_RECENT_ARRIVALS, (limit,))]


def balances(session: Session) -> list[Balance]:
    """What each custodian last said that it keeps, by custodian and asset."""
    return [
        Balance(name, Amount(TRADABLE[code], available), Amount(TRADABLE[code], total), at)
        for name, code, available, total, at in session.rows(_BALANCES)
    ]


def healths(session: Session, names: Iterable[str]) -> dict[str, Health]:
    """The health of each of these custodians, by the last calls of every process."""
    since = clock.now() - rules.HEALTH_WINDOW
    outcomes = providers_queries.last_outcomes(session, list(names), since, rules.CALLS_LOOKED_AT)
    return {name: rules.health(found) for name, found in outcomes.items()}


def route(session: Session, order: SendOrder) -> list[str]:
    """The custodians that can send this, in the order in which they are to be asked."""
    costs = {
        name: terms.cost
        for name, each in resolve(Custodians).items()
        for terms in each.terms
        if (terms.asset, terms.network) == (order.amount.asset, order.network)
    }
    available = {
        each.custodian: each.available
        for each in balances(session)
        if each.available.asset == order.amount.asset
    }
    health = healths(session, costs)
    candidates = [
        Candidate(name, health[name], available.get(name), cost) for name, cost in costs.items()
    ]
    return rules.route(candidates, order.amount)


def overview(session: Session) -> list[CustodianView]:
    """Every custodian that we have, or that has something of ours."""
    custodians = resolve(Custodians)
    counts: dict[str, int] = dict(session.rows(_ADDRESS_COUNTS))
    health = healths(session, custodians)
    there = {(each.custodian, each.total.asset.code): each for each in balances(session)}
    names = [*custodians, *sorted({name for name, _ in there} - custodians.keys())]
    found = []
    for name in names:
        terms = {each.asset.code: each for each in getattr(custodians.get(name), "terms", ())}
        codes = {code for owner, code in there if owner == name} | terms.keys()
        kept = []
        for asset in (TRADABLE[code] for code in sorted(codes)):
            books = ledger_queries.account_balance(session, chart.custody(asset, _OWNERS[name]))
            code = asset.code
            kept.append(Kept(asset, there.get((name, code)), Amount(asset, books), terms.get(code)))
        found.append(CustodianView(name, health.get(name), counts.get(name, 0), kept))
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


def _arrival(row: Row) -> Arrival:
    identifier, custodian, provider_ref, user_id, address, code, units, *rest = row
    amount = Amount(TRADABLE[code], units)
    return Arrival(identifier, custodian, provider_ref, user_id, address, amount, *rest)
