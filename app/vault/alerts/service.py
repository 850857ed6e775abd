"""The verbs of alerts: open, change and close them as stock moves, and notify staff."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Permission
from app.approvals.ports import CurrentPermissions
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.statements import compile_select, compile_statement
from app.notifications import service as notifications
from app.notifications.kinds import StockLow
from app.vault.alerts.models import StockAlert
from app.vault.alerts.queries import LOW, OPEN_ALERTS, AlertRow
from app.vault.locations.models import Location
from app.vault.stock.rules import StockLevel

#: So many are named in one message; the page has all.
_NAMED_MAX = 20


@dataclass(frozen=True, slots=True, order=True)
class StockPlace:
    """A product at a location."""

    sku: str
    location_id: UUID


def _level_value(level: StockLevel) -> sa.Cast[str]:
    return sa.cast(sa.literal(level.value, sa.Text), sa.Text)


_sku, _location_id = sa.bindparam("sku", type_=sa.Text), sa.bindparam("location_id", type_=sa.Uuid)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_low_here = LOW.where(LOW.selected_columns.sku == _sku, Location.id == _location_id).subquery("low")
_opened = insert(StockAlert).from_select(
    ["id", "sku", "location_id", "level", "notified", "opened_at"],
    sa.select(
        sa.bindparam("id", type_=sa.Uuid),
        _low_here.c.sku,
        _low_here.c.location_id,
        _low_here.c.level,
        _level_value(StockLevel.ENOUGH),
        _now,
    ),
)
_is_opened = _opened.on_conflict_do_update(
    index_elements=[StockAlert.sku, StockAlert.location_id],
    index_where=StockAlert.closed_at.is_(None),
    set_={"level": _opened.excluded.level},
    where=StockAlert.level != _opened.excluded.level,
)
_is_closed = (
    sa.update(StockAlert)
    .where(
        StockAlert.sku == _sku,
        StockAlert.location_id == _location_id,
        StockAlert.closed_at.is_(None),
        ~sa.exists(sa.select(sa.literal(1)).select_from(_low_here)),
    )
    .values(level=_level_value(StockLevel.ENOUGH), closed_at=_now)
)
#: Open or change an alert, or close it.
_CHECK = compile_statement(_is_closed.add_cte(_is_opened.cte("opened")))
_low = LOW.subquery("low_anywhere")
_open_alerts = sa.select(StockAlert).where(StockAlert.closed_at.is_(None)).subquery("open_alerts")
#: Where an alert does not say what the stock is.
_WRONG = compile_select(
    sa.select(
        sa.func.coalesce(_low.c.sku, _open_alerts.c.sku).label("sku"),
        sa.func.coalesce(_low.c.location_id, _open_alerts.c.location_id).label("location_id"),
    )
    .select_from(
        _low.join(
            _open_alerts,
            sa.and_(
                _low.c.sku == _open_alerts.c.sku,
                _low.c.location_id == _open_alerts.c.location_id,
            ),
            full=True,
        )
    )
    .where(
        sa.type_coerce(_low.c.level, sa.Text).is_distinct_from(
            sa.type_coerce(_open_alerts.c.level, sa.Text)
        )
    )
)
_OPEN_PLACES = compile_select(
    sa.select(StockAlert.sku, StockAlert.location_id).where(StockAlert.closed_at.is_(None))
)
#: Alerts of whose level staff were not notified.
_NEW = compile_select(
    OPEN_ALERTS.select.where(
        StockAlert.level != StockAlert.notified, StockAlert.notified != StockLevel.CRITICAL
    ).order_by(StockAlert.sku, StockAlert.id)
)
# Who checks a place waits until the movement that another transaction makes there is visible.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def check(session: Session, places: Iterable[StockPlace]) -> None:
    """Open, change or close the alert of each place, as its stock is now in this transaction.

    Sends nothing by itself: the statements travel with those of the movement.
    """
    for place in sorted(set(places)):
        session.send(_LOCK, (f"stock {place.sku} {place.location_id}",))
        values = {"sku": place.sku, "location_id": place.location_id, "now": clock.now()}
        text, parameters = _CHECK
        assert isinstance(parameters, Mapping)
        session.send(text, {**parameters, **values, "id": ids.new()})


def check_all(session: Session) -> None:
    """Check every place whose alert does not say what its stock is."""
    check(session, session.select(StockPlace, _WRONG))


def follow(session: Session) -> None:
    """Check every open alert again, for what a reservation that ended gave back, and notify staff
    who receive goods of what became low or ran out since the last time: once in each case."""
    check(session, session.select(StockPlace, _OPEN_PLACES))
    alerts = session.select(AlertRow, _NEW)
    if not alerts:
        return
    message = StockLow(len(alerts), "\n".join(map(_describe, alerts[:_NAMED_MAX])))
    event = ids.encode("alt", ids.new())
    receivers = frozenset({Permission.VAULT_READ, Permission.VAULT_RECEIVE})
    for user_id in resolve(CurrentPermissions).find_holders(session, receivers):
        notifications.notify(session, message, to=user_id, event=event)
    for alert in alerts:
        session.write(
            sa.update(StockAlert).where(StockAlert.id == alert.id).values(notified=alert.level)
        )


def _describe(alert: AlertRow) -> str:
    return f"{alert.sku} at {alert.location_code}: {alert.level.label.lower()}"
