"""Orders of goods that a card or a bank transfer pays: they wait for a deposit, and may be
cancelled."""

from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE shop_orders
    ADD COLUMN deposit_id uuid CONSTRAINT shop_orders_deposit_id_fkey REFERENCES deposits
        CONSTRAINT shop_orders_deposit_id_key UNIQUE,
    ADD COLUMN payment_due_at timestamptz,
    ADD COLUMN cancelled_at timestamptz,
    ADD COLUMN cancel_reason text,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT paid_order_says_when,
    ADD CONSTRAINT shop_order_status_known
        CHECK (status IN ('pending_payment', 'allocated', 'cancelled')),
    ADD CONSTRAINT paid_order_says_when CHECK ((status = 'allocated') = (paid_at IS NOT NULL)),
    ADD CONSTRAINT unpaid_order_waits_for_a_deposit
        CHECK (status = 'allocated' OR (deposit_id IS NOT NULL AND payment_due_at IS NOT NULL)),
    ADD CONSTRAINT deposit_of_order_is_due
        CHECK ((deposit_id IS NULL) = (payment_due_at IS NULL)),
    ADD CONSTRAINT cancelled_order_says_when
        CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    ADD CONSTRAINT cancelled_order_says_why
        CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
    ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
        'customer', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
        'goods_gone'
    ));
CREATE INDEX shop_orders_waiting_idx ON shop_orders (user_id, id) WHERE status = 'pending_payment';
ALTER TABLE shop_order_payments
    ADD COLUMN hold_id uuid,
    DROP CONSTRAINT shop_payment_method_known,
    ADD CONSTRAINT shop_payment_method_known
        CHECK (method IN ('balance', 'metal', 'card', 'bank_transfer'));
"""
DOWNGRADE = """
ALTER TABLE shop_order_payments
    DROP COLUMN hold_id,
    DROP CONSTRAINT shop_payment_method_known,
    ADD CONSTRAINT shop_payment_method_known CHECK (method IN ('balance', 'metal'));
ALTER TABLE shop_orders
    DROP COLUMN deposit_id,
    DROP COLUMN payment_due_at,
    DROP COLUMN cancelled_at,
    DROP COLUMN cancel_reason,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT paid_order_says_when,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN ('allocated')),
    ADD CONSTRAINT paid_order_says_when CHECK ((status = 'allocated') <= (paid_at IS NOT NULL));
DROP INDEX shop_orders_waiting_idx;
"""


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"GRANT UPDATE (cancelled_at, cancel_reason) ON shop_orders TO {role}")


def downgrade() -> None:
    """Forget how orders were paid later. Those that are unpaid must be gone before."""
    op.execute(DOWNGRADE)
