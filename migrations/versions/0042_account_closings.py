"""An issued statement period never changes: what each account had at its end is kept."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE account_closings (
    owner_id uuid NOT NULL,
    asset text NOT NULL CONSTRAINT account_closings_asset_fkey REFERENCES assets,
    ends_at timestamptz NOT NULL,
    last_entry_id bigint NOT NULL,
    held bigint NOT NULL CONSTRAINT closing_held_not_negative CHECK (held >= 0),
    closed_at timestamptz NOT NULL,
    CONSTRAINT account_closings_pkey PRIMARY KEY (owner_id, asset, ends_at)
);
CREATE TRIGGER account_closings_append_only BEFORE UPDATE OR DELETE ON account_closings
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER account_closings_never_truncated BEFORE TRUNCATE ON account_closings
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
"""

FUNCTION = """
-- Closes a customer's account in one asset up to an instant, once. Waits for the entries that are
-- being posted: those on an account are numbered while its balance is locked, so that every later
-- one has a higher number. An account that was never posted to has none, so all of its are later.
CREATE FUNCTION ledger_close_account(
    p_owner uuid, p_asset text, p_ends_at timestamptz, p_closed_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_account bigint;
BEGIN
    IF EXISTS (SELECT FROM account_closings
               WHERE owner_id = p_owner AND asset = p_asset AND ends_at = p_ends_at) THEN
        RETURN;
    END IF;
    SELECT a.id INTO v_account FROM accounts a JOIN balances b ON b.account_id = a.id
    WHERE a.owner_id = p_owner AND a.asset = p_asset FOR NO KEY UPDATE OF b;
    INSERT INTO account_closings (owner_id, asset, ends_at, last_entry_id, held, closed_at)
    SELECT p_owner, p_asset, p_ends_at,
        coalesce((SELECT max(p.entry_id) FROM postings p JOIN accounts a ON a.id = p.account_id
                  WHERE a.owner_id = p_owner AND a.asset = p_asset AND v_account IS NOT NULL), 0),
        coalesce((SELECT sum(h.units) FROM holds h WHERE h.account_id = v_account
                  AND h.placed_at < p_ends_at
                  AND (h.settled_at IS NULL OR h.settled_at >= p_ends_at)), 0),
        p_closed_at
    ON CONFLICT DO NOTHING;
END $$;
"""


def application_role() -> str:
    """Return the quoted role of DATABASE_URL, which env.py passes in."""
    return str(
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )


def upgrade() -> None:
    role = application_role()
    op.execute(TABLE)
    op.execute(FUNCTION)
    op.execute(f"""
REVOKE INSERT, UPDATE, DELETE ON account_closings FROM {role};
REVOKE EXECUTE ON FUNCTION ledger_close_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_close_account TO {role};
""")


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_close_account")
    op.execute("DROP TABLE account_closings")
