"""Orders of goods that staff look at before the goods are sold: held, released or rejected."""

from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE shop_orders
    ADD COLUMN hold_reasons text[] NOT NULL DEFAULT '{}'::text[],
    ADD COLUMN held_at timestamptz,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT unpaid_order_waits_for_a_deposit,
    DROP CONSTRAINT shop_order_cancel_reason_known,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'on_hold', 'allocated', 'picking', 'shipped', 'delivered', 'cancelled'
    )),
    ADD CONSTRAINT unpaid_order_waits_for_a_deposit
        CHECK (status <> 'pending_payment' OR deposit_id IS NOT NULL),
    ADD CONSTRAINT held_order_says_when CHECK (status <> 'on_hold' OR held_at IS NOT NULL),
    ADD CONSTRAINT held_order_says_why CHECK (held_at IS NULL OR hold_reasons <> '{}'),
    ADD CONSTRAINT shop_order_hold_reasons_known CHECK (hold_reasons <@ ARRAY[
        'screening', 'many_orders', 'addresses_differ', 'first_large_order'
    ]),
    ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
        'customer', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
        'goods_gone', 'rejected'
    ));
DROP INDEX shop_orders_waiting_idx;
CREATE INDEX shop_orders_waiting_idx ON shop_orders (user_id, id)
    WHERE status IN ('pending_payment', 'on_hold');
SELECT set_default_holders('all:shop_orders:review', '{COMPLIANCE,ADMIN}');
"""
DOWNGRADE = """
ALTER TABLE shop_orders
    DROP COLUMN hold_reasons,
    DROP COLUMN held_at,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT unpaid_order_waits_for_a_deposit,
    DROP CONSTRAINT shop_order_cancel_reason_known,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'allocated', 'picking', 'shipped', 'delivered', 'cancelled'
    )),
    ADD CONSTRAINT unpaid_order_waits_for_a_deposit
        CHECK (paid_at IS NOT NULL OR deposit_id IS NOT NULL),
    ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
        'customer', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
        'goods_gone'
    ));
DROP INDEX shop_orders_waiting_idx;
CREATE INDEX shop_orders_waiting_idx ON shop_orders (user_id, id) WHERE status = 'pending_payment';
"""


def _application_role() -> str:
    connection = op.get_bind()
    statement = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return str(connection.exec_driver_sql(statement).scalar_one())


def upgrade() -> None:
    op.execute(UPGRADE)
    role = _application_role()
    op.execute(f"GRANT UPDATE (held_at) ON shop_orders TO {role}")
    op.execute(f"GRANT UPDATE (hold_id) ON shop_order_payments TO {role}")


def downgrade() -> None:
    """Forget why orders were held. Those on hold, and those that were rejected, must be gone
    before. The permission stays: an older release does not know it."""
    op.execute(f"REVOKE UPDATE (hold_id) ON shop_order_payments FROM {_application_role()}")
    op.execute(DOWNGRADE)
