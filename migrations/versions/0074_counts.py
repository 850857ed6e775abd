"""Counts: what is on the shelves of a location, against the books."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:counts:read": ["INVENTORY", "COMPLIANCE", "AUDITOR", "ADMIN"],
    "all:counts:work": ["INVENTORY", "ADMIN"],
}

TABLES = """
CREATE TABLE counts (
    id uuid CONSTRAINT counts_pkey PRIMARY KEY,
    location_id uuid NOT NULL CONSTRAINT counts_location_id_fkey REFERENCES locations,
    skus text[] NOT NULL,
    status text NOT NULL CONSTRAINT count_status_known CHECK (
        status IN ('counting', 'agreed', 'variance', 'booked', 'dismissed', 'cancelled')
    ),
    started_by uuid NOT NULL CONSTRAINT counts_started_by_fkey REFERENCES users,
    started_at timestamptz NOT NULL,
    submitted_by uuid CONSTRAINT counts_submitted_by_fkey REFERENCES users,
    submitted_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT count_end_has_time
        CHECK ((ended_at IS NOT NULL) = (status NOT IN ('counting', 'variance'))),
    CONSTRAINT count_submitted_by_person
        CHECK ((submitted_at IS NULL) = (submitted_by IS NULL)),
    CONSTRAINT count_submitted_has_time
        CHECK ((submitted_at IS NULL) = (status IN ('counting', 'cancelled')))
);
CREATE UNIQUE INDEX counts_one_underway_key ON counts (location_id)
    WHERE status IN ('counting', 'variance');
CREATE INDEX counts_location_id_idx ON counts (location_id);
CREATE TABLE count_lines (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT count_lines_pkey PRIMARY KEY,
    count_id uuid NOT NULL CONSTRAINT count_lines_count_id_fkey REFERENCES counts,
    sku text NOT NULL CONSTRAINT count_lines_sku_fkey REFERENCES products,
    units bigint NOT NULL CONSTRAINT counted_units_not_negative CHECK (units >= 0),
    expected_units bigint NOT NULL,
    counted_by uuid NOT NULL CONSTRAINT count_lines_counted_by_fkey REFERENCES users,
    counted_at timestamptz NOT NULL
);
CREATE INDEX count_lines_count_id_idx ON count_lines (count_id, sku, id);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON count_lines FROM {role}")
    op.execute(f"REVOKE DELETE ON counts FROM {role}")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    op.execute("DROP TABLE count_lines, counts")
