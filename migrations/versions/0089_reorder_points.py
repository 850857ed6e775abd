"""A location may have a reorder point of its own."""

from alembic import op

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE reorder_points (
    sku text NOT NULL CONSTRAINT reorder_points_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT reorder_points_location_id_fkey REFERENCES locations,
    reorder_below integer NOT NULL
        CONSTRAINT reorder_point_not_negative CHECK (reorder_below >= 0),
    CONSTRAINT reorder_points_pkey PRIMARY KEY (sku, location_id)
);
CREATE INDEX reorder_points_location_id_idx ON reorder_points (location_id);
""")


def downgrade() -> None:
    op.execute("DROP TABLE reorder_points;")
