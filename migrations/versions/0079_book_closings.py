"""Periods of the books are closed by two people, and adjusting entries are marked.

The database refuses an entry that is dated in a closed period, but for an adjusting entry that two
people approved. Only an entry that is dated an hour or more before it is written is looked at, so
posting costs what it did; a period is therefore closed an hour after its end at the earliest.
"""

from alembic import op

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE book_closings (
    id uuid CONSTRAINT book_closings_pkey PRIMARY KEY,
    ends_at timestamptz NOT NULL,
    approval_id uuid NOT NULL CONSTRAINT book_closings_approval_id_key UNIQUE
        CONSTRAINT book_closings_approval_id_fkey REFERENCES approvals,
    closed_at timestamptz NOT NULL,
    reopening_id uuid CONSTRAINT book_closings_reopening_id_fkey REFERENCES approvals,
    reopened_at timestamptz,
    CONSTRAINT reopening_is_whole CHECK ((reopening_id IS NULL) = (reopened_at IS NULL))
);
CREATE UNIQUE INDEX book_closings_in_force_idx ON book_closings (ends_at)
    WHERE reopened_at IS NULL;
CREATE TABLE adjusting_entries (
    id uuid CONSTRAINT adjusting_entries_pkey PRIMARY KEY,
    reference text NOT NULL CONSTRAINT adjusting_entries_reference_key UNIQUE,
    approval_id uuid NOT NULL CONSTRAINT adjusting_entries_approval_id_key UNIQUE
        CONSTRAINT adjusting_entries_approval_id_fkey REFERENCES approvals,
    posted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
"""

RULES = """
-- Entries with an old date share a lock, and who closes a period waits for them.
CREATE FUNCTION books_check_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7226017);
    IF EXISTS (SELECT FROM book_closings WHERE ends_at > NEW.posted_at AND reopened_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM adjusting_entries a JOIN approvals p ON p.id = a.approval_id
            WHERE a.reference = NEW.reference AND a.posted_at = NEW.posted_at
                AND p.action = 'books.adjust' AND p.status = 'approved'
        ) THEN
        RAISE EXCEPTION 'the period of this entry is closed'
            USING ERRCODE = 'PB001', CONSTRAINT = 'period_is_open';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_in_open_periods BEFORE INSERT ON entries FOR EACH ROW
    WHEN (NEW.posted_at < NEW.recorded_at - interval '1 hour')
    EXECUTE FUNCTION books_check_entry();

CREATE FUNCTION books_check_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7226017);
    IF NEW.ends_at > clock_timestamp() - interval '1 hour' OR NOT EXISTS (
        SELECT FROM approvals p
        WHERE p.id = NEW.approval_id AND p.action = 'books.close' AND p.status = 'approved'
    ) THEN
        RAISE EXCEPTION 'a period is closed by two people, an hour after its end'
            USING ERRCODE = 'PB001', CONSTRAINT = 'closing_is_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER book_closings_approved BEFORE INSERT ON book_closings FOR EACH ROW
    EXECUTE FUNCTION books_check_closing();

CREATE FUNCTION books_check_reopening() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.reopened_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM approvals p
        WHERE p.id = NEW.reopening_id AND p.action = 'books.reopen' AND p.status = 'approved'
    ) THEN
        RAISE EXCEPTION 'a period is reopened by two people, once'
            USING ERRCODE = 'PB001', CONSTRAINT = 'closing_is_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER book_closings_reopened BEFORE UPDATE ON book_closings FOR EACH ROW
    EXECUTE FUNCTION books_check_reopening();
REVOKE EXECUTE ON FUNCTION books_check_entry, books_check_closing, books_check_reopening
    FROM PUBLIC;
"""


def upgrade() -> None:
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(TABLES)
    op.execute(RULES)
    op.execute(f"""
REVOKE UPDATE, DELETE ON book_closings, adjusting_entries FROM {role};
GRANT UPDATE (reopening_id, reopened_at) ON book_closings TO {role};
SELECT set_default_holders('all:books:close', '{{ADMIN}}');
""")


def downgrade() -> None:
    op.execute("""
DROP TRIGGER entries_in_open_periods ON entries;
DROP TABLE adjusting_entries, book_closings;
DROP FUNCTION books_check_entry, books_check_closing, books_check_reopening;
""")
