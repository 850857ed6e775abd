"""Quarantine, and the assays of what is there."""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE quarantines (
    id uuid CONSTRAINT quarantines_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT quarantines_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT quarantines_location_id_fkey REFERENCES locations,
    units bigint NOT NULL CONSTRAINT quarantine_has_units CHECK (units > 0),
    examined_units bigint NOT NULL DEFAULT 0,
    reason text NOT NULL,
    put_by uuid CONSTRAINT quarantines_put_by_fkey REFERENCES users,
    put_at timestamptz NOT NULL,
    CONSTRAINT no_more_is_examined_than_is_there CHECK (examined_units BETWEEN 0 AND units)
);
CREATE INDEX quarantines_sku_idx ON quarantines (sku, id);
CREATE INDEX quarantines_location_idx ON quarantines (location_id, id);
CREATE TABLE assays (
    id uuid CONSTRAINT assays_pkey PRIMARY KEY,
    quarantine_id uuid NOT NULL CONSTRAINT assays_quarantine_id_fkey REFERENCES quarantines,
    units bigint NOT NULL CONSTRAINT assay_has_units CHECK (units > 0),
    result text NOT NULL CONSTRAINT assay_result_known CHECK (result IN ('passed', 'failed')),
    method text NOT NULL CONSTRAINT assay_method_known CHECK (method IN (
        'xrf', 'ultrasound', 'conductivity', 'specific_gravity', 'fire_assay', 'weight_and_size'
    )),
    measured text NOT NULL
        CONSTRAINT assay_measured_has_a_length CHECK (length(measured) BETWEEN 1 AND 100),
    assayed_by uuid NOT NULL CONSTRAINT assays_assayed_by_fkey REFERENCES users,
    assayed_at timestamptz NOT NULL
);
CREATE INDEX assays_quarantine_id_idx ON assays (quarantine_id);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON quarantines, assays FROM {role}")
    op.execute(f"GRANT UPDATE (examined_units) ON quarantines TO {role}")
    op.get_bind().execute(
        sa.text("SELECT set_default_holders(:permission, :roles)"),
        {"permission": "all:vault:assay", "roles": ["INVENTORY", "ADMIN"]},
    )


def downgrade() -> None:
    op.execute("DROP TABLE assays, quarantines;")
