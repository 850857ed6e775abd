"""Refunds of card payments that we order."""

from alembic import op

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE card_refunds (
    id uuid CONSTRAINT card_refunds_pkey PRIMARY KEY,
    deposit_id uuid NOT NULL CONSTRAINT card_refunds_deposit_id_fkey REFERENCES deposits,
    user_id uuid NOT NULL CONSTRAINT card_refunds_user_id_fkey REFERENCES users,
    units bigint NOT NULL CONSTRAINT card_refund_gives_back_something CHECK (units > 0),
    status text NOT NULL CONSTRAINT card_refund_status_known
        CHECK (status IN ('requested', 'refunded', 'failed')),
    because_of text NOT NULL,
    hold_id uuid NOT NULL CONSTRAINT card_refunds_hold_id_fkey REFERENCES holds
        CONSTRAINT card_refunds_hold_id_key UNIQUE,
    provider_ref text,
    code text,
    requested_at timestamptz NOT NULL,
    opened_at timestamptz,
    looked_at timestamptz NOT NULL,
    CONSTRAINT made_refund_has_evidence CHECK (status <> 'refunded' OR provider_ref IS NOT NULL)
);
CREATE INDEX card_refunds_deposit_id_idx ON card_refunds (deposit_id);
CREATE INDEX card_refunds_user_id_idx ON card_refunds (user_id, id);
CREATE INDEX card_refunds_because_of_idx ON card_refunds (because_of);
CREATE INDEX card_refunds_open_looked_at_idx ON card_refunds (looked_at)
    WHERE status = 'requested';
CREATE TRIGGER card_refunds_of_no_erased_person BEFORE INSERT ON card_refunds
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE DELETE ON card_refunds FROM {role}")


def downgrade() -> None:
    op.execute("DROP TABLE card_refunds")
