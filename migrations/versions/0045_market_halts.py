"""Halts of markets with their reason, maker and end; who may see markets and halt them."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:markets:halt": ["COMPLIANCE", "ADMIN"],
    "all:markets:read": ["COMPLIANCE", "AUDITOR", "ADMIN"],
}


def upgrade() -> None:
    op.execute("""
CREATE TABLE market_halts (
    id uuid CONSTRAINT market_halts_pkey PRIMARY KEY,
    asset text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    halted_at timestamptz NOT NULL,
    halted_by uuid,
    lifted_at timestamptz,
    lifted_by uuid,
    lifted_note text,
    CONSTRAINT asset_known CHECK (asset IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')),
    CONSTRAINT halt_reason_known
        CHECK (reason IN ('prices', 'provider', 'event', 'maintenance', 'legal', 'other')),
    CONSTRAINT lift_is_whole CHECK (
        (lifted_at IS NULL) = (lifted_note IS NULL) AND lifted_at >= halted_at
        AND (lifted_by IS NULL OR lifted_at IS NOT NULL)
    )
);
CREATE UNIQUE INDEX market_halts_asset_idx ON market_halts (asset) WHERE lifted_at IS NULL;
INSERT INTO market_halts (id, asset, reason, note, halted_at)
SELECT gen_random_uuid(), metal, 'other', halted_reason, updated_at
FROM market_prices WHERE halted;
ALTER TABLE market_prices DROP COLUMN halted, DROP COLUMN halted_reason;
""")
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON market_halts FROM {role}")
    op.execute(f"GRANT UPDATE (lifted_at, lifted_by, lifted_note) ON market_halts TO {role}")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Keep what is halted halted. The grants of the permissions stay without a use."""
    op.execute("""
ALTER TABLE market_prices
    ADD COLUMN halted boolean DEFAULT false NOT NULL, ADD COLUMN halted_reason text;
UPDATE market_prices SET halted = true, halted_reason = h.note
FROM market_halts h WHERE h.asset = metal AND h.lifted_at IS NULL;
ALTER TABLE market_prices
    ADD CONSTRAINT reason_if_halted CHECK (halted = (halted_reason IS NOT NULL));
DROP TABLE market_halts;
""")
