"""Several holds are posted by one entry, or released together: goods of several places, and the
money that pays for them.

Otherwise the functions are as they were in 0001 and 0035.
"""

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

OLD_ARGUMENTS = "text, text, timestamptz, text[], text[], uuid[], bigint[], bigint, uuid"
NEW_ARGUMENTS = f"{OLD_ARGUMENTS}[]"

CLAIM = """
-- Locks pending holds in order of id, so that two calls with the same ones never wait for each
-- other.
CREATE FUNCTION ledger_claim_holds(p_holds uuid[]) RETURNS SETOF holds
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id uuid;
BEGIN
    FOR v_id IN SELECT DISTINCT id FROM unnest(p_holds) AS id ORDER BY id LOOP
        RETURN NEXT ledger_claim_hold(v_id);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION ledger_claim_holds FROM PUBLIC;
"""

RELEASE = """
CREATE FUNCTION ledger_release_holds(p_holds uuid[], p_status text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_hold holds;
    v_account bigint;
    v_units bigint;
    v_because_of text;
    v_collected bigint;
BEGIN
    FOR v_hold IN SELECT * FROM ledger_claim_holds(p_holds) LOOP
        IF p_status NOT IN ('voided', 'expired')
            OR (p_status = 'expired' AND (v_hold.expires_at IS NULL OR v_hold.expires_at > p_at)) THEN
            RAISE EXCEPTION 'a hold is voided, or expired once its time has come'
                USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
        END IF;
    END LOOP;
    -- In the order in which entries lock.
    FOR v_account, v_units, v_because_of IN
        SELECT a.id, sum(h.units)::bigint, min(h.id::text)
        FROM holds h JOIN accounts a ON a.id = h.account_id
        WHERE h.id = ANY (p_holds)
        GROUP BY a.id
        ORDER BY a.asset COLLATE "C", a.class COLLATE "C", a.owner_id
    LOOP
        UPDATE balances SET held = held - v_units WHERE account_id = v_account AND owed = 0;
        IF NOT FOUND THEN
            v_collected := ledger_move_owing(v_account, 0, -v_units, 0);
            IF v_collected <> 0 THEN
                PERFORM ledger_record_collection(v_account, v_collected, p_at, v_because_of);
            END IF;
        END IF;
    END LOOP;
    UPDATE holds SET status = p_status, settled_at = p_at WHERE id = ANY (p_holds);
END $$;

CREATE OR REPLACE FUNCTION ledger_expire_holds(p_at timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_due uuid[];
BEGIN
    SELECT array_agg(due.id) INTO v_due FROM (
        SELECT id FROM holds WHERE status = 'pending' AND expires_at <= p_at
        ORDER BY expires_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
    ) AS due;
    PERFORM ledger_release_holds(v_due, 'expired', p_at);
    RETURN coalesce(cardinality(v_due), 0);
END $$;
"""

POST = """
CREATE FUNCTION ledger_post(
    p_reference text, p_cause text, p_posted_at timestamptz,
    p_assets text[], p_classes text[], p_owners uuid[], p_units bigint[],
    p_reverses bigint DEFAULT NULL, p_holds uuid[] DEFAULT NULL
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
    v_held_ids bigint[] := '{}';
    v_held_units bigint[] := '{}';
    v_held integer;
    v_taken integer := 0;
    v_exceeded boolean := false;
    v_released bigint;
    v_debtors bigint[] := '{}';
    v_collected bigint[] := '{}';
BEGIN
    IF v_count < 2 OR cardinality(p_assets) <> v_count OR cardinality(p_classes) <> v_count
        OR cardinality(p_owners) <> v_count THEN
        RAISE EXCEPTION 'an entry has at least two postings'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_has_two_postings';
    END IF;
    IF p_holds IS NOT NULL THEN
        FOR v_hold IN SELECT * FROM ledger_claim_holds(p_holds) LOOP
            IF v_hold.expires_at <= p_posted_at THEN
                RAISE EXCEPTION 'the hold has expired' USING ERRCODE = 'PB001', CONSTRAINT = 'hold_expiry';
            END IF;
            v_held := array_position(v_held_ids, v_hold.account_id);
            IF v_held IS NULL THEN
                v_held_ids := v_held_ids || v_hold.account_id;
                v_held_units := v_held_units || v_hold.units;
            ELSE
                v_held_units[v_held] := v_held_units[v_held] + v_hold.units;
            END IF;
        END LOOP;
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
            IF p_holds IS NOT NULL THEN
                v_held := array_position(v_held_ids, v_id);
                IF v_held IS NOT NULL THEN
                    v_released := v_held_units[v_held];
                    v_exceeded := v_normal * p_units[i] NOT BETWEEN -v_released AND -1;
                    EXIT WHEN v_exceeded;
                    v_taken := v_taken + 1;
                END IF;
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
    -- A loop that ended at a held account says nothing of the sum.
    IF v_sum IS DISTINCT FROM 0 AND v_exceeded IS NOT TRUE THEN
        RAISE EXCEPTION 'an entry sums to zero in each asset'
            USING ERRCODE = 'PB001', CONSTRAINT = 'entry_balances';
    END IF;
    IF v_exceeded OR v_taken <> cardinality(v_held_ids) THEN
        RAISE EXCEPTION 'an entry that posts holds takes from each account no more than they held there'
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
    IF p_holds IS NOT NULL THEN
        UPDATE holds SET status = 'posted', settled_at = p_posted_at, entry_id = v_entry
        WHERE id = ANY (p_holds);
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
"""


def application_role() -> str:
    """Return the quoted role of DATABASE_URL, which env.py passes in."""
    return str(
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )


def grant(function: str) -> None:
    """Let only the application call the function."""
    op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {application_role()}")


def old_functions(revision: str, script: str, *names: str) -> None:
    """Create functions again as an earlier migration did."""
    text = getattr(op.get_context().script.get_revision(revision).module, script)
    for name in names:
        start = text.index(f"FUNCTION {name}(")
        end = text.index("END $$;", start) + len("END $$;")
        op.execute(f"CREATE OR REPLACE {text[start:end]}")


def upgrade() -> None:
    op.execute(f"DROP FUNCTION ledger_post({OLD_ARGUMENTS})")
    op.execute("DROP FUNCTION ledger_release_hold")
    for script in (CLAIM, POST, RELEASE):
        op.execute(script)
    grant(f"ledger_post({NEW_ARGUMENTS})")
    grant("ledger_release_holds")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION ledger_post({NEW_ARGUMENTS})")
    op.execute("DROP FUNCTION ledger_release_holds, ledger_claim_holds")
    old_functions("0035", "CHANGED_FUNCTIONS", "ledger_post", "ledger_release_hold")
    old_functions("0001", "FUNCTIONS", "ledger_expire_holds")
    grant(f"ledger_post({OLD_ARGUMENTS})")
    grant("ledger_release_hold")
