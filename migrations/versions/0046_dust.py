"""Collect tokens too little to credit on one account; find whether a finding ever had a case."""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('dust', 'liability', false, 'Tokens sent to us, too little to credit');
ALTER TABLE custody_arrivals ADD COLUMN is_dust boolean NOT NULL DEFAULT false;
CREATE INDEX cases_kind_key_idx ON cases (kind, key);
""")


def downgrade() -> None:
    op.execute("""
DROP INDEX cases_kind_key_idx;
ALTER TABLE custody_arrivals DROP COLUMN is_dust;
DELETE FROM account_classes WHERE code = 'dust';
""")
