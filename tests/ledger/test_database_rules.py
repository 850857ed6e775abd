"""What the database refuses to the application, the owner and others. A refusal changes nothing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.access import Actor
from app.catalog.rules import USD
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from tests.people import People
from tests.unchanged_database import database_unchanged, table_digests

DENIED = "42501"
RULE = "PB001"
HOUSE = chart.HOUSE

TABLES = (
    "account_classes",
    "accounts",
    "balances",
    "daily_totals",
    "entries",
    "holds",
    "postings",
    "rollup_watermark",
    "rollups",
)
INSERTS = {
    "account_classes": "VALUES ('x', 'income', false, 'x')",
    "accounts": "SELECT * FROM accounts LIMIT 1",
    "balances": "SELECT account_id + 1000000, posted, held FROM balances LIMIT 1",
    "daily_totals": "SELECT current_date, class, owner_id, asset, 1 FROM accounts LIMIT 1",
    "entries": "SELECT * FROM entries LIMIT 1",
    "holds": "SELECT * FROM holds LIMIT 1",
    "postings": "SELECT entry_id, account_id, units FROM postings LIMIT 1",
    "rollup_watermark": "VALUES (true, '0')",
    "rollups": "SELECT id, 1 FROM accounts LIMIT 1",
}
COLUMNS = {
    "account_classes": "guarded",
    "accounts": "guarded",
    "balances": "posted",
    "daily_totals": "units",
    "entries": "posted_at",
    "holds": "units",
    "postings": "units",
    "rollup_watermark": "xid",
    "rollups": "units",
}


@pytest.fixture
def person(database: Database, people: People) -> Actor:
    """Return a customer with 100.00 USD, of which 30.00 are held."""
    person = people.customer(USD="100.00")
    with database.transaction() as session:
        ledger.place_hold(
            session,
            hold_id=uuid4(),
            account=chart.customer(person.user_id, USD),
            amount=Amount(USD, 3000),
            cause="test",
            placed_at=clock.now(),
        )
        ledger.roll_up(session)
    return person


def refused(
    database: Database,
    connection: psycopg.Connection,
    statement: str,
    parameters: Sequence[Any] | None = None,
    *,
    state: str = DENIED,
    rule: str | None = None,
) -> None:
    """Check that the statement raises this state and rule, and changes nothing."""
    with database_unchanged(database), pytest.raises(psycopg.Error) as raised:
        connection.execute(statement, parameters)
    assert raised.value.sqlstate == state, raised.value
    if rule is not None:
        assert raised.value.diag.constraint_name == rule


@pytest.mark.usefixtures("person")
class TestDirectWrites:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO {table} OVERRIDING SYSTEM VALUE {row}",
            "INSERT INTO {table} OVERRIDING SYSTEM VALUE {row} ON CONFLICT DO NOTHING",
            "UPDATE {table} SET {column} = {column}",
            "DELETE FROM {table}",
            "DELETE FROM ONLY {table} WHERE false",
            "TRUNCATE {table} CASCADE",
            "MERGE INTO {table} t USING (SELECT) s ON true WHEN MATCHED THEN DELETE",
            "COPY {table} FROM STDIN",
            "SELECT * FROM {table} FOR UPDATE",
            "DO $$ BEGIN LOCK TABLE {table} IN SHARE MODE; END $$",
            "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
            "DO $$ BEGIN DELETE FROM {table}; END $$",
        ],
    )
    def test_direct_writes_are_denied_to_the_application(
        self, database: Database, application: psycopg.Connection, table: str, statement: str
    ) -> None:
        text = statement.format(table=table, row=INSERTS[table], column=COLUMNS[table])
        refused(database, application, text)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE assets SET scale = 3 WHERE code = 'USD'",
            "UPDATE assets SET code = 'USX' WHERE code = 'USD'",
            "DELETE FROM assets",
            "TRUNCATE assets CASCADE",
            "SELECT nextval('entries_id_seq')",
            "SELECT setval('entries_id_seq', 1)",
            "SELECT nextval('accounts_id_seq')",
        ],
    )
    def test_assets_and_sequences_cannot_be_changed(
        self, database: Database, application: psycopg.Connection, statement: str
    ) -> None:
        refused(database, application, statement)

    def test_asset_can_be_added_and_renamed(self, application: psycopg.Connection) -> None:
        code = uuid4().hex
        application.execute("INSERT INTO assets VALUES (%s, 0, 'One thing')", (code,))
        application.execute("UPDATE assets SET name = 'A thing' WHERE code = %s", (code,))
        row = application.execute("SELECT scale, name FROM assets WHERE code = %s", (code,))
        assert row.fetchone() == (0, "A thing")


@pytest.mark.usefixtures("person")
class TestDefinitions:
    @pytest.mark.parametrize(
        "statement",
        [
            "ALTER TABLE entries DISABLE TRIGGER ALL",
            "ALTER TABLE entries DISABLE TRIGGER entries_append_only",
            "ALTER TABLE postings DISABLE TRIGGER USER",
            "DROP TRIGGER entries_append_only ON entries",
            "DROP TRIGGER postings_never_truncated ON postings",
            "DROP TRIGGER assets_keep_scale ON assets",
            "ALTER TABLE balances DROP CONSTRAINT available_not_negative",
            "ALTER TABLE postings ALTER COLUMN units TYPE numeric",
            "ALTER TABLE entries RENAME TO old_entries",
            "ALTER TABLE entries OWNER TO CURRENT_USER",
            "ALTER TABLE entries ENABLE ROW LEVEL SECURITY",
            "DROP TABLE rollups",
            "CREATE TABLE public.mine (id int)",
            "CREATE VIEW public.mine AS SELECT 1",
            "CREATE SCHEMA mine",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE OR REPLACE FUNCTION ledger_roll_up() RETURNS bigint LANGUAGE sql RETURN 1",
            "ALTER FUNCTION ledger_roll_up() SECURITY INVOKER",
            "ALTER FUNCTION ledger_roll_up() SET search_path = pg_temp",
            "DROP FUNCTION forbid_rewriting() CASCADE",
            "CREATE RULE silent AS ON INSERT TO postings DO INSTEAD NOTHING",
            "CREATE TRIGGER mine BEFORE INSERT ON postings EXECUTE FUNCTION forbid_rewriting()",
            "CREATE INDEX mine ON entries (cause)",
            "ALTER DEFAULT PRIVILEGES FOR ROLE pbcex_owner GRANT ALL ON TABLES TO PUBLIC",
            "CREATE EXTENSION citext SCHEMA public",
        ],
    )
    def test_definitions_cannot_be_changed_by_the_application(
        self, database: Database, application: psycopg.Connection, statement: str
    ) -> None:
        refused(database, application, statement)

    def test_application_cannot_grant_itself_rights(
        self, database: Database, application: psycopg.Connection
    ) -> None:
        application.execute("GRANT ALL ON entries, postings, balances TO CURRENT_USER")
        refused(database, application, "DELETE FROM postings")
        refused(database, application, "UPDATE balances SET posted = 1")

    @pytest.mark.parametrize(
        "statement",
        [
            "SET ROLE pbcex_owner",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION pbcex_owner",
            "SET session_replication_role = replica",
            "SET allow_system_table_mods = on",
            "SELECT set_config('session_replication_role', 'replica', false)",
            "ALTER ROLE CURRENT_USER SUPERUSER",
            "GRANT pbcex_owner TO CURRENT_USER",
            "CREATE ROLE mine SUPERUSER",
            "ALTER SYSTEM SET fsync = off",
            "SELECT pg_read_file('postgresql.conf')",
            "COPY entries TO PROGRAM 'cat'",
            "UPDATE pg_class SET relowner = 0",
        ],
    )
    def test_application_cannot_change_its_role_or_settings(
        self, database: Database, application: psycopg.Connection, statement: str
    ) -> None:
        refused(database, application, statement)


class TestInternalFunctions:
    @pytest.mark.parametrize(
        "statement",
        [
            f"SELECT ledger_open_account('fees', '{HOUSE}', 'USD')",
            "SELECT ledger_claim_hold(gen_random_uuid())",
            "SELECT ledger_claim_holds(ARRAY[gen_random_uuid()])",
            "SELECT forbid_rewriting()",
            "SELECT forbid_rescaling()",
        ],
    )
    def test_internal_functions_cannot_be_called_by_the_application(
        self, database: Database, application: psycopg.Connection, statement: str
    ) -> None:
        refused(database, application, statement)

    def test_every_function_of_the_schema_is_granted_by_name(
        self, owner: psycopg.Connection
    ) -> None:
        """A function that any role may call would run with its owner's rights."""
        rows = owner.execute(
            """SELECT p.proname FROM pg_proc p
               WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
                 AND (p.proacl IS NULL OR EXISTS (
                     SELECT FROM aclexplode(p.proacl) right_ WHERE right_.grantee = 0))"""
        ).fetchall()
        assert rows == []

    def test_every_definer_function_pins_its_search_path(self, owner: psycopg.Connection) -> None:
        rows = owner.execute(
            """SELECT proname, proconfig FROM pg_proc
               WHERE pronamespace = 'public'::regnamespace AND prosecdef"""
        ).fetchall()
        assert len(rows) >= 8
        for _, config in rows:
            assert config == ["search_path=pg_catalog, public, pg_temp"]


Postings = Sequence[tuple[Any, Any, Any, Any]]

_CALL = """
SELECT ledger_post(%s, %s, now(), %s::text[], %s::text[], %s::uuid[], %s::bigint[], %s, %s::uuid[])
"""


def call(
    postings: Postings, *, reference: str | None = None, reverses: int | None = None
) -> list[Any]:
    """Return the parameters of a call of the posting function."""
    columns = [list(column) for column in zip(*postings, strict=True)] or [[], [], [], []]
    assets, classes, owners, units = columns
    return [reference or uuid4().hex, "test", assets, classes, owners, units, reverses, None]


def spend(owner_id: UUID, units: int) -> Postings:
    return [("USD", "customer.funding", owner_id, units), ("USD", "fees", HOUSE, -units)]


class TestPosting:
    @pytest.mark.parametrize(
        ("postings", "state", "rule"),
        [
            ([], RULE, "entry_has_two_postings"),
            ([("USD", "fees", HOUSE, 1)], RULE, "entry_has_two_postings"),
            (
                [("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, -4)],
                RULE,
                "entry_balances",
            ),
            (
                [("USD", "capital", HOUSE, 5), ("USDC", "capital", HOUSE, -5)],
                RULE,
                "entry_balances",
            ),
            (
                [("USD", "capital", HOUSE, 5), ("USDC", "capital", HOUSE, 5),
                 ("USDC", "fees", HOUSE, -10)],
                RULE,
                "entry_balances",
            ),
            (
                [("USD", "fees", HOUSE, 5), ("USD", "capital", HOUSE, -5)],
                RULE,
                "entry_in_order",
            ),
            (
                [("USDC", "capital", HOUSE, 5), ("USDC", "fees", HOUSE, -5),
                 ("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, -5)],
                RULE,
                "entry_in_order",
            ),
            (
                [("USD", "fees", HOUSE, 5), ("USD", "fees", HOUSE, -5)],
                RULE,
                "entry_in_order",
            ),
            (
                [("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, 0),
                 ("USD", "position", HOUSE, -5)],
                "23514",
                "posting_moves_something",
            ),
            (
                [("USD", "capital", HOUSE, 0), ("USD", "fees", HOUSE, 0)],
                "23514",
                "posting_moves_something",
            ),
            (
                [("USD", "capital", HOUSE, 5), ("USD", "no such class", HOUSE, -5)],
                RULE,
                "account_class_known",
            ),
            (
                [("XXX", "capital", HOUSE, 5), ("XXX", "fees", HOUSE, -5)],
                "23503",
                "accounts_asset_fkey",
            ),
            ([("USD", "capital", HOUSE, None), ("USD", "fees", HOUSE, -5)], RULE, "entry_balances"),
            ([("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, None)], RULE, "entry_balances"),
            ([("USD", "capital", None, 5), ("USD", "fees", HOUSE, -5)], "23502", None),
            ([("USD", None, HOUSE, 5), ("USD", "fees", HOUSE, -5)], RULE, "account_class_known"),
            ([(None, "capital", HOUSE, 5), (None, "fees", HOUSE, -5)], "23502", None),
        ],
    )  # fmt: skip
    def test_invalid_entry_is_refused(
        self,
        database: Database,
        application: psycopg.Connection,
        postings: Postings,
        state: str,
        rule: str | None,
    ) -> None:
        refused(database, application, _CALL, call(postings), state=state, rule=rule)

    def test_accounts_opened_by_a_refused_entry_are_rolled_back(
        self, database: Database, application: psycopg.Connection
    ) -> None:
        newcomer = uuid4()
        postings = [("USD", "capital", newcomer, 5), ("USD", "customer.funding", newcomer, -4)]
        refused(database, application, _CALL, call(postings), state=RULE, rule="entry_balances")

    @pytest.mark.parametrize("missing", range(6))
    def test_null_arguments_are_refused(
        self, database: Database, application: psycopg.Connection, missing: int
    ) -> None:
        parameters = call([("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, -5)])
        parameters[missing] = None
        with database_unchanged(database), pytest.raises(psycopg.Error):
            application.execute(_CALL, parameters)

    def test_null_time_is_refused(
        self, database: Database, application: psycopg.Connection
    ) -> None:
        parameters = call([("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, -5)])
        refused(database, application, _CALL.replace("now()", "NULL"), parameters, state="23502")

    @pytest.mark.parametrize("column", [2, 3, 4, 5])
    def test_arrays_with_shifted_bounds_are_refused(
        self, database: Database, application: psycopg.Connection, column: int
    ) -> None:
        """Read by subscript, these arrays differ from the same arrays read by position."""
        postings = [("USD", "capital", HOUSE, 5), ("USDC", "capital", HOUSE, -5)]
        parameters = call(postings)
        values = ",".join(f'"{value}"' for value in parameters[column])
        parameters[column] = f"[0:1]={{{values}}}"
        with database_unchanged(database), pytest.raises(psycopg.Error):
            application.execute(_CALL, parameters)

    @pytest.mark.parametrize(
        "units",
        [
            "[0:1]={5,-5}",
            "[2:3]={5,-5}",
            "{{5,-5}}",
            "{{5},{-5}}",
            "{5,-5,0}",
            "{5}",
            "{NULL,NULL}",
        ],
    )
    def test_arrays_of_other_shapes_are_refused(
        self, database: Database, application: psycopg.Connection, units: str
    ) -> None:
        parameters = call([("USD", "capital", HOUSE, 5), ("USD", "fees", HOUSE, -5)])
        parameters[5] = units
        with database_unchanged(database), pytest.raises(psycopg.Error):
            application.execute(_CALL, parameters)

    def test_entry_above_the_available_balance_is_refused(
        self, database: Database, application: psycopg.Connection, person: Actor
    ) -> None:
        """Of 100.00 USD, 30.00 are held."""
        refused(
            database, application, _CALL, call(spend(person.user_id, 7001)),
            state="23514", rule="available_not_negative",
        )  # fmt: skip
        application.execute(_CALL, call(spend(person.user_id, 7000)))

    def test_overflowing_numbers_are_refused(
        self, database: Database, application: psycopg.Connection, person: Actor
    ) -> None:
        postings = [
            ("USD", "capital", HOUSE, 2**63 - 1),
            ("USD", "customer.funding", person.user_id, -(2**63 - 1)),
        ]
        refused(database, application, _CALL, call(postings), state="22003")

    def test_reversal_that_does_not_mirror_is_refused(
        self, database: Database, application: psycopg.Connection, person: Actor
    ) -> None:
        (entry,) = application.execute(_CALL, call(spend(person.user_id, 500))).fetchone()
        for postings in (spend(person.user_id, 500), spend(person.user_id, -400)):
            refused(
                database, application, _CALL, call(postings, reverses=entry),
                state=RULE, rule="reversal_mirrors",
            )  # fmt: skip
        refused(
            database, application, _CALL, call(spend(person.user_id, -500), reverses=2**62),
            state="23503", rule="entries_reverses_id_fkey",
        )  # fmt: skip
        application.execute(_CALL, call(spend(person.user_id, -500), reverses=entry))


class TestHolds:
    @pytest.mark.parametrize(
        ("account_class", "units", "state", "rule"),
        [
            ("customer.funding", 0, "23514", "hold_is_positive"),
            ("customer.funding", -5, "23514", "hold_is_positive"),
            ("customer.funding", None, "23502", None),
            ("customer.funding", 7001, "23514", "available_not_negative"),
            ("fees", 5, RULE, "hold_on_guarded_account"),
            ("no such class", 5, RULE, "account_class_known"),
        ],
    )
    def test_invalid_hold_is_refused(
        self,
        database: Database,
        application: psycopg.Connection,
        person: Actor,
        *,
        account_class: str,
        units: int | None,
        state: str,
        rule: str | None,
    ) -> None:
        statement = "SELECT ledger_place_hold(%s, %s, %s, 'USD', %s, 'test', now(), NULL)"
        parameters = [uuid4(), account_class, person.user_id, units]
        refused(database, application, statement, parameters, state=state, rule=rule)

    @pytest.mark.parametrize(
        ("status", "at"), [("posted", "now()"), (None, "now()"), ("voided", "NULL")]
    )
    def test_hold_is_released_only_as_voided_or_expired(
        self,
        database: Database,
        application: psycopg.Connection,
        person: Actor,
        status: str | None,
        at: str,
    ) -> None:
        (hold,) = application.execute(
            "SELECT h.id FROM holds h JOIN accounts a ON a.id = h.account_id WHERE owner_id = %s",
            (person.user_id,),
        ).fetchone()
        with database_unchanged(database), pytest.raises(psycopg.Error):
            application.execute(f"SELECT ledger_release_holds(%s, %s, {at})", ([hold], status))
        # The hold has no expiry.
        refused(
            database, application, "SELECT ledger_release_holds(%s, 'expired', now())", ([hold],),
            state=RULE, rule="hold_expiry",
        )  # fmt: skip


class TestShadowing:
    """The application may create temporary objects; the ledger's functions never use them."""

    @pytest.mark.parametrize(
        "path", ["pg_temp", "pg_temp, public, pg_catalog", "pg_temp, pg_catalog, public"]
    )
    def test_temporary_tables_and_functions_are_not_used(
        self, database: Database, application: psycopg.Connection, person: Actor, path: str
    ) -> None:
        application.execute("""
            CREATE TEMP TABLE accounts AS SELECT * FROM public.accounts;
            UPDATE pg_temp.accounts SET guarded = false;
            CREATE TEMP TABLE balances AS SELECT * FROM public.balances;
            UPDATE pg_temp.balances SET posted = 1000000000;
            CREATE TEMP TABLE entries (LIKE public.entries INCLUDING DEFAULTS);
            CREATE TEMP TABLE postings (LIKE public.postings);
            CREATE TEMP TABLE holds (LIKE public.holds);
            CREATE FUNCTION pg_temp.ledger_open_account(text, uuid, text) RETURNS public.accounts
                LANGUAGE sql AS 'SELECT * FROM public.accounts LIMIT 1';
            CREATE FUNCTION pg_temp.cardinality(anyarray) RETURNS int
                LANGUAGE sql AS 'SELECT 2';
        """)
        application.execute(f"SET search_path = {path}")
        statement = _CALL.replace("ledger_post", "public.ledger_post")
        refused(
            database, application, statement, call(spend(person.user_id, 7001)),
            state="23514", rule="available_not_negative",
        )  # fmt: skip
        refused(
            database, application, statement, call([("USD", "fees", HOUSE, 1)]),
            state=RULE, rule="entry_has_two_postings",
        )  # fmt: skip
        application.execute(statement, call(spend(person.user_id, 7000)))
        counts = application.execute(
            "SELECT (SELECT count(*) FROM pg_temp.entries), (SELECT count(*) FROM pg_temp.postings)"
        )
        assert counts.fetchone() == (0, 0)
        spent = application.execute(
            """SELECT posted, held FROM public.balances b JOIN public.accounts a
               ON a.id = b.account_id WHERE owner_id = %s""",
            (person.user_id,),
        )
        assert spent.fetchall() == [(3000, 3000)]


@pytest.mark.usefixtures("person")
class TestOwner:
    """The role that migrates could drop the triggers; while they exist, history only grows."""

    @pytest.mark.parametrize("table", ["entries", "postings"])
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE {table} SET {column} = {column}",
            "DELETE FROM {table}",
            "TRUNCATE {table} CASCADE",
            "MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
        ],
    )
    def test_owner_cannot_rewrite_history(
        self, database: Database, owner: psycopg.Connection, table: str, statement: str
    ) -> None:
        refused(database, owner, statement.format(table=table, column=COLUMNS[table]))

    def test_owner_cannot_truncate_assets_or_accounts(
        self, database: Database, owner: psycopg.Connection
    ) -> None:
        refused(database, owner, "TRUNCATE assets CASCADE")
        refused(database, owner, "TRUNCATE accounts CASCADE")

    @pytest.mark.parametrize("change", ["scale = 3", "code = 'USX'", "scale = 3, name = 'x'"])
    def test_owner_cannot_rescale_an_asset(
        self, database: Database, owner: psycopg.Connection, change: str
    ) -> None:
        refused(database, owner, f"UPDATE assets SET {change} WHERE code = 'XPD-s'")

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM accounts",
            "UPDATE accounts SET guarded = false",
            "TRUNCATE accounts CASCADE",
        ],
    )
    def test_owner_cannot_change_an_account(
        self, database: Database, owner: psycopg.Connection, statement: str
    ) -> None:
        refused(database, owner, statement)

    def test_owner_cannot_disable_triggers_by_a_setting(
        self, database: Database, owner: psycopg.Connection
    ) -> None:
        refused(database, owner, "SET session_replication_role = replica")


def test_control_unchanged_check_detects_a_rewritten_row(
    database: Database, people: People
) -> None:
    """Rewriting a row with the same values counts as a change."""
    people.customer()
    before = table_digests(database)
    with database.transaction() as session:
        session.send("UPDATE users SET email = email WHERE erased_at IS NULL")
    assert [
        table for table, digest in table_digests(database).items() if digest != before[table]
    ] == ["users"]
