"""Changes of price rules, and what each does to the prices of products."""

from alembic import op

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE price_changes (
    id uuid CONSTRAINT price_changes_pkey PRIMARY KEY,
    maker_id uuid NOT NULL,
    chosen uuid[] NOT NULL,
    plan jsonb,
    asks jsonb,
    digest text,
    previewed_at timestamptz,
    approval_id uuid,
    made_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT price_change_is_previewed_whole
        CHECK (num_nonnulls(plan, asks, previewed_at, digest) IN (0, 4)),
    CONSTRAINT price_change_is_previewed_first
        CHECK (plan IS NOT NULL OR num_nonnulls(approval_id, made_at) = 0)
);
CREATE INDEX price_changes_created_at_idx ON price_changes (created_at);
CREATE TRIGGER price_changes_made_once BEFORE UPDATE ON price_changes
    FOR EACH ROW WHEN (OLD.made_at IS NOT NULL) EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER price_changes_kept_when_made BEFORE DELETE ON price_changes
    FOR EACH ROW WHEN (OLD.approval_id IS NOT NULL OR OLD.made_at IS NOT NULL)
    EXECUTE FUNCTION forbid_rewriting();
CREATE TABLE price_effects (
    id uuid CONSTRAINT price_effects_pkey PRIMARY KEY,
    change_id uuid NOT NULL
        CONSTRAINT price_effects_change_id_fkey REFERENCES price_changes ON DELETE CASCADE,
    sku text NOT NULL CONSTRAINT price_effects_sku_fkey REFERENCES products,
    from_quantity integer NOT NULL,
    before_units bigint,
    after_units bigint,
    moved bigint,
    CONSTRAINT price_effects_change_id_sku_key UNIQUE (change_id, sku, from_quantity)
);
CREATE INDEX price_effects_sku_idx ON price_effects (sku);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"""
REVOKE UPDATE ON price_changes, price_effects FROM {role};
GRANT UPDATE (plan, asks, digest, previewed_at, approval_id, made_at) ON price_changes TO {role};
""")


def downgrade() -> None:
    op.execute("DROP TABLE price_effects, price_changes")
