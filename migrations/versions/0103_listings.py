"""What the storefront searches: a narrow row for each product, which the database keeps."""

from alembic import op

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE listings (
    sku text CONSTRAINT listings_pkey PRIMARY KEY
        CONSTRAINT listings_sku_fkey REFERENCES products,
    metal text NOT NULL,
    form text NOT NULL,
    mint text,
    category_id uuid,
    gross_units bigint NOT NULL,
    fine_units bigint NOT NULL,
    display_order integer NOT NULL,
    popularity integer NOT NULL,
    published_from date,
    published_until date,
    search tsvector NOT NULL,
    stocked_places integer NOT NULL DEFAULT 0
        CONSTRAINT stocked_places_not_negative CHECK (stocked_places >= 0),
    own_terms numeric[],
    own_terms_from timestamptz NOT NULL DEFAULT '-infinity',
    own_terms_until timestamptz NOT NULL DEFAULT 'infinity'
) WITH (fillfactor = 90);
"""

# Once the rows are there, which is quicker.
INDEXES = """
CREATE INDEX listings_search_idx ON listings USING gin (search);
CREATE INDEX listings_category_id_idx ON listings (category_id);
CREATE INDEX listings_in_order_idx ON listings (display_order, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX listings_newest_idx ON listings (published_from, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX listings_by_weight_idx ON listings (fine_units, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX listings_popular_idx ON listings (popularity, sku)
    WHERE published_from IS NOT NULL;
DROP INDEX products_search_idx, products_in_order_idx, products_newest_idx, products_by_weight_idx,
    products_popular_idx;
"""

DEFINER_FUNCTIONS = (
    "list_products()",
    "count_stocked_places()",
    "list_own_terms(text, timestamptz)",
    "list_terms_of_tier()",
    "list_terms_of_ended_rule()",
)
# A product that was just added has neither stock nor rules.
FUNCTIONS = """
CREATE FUNCTION list_products() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO listings (sku, metal, form, mint, category_id, gross_units, fine_units,
        display_order, popularity, published_from, published_until, search)
    SELECT sku, metal, form, mint, category_id, gross_units, fine_units,
        display_order, popularity, published_from, published_until, search
    FROM changed ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET (metal, form, mint, category_id, gross_units, fine_units,
        display_order, popularity, published_from, published_until, search)
    = (excluded.metal, excluded.form, excluded.mint, excluded.category_id, excluded.gross_units,
        excluded.fine_units, excluded.display_order, excluded.popularity, excluded.published_from,
        excluded.published_until, excluded.search);
    RETURN NULL;
END $$;

-- A count, so that places that are emptied or filled at the same time both have their effect.
CREATE FUNCTION count_stocked_places() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE listings
    SET stocked_places = stocked_places + CASE WHEN NEW.posted > NEW.held THEN 1 ELSE -1 END
    FROM accounts a JOIN locations l ON l.id = a.owner_id
    WHERE a.id = NEW.account_id AND a.class = 'stock.available'
        AND l.kind IN ('vault', 'store', 'depot') AND listings.sku = a.asset;
    RETURN NULL;
END $$;

CREATE FUNCTION list_own_terms(p_sku text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- Locked first: the statement after it sees the rules of those who had it before.
    PERFORM FROM listings WHERE sku = p_sku FOR NO KEY UPDATE;
    UPDATE listings SET
        own_terms = (
            SELECT ARRAY[t.percent, t.per_ounce, t.per_unit_units] FROM price_rules r
            JOIN price_rule_tiers t ON t.rule_id = r.id AND t.from_quantity = 1
            WHERE r.sku = p_sku AND r.valid_from <= p_at
                AND coalesce(r.valid_until, 'infinity') > p_at
                AND coalesce(r.ended_at, 'infinity') > p_at
            ORDER BY r.valid_from DESC, r.id DESC LIMIT 1
        ),
        own_terms_from = edges.last, own_terms_until = edges.next
    FROM (
        SELECT coalesce(max(edge) FILTER (WHERE edge <= p_at), '-infinity') AS last,
            coalesce(min(edge) FILTER (WHERE edge > p_at), 'infinity') AS next
        FROM price_rules r, unnest(ARRAY[r.valid_from, r.valid_until, r.ended_at]) AS edge
        WHERE r.sku = p_sku
    ) AS edges
    WHERE listings.sku = p_sku;
END $$;

CREATE FUNCTION list_terms_of_tier() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM list_own_terms(sku, recorded_at) FROM price_rules
    WHERE id = NEW.rule_id AND sku IS NOT NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION list_terms_of_ended_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM list_own_terms(NEW.sku, NEW.ended_at);
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER added_are_listed AFTER INSERT ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION list_products();
CREATE TRIGGER changed_are_listed AFTER UPDATE ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION list_products();
CREATE TRIGGER balances_opened_with_units AFTER INSERT ON balances
    FOR EACH ROW WHEN (NEW.posted > NEW.held) EXECUTE FUNCTION count_stocked_places();
CREATE TRIGGER balances_emptied_or_filled AFTER UPDATE ON balances
    FOR EACH ROW WHEN ((OLD.posted > OLD.held) <> (NEW.posted > NEW.held))
    EXECUTE FUNCTION count_stocked_places();
CREATE TRIGGER price_rule_tiers_are_listed AFTER INSERT ON price_rule_tiers
    FOR EACH ROW WHEN (NEW.from_quantity = 1) EXECUTE FUNCTION list_terms_of_tier();
CREATE TRIGGER price_rules_ended_are_listed AFTER UPDATE OF ended_at ON price_rules
    FOR EACH ROW WHEN (NEW.sku IS NOT NULL) EXECUTE FUNCTION list_terms_of_ended_rule();
"""

# The triggers hold off those who change what is read here.
ROWS = """
INSERT INTO listings (sku, metal, form, mint, category_id, gross_units, fine_units,
    display_order, popularity, published_from, published_until, search, stocked_places)
SELECT sku, metal, form, mint, category_id, gross_units, fine_units,
    display_order, popularity, published_from, published_until, search,
    (SELECT count(*) FROM accounts a
     JOIN balances b ON b.account_id = a.id JOIN locations l ON l.id = a.owner_id
     WHERE a.asset = products.sku AND a.class = 'stock.available' AND b.posted > b.held
        AND l.kind IN ('vault', 'store', 'depot'))
FROM products;
SELECT list_own_terms(sku, now()) FROM (SELECT DISTINCT sku FROM price_rules) AS with_rule
WHERE sku IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    op.execute(TRIGGERS)
    op.execute(ROWS)
    op.execute(INDEXES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON listings FROM {role}")
    op.execute(f"REVOKE EXECUTE ON FUNCTION {', '.join(DEFINER_FUNCTIONS)} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION list_own_terms(text, timestamptz) TO {role}")


def downgrade() -> None:
    op.execute("""
DROP TRIGGER added_are_listed ON products;
DROP TRIGGER changed_are_listed ON products;
DROP TRIGGER balances_opened_with_units ON balances;
DROP TRIGGER balances_emptied_or_filled ON balances;
DROP TRIGGER price_rule_tiers_are_listed ON price_rule_tiers;
DROP TRIGGER price_rules_ended_are_listed ON price_rules;
DROP FUNCTION list_products();
DROP FUNCTION count_stocked_places();
DROP FUNCTION list_terms_of_tier();
DROP FUNCTION list_terms_of_ended_rule();
DROP FUNCTION list_own_terms(text, timestamptz);
DROP TABLE listings;
CREATE INDEX products_search_idx ON products USING gin (search);
CREATE INDEX products_in_order_idx ON products (display_order, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX products_newest_idx ON products (published_from, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX products_by_weight_idx ON products (fine_units, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX products_popular_idx ON products (popularity, sku)
    WHERE published_from IS NOT NULL;
""")
