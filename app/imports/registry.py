"""What can be imported: each room registers its kinds at start."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.access import Actor, Permission
from app.imports.rules import RowOutcome
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

#: The cells of a row by their columns.
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """A column. `check` raises `Invalid` for a cell that is wrong whatever the database holds, so
    that all such cells of a row are named at once."""

    name: str
    about: str
    check: Callable[[str], object] = str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """What the row of a file did: to which thing, and the names of the columns that differ."""

    outcome: RowOutcome
    subject: str
    changes: Sequence[str] = ()


#: Writes one row. Raises `Invalid` naming a column, or any other refusal of a verb.
RowWriter = Callable[[Texts], WrittenRow]


@dataclass(frozen=True, slots=True)
class ImportKind:
    """What can be imported and exported.

    `open_batch` receives up to `batch_max` rows that are not wrong by themselves, for example to
    lock and read in one statement what they name, and returns what writes each. Check and import
    write alike; after a check each batch is undone. A row writer calls the verbs of its room,
    which check the actor's permission and write the audit trail.

    `keys` are the columns that together name the thing of a row, which `subject` is called: twice
    in a file it is wrong. `export` yields the cells of every row as they can be imported again.
    """

    name: str
    title: str
    about: str
    permission: Permission
    columns: tuple[ImportColumn, ...]
    keys: tuple[str, ...]
    open_batch: Callable[[Session, Actor, Sequence[Texts]], RowWriter]
    export: Callable[[Session], Iterator[Texts]]
    subject: str = "SKU"
    batch_max: int = 500

    @property
    def column_names(self) -> Sequence[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def required_names(self) -> Sequence[str]:
        """The names of the columns that every file has."""
        return [column.name for column in self.columns if column.is_required]

    def key_of(self, cells: Texts) -> tuple[str, ...]:
        """Return what names the thing of a row, without regard to spaces around it and to case."""
        return tuple(cells.get(name, "").strip().upper() for name in self.keys)

    def check_cells(self, cells: Texts) -> Mapping[str, str]:
        """Return what is wrong with the cells of a row, by column."""
        problems = {}
        for column in self.columns:
            if column.name in cells:
                try:
                    column.check(cells[column.name])
                except Invalid as refusal:
                    problems[column.name] = refusal.message
        return problems


_KINDS: dict[str, ImportKind] = {}


def register(kind: ImportKind) -> None:
    """Let files of this kind be imported. Raises `ValueError` for a name that is taken."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"two kinds of imports are named {kind.name}")


def find(name: str) -> ImportKind:
    """Return the kind of this name. Raises `NotFound`."""
    if name not in _KINDS:
        raise NotFound
    return _KINDS[name]


def list_kinds(actor: Actor) -> Sequence[ImportKind]:
    """Return the kinds that this person may import, by title."""
    permitted = [kind for kind in _KINDS.values() if kind.permission in actor.permissions]
    return sorted(permitted, key=lambda kind: kind.title)
