"""The database rights of the application's role, as a table to be reviewed in each change.

The role has no right to write the ledger's tables, so it can write them through the ledger's
functions only.
"""

from app.kit.db import Database
from tests.house import snapshot

_TABLES = """
SELECT c.relname, concat_ws(', ',
    CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'read' END,
    CASE WHEN has_table_privilege(c.oid, 'INSERT') THEN 'insert' END,
    CASE WHEN has_table_privilege(c.oid, 'UPDATE') THEN 'update'
         WHEN has_any_column_privilege(c.oid, 'UPDATE') THEN 'update (' || (
             SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND has_column_privilege(c.oid, a.attnum, 'UPDATE')) || ')' END,
    CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'delete' END,
    CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'truncate' END,
    CASE WHEN has_table_privilege(c.oid, 'TRIGGER') THEN 'trigger' END)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
ORDER BY c.relname COLLATE "C"
"""
_FUNCTIONS = """
SELECT p.proname, concat_ws(', ',
    CASE WHEN has_function_privilege(p.oid, 'EXECUTE') THEN 'execute' END,
    CASE WHEN p.prosecdef THEN 'as its owner' END)
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname COLLATE "C"
"""
_ROLE = """
SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls,
    has_schema_privilege('public', 'CREATE'),
    EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
FROM pg_roles WHERE rolname = current_user
"""


def test_database_rights_of_the_application_are_as_committed(database: Database) -> None:
    with database.reading() as session:
        tables, functions = session.fetch((_TABLES, None), (_FUNCTIONS, None))
    rows = [("TABLE OR FUNCTION", "THE APPLICATION MAY"), *tables]
    rows += [(f"{name}()", rights) for name, rights in functions]
    snapshot.check(snapshot.HERE / "rights.txt", snapshot.table(rows))


def test_application_role_cannot_grant_itself_rights(database: Database) -> None:
    with database.reading() as session:
        assert session.row(_ROLE) == (False, False, False, False, False, False)
