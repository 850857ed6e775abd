"""Reads of settings: the values in effect, every setting with its value, and the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.selectable import LateralFromClause

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.ports import resolve
from app.settings import rules
from app.settings.models import SettingChange
from app.settings.ports import CurrentSettings
from app.settings.rules import Setting

#: How old the values in a process may be. Below `LEAD`, so that all processes change together.
RELOAD = timedelta(seconds=15)

GroupT = TypeVar("GroupT")


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A stored value of a setting, from an instant on."""

    name: str
    value: str
    effective_at: datetime


_CHANGES = sa.select(SettingChange.name, SettingChange.value, SettingChange.effective_at).order_by(
    SettingChange.effective_at, SettingChange.id
)


def current(session: Session, group: type[GroupT]) -> GroupT:
    """Return the group with the values in effect: the same ones throughout a transaction."""
    memo: dict[type[GroupT], GroupT] = session.memo
    if group not in memo:
        memo[group] = resolve(CurrentSettings).current(session, group)
    return memo[group]


def at(session: Session, group: type[GroupT], instant: datetime) -> GroupT:
    """Return the group with the values that were, or will be, in effect at the instant."""
    return rules.build(group, values_at(list_changes(session), instant))


def list_changes(session: Session) -> list[StoredChange]:
    """Return every change, in the order in which they take effect."""
    return session.select(StoredChange, _CHANGES)


def values_at(changes: Sequence[StoredChange], instant: datetime) -> dict[str, str]:
    """Return the stored values that are in effect at the instant, by the name of the setting."""
    return {each.name: each.value for each in changes if each.effective_at <= instant}


@dataclass(frozen=True)
class _Snapshot:
    """All changes as a process read them, and the groups built of them."""

    changes: Sequence[StoredChange]
    read_at: datetime
    groups: dict[type[Any], tuple[Any, datetime | None]] = field(default_factory=dict)

    def get(self, group: type[GroupT], now: datetime) -> GroupT:
        built, until = self.groups.get(group, (None, None))
        if built is None or (until is not None and until <= now):
            later = (each.effective_at for each in self.changes if now < each.effective_at)
            built = rules.build(group, values_at(self.changes, now))
            self.groups[group] = built, min(later, default=None)
        values: GroupT = built
        return values


class StoredSettings:
    """The settings of the database. A process reads them again after `RELOAD`."""

    def __init__(self) -> None:
        self._snapshot: _Snapshot | None = None

    def current(self, session: Session, group: type[GroupT]) -> GroupT:
        """Return the group with the values that are in effect now."""
        now, snapshot = clock.now(), self._snapshot
        # A clock that was set back ends a snapshot too.
        if snapshot is None or not snapshot.read_at <= now <= snapshot.read_at + RELOAD:
            snapshot = self._snapshot = _Snapshot(list_changes(session), now)
        return snapshot.get(group, now)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting with the value in effect, and what takes effect later."""

    id: UUID
    name: str
    stored: str | None
    since: datetime | None
    next_value: str | None
    next_at: datetime | None

    @property
    def setting(self) -> Setting:
        """Its declaration."""
        return rules.get_setting(self.name)

    @property
    def value(self) -> str:
        """The value in effect, with its unit."""
        declared = self.setting.declared.default
        return self.setting.write(self.setting.load(self.stored) if self.stored else declared)

    @property
    def upcoming(self) -> str | None:
        """The value that takes effect next, with its unit."""
        return self.setting.write(self.setting.load(self.next_value)) if self.next_value else None


def every_setting(now: datetime) -> ListSource[SettingRow]:
    """Return the list of all declared settings, as they are at this instant."""
    declared = sa.values(
        sa.column("id", sa.Uuid),
        sa.column("name", sa.Text),
        sa.column("group", sa.Text),
        name="declared",
    ).data([(each.id, each.name, each.group) for each in rules.list_settings()])  # fmt: skip
    present = _one_change(declared.c.name, SettingChange.effective_at <= now, is_latest=True)
    coming = _one_change(declared.c.name, SettingChange.effective_at > now, is_latest=False)
    return ListSource(
        SettingRow,
        sa.select(
            declared.c.id,
            declared.c.name,
            present.c.value.label("stored"),
            present.c.effective_at.label("since"),
            coming.c.value.label("next_value"),
            coming.c.effective_at.label("next_at"),
        ).select_from(declared.outerjoin(present, sa.true()).outerjoin(coming, sa.true())),
        key=declared.c.id,
        sorts={"name": declared.c.name},
        filters={"group": lambda group: declared.c.group == group},
    )


def _one_change(
    name: sa.ColumnElement[str], condition: Any, *, is_latest: bool
) -> LateralFromClause:
    order = [SettingChange.effective_at, SettingChange.id]
    return (
        sa.select(SettingChange.value, SettingChange.effective_at)
        .where(SettingChange.name == name, condition)
        .order_by(*([each.desc() for each in order] if is_latest else order))
        .limit(1)
        .lateral()
    )


def get_setting_row(session: Session, name: str) -> SettingRow:
    """Return the setting with its values. Raises `NotFound`."""
    rules.get_setting(name)
    source = every_setting(clock.now())
    return session.get(SettingRow, source.select.where(source.sorts["name"] == name))


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change of a setting, past or to come."""

    id: UUID
    name: str
    value: str
    effective_at: datetime
    reason: str
    maker_id: UUID | None
    approval_id: UUID | None
    made_at: datetime

    @property
    def approval_public_id(self) -> str | None:
        """The request by which a second person approved it."""
        return ids.encode("apr", self.approval_id) if self.approval_id else None

    @property
    def written_value(self) -> str:
        """The value with its unit; as stored for a setting that is no longer declared."""
        settings: Mapping[str, Setting] = {each.name: each for each in rules.list_settings()}
        entry = settings.get(self.name)
        return entry.write(entry.load(self.value)) if entry else self.value


#: Every change.
CHANGES = ListSource(
    ChangeRow,
    sa.select(
        SettingChange.id,
        SettingChange.name,
        SettingChange.value,
        SettingChange.effective_at,
        SettingChange.reason,
        SettingChange.maker_id,
        SettingChange.approval_id,
        SettingChange.made_at,
    ),
    key=SettingChange.id,
    sorts={"effective": SettingChange.effective_at, "made": SettingChange.id},
    filters={"setting": lambda name: SettingChange.name == name},
)
