"""Price rules of the shop."""

from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE price_rules (
    id uuid CONSTRAINT price_rules_pkey PRIMARY KEY,
    sku text CONSTRAINT price_rules_sku_fkey REFERENCES products,
    category_id uuid CONSTRAINT price_rules_category_id_fkey REFERENCES product_categories,
    metal text
        CONSTRAINT price_rule_metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    form text CONSTRAINT price_rule_form_known
        CHECK (form IN ('coin', 'round', 'bar', 'sheet', 'coil')),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    ended_at timestamptz,
    maker_id uuid,
    approval_id uuid,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT price_rule_has_one_scope CHECK (num_nonnulls(sku, category_id, metal) = 1),
    CONSTRAINT price_rule_form_of_a_metal CHECK (form IS NULL OR metal IS NOT NULL),
    CONSTRAINT price_rule_ends_after_it_begins CHECK (valid_until > valid_from),
    CONSTRAINT price_rule_is_not_backdated CHECK (valid_from >= recorded_at),
    CONSTRAINT price_rule_end_is_not_backdated CHECK (ended_at >= recorded_at)
);
CREATE INDEX price_rules_sku_idx ON price_rules (sku) WHERE sku IS NOT NULL;
CREATE INDEX price_rules_category_id_idx ON price_rules (category_id)
    WHERE category_id IS NOT NULL;
CREATE INDEX price_rules_metal_idx ON price_rules (metal) WHERE metal IS NOT NULL;
CREATE TRIGGER price_rules_end_once BEFORE UPDATE ON price_rules
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER price_rules_never_deleted BEFORE DELETE ON price_rules
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER price_rules_never_truncated BEFORE TRUNCATE ON price_rules
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();

CREATE TABLE price_rule_tiers (
    rule_id uuid CONSTRAINT price_rule_tiers_rule_id_fkey REFERENCES price_rules,
    from_quantity integer
        CONSTRAINT tier_quantity_in_range CHECK (from_quantity BETWEEN 1 AND 10000),
    percent numeric(8, 4) NOT NULL
        CONSTRAINT tier_percent_in_range CHECK (percent BETWEEN 0 AND 1000),
    per_ounce numeric(10, 4) NOT NULL
        CONSTRAINT tier_per_ounce_in_range CHECK (per_ounce BETWEEN 0 AND 10000),
    per_unit_units bigint NOT NULL
        CONSTRAINT tier_per_unit_in_range CHECK (per_unit_units BETWEEN 0 AND 100000000),
    CONSTRAINT price_rule_tiers_pkey PRIMARY KEY (rule_id, from_quantity)
);
CREATE TRIGGER price_rule_tiers_append_only BEFORE UPDATE OR DELETE ON price_rule_tiers
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER price_rule_tiers_never_truncated BEFORE TRUNCATE ON price_rule_tiers
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
"""


def upgrade() -> None:
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(TABLES)
    op.execute(f"""
REVOKE UPDATE, DELETE ON price_rules, price_rule_tiers FROM {role};
GRANT UPDATE (ended_at) ON price_rules TO {role};
""")


def downgrade() -> None:
    op.execute("DROP TABLE price_rule_tiers, price_rules")
