"""Reads of limits: how much of each is used up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_time
from app.kit.statements import AnySelect, CompiledSelect, any_of, compile_select
from app.limits.errors import LimitExceeded
from app.limits.registry import Limit

#: Whose uses count: the accounts of one person, or blind indexes such as that of a phone.
Owners = Sequence[UUID] | Sequence[bytes]

_NONE = UUID(int=0)
_EVER = datetime(1, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Demand:
    """How much of a limit is asked for, and the maximum that is in effect now."""

    limit: Limit
    maximum: int
    asked: int = 0
    #: In place of the limit's own, where a setting decides it.
    own_window: timedelta | None = None

    @property
    def window(self) -> timedelta | None:
        """How long a use counts; None while its row is selected."""
        return self.own_window or self.limit.window


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is used up."""

    demand: Demand
    used: int
    #: When what was asked for fits; None when it fits now, or no time frees the limit.
    frees_at: datetime | None

    @property
    def limit(self) -> Limit:
        """The limit."""
        return self.demand.limit

    @property
    def total(self) -> int:
        """What is used up, and what is asked for."""
        return self.used + self.demand.asked

    @property
    def left(self) -> int:
        """How much is left before what is asked for."""
        return max(0, self.demand.maximum - self.used)

    @property
    def is_exceeded(self) -> bool:
        """Whether what is asked for does not fit."""
        return self.total > self.demand.maximum

    def refusal(self) -> LimitExceeded:
        """Return the refusal that says the limit, what is left, and when more is free."""
        limit, maximum = self.limit, self.limit.write(self.demand.maximum)
        left = f"{limit.write(self.left)} of it is left." if self.left else "Nothing of it is left."
        if self.demand.asked > self.demand.maximum:
            then = "No single request can exceed it."
        elif self.frees_at:
            # Rounded up to the minute: at the time that people read, the request fits.
            then = f"This fits from {format_time(self.frees_at + _MINUTE)} on."
        else:
            then = limit.advice
        return limit.refusal(
            f"Your limit for {limit.what} is {maximum} {limit.within}. {left} {then}".rstrip(),
            limit=limit.name,
            asset=limit.asset.code if limit.asset else None,
            maximum=limit.plain(self.demand.maximum),
            left=limit.plain(self.left),
            frees_at=self.frees_at,
        )


def usages(
    session: Session, owners: Owners, demands: Sequence[Demand], *, besides: UUID | None = None
) -> list[Usage]:
    """Return how much of each limit the owners have used up, all in one round trip.

    `besides` is the id of a row that does not count, such as the one that is decided about.
    """
    now = clock.now()
    owner_type = sa.Uuid if isinstance(owners[0], UUID) else sa.LargeBinary
    statement = _statement(tuple(demand.limit for demand in demands), owner_type)
    values: dict[str, Any] = {"owners": list(owners), "besides": besides or _NONE}
    for number, demand in enumerate(demands):
        values[f"since_{number}"] = now - demand.window if demand.window else _EVER
        values[f"room_{number}"] = demand.maximum - demand.asked
    found = session.select(_FoundUses, statement, **values)
    return [_usage(demand, uses) for demand, uses in zip(demands, found, strict=True)]


@dataclass(frozen=True, slots=True)
class _FoundUses:
    number: int
    used: Decimal
    leaves_at: datetime | None


def _usage(demand: Demand, uses: _FoundUses) -> Usage:
    window, leaves_at = demand.window, uses.leaves_at
    return Usage(demand, int(uses.used), leaves_at + window if window and leaves_at else None)


@cache
def _statement(limits: Sequence[Limit], owner_type: type[TypeEngine[Any]]) -> CompiledSelect:
    """Return the sum of the uses of each limit, and the instant of the use whose end makes room for
    more, in their order."""
    selects = [_select_uses(number, limit, owner_type) for number, limit in enumerate(limits)]
    uses = sa.union_all(*selects).subquery("limits")
    return compile_select(sa.select(uses).order_by(uses.c.number))


def _select_uses(number: int, limit: Limit, owner_type: type[TypeEngine[Any]]) -> AnySelect:
    uses = sa.union_all(*limit.uses).subquery(f"uses_{number}")
    running = (
        sa.select(
            uses.c.at,
            sa.func.sum(uses.c.units).over(order_by=(uses.c.at, uses.c.id)).label("up_to"),
            sa.func.sum(uses.c.units).over().label("total"),
        )
        .where(
            uses.c.owner == any_of("owners", owner_type),
            uses.c.id != sa.bindparam("besides", type_=sa.Uuid),
            uses.c.at > sa.bindparam(f"since_{number}", type_=sa.DateTime(timezone=True)),
        )
        .subquery(f"running_{number}")
    )
    remaining = running.c.total - running.c.up_to
    room = sa.bindparam(f"room_{number}", type_=sa.BigInteger)
    return sa.select(
        sa.literal(number).label("number"),
        sa.func.coalesce(sa.func.max(running.c.total), 0).label("used"),
        sa.func.min(running.c.at)
        .filter(remaining <= room, running.c.total > room)
        .label("leaves_at"),
    )
