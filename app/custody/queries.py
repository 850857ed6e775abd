"""Reads of custody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog import provider_ids
from app.catalog.rules import TRADABLE
from app.custody import rules
from app.custody.models import CustodyAddress, CustodyArrival, CustodySend
from app.custody.ports import Custodians, CustodyTerms, Network, SendOrder
from app.custody.rules import (
    SETTLED_STATES,
    ArrivalProblem,
    CustodianCandidate,
    CustodianHealth,
    SendState,
)
from app.kit import clock
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount, Asset
from app.kit.ports import resolve
from app.kit.statements import compile_select
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers import queries as providers_queries

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
    """The current status of a send."""

    reference: str
    state: SendState
    #: What the recipient gets.
    amount: Amount
    network: Network
    #: The custodian that was called last; `provider_ref` is its id of the send.
    custodian: str | None
    provider_ref: str | None
    #: The custodian's fee on top of the amount; None until known.
    cost: Amount | None
    tx_hash: str
    #: Why the send failed, was refused or is disputed.
    code: str
    planned_at: datetime
    looked_at: datetime
    settled_at: datetime | None

    @property
    def provider_id(self) -> UUID | None:
        """Return the owner of the `custody` account from which it is sent."""
        return _OWNERS[self.custodian] if self.custodian is not None else None

    @property
    def is_settled(self) -> bool:
        """Whether the system does nothing more about it."""
        return self.state in SETTLED_STATES


@dataclass(frozen=True, slots=True)
class IncomingTokenTransfer:
    """A final incoming transfer at a custodian. `user_id` is None for an address without owner."""

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
    #: Whether it was too little to credit.
    is_dust: bool

    @property
    def provider_id(self) -> UUID:
        """Return the owner of the `custody` account to which it came."""
        return _OWNERS[self.custodian]

    @property
    def problem(self) -> ArrivalProblem | None:
        """What is wrong with it."""
        is_problem = self.user_id is None and not self.is_dust
        return ArrivalProblem.NO_OWNER if is_problem else None


@dataclass(frozen=True, slots=True)
class ReportedBalance:
    """The balance that a custodian last reported."""

    custodian: str
    available: Amount
    total: Amount
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class CustodiedAsset:
    """An asset at a custodian: the balance that it reported, and the one in our books."""

    asset: Asset
    reported: ReportedBalance | None
    booked: Amount
    terms: CustodyTerms | None

    @property
    def difference(self) -> Amount | None:
        """Return the reported balance less the booked one; None until one was reported."""
        return None if self.reported is None else self.reported.total - self.booked


@dataclass(frozen=True, slots=True)
class CustodianOverview:
    """A custodian as staff see it."""

    name: str
    health: CustodianHealth
    address_count: int
    assets: list[CustodiedAsset]


#: The owner of a custodian's ledger accounts, by its name.
_OWNERS = {provider_ids.PROVIDER_NAMES[owner]: owner for owner in provider_ids.PROVIDER_NAMES}


_SENDS = sa.select(
    CustodySend.reference,
    CustodySend.state,
    CustodySend.asset,
    CustodySend.units,
    CustodySend.network,
    CustodySend.custodian,
    CustodySend.provider_ref,
    CustodySend.cost_units,
    CustodySend.tx_hash,
    CustodySend.code,
    CustodySend.planned_at,
    CustodySend.looked_at,
    CustodySend.settled_at,
)
_UNDER_WAY = compile_select(
    sa.select(CustodySend.id).where(
        CustodySend.custodian == sa.bindparam("custodian"),
        CustodySend.provider_ref == sa.bindparam("provider_ref"),
        CustodySend.settled_at.is_(None),
    )
)
_SEND = compile_select(_SENDS.where(CustodySend.reference == sa.bindparam("reference")))
_ARRIVALS = sa.select(
    CustodyArrival.id,
    CustodyArrival.custodian,
    CustodyArrival.provider_ref,
    CustodyAddress.user_id,
    CustodyArrival.address,
    CustodyArrival.asset,
    CustodyArrival.units,
    CustodyArrival.tx_hash,
    CustodyArrival.arrived_at,
    CustodyArrival.seen_at,
    CustodyArrival.is_dust,
).outerjoin_from(CustodyArrival, CustodyAddress)


def send_status(session: Session, reference: str) -> SendStatus:
    """Return the status of the send with this reference. Raises `NotFound`."""
    return session.get(_send_from_row, _SEND, reference=reference)


def is_send_under_way(session: Session, custodian: str, provider_ref: str) -> bool:
    """Return whether a send with this id at the custodian is not settled."""
    rows = session.rows(
        *_UNDER_WAY.with_values({"custodian": custodian, "provider_ref": provider_ref})
    )
    return bool(rows)


def open_send_counts(session: Session) -> tuple[int, int]:
    """Return how many sends are not settled, and how many of these have an unknown outcome."""
    [(unsettled, unknown)] = session.rows(_OPEN_SENDS)
    return int(unsettled), int(unknown)


def incoming_transfer(session: Session, arrival_id: UUID) -> IncomingTokenTransfer:
    """Return one incoming transfer. Raises `NotFound`."""
    return session.get(_transfer_from_row, _ARRIVALS.where(CustodyArrival.id == arrival_id))


def reported_balances(session: Session) -> list[ReportedBalance]:
    """Return the last reported balances, by custodian and asset."""
    return [
        ReportedBalance(name, Amount(TRADABLE[code], available), Amount(TRADABLE[code], total), at)
        for name, code, available, total, at in session.rows(_BALANCES)
    ]


def custodian_health(session: Session, names: Iterable[str]) -> dict[str, CustodianHealth]:
    """Return the health of these custodians, from the latest calls of all processes."""
    since = clock.now() - rules.HEALTH_WINDOW
    outcomes = providers_queries.recent_outcomes(
        session, list(names), since, rules.HEALTH_CALLS_MAX
    )
    return {name: rules.health_of(latest) for name, latest in outcomes.items()}


def custodians_for(session: Session, order: SendOrder) -> list[str]:
    """Return the custodians that support this send, in the order in which they are called."""
    costs = {
        name: terms.cost
        for name, custodian in resolve(Custodians).items()
        for terms in custodian.terms
        if (terms.asset, terms.network) == (order.amount.asset, order.network)
    }
    available = {
        balance.custodian: balance.available
        for balance in reported_balances(session)
        if balance.available.asset == order.amount.asset
    }
    health = custodian_health(session, costs)
    candidates = [
        CustodianCandidate(name, health[name], available.get(name), cost)
        for name, cost in costs.items()
    ]
    return rules.ranked_custodians(candidates, order.amount)


def custodian_overviews(session: Session) -> list[CustodianOverview]:
    """Return every configured custodian, and every other one that reported a balance."""
    custodians = resolve(Custodians)
    counts: dict[str, int] = dict(session.rows(_ADDRESS_COUNTS))
    health = custodian_health(session, custodians)
    reported = {
        (balance.custodian, balance.total.asset.code): balance
        for balance in reported_balances(session)
    }
    names = [*custodians, *sorted({name for name, _ in reported} - custodians.keys())]
    overviews = []
    for name in names:
        terms_by_code = {
            terms.asset.code: terms for terms in getattr(custodians.get(name), "terms", ())
        }
        codes = {code for owner, code in reported if owner == name} | terms_by_code.keys()
        assets = []
        for asset in (TRADABLE[code] for code in sorted(codes)):
            books = ledger_queries.account_balance(session, chart.custody(asset, _OWNERS[name]))
            code = asset.code
            assets.append(
                CustodiedAsset(
                    asset, reported.get((name, code)), Amount(asset, books), terms_by_code.get(code)
                )
            )
        overviews.append(
            CustodianOverview(
                name, health.get(name, CustodianHealth.OFF), counts.get(name, 0), assets
            )
        )
    return overviews


def _send_from_row(asset: str, units: int, cost_units: int | None, **values: Any) -> SendStatus:
    cost = None if cost_units is None else Amount(TRADABLE[asset], cost_units)
    return SendStatus(amount=Amount(TRADABLE[asset], units), cost=cost, **values)


def _transfer_from_row(asset: str, units: int, **values: Any) -> IncomingTokenTransfer:
    return IncomingTokenTransfer(amount=Amount(TRADABLE[asset], units), **values)


SENDS = ListSource(
    _send_from_row,
    _SENDS,
    key=CustodySend.id,
    sorts={"planned": CustodySend.id},
    filters={
        "reference": lambda text: CustodySend.reference == text,
        "status": lambda state: CustodySend.state == state,
    },
)
INCOMING_TRANSFERS = ListSource(
    _transfer_from_row,
    _ARRIVALS,
    key=CustodyArrival.id,
    sorts={"seen": CustodyArrival.id},
    filters={
        "customer": lambda user_id: CustodyAddress.user_id == user_id,
        "problem": {
            ArrivalProblem.NO_OWNER: sa.and_(
                CustodyAddress.user_id.is_(None), sa.not_(CustodyArrival.is_dust)
            )
        }.__getitem__,
    },
)
