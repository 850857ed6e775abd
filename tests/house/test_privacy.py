"""Every table declares its personal data, its export and its erasure.

docs/PRIVACY.md is generated from these declarations, to be reviewed in each change.
"""

import re

import pytest
import sqlalchemy as sa

from app.kit.db import Base, Database
from app.kit.personal import ErasureEffect, PersonalDataTable
from app.privacy.personal_data_tables import ROOMS, TABLES_WITHOUT_PERSONAL_DATA
from tests.house import snapshot
from tests.house.source import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "PRIVACY.md"
#: Names of columns with a person's id that have no foreign key.
_PERSON_ID_COLUMN = re.compile(
    r"(^|_)(user|actor|owner|maker|checker|subject|person|customer)_id$|behalf"
)
#: Orders and transfers need a balance, which prevents erasure; the last is the erasure itself.
_NEEDS_A_BALANCE = frozenset({"orders", "transfers", "erasures"})
_GUARDED = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'forbid_adding_to_erased'
"""


def _product_tables() -> dict[str, sa.Table]:
    """Return the tables of the product, without those that tests declare."""
    return {
        mapper.local_table.name: mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith("app.")
    }


def _names_person(column: sa.Column[object]) -> bool:
    is_reference = any(key.target_fullname == "users.id" for key in column.foreign_keys)
    return is_reference or bool(_PERSON_ID_COLUMN.search(column.name))


def personal_tables() -> dict[str, list[str]]:
    """Return the tables with columns that name a person, and these columns."""
    tables = {
        name: [column.name for column in table.columns if _names_person(column)]
        for name, table in _product_tables().items()
    }
    return {name: columns for name, columns in tables.items() if columns}


def _declared() -> dict[str, tuple[str, PersonalDataTable]]:
    return {name: (room.name, table) for room in ROOMS for name, table in room.tables.items()}


def test_every_table_declares_its_personal_data_once() -> None:
    names = [name for room in ROOMS for name in room.tables]
    assert len(names) == len(set(names))
    assert set(names) & TABLES_WITHOUT_PERSONAL_DATA.keys() == set()
    assert {*names, *TABLES_WITHOUT_PERSONAL_DATA} == _product_tables().keys(), (
        "declare in the room's personal.py what the table holds"
    )


def test_table_with_a_person_id_is_declared_as_personal() -> None:
    personal = personal_tables()
    assert {
        name: personal[name] for name in personal.keys() & TABLES_WITHOUT_PERSONAL_DATA.keys()
    } == {}
    # The derivation finds the tables that it exists for.
    assert {"orders", "accounts", "audit_records", "mails", "approvals"} <= personal.keys()
    assert personal["audit_records"] == ["actor_id", "on_behalf_of"]


def test_table_is_declared_by_its_own_room() -> None:
    owner = {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
    }
    assert {n: room for n, (room, _) in _declared().items() if owner[n] != room} == {}


@pytest.mark.parametrize("name", sorted(_declared()))
def test_table_is_exported_or_gives_a_reason(name: str) -> None:
    _, table = _declared()[name]
    assert bool(table.export_sections) != bool(table.not_exported)
    assert table.description
    assert table.reason.endswith(".")
    if table.on_erasure is ErasureEffect.RETAINED:
        assert re.search(r"31 CFR|Belongs to", table.reason), (
            "kept data needs a period and a reason"
        )


def test_tables_with_a_user_id_have_the_trigger_against_erased_people(database: Database) -> None:
    """The trigger refuses rows for an erased person."""
    with database.reading() as session:
        guarded = {name for (name,) in session.rows(_GUARDED)}
    referring = {
        name
        for name, table in _product_tables().items()
        for column in table.columns
        if column.name == "user_id"
        and any(key.target_fullname == "users.id" for key in column.foreign_keys)
    }
    assert guarded == referring - _NEEDS_A_BALANCE


def test_privacy_document_is_generated_from_the_declarations() -> None:
    rows = [("Table", "Holds", "In the archive", "When the person is erased", "Why"), ("---",) * 5]
    for name, (room, table) in sorted(_declared().items()):
        sections = ", ".join(f"`{room}.json` {section}" for section in table.export_sections)
        archive = sections or f"no: {table.not_exported}"
        rows.append((f"`{name}`", table.description, archive, table.on_erasure.value, table.reason))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", "No person is in these:", ""]
    lines += [f"- `{name}`: {why}" for name, why in sorted(TABLES_WITHOUT_PERSONAL_DATA.items())]
    begin, end = "<!-- tables -->", "<!-- end of tables -->"
    head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    whole = [*(head + begin).splitlines(), "", *lines, "", *(end + tail).splitlines()]
    snapshot.check(DOCUMENT, whole)
