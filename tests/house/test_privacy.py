"""Every table says what it holds about people, whether it is in their archive, and what becomes of
it when they are erased. docs/PRIVACY.md is that table, to be reviewed in each change."""

import re

import pytest
import sqlalchemy as sa

from app.kit.db import Base, Database
from app.kit.personal import ErasureEffect, PersonalDataTable
from app.privacy.personal_data_tables import ROOMS, TABLES_WITHOUT_PERSONAL_DATA
from tests.house import snapshot
from tests.house.source import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "PRIVACY.md"
#: Names of columns that are somebody's id, where no foreign key says so.
_PERSONS = re.compile(r"(^|_)(user|actor|owner|maker|checker|subject|person|customer)_id$|behalf")
#: Nobody who has a balance is erased, and these need one; the last is the erasure itself.
_NEEDS_A_BALANCE = frozenset({"orders", "transfers", "erasures"})
_GUARDED = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'forbid_adding_to_erased'
"""


def _ours() -> dict[str, sa.Table]:
    """The tables of the program, and none that a test made for itself."""
    return {
        mapper.local_table.name: mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith("app.")
    }


def _names_somebody(column: sa.Column[object]) -> bool:
    is_reference = any(key.target_fullname == "users.id" for key in column.foreign_keys)
    return is_reference or bool(_PERSONS.search(column.name))


def personal_tables() -> dict[str, list[str]]:
    """The tables with a column that names a person, and these columns."""
    found = {
        name: [column.name for column in table.columns if _names_somebody(column)]
        for name, table in _ours().items()
    }
    return {name: columns for name, columns in found.items() if columns}


def _declared() -> dict[str, tuple[str, PersonalDataTable]]:
    return {name: (room.name, table) for room in ROOMS for name, table in room.tables.items()}


def test_every_table_is_declared_once() -> None:
    names = [name for room in ROOMS for name in room.tables]
    assert len(names) == len(set(names))
    assert set(names) & TABLES_WITHOUT_PERSONAL_DATA.keys() == set()
    assert {*names, *TABLES_WITHOUT_PERSONAL_DATA} == _ours().keys(), (
        "say in the room's personal.py what it holds"
    )


def test_a_table_that_names_somebody_is_not_nobodys() -> None:
    found = personal_tables()
    assert {name: found[name] for name in found.keys() & TABLES_WITHOUT_PERSONAL_DATA.keys()} == {}
    # The derivation finds what it is for.
    assert {"orders", "accounts", "audit_records", "mails", "approvals"} <= found.keys()
    assert found["audit_records"] == ["actor_id", "on_behalf_of"]


def test_a_table_is_declared_by_the_room_that_owns_it() -> None:
    owner = {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
    }
    assert {n: room for n, (room, _) in _declared().items() if owner[n] != room} == {}


@pytest.mark.parametrize("name", sorted(_declared()))
def test_it_is_in_the_archive_or_says_why_not(name: str) -> None:
    _, table = _declared()[name]
    assert bool(table.export_sections) != bool(table.not_exported)
    assert table.description
    assert table.reason.endswith(".")
    if table.on_erasure is ErasureEffect.RETAINED:
        assert re.search(r"31 CFR|Belongs to", table.reason), "what is kept says until when and why"


def test_nothing_is_added_about_somebody_erased(database: Database) -> None:
    """Each table with a reference to a person has the trigger that sees to it."""
    with database.reading() as session:
        guarded = {name for (name,) in session.rows(_GUARDED)}
    referring = {
        name
        for name, table in _ours().items()
        for column in table.columns
        if column.name == "user_id"
        and any(key.target_fullname == "users.id" for key in column.foreign_keys)
    }
    assert guarded == referring - _NEEDS_A_BALANCE


def test_the_document() -> None:
    rows = [("Table", "Holds", "In the archive", "When the person is erased", "Why"), ("---",) * 5]
    for name, (room, table) in sorted(_declared().items()):
        told = ", ".join(f"`{room}.json` {section}" for section in table.export_sections)
        archive = told or f"no: {table.not_exported}"
        rows.append((f"`{name}`", table.description, archive, table.on_erasure.value, table.reason))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", "Nobody stands in these:", ""]
    lines += [f"- `{name}`: {why}" for name, why in sorted(TABLES_WITHOUT_PERSONAL_DATA.items())]
    begin, end = "<!-- tables -->", "<!-- end of tables -->"
    head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    whole = [*(head + begin).splitlines(), "", *lines, "", *(end + tail).splitlines()]
    snapshot.check(DOCUMENT, whole)
