"""New destinations: a withdrawal to one waits, while its owner hears of it and can cancel it.

Otherwise a thief could empty an account to a destination of their own within seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.catalog.rules import PaymentMethod
from app.funding.models import WithdrawalRow
from app.funding.states import VOID_WITHDRAWALS
from app.funding.withdrawals import destinations
from app.funding.withdrawals.destinations import Destination
from app.identity.errors import ReauthenticationRequired
from app.identity.sign_in import recent_proof
from app.keys import service as keys
from app.kit import clock
from app.kit.db import Session
from app.kit.statements import compile_statement
from app.settings.queries import current
from app.settings.rules import setting, settings_group


@settings_group("destinations", "Destinations of withdrawals")
@dataclass(frozen=True, slots=True)
class DestinationRules:
    """How long a withdrawal to a new destination waits."""

    wait_hours: int = setting(
        "Wait of a new destination",
        24,
        minimum=0,
        maximum=720,
        unit="hours",
        about="A withdrawal is paid out this long after the customer first used its destination."
        " They receive an email at once and can cancel it.",
    )


def payable_from(
    session: Session, user_id: UUID, destination_index: bytes, requested_at: datetime
) -> sa.ColumnElement[datetime]:
    """Return from when a withdrawal to this destination is paid out, as part of its INSERT.

    It lies in the past once the destination is known. A withdrawal that paid nothing, such as one
    that its owner cancelled, does not make a destination known.
    """
    wait = timedelta(hours=current(session, DestinationRules).wait_hours)
    first_used_at = _first_used_at(user_id, destination_index)
    instant = sa.DateTime(timezone=True)
    return sa.func.coalesce(first_used_at, sa.literal(requested_at, instant)) + wait


def require_proof(
    session: Session, actor: Actor, method: PaymentMethod, destination: Destination
) -> None:
    """Raise `ReauthenticationRequired` for a new destination unless the actor proved their identity
    a short while ago: with a stolen access token alone no money leaves to another destination."""
    if recent_proof.is_recently_proven(actor):
        return
    first_used = _first_used_at(actor.user_id, index_of(method, destination))
    if session.value(*compile_statement(sa.select(first_used))) is None:
        raise ReauthenticationRequired


def index_of(method: PaymentMethod, destination: Destination) -> bytes:
    """Return the blind index by which a destination is found."""
    return keys.blind_index(
        destinations.lookup_key(method, destination),
        table="withdrawals",
        column="destination_index",
    )


def _first_used_at(user_id: UUID, destination_index: bytes) -> sa.ScalarSelect[datetime]:
    return (
        sa.select(sa.func.min(WithdrawalRow.requested_at))
        .where(
            WithdrawalRow.user_id == user_id,
            WithdrawalRow.destination_index == destination_index,
            WithdrawalRow.status.not_in(VOID_WITHDRAWALS),
        )
        .scalar_subquery()
    )


def is_waiting(payable_from: datetime) -> bool:
    """Return whether a withdrawal may not be paid out yet."""
    return clock.now() < payable_from
