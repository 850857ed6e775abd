"""Settings with other values for the duration of a test, without a change of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.kit.db import Session
from app.kit.ports import provide, resolve
from app.settings.ports import CurrentSettings

GroupT = TypeVar("GroupT")


class FixedSettings:
    """These groups, and defaults for all others."""

    def __init__(self, *groups: object) -> None:
        self._groups = {type(group): group for group in groups}

    def current(self, _session: Session, group: type[GroupT]) -> GroupT:
        found = self._groups.get(group)
        return found if isinstance(found, group) else group()


@contextmanager
def fixed_settings(*groups: object) -> Iterator[None]:
    """Let every read of settings in this process return these groups."""
    before = resolve(CurrentSettings)
    provide(CurrentSettings, FixedSettings(*groups))
    try:
        yield
    finally:
        provide(CurrentSettings, before)
