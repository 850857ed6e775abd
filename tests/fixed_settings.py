"""Settings with other values for the duration of a test, without a change of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa

from app.kit import ids
from app.kit.db import Session
from app.kit.ports import provide, resolve
from app.settings.models import SettingChange
from app.settings.ports import CurrentSettings

GroupT = TypeVar("GroupT")


class FixedSettings:
    """These groups; all others as `outer` has them, or else with their defaults."""

    def __init__(self, *groups: object, outer: "FixedSettings | None" = None) -> None:
        self._groups = {type(group): group for group in groups}
        self._outer = outer

    def current(self, session: Session, group: type[GroupT]) -> GroupT:
        found = self._groups.get(group)
        if isinstance(found, group):
            return found
        return self._outer.current(session, group) if self._outer else group()


@contextmanager
def fixed_settings(*groups: object) -> Iterator[None]:
    """Let every read of settings in this process return these groups."""
    before = resolve(CurrentSettings)
    outer = before if isinstance(before, FixedSettings) else None
    provide(CurrentSettings, FixedSettings(*groups, outer=outer))
    try:
        yield
    finally:
        provide(CurrentSettings, before)


def pay_new_destinations_at_once(session: Session) -> None:
    """Store that withdrawals to new destinations do not wait, from long before any test's time."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    session.write(
        sa.insert(SettingChange).values(
            id=ids.new(),
            name="destinations.wait_hours",
            value="0",
            effective_at=long_ago,
            reason="Tests count what is paid out",
            made_at=long_ago,
        )
    )
