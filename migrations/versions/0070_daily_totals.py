"""The books at a past instant are read from totals of each day, and valued at the price of then.

The job that rolls up house accounts adds the same postings to `daily_totals`, by the day on which
they happened. Customers' accounts of a class are one total, and goods have none: so the cost of a
statement grows neither with customers nor with products.
"""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE daily_totals (
    day date NOT NULL,
    class text NOT NULL CONSTRAINT daily_totals_class_fkey REFERENCES account_classes,
    owner uuid NOT NULL,
    asset text NOT NULL CONSTRAINT daily_totals_asset_fkey REFERENCES assets,
    units numeric NOT NULL,
    CONSTRAINT daily_totals_pkey PRIMARY KEY (day, class, owner, asset)
);
-- Entries are written in the order of their time, so this costs a posting next to nothing.
CREATE INDEX entries_posted_at_idx ON entries USING brin (posted_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE TABLE accepted_prices (
    metal text NOT NULL CONSTRAINT metal_known
        CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')),
    as_of timestamptz NOT NULL,
    mid numeric(18, 6) NOT NULL CONSTRAINT accepted_mid_positive CHECK (mid > 0),
    CONSTRAINT accepted_prices_pkey PRIMARY KEY (metal, as_of)
);
-- Until now only the latest accepted price was kept: the last tick of each hour is the nearest.
INSERT INTO accepted_prices (metal, as_of, mid)
SELECT DISTINCT ON (metal, date_trunc('hour', observed_at)) metal, observed_at, round(mid, 6)
FROM ticks WHERE round(mid, 6) > 0
ORDER BY metal, date_trunc('hour', observed_at), observed_at DESC, source;
"""

FILL = """
INSERT INTO daily_totals (day, class, owner, asset, units)
SELECT (e.posted_at AT TIME ZONE 'UTC')::date, a.class,
    CASE WHEN a.class LIKE 'customer.%' THEN '00000000-0000-0000-0000-000000000000'
         ELSE a.owner_id END,
    a.asset, sum(p.units)
FROM entries e
JOIN postings p ON p.entry_id = e.id
JOIN accounts a ON a.id = p.account_id
JOIN assets s ON s.code = a.asset
WHERE e.xid >= {low} AND e.xid < {high} AND s.scale > 0
GROUP BY 1, 2, 3, 4
ON CONFLICT (day, class, owner, asset) DO UPDATE SET units = daily_totals.units + excluded.units;
"""

ROLL_UP = """
CREATE OR REPLACE FUNCTION ledger_roll_up() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_from xid8;
    v_to xid8;
    v_rows bigint;
BEGIN
    -- The row lock lets one roller work at a time.
    SELECT xid INTO v_from FROM rollup_watermark FOR UPDATE;
    -- Every transaction below the snapshot's xmin has ended: what it added is all there to see.
    v_to := pg_snapshot_xmin(pg_current_snapshot());
    INSERT INTO rollups (account_id, units)
    SELECT p.account_id, sum(p.units)
    FROM entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
    WHERE e.xid >= v_from AND e.xid < v_to AND NOT a.guarded
    GROUP BY p.account_id
    ON CONFLICT (account_id) DO UPDATE SET units = rollups.units + excluded.units;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    {fill}
    UPDATE rollup_watermark SET xid = v_to;
    RETURN v_rows;
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
    op.execute(TABLES)
    op.execute(FILL.format(low="'0'", high="(SELECT xid FROM rollup_watermark)"))
    op.execute(ROLL_UP.format(fill=FILL.format(low="v_from", high="v_to").strip()))
    op.execute(f"""
REVOKE INSERT, UPDATE, DELETE ON daily_totals FROM {role};
REVOKE UPDATE, DELETE ON accepted_prices FROM {role};
SELECT set_default_holders('all:books:read', '{{AUDITOR,ADMIN}}');
""")


def downgrade() -> None:
    text = op.get_context().script.get_revision("0001").module.FUNCTIONS
    start = text.index("FUNCTION ledger_roll_up(")
    end = text.index("END $$;", start) + len("END $$;")
    op.execute(f"CREATE OR REPLACE {text[start:end]}")
    op.execute("DROP INDEX entries_posted_at_idx")
    op.execute("DROP TABLE accepted_prices, daily_totals")
