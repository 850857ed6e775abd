"""Debts are collected at the account: free units and an open debt in one asset never coexist.

`balances.owed` is the balance of the owner's receivable in the same asset, kept in the row that
every movement of the account locks anyway. Whatever frees units there, or changes the debt, settles
one against the other in the same statement; nothing is read or written for those who owe nothing.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

COLUMN = "ALTER TABLE balances ADD COLUMN owed bigint NOT NULL DEFAULT 0"

# Still one rule, for the reason given in 0001.
RULE = """
ALTER TABLE balances DROP CONSTRAINT available_not_negative;
ALTER TABLE balances ADD CONSTRAINT available_not_negative
    CHECK (held >= 0 AND posted >= held AND (owed = 0 OR (owed > 0 AND posted = held)));
"""

NEW_FUNCTIONS = """
-- Moves units of an account whose owner owes, or changes what they owe. Returns what was collected
-- from the free units; negative is returned to them, where more was collected than is owed now.
CREATE FUNCTION ledger_move_owing(p_account bigint, p_posted bigint, p_held bigint, p_owed bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_balance balances;
    v_collected bigint;
BEGIN
    SELECT * INTO STRICT v_balance FROM balances WHERE account_id = p_account FOR NO KEY UPDATE;
    v_balance.posted := v_balance.posted + p_posted;
    v_balance.held := v_balance.held + p_held;
    v_balance.owed := v_balance.owed + p_owed;
    v_collected := least(v_balance.owed, greatest(v_balance.posted - v_balance.held, 0));
    UPDATE balances SET posted = v_balance.posted - v_collected, held = v_balance.held,
        owed = v_balance.owed - v_collected
    WHERE account_id = p_account;
    RETURN v_collected;
END $$;

-- Posts what ledger_move_owing collected or returned, and stages the job that records it in the
-- audit trail and tells the customer: only the application has the keys of the trail.
CREATE FUNCTION ledger_record_collection(
    p_account bigint, p_units bigint, p_posted_at timestamptz, p_because_of text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_owner uuid;
    v_asset text;
    v_normal smallint;
    v_entry bigint;
    v_reference text;
BEGIN
    SELECT owner_id, asset, normal INTO STRICT v_owner, v_asset, v_normal
    FROM accounts WHERE id = p_account;
    v_reference := 'col_' || ledger_new_id();
    INSERT INTO entries (cause, reference, posted_at)
    VALUES (CASE WHEN p_units > 0 THEN 'receivable_collected' ELSE 'receivable_returned' END,
        v_reference, p_posted_at)
    RETURNING id INTO v_entry;
    INSERT INTO postings (entry_id, account_id, units) VALUES
        (v_entry, p_account, -v_normal * p_units),
        (v_entry, (ledger_open_account('customer.receivable', v_owner, v_asset)).id, -p_units);
    INSERT INTO outbox (id, task, args, queue, staged_at, due_at)
    VALUES (gen_random_uuid(), 'funding.debt_collected',
        jsonb_build_object('user_id', v_owner, 'reference', v_reference, 'asset', v_asset,
            'units', p_units, 'because_of', p_because_of),
        'payments', v_now, v_now);
END $$;

-- The 26 characters of a new public id, as app/kit/ids.py writes them: the time in milliseconds,
-- then chance.
CREATE FUNCTION ledger_new_id() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_milliseconds bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    v_bits bit(130) := B'00' || v_milliseconds::bit(48) || B'0111'
        || substring(('x' || replace(gen_random_uuid()::text, '-', ''))::bit(128) FROM 53);
    v_text text := '';
BEGIN
    FOR i IN 0..25 LOOP
        v_text := v_text || substr('0123456789abcdefghjkmnpqrstvwxyz',
            substring(v_bits FROM 5 * i + 1 FOR 5)::bit(5)::integer + 1, 1);
    END LOOP;
    RETURN v_text;
END $$;
"""

# As in 0001, and: a balance whose owner owes, or a receivable, moves through ledger_move_owing.
CHANGED_FUNCTIONS = """
CREATE OR REPLACE FUNCTION ledger_post(
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
    v_debtors bigint[] := '{}';
    v_collected bigint[] := '{}';
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
            WHERE account_id = v_id AND owed = 0;
            IF NOT FOUND THEN
                v_debtors := v_debtors || v_id;
                v_collected := v_collected
                    || ledger_move_owing(v_id, v_normal * p_units[i], -v_released, 0);
            END IF;
        ELSIF p_classes[i] = 'customer.receivable' THEN
            v_debtors := v_debtors || (ledger_open_account('customer.funding', p_owners[i], p_assets[i])).id;
            v_collected := v_collected
                || ledger_move_owing(v_debtors[cardinality(v_debtors)], 0, 0, p_units[i]);
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
    IF v_debtors <> '{}' THEN
        FOR v_id, v_released IN
            SELECT debtor.account_id, sum(debtor.units)::bigint
            FROM unnest(v_debtors, v_collected) AS debtor (account_id, units)
            GROUP BY debtor.account_id HAVING sum(debtor.units) <> 0 ORDER BY debtor.account_id
        LOOP
            PERFORM ledger_record_collection(v_id, v_released, p_posted_at, p_reference);
        END LOOP;
    END IF;
    RETURN v_entry;
END $$;

CREATE OR REPLACE FUNCTION ledger_release_hold(p_hold uuid, p_status text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_hold holds := ledger_claim_hold(p_hold);
    v_collected bigint;
BEGIN
    IF p_status NOT IN ('voided', 'expired')
        OR (p_status = 'expired' AND (v_hold.expires_at IS NULL OR v_hold.expires_at > p_at)) THEN
        RAISE EXCEPTION 'a hold is voided, or expired once its time has come'
            USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
    END IF;
    UPDATE balances SET held = held - v_hold.units WHERE account_id = v_hold.account_id AND owed = 0;
    IF NOT FOUND THEN
        v_collected := ledger_move_owing(v_hold.account_id, 0, -v_hold.units, 0);
        IF v_collected <> 0 THEN
            PERFORM ledger_record_collection(v_hold.account_id, v_collected, p_at, p_hold::text);
        END IF;
    END IF;
    UPDATE holds SET status = p_status, settled_at = p_at WHERE id = p_hold;
END $$;
"""

RIGHTS = """
REVOKE EXECUTE ON FUNCTION ledger_move_owing, ledger_record_collection, ledger_new_id FROM PUBLIC;
"""

# What is owed already, settled with what is free. An account opened for it has no balance yet.
SETTLEMENT = """
DO $$
DECLARE
    v_account bigint;
    v_units bigint;
    v_owner uuid;
    v_asset text;
    v_collected bigint;
BEGIN
    FOR v_owner, v_asset, v_units IN
        SELECT a.owner_id, a.asset, sum(p.units)::bigint
        FROM accounts a JOIN postings p ON p.account_id = a.id
        WHERE a.class = 'customer.receivable'
        GROUP BY a.owner_id, a.asset HAVING sum(p.units) <> 0
    LOOP
        v_account := (ledger_open_account('customer.funding', v_owner, v_asset)).id;
        v_collected := ledger_move_owing(v_account, 0, 0, v_units);
        IF v_collected <> 0 THEN
            PERFORM ledger_record_collection(v_account, v_collected, clock_timestamp(), 'migration');
        END IF;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    for script in (COLUMN, NEW_FUNCTIONS, CHANGED_FUNCTIONS, RIGHTS, SETTLEMENT, RULE):
        op.execute(script)


def downgrade() -> None:
    """Restore the functions of 0001. What was collected stays collected."""
    first = op.get_context().script.get_revision("0001").module.FUNCTIONS
    for name in ("ledger_post", "ledger_release_hold"):
        start = first.index(f"CREATE FUNCTION {name}(")
        end = first.index("END $$;", start) + len("END $$;")
        op.execute(first[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))
    op.execute("""
DROP FUNCTION ledger_move_owing, ledger_record_collection, ledger_new_id;
ALTER TABLE balances DROP CONSTRAINT available_not_negative;
ALTER TABLE balances DROP COLUMN owed;
ALTER TABLE balances ADD CONSTRAINT available_not_negative CHECK (held >= 0 AND posted >= held);
""")
