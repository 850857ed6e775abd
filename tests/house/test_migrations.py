"""Migrations: one sequence, reversible, and no table that they do not create."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy.engine import make_url

from app.config import PROJECT
from app.factory import create_app
from tests.conftest import TEMPLATE, drop, recreate, settings_on
from tests.house import snapshot

SCRIPTS = ScriptDirectory(str(PROJECT / "migrations"))
#: Oldest first.
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]

# A whole schema: columns, constraints, indexes, functions, triggers and rights.
_SCHEMA = """
SELECT 'column', format('%s.%s %s %s %s %s', c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
    concat_ws(' ', a.attidentity, a.attacl))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND NOT a.attisdropped
UNION ALL SELECT 'relation', format('%s %s %s %s %s', relname, relkind, relpersistence,
    relacl::text, reloptions::text)
FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', format('%s %s %s', conrelid::regclass, conname,
    pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'function', format('%s %s %s', oid::regprocedure, proacl::text, md5(prosrc))
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION ALL SELECT 'trigger', pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT 'default right', format('%s %s', defaclobjtype, defaclacl::text)
FROM pg_default_acl
"""


@pytest.fixture(scope="module")
def empty(worker_id: str) -> Iterator[Flask]:
    """An application on a migrated database of its own."""
    name = f"pbcex_migrations_{worker_id}"
    recreate(name, TEMPLATE)
    app = create_app(settings_on(name))
    with app.app_context():
        yield app
    app.extensions["database"].engine.dispose()
    drop(name)


def _schema(app: Flask) -> set[str]:
    url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")
    with psycopg.connect(url) as owner:
        rows = owner.execute(_SCHEMA).fetchall()
    return {f"{kind} {text}" for kind, text in rows if "alembic_version" not in text}


def test_schema_is_as_committed(app: Flask) -> None:
    """Role names differ by server and are replaced."""
    settings = app.extensions["settings"]
    roles = {make_url(settings.database_owner_url).username: "owner"}
    roles[make_url(settings.database_url).username] = "application"
    lines = sorted(line for line in _schema(app) if not line.startswith("default right"))
    text = "\n".join(" ".join(line.split()) for line in lines)
    for role, name in roles.items():
        text = re.sub(rf"(?<=[{{,]){role}(?==)|(?<=/){role}(?=[,}}])", name, text)
    snapshot.check(snapshot.HERE / "schema.txt", text.splitlines())


def test_migrations_are_one_sequence() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    for revision in REVISIONS:
        script = SCRIPTS.get_revision(revision)
        assert script.path.rpartition("/")[2].startswith(f"{revision}_")
        assert script.doc, f"{revision} has no docstring"


def test_migrations_import_nothing_of_the_application() -> None:
    """What they do must not change with the code of a later release."""
    importing = [
        path.name
        for path in (PROJECT / "migrations").rglob("*.py")
        if re.search(r"^\s*(from|import) app\b", path.read_text(), re.MULTILINE)
    ]
    assert importing == []


def test_models_match_the_migrated_schema(app: Flask) -> None:
    with app.app_context():
        check(str(PROJECT / "migrations"))


def test_each_migration_can_be_reverted_and_repeated(empty: Flask) -> None:
    folder = str(PROJECT / "migrations")
    before: dict[str, set[str]] = {}
    for revision in reversed(REVISIONS):
        before[revision] = _schema(empty)
        downgrade(folder, revision="-1")
    assert {line for line in _schema(empty) if not line.startswith("default right")} == set()
    for revision in REVISIONS:
        upgrade(folder, revision="+1")
        after = _schema(empty)
        assert after == before[revision], (
            f"{revision}: reverting and repeating it changes the schema"
        )
