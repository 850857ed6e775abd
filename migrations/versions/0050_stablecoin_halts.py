"""Staff can halt USDC: it counts as a dollar, whatever its market says."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE market_halts DROP CONSTRAINT asset_known;
ALTER TABLE market_halts ADD CONSTRAINT asset_known
    CHECK (asset IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG', 'USDC'));
""")


def downgrade() -> None:
    """Forget the halts of USDC, which the former program does not know."""
    op.execute("""
DELETE FROM market_halts WHERE asset = 'USDC';
ALTER TABLE market_halts DROP CONSTRAINT asset_known;
ALTER TABLE market_halts ADD CONSTRAINT asset_known
    CHECK (asset IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG'));
""")
