"""Login sessions in a browser: identified by the hash of a secret, ended by inactivity."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE login_sessions
    ADD COLUMN secret_hash bytea
        CONSTRAINT login_sessions_secret_hash_key UNIQUE
        CONSTRAINT secret_hash_is_sha256 CHECK (octet_length(secret_hash) = 32),
    ADD COLUMN seen_at timestamptz,
    ADD CONSTRAINT seen_if_in_browser CHECK ((seen_at IS NULL) = (secret_hash IS NULL));
""")


def downgrade() -> None:
    op.execute("""
DELETE FROM login_sessions WHERE secret_hash IS NOT NULL;
ALTER TABLE login_sessions DROP COLUMN secret_hash, DROP COLUMN seen_at;
""")
