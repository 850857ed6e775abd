"""How many people buy each product, and which products are bought together."""

from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE products ADD COLUMN popularity integer NOT NULL DEFAULT 0
    CONSTRAINT popularity_not_negative CHECK (popularity >= 0);
CREATE INDEX products_popular_idx ON products (popularity, sku)
    WHERE published_from IS NOT NULL;
CREATE TABLE bought_together (
    sku text CONSTRAINT bought_together_sku_fkey REFERENCES products,
    place integer,
    other_sku text NOT NULL CONSTRAINT bought_together_other_sku_fkey REFERENCES products,
    CONSTRAINT bought_together_pkey PRIMARY KEY (sku, place)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"GRANT UPDATE (popularity) ON products TO {role}")
    op.execute(f"REVOKE UPDATE ON bought_together FROM {role}")


def downgrade() -> None:
    op.execute("""
DROP TABLE bought_together;
ALTER TABLE products DROP COLUMN popularity;
""")
