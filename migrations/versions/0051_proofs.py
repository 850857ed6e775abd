"""Say of every login session when its owner was proven, with more reasons why it ends; let every
API key expire, those without an end in a year."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_REASONS = "'logged_out', 'token_reused', 'password_changed', 'role_changed', 'suspended'"


def upgrade() -> None:
    op.execute(f"""
ALTER TABLE login_sessions
    DROP CONSTRAINT proven_if_in_browser, DROP CONSTRAINT revoked_reason_known,
    ADD CONSTRAINT revoked_reason_known
        CHECK (revoked_reason IN ({_REASONS}, 'second_factor_changed', 'email_confirmed'));
UPDATE login_sessions SET proven_at = created_at WHERE proven_at IS NULL;
ALTER TABLE login_sessions ALTER COLUMN proven_at SET NOT NULL;

UPDATE api_keys SET expires_at = greatest(created_at, now()) + interval '365 days'
    WHERE expires_at IS NULL;
ALTER TABLE api_keys ALTER COLUMN expires_at SET NOT NULL;
""")


def downgrade() -> None:
    op.execute(f"""
ALTER TABLE api_keys ALTER COLUMN expires_at DROP NOT NULL;
UPDATE login_sessions SET revoked_reason = 'logged_out'
    WHERE revoked_reason IN ('second_factor_changed', 'email_confirmed');
ALTER TABLE login_sessions
    ALTER COLUMN proven_at DROP NOT NULL, DROP CONSTRAINT revoked_reason_known,
    ADD CONSTRAINT revoked_reason_known CHECK (revoked_reason IN ({_REASONS}));
UPDATE login_sessions SET proven_at = NULL WHERE secret_hash IS NULL;
ALTER TABLE login_sessions ADD CONSTRAINT proven_if_in_browser
    CHECK ((proven_at IS NULL) = (secret_hash IS NULL));
""")
