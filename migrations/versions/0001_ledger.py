"""Assets and the ledger: append-only, balanced and guarded by the database itself.

The application's role may read these tables and call the functions below; it can write no row of
them by any other way. The owner, who migrates, is stopped by triggers from rewriting history.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE assets (
    code text CONSTRAINT assets_pkey PRIMARY KEY,
    scale smallint NOT NULL CONSTRAINT scale_in_range CHECK (scale BETWEEN 0 AND 18),
    name text NOT NULL
);

CREATE TABLE account_classes (
    code text CONSTRAINT account_classes_pkey PRIMARY KEY,
    kind text NOT NULL CONSTRAINT kind_known
        CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
    guarded boolean NOT NULL,
    name text NOT NULL
);

CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT accounts_pkey PRIMARY KEY,
    class text NOT NULL CONSTRAINT accounts_class_fkey REFERENCES account_classes,
    owner_id uuid NOT NULL,
    asset text NOT NULL CONSTRAINT accounts_asset_fkey REFERENCES assets,
    guarded boolean NOT NULL,
    normal smallint NOT NULL CONSTRAINT normal_is_a_sign CHECK (normal IN (1, -1)),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT accounts_owner_id_class_asset_key UNIQUE (owner_id, class, asset)
);

CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT entries_pkey PRIMARY KEY,
    cause text NOT NULL,
    reference text NOT NULL CONSTRAINT entries_reference_key UNIQUE,
    reverses_id bigint CONSTRAINT entries_reverses_id_key UNIQUE
        CONSTRAINT entries_reverses_id_fkey REFERENCES entries,
    posted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX entries_xid_idx ON entries (xid);

CREATE TABLE postings (
    entry_id bigint NOT NULL CONSTRAINT postings_entry_id_fkey REFERENCES entries,
    account_id bigint NOT NULL CONSTRAINT postings_account_id_fkey REFERENCES accounts,
    units bigint NOT NULL CONSTRAINT posting_moves_something CHECK (units <> 0),
    CONSTRAINT postings_pkey PRIMARY KEY (entry_id, account_id)
);
CREATE INDEX postings_account_id_entry_id_idx ON postings (account_id, entry_id);

CREATE TABLE balances (
    account_id bigint CONSTRAINT balances_pkey PRIMARY KEY
        CONSTRAINT balances_account_id_fkey REFERENCES accounts,
    posted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0 CONSTRAINT held_not_negative CHECK (held >= 0),
    CONSTRAINT available_not_negative CHECK (posted >= held)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE holds (
    id uuid CONSTRAINT holds_pkey PRIMARY KEY,
    account_id bigint NOT NULL CONSTRAINT holds_account_id_fkey REFERENCES accounts,
    units bigint NOT NULL CONSTRAINT hold_is_positive CHECK (units > 0),
    cause text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CONSTRAINT hold_status_known
        CHECK (status IN ('pending', 'posted', 'voided', 'expired')),
    placed_at timestamptz NOT NULL,
    expires_at timestamptz,
    settled_at timestamptz,
    entry_id bigint CONSTRAINT holds_entry_id_fkey REFERENCES entries,
    CONSTRAINT settled_at_unless_pending CHECK ((settled_at IS NULL) = (status = 'pending')),
    CONSTRAINT entry_if_posted CHECK ((entry_id IS NOT NULL) = (status = 'posted'))
);
CREATE INDEX holds_pending_expires_at_idx ON holds (expires_at) WHERE status = 'pending';
CREATE INDEX holds_pending_account_id_idx ON holds (account_id) WHERE status = 'pending';

CREATE TABLE rollups (
    account_id bigint CONSTRAINT rollups_pkey PRIMARY KEY
        CONSTRAINT rollups_account_id_fkey REFERENCES accounts,
    units numeric NOT NULL
);
CREATE TABLE rollup_watermark (
    singleton boolean CONSTRAINT rollup_watermark_pkey PRIMARY KEY DEFAULT true
        CONSTRAINT one_watermark CHECK (singleton),
    xid xid8 NOT NULL
);
INSERT INTO rollup_watermark (xid) VALUES ('0');
"""

SEEDS = """
INSERT INTO assets (code, scale, name) VALUES
    ('USD', 2, 'United States dollar'),
    ('USDC', 6, 'USD Coin'),
    ('PAXG', 8, 'PAX Gold, one fine troy ounce of gold each'),
    ('XAU-s', 8, 'Gold, troy ounces'),
    ('XAG-s', 8, 'Silver, troy ounces'),
    ('XPT-s', 8, 'Platinum, troy ounces'),
    ('XPD-s', 8, 'Palladium, troy ounces'),
    ('XCU-s', 8, 'Copper, troy ounces');
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('customer.funding', 'liability', true, 'Customers'' funding accounts'),
    ('customer.trading', 'liability', true, 'Customers'' trading accounts'),
    ('backing', 'asset', false, 'Tokens that back minted metal'),
    ('position', 'equity', false, 'Positions opened by conversions'),
    ('capital', 'equity', false, 'Owners'' capital'),
    ('fees', 'income', false, 'Trading fees'),
    ('spread', 'income', false, 'Spread between mid and the price given'),
    ('rounding', 'income', false, 'Residues of rounding');
"""

# A refusal carries the name of the rule in CONSTRAINT; app.ledger.errors maps it to an exception.
FUNCTIONS = """
CREATE FUNCTION forbid_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: history is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION forbid_rescaling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.scale <> OLD.scale OR NEW.code <> OLD.code THEN
        RAISE EXCEPTION 'the code and scale of asset % never change', OLD.code
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION ledger_open_account(p_class text, p_owner uuid, p_asset text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO accounts (class, owner_id, asset, guarded, normal)
    SELECT c.code, p_owner, p_asset, c.guarded, CASE WHEN c.kind IN ('asset', 'expense') THEN 1 ELSE -1 END
    FROM account_classes c WHERE c.code = p_class
    ON CONFLICT (owner_id, class, asset) DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NOT NULL THEN
        INSERT INTO balances (account_id)
        SELECT id FROM accounts WHERE id = v_id AND guarded;
        RETURN v_id;
    END IF;
    SELECT id INTO v_id FROM accounts
    WHERE owner_id = p_owner AND class = p_class AND asset = p_asset;
    IF v_id IS NULL THEN
        RAISE EXCEPTION 'there is no account class %', p_class
            USING ERRCODE = 'PB001', CONSTRAINT = 'account_class_known';
    END IF;
    RETURN v_id;
END $$;

CREATE FUNCTION ledger_post(
    p_reference text, p_cause text, p_posted_at timestamptz,
    p_classes text[], p_owners uuid[], p_assets text[], p_units bigint[],
    p_reverses bigint DEFAULT NULL, p_hold uuid DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_entry bigint;
    v_count integer := cardinality(p_units);
    v_ids bigint[];
    v_guarded bigint[];
    v_deltas bigint[];
    v_hold holds;
BEGIN
    IF v_count < 2 OR cardinality(p_classes) <> v_count OR cardinality(p_owners) <> v_count
        OR cardinality(p_assets) <> v_count THEN
        RAISE EXCEPTION 'an entry has at least two postings'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_has_two_postings';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_assets, p_units) AS leg (asset, units)
               GROUP BY asset HAVING sum(units) <> 0 OR sum(units) IS NULL) THEN
        RAISE EXCEPTION 'an entry sums to zero in each asset'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_balances';
    END IF;

    FOR attempt IN 1..2 LOOP
        SELECT array_agg(a.id ORDER BY leg.ord),
               array_agg(a.id ORDER BY a.id) FILTER (WHERE a.guarded),
               array_agg(a.normal * leg.units ORDER BY a.id) FILTER (WHERE a.guarded)
        INTO v_ids, v_guarded, v_deltas
        FROM unnest(p_classes, p_owners, p_assets, p_units) WITH ORDINALITY
            AS leg (class, owner_id, asset, units, ord)
        JOIN accounts a ON a.owner_id = leg.owner_id AND a.class = leg.class AND a.asset = leg.asset;
        EXIT WHEN cardinality(v_ids) = v_count;
        PERFORM ledger_open_account(class, owner_id, asset)
        FROM unnest(p_classes, p_owners, p_assets) AS leg (class, owner_id, asset)
        ORDER BY owner_id, class, asset;
    END LOOP;

    IF p_hold IS NOT NULL THEN
        v_hold := ledger_settle_hold(p_hold, 'posted', p_posted_at);
        IF NOT EXISTS (
            SELECT FROM unnest(v_guarded, v_deltas) AS leg (account_id, delta)
            WHERE account_id = v_hold.account_id AND delta BETWEEN -v_hold.units AND -1
        ) THEN
            RAISE EXCEPTION 'an entry that posts a hold takes no more than was held'
                USING ERRCODE = 'PB001', CONSTRAINT = 'posts_within_hold';
        END IF;
    END IF;

    -- In the order of ids, so that two entries over the same accounts never wait for each other.
    FOR i IN 1..coalesce(cardinality(v_guarded), 0) LOOP
        UPDATE balances SET posted = posted + v_deltas[i] WHERE account_id = v_guarded[i];
    END LOOP;

    INSERT INTO entries (cause, reference, reverses_id, posted_at)
    VALUES (p_cause, p_reference, p_reverses, p_posted_at)
    RETURNING id INTO v_entry;
    INSERT INTO postings (entry_id, account_id, units)
    SELECT v_entry, leg.account_id, leg.units FROM unnest(v_ids, p_units) AS leg (account_id, units);
    IF p_hold IS NOT NULL THEN
        UPDATE holds SET status = 'posted', settled_at = p_posted_at, entry_id = v_entry
        WHERE id = p_hold;
    END IF;
    RETURN v_entry;
END $$;

CREATE FUNCTION ledger_settle_hold(p_hold uuid, p_status text, p_at timestamptz) RETURNS holds
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_hold holds;
BEGIN
    SELECT * INTO v_hold FROM holds WHERE id = p_hold FOR NO KEY UPDATE;
    IF NOT FOUND OR v_hold.status <> 'pending' THEN
        RAISE EXCEPTION 'the hold is not pending'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_is_pending', DETAIL = coalesce(v_hold.status, 'unknown');
    END IF;
    IF (p_status = 'posted' AND v_hold.expires_at <= p_at)
        OR (p_status = 'expired' AND (v_hold.expires_at > p_at OR v_hold.expires_at IS NULL)) THEN
        RAISE EXCEPTION 'a hold is posted before it expires and expired after'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
    END IF;
    UPDATE balances SET held = held - v_hold.units WHERE account_id = v_hold.account_id;
    RETURN v_hold;
END $$;

CREATE FUNCTION ledger_release_hold(p_hold uuid, p_status text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_status NOT IN ('voided', 'expired') THEN
        RAISE EXCEPTION 'a hold is released by voiding or expiring it'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_release_known';
    END IF;
    PERFORM ledger_settle_hold(p_hold, p_status, p_at);
    UPDATE holds SET status = p_status, settled_at = p_at WHERE id = p_hold;
END $$;

CREATE FUNCTION ledger_place_hold(
    p_hold uuid, p_class text, p_owner uuid, p_asset text, p_units bigint,
    p_cause text, p_placed_at timestamptz, p_expires_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_account bigint := ledger_open_account(p_class, p_owner, p_asset);
BEGIN
    INSERT INTO holds (id, account_id, units, cause, placed_at, expires_at)
    VALUES (p_hold, v_account, p_units, p_cause, p_placed_at, p_expires_at);
    UPDATE balances SET held = held + p_units WHERE account_id = v_account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only guarded accounts can be held against'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_on_guarded_account';
    END IF;
END $$;

CREATE FUNCTION ledger_roll_up() RETURNS bigint
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
    UPDATE rollup_watermark SET xid = v_to;
    RETURN v_rows;
END $$;
"""

PROTECTION = """
CREATE TRIGGER assets_keep_scale BEFORE UPDATE ON assets
    FOR EACH ROW EXECUTE FUNCTION forbid_rescaling();
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER entries_never_truncated BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER postings_never_truncated BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
"""

# Later tables are the application's to write unless their migration takes it back.
RIGHTS = """
GRANT USAGE ON SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role};
GRANT SELECT, INSERT, UPDATE (name) ON assets TO {role};
GRANT SELECT ON account_classes, accounts, entries, postings, balances, holds, rollups, rollup_watermark
    TO {role};
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ledger_post(text, text, timestamptz, text[], uuid[], text[], bigint[], bigint, uuid),
    ledger_place_hold(uuid, text, uuid, text, bigint, text, timestamptz, timestamptz),
    ledger_release_hold(uuid, text, timestamptz),
    ledger_roll_up()
    TO {role};
"""


def upgrade() -> None:
    for script in (TABLES, SEEDS, FUNCTIONS, PROTECTION):
        op.execute(script)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(RIGHTS.format(role=role))


def downgrade() -> None:
    op.execute("""
        DROP FUNCTION ledger_roll_up, ledger_place_hold, ledger_release_hold, ledger_settle_hold,
            ledger_post, ledger_open_account;
        DROP TABLE rollup_watermark, rollups, holds, balances, postings, entries, accounts,
            account_classes, assets;
        DROP FUNCTION forbid_rewriting, forbid_rescaling;
    """)
