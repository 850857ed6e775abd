"""The rights of each role, as decided: who reads the audit trail, the vault and the queue."""

from alembic import op

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:audit:read": "COMPLIANCE,AUDITOR,ADMIN",
    "all:queue:stats": "AUDITOR,ADMIN",
    "branch:drawers:work": "TELLER,ADMIN",
    "all:vault:read": "SUPPORT,INVENTORY,COMPLIANCE,AUDITOR,ADMIN",
    "own:audit:read": "SUPPORT,TELLER,INVENTORY,COMPLIANCE,AUDITOR,ADMIN",
}


def upgrade() -> None:
    for permission, roles in HOLDERS.items():
        op.execute(f"SELECT set_default_holders('{permission}', '{{{roles}}}')")


def downgrade() -> None:
    """Change nothing: an older release does not know the new permissions, and administrators may
    have granted or revoked the others since."""
