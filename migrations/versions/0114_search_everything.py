"""Indexes of the search over everything, and who uses single keys as shortcuts."""

from alembic import op

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None

INDEXES = {
    "users_search_idx": "users USING gin (email_key gin_trgm_ops,"
    " lower(first_name || ' ' || last_name) gin_trgm_ops, phone gin_trgm_ops)",
    "products_search_idx": "products USING gin (sku gin_trgm_ops, lower(name) gin_trgm_ops)",
    "bars_search_idx": "bars USING gin (serial gin_trgm_ops)",
    "cases_title_idx": "cases USING gin (lower(title) gin_trgm_ops)",
    "deposits_provider_ref_idx": "deposits (provider_ref) WHERE provider_ref IS NOT NULL",
    "withdrawals_provider_ref_idx": "withdrawals (provider_ref) WHERE provider_ref IS NOT NULL",
    "withdrawals_last_four_idx": "withdrawals (right(destination_masked, 4))",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {definition}")
    op.execute("ALTER TABLE users ADD single_keys boolean NOT NULL DEFAULT true")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP single_keys")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
