"""Assets and the ledger: append-only, balanced and guarded by the database itself.

The application's role may read these tables and call the functions below; it cannot write to them
in any other way. Triggers stop the owner, the role that migrates, from rewriting history.
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
    reverses_id bigint CONSTRAINT entries_reverses_id_fkey REFERENCES entries,
    posted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX entries_xid_idx ON entries (xid);
CREATE UNIQUE INDEX entries_reversed_once ON entries (reverses_id) WHERE reverses_id IS NOT NULL;

CREATE TABLE postings (
    entry_id bigint NOT NULL CONSTRAINT postings_entry_id_fkey REFERENCES entries,
    -- No foreign key: its check would lock the row of a busy house account. Accounts are never
    -- changed or deleted, and ledger_post has just read this one.
    account_id bigint NOT NULL,
    units bigint NOT NULL CONSTRAINT posting_moves_something CHECK (units <> 0),
    CONSTRAINT postings_pkey PRIMARY KEY (entry_id, account_id)
);
CREATE INDEX postings_account_id_entry_id_idx ON postings (account_id, entry_id);

CREATE TABLE balances (
    account_id bigint CONSTRAINT balances_pkey PRIMARY KEY
        CONSTRAINT balances_account_id_fkey REFERENCES accounts,
    posted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    -- One rule, not two: the server reads each anew from its text for every statement that writes.
    CONSTRAINT available_not_negative CHECK (held >= 0 AND posted >= held)
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
    ('backing', 'equity', false, 'Tokens set aside for the metal minted against them'),
    ('position', 'equity', false, 'Positions opened by conversions'),
    ('capital', 'equity', false, 'Owners'' capital'),
    ('fees', 'income', false, 'Trading fees'),
    ('spread', 'income', false, 'Spread between mid and the price given'),
    ('rounding', 'income', false, 'Residues of rounding');
"""

# A refusal has the name of its rule in CONSTRAINT; app.ledger.errors maps it to an exception.
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

CREATE FUNCTION ledger_open_account(p_class text, p_owner uuid, p_asset text) RETURNS accounts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_account accounts;
BEGIN
    INSERT INTO accounts (class, owner_id, asset, guarded, normal)
    SELECT c.code, p_owner, p_asset, c.guarded, CASE WHEN c.kind IN ('asset', 'expense') THEN 1 ELSE -1 END
    FROM account_classes c WHERE c.code = p_class
    ON CONFLICT (owner_id, class, asset) DO NOTHING
    RETURNING * INTO v_account;
    IF v_account.guarded THEN
        INSERT INTO balances (account_id) VALUES (v_account.id);
    END IF;
    IF v_account.id IS NULL THEN
        SELECT * INTO v_account FROM accounts
        WHERE owner_id = p_owner AND class = p_class AND asset = p_asset;
    END IF;
    IF v_account.id IS NULL THEN
        RAISE EXCEPTION 'there is no account class %', p_class
            USING ERRCODE = 'PB001', CONSTRAINT = 'account_class_known';
    END IF;
    RETURN v_account;
END $$;

CREATE FUNCTION ledger_post(
    p_reference text, p_cause text, p_posted_at timestamptz,
    p_assets text[], p_classes text[], p_owners uuid[], p_units bigint[],
    p_reverses bigint DEFAULT NULL, p_hold uuid DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_count integer := cardinality(p_units);
    v_entry bigint;
    v_sum numeric := 0;
    v_ids bigint[] := '{}';
    v_id bigint;
    v_guarded boolean;
    v_normal smallint;
    v_hold holds;
    v_released bigint;
BEGIN
    IF v_count < 2 OR cardinality(p_assets) <> v_count OR cardinality(p_classes) <> v_count
        OR cardinality(p_owners) <> v_count THEN
        RAISE EXCEPTION 'an entry has at least two postings'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_has_two_postings';
    END IF;
    IF p_hold IS NOT NULL THEN
        v_hold := ledger_claim_hold(p_hold);
        IF v_hold.expires_at <= p_posted_at THEN
            RAISE EXCEPTION 'the hold has expired' USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
        END IF;
    END IF;

    -- Postings come in the order of asset, class, owner. So each asset's can be summed as they
    -- pass, no account comes twice, and two entries over the same accounts lock them in one order.
    FOR i IN 1..v_count LOOP
        IF i > 1 THEN
            IF p_assets[i] = p_assets[i - 1] THEN
                IF (p_classes[i] COLLATE "C", p_owners[i]) <= (p_classes[i - 1] COLLATE "C", p_owners[i - 1]) THEN
                    RAISE EXCEPTION 'postings come in the order of asset, class and owner, each account once'
                        USING ERRCODE = 'PB001', CONSTRAINT = 'entry_in_order';
                END IF;
            ELSIF v_sum <> 0 THEN
                EXIT;
            ELSIF p_assets[i] COLLATE "C" < p_assets[i - 1] COLLATE "C" THEN
                RAISE EXCEPTION 'postings come in the order of asset, class and owner, each account once'
                    USING ERRCODE = 'PB001', CONSTRAINT = 'entry_in_order';
            END IF;
        END IF;
        v_sum := v_sum + p_units[i];

        SELECT id, guarded, normal INTO v_id, v_guarded, v_normal FROM accounts
        WHERE owner_id = p_owners[i] AND class = p_classes[i] AND asset = p_assets[i];
        IF v_id IS NULL THEN
            SELECT id, guarded, normal INTO v_id, v_guarded, v_normal
            FROM ledger_open_account(p_classes[i], p_owners[i], p_assets[i]);
        END IF;
        v_ids := v_ids || v_id;
        IF v_guarded THEN
            v_released := 0;
            IF v_id = v_hold.account_id THEN
                EXIT WHEN v_normal * p_units[i] NOT BETWEEN -v_hold.units AND -1;
                v_released := v_hold.units;
                v_hold.account_id := NULL;
            END IF;
            UPDATE balances SET posted = posted + v_normal * p_units[i], held = held - v_released
            WHERE account_id = v_id;
        END IF;
    END LOOP;
    -- A loop that ended at the held account says nothing of the sum.
    IF v_sum IS DISTINCT FROM 0 AND v_id IS DISTINCT FROM v_hold.account_id THEN
        RAISE EXCEPTION 'an entry sums to zero in each asset'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_balances';
    END IF;
    IF v_hold.account_id IS NOT NULL THEN
        RAISE EXCEPTION 'an entry that posts a hold takes no more than was held'
            USING ERRCODE = 'PB001', CONSTRAINT = 'posts_within_hold';
    END IF;

    -- Numbered once the balances are locked: on any guarded account, entries are in order of id.
    INSERT INTO entries (cause, reference, reverses_id, posted_at)
    VALUES (p_cause, p_reference, p_reverses, p_posted_at)
    RETURNING id INTO v_entry;
    INSERT INTO postings (entry_id, account_id, units)
    SELECT v_entry, leg.account_id, leg.units FROM unnest(v_ids, p_units) AS leg (account_id, units);
    -- Nested: one condition with a query in it would be planned and run for every entry.
    IF p_reverses IS NOT NULL THEN
        IF EXISTS (
            SELECT FROM postings WHERE entry_id IN (v_entry, p_reverses)
            GROUP BY account_id HAVING sum(units) <> 0
        ) THEN
            RAISE EXCEPTION 'a reversal mirrors the entry it reverses'
                USING ERRCODE = 'PB001', CONSTRAINT = 'reversal_mirrors';
        END IF;
    END IF;
    IF p_hold IS NOT NULL THEN
        UPDATE holds SET status = 'posted', settled_at = p_posted_at, entry_id = v_entry
        WHERE id = p_hold;
    END IF;
    RETURN v_entry;
END $$;

CREATE FUNCTION ledger_reverse(p_reference text, p_cause text, p_posted_at timestamptz, p_reverses text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_reversed bigint;
    v_entry bigint;
BEGIN
    SELECT id INTO v_reversed FROM entries WHERE reference = p_reverses;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no entry %', p_reverses
            USING ERRCODE = 'PB001', CONSTRAINT = 'reverses_an_entry';
    END IF;
    SELECT ledger_post(
        p_reference, p_cause, p_posted_at,
        array_agg(leg.asset), array_agg(leg.class), array_agg(leg.owner_id), array_agg(-leg.units),
        v_reversed
    ) INTO v_entry
    FROM (
        SELECT a.asset, a.class, a.owner_id, p.units
        FROM postings p JOIN accounts a ON a.id = p.account_id
        WHERE p.entry_id = v_reversed
        ORDER BY a.asset COLLATE "C", a.class COLLATE "C", a.owner_id
    ) AS leg;
    RETURN v_entry;
END $$;

CREATE FUNCTION ledger_claim_hold(p_hold uuid) RETURNS holds
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_hold holds;
BEGIN
    SELECT * INTO v_hold FROM holds WHERE id = p_hold FOR NO KEY UPDATE;
    IF NOT FOUND OR v_hold.status <> 'pending' THEN
        RAISE EXCEPTION 'the hold is not pending'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_is_pending', DETAIL = coalesce(v_hold.status, 'unknown');
    END IF;
    RETURN v_hold;
END $$;

CREATE FUNCTION ledger_release_hold(p_hold uuid, p_status text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_hold holds := ledger_claim_hold(p_hold);
BEGIN
    IF p_status NOT IN ('voided', 'expired')
        OR (p_status = 'expired' AND (v_hold.expires_at IS NULL OR v_hold.expires_at > p_at)) THEN
        RAISE EXCEPTION 'a hold is voided, or expired once its time has come'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
    END IF;
    UPDATE balances SET held = held - v_hold.units WHERE account_id = v_hold.account_id;
    UPDATE holds SET status = p_status, settled_at = p_at WHERE id = p_hold;
END $$;

CREATE FUNCTION ledger_expire_holds(p_at timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id uuid;
    v_expired bigint := 0;
BEGIN
    -- In the order in which entries lock: a sweep and an entry never wait for each other.
    FOR v_id IN
        SELECT due.id FROM (
            SELECT id, account_id FROM holds WHERE status = 'pending' AND expires_at <= p_at
            ORDER BY expires_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
        ) AS due JOIN accounts a ON a.id = due.account_id
        ORDER BY a.asset COLLATE "C", a.class COLLATE "C", a.owner_id
    LOOP
        PERFORM ledger_release_hold(v_id, 'expired', p_at);
        v_expired := v_expired + 1;
    END LOOP;
    RETURN v_expired;
END $$;

CREATE FUNCTION ledger_place_hold(
    p_hold uuid, p_class text, p_owner uuid, p_asset text, p_units bigint,
    p_cause text, p_placed_at timestamptz, p_expires_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_account bigint := (ledger_open_account(p_class, p_owner, p_asset)).id;
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
CREATE TRIGGER accounts_append_only BEFORE UPDATE OR DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER accounts_never_truncated BEFORE TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER entries_never_truncated BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER postings_never_truncated BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
"""

# The application may write to later tables unless their migration revokes it.
RIGHTS = """
GRANT USAGE ON SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role};
GRANT SELECT, INSERT, UPDATE (name) ON assets TO {role};
GRANT SELECT ON account_classes, accounts, entries, postings, balances, holds, rollups, rollup_watermark
    TO {role};
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ledger_post(text, text, timestamptz, text[], text[], uuid[], bigint[], bigint, uuid),
    ledger_reverse(text, text, timestamptz, text),
    ledger_place_hold(uuid, text, uuid, text, bigint, text, timestamptz, timestamptz),
    ledger_release_hold(uuid, text, timestamptz),
    ledger_expire_holds(timestamptz, integer),
    ledger_roll_up()
    TO {role};
"""


def application_role() -> str:
    """Return the quoted role of DATABASE_URL, which env.py passes in."""
    bind = op.get_bind()
    return bind.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar_one()


def upgrade() -> None:
    for script in (TABLES, SEEDS, FUNCTIONS, PROTECTION):
        op.execute(script)
    op.execute(RIGHTS.format(role=application_role()))


def downgrade() -> None:
    role = application_role()
    op.execute(f"""
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {role};
        REVOKE USAGE ON SCHEMA public FROM {role};
        DROP FUNCTION ledger_roll_up, ledger_expire_holds, ledger_place_hold, ledger_release_hold,
            ledger_reverse, ledger_post, ledger_claim_hold, ledger_open_account;
        DROP TABLE rollup_watermark, rollups, holds, balances, postings, entries, accounts,
            account_classes, assets;
        DROP FUNCTION forbid_rewriting, forbid_rescaling;
    """)
