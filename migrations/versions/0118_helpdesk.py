"""Notes on customers, goodwill credits, and what support does for a customer who calls."""

from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE customer_notes (
    id uuid NOT NULL CONSTRAINT customer_notes_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT customer_notes_user_id_fkey REFERENCES users,
    actor_id uuid NOT NULL,
    mentioned_id uuid,
    text_sealed bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX customer_notes_user_id_id_idx ON customer_notes (user_id, id);
CREATE TRIGGER customer_notes_of_no_erased_person BEFORE INSERT ON customer_notes
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE goodwill_credits (
    id uuid NOT NULL CONSTRAINT goodwill_credits_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT goodwill_credits_user_id_fkey REFERENCES users,
    actor_id uuid NOT NULL,
    checker_id uuid,
    units bigint NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT goodwill_is_positive CHECK (units > 0),
    CONSTRAINT goodwill_checker_is_another CHECK (checker_id <> actor_id)
);
CREATE INDEX goodwill_credits_user_id_id_idx ON goodwill_credits (user_id, id);
CREATE INDEX goodwill_credits_actor_id_at_idx ON goodwill_credits (actor_id, at);
CREATE TRIGGER goodwill_credits_of_no_erased_person BEFORE INSERT ON goodwill_credits
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('goodwill', 'expense', false, 'Given to customers for goodwill');
SELECT set_default_holders('all:people:assist', '{SUPPORT,ADMIN}');
SELECT set_default_holders('all:people:note', '{SUPPORT,ADMIN}');
SELECT set_default_holders('all:people:credit', '{SUPPORT,ADMIN}');
"""
REASONS = (
    "'logged_out', 'token_reused', 'password_changed', 'role_changed', 'suspended',"
    " 'second_factor_changed', 'email_confirmed'"
)
CHECK = """
ALTER TABLE login_sessions DROP CONSTRAINT revoked_reason_known,
    ADD CONSTRAINT revoked_reason_known CHECK (revoked_reason IN ({}))
"""


def _application_role() -> str:
    connection = op.get_bind()
    statement = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return str(connection.exec_driver_sql(statement).scalar_one())


def upgrade() -> None:
    op.execute(UPGRADE)
    op.execute(CHECK.format(f"{REASONS}, 'ended_by_staff'"))
    role = _application_role()
    op.execute(f"REVOKE UPDATE ON customer_notes FROM {role}")
    op.execute(f"GRANT UPDATE (text_sealed) ON customer_notes TO {role}")
    op.execute(f"REVOKE UPDATE, DELETE ON goodwill_credits FROM {role}")


def downgrade() -> None:
    """Forget notes and credits. Permissions, and an account that was used, stay."""
    op.execute("DROP TABLE customer_notes, goodwill_credits")
    op.execute(
        "DELETE FROM account_classes c WHERE c.code = 'goodwill'"
        " AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code)"
    )
    op.execute(
        "UPDATE login_sessions SET revoked_reason = 'logged_out'"
        " WHERE revoked_reason = 'ended_by_staff'"
    )
    op.execute(CHECK.format(REASONS))
