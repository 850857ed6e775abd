"""Cancelling paid orders, and refunds."""

from alembic import op

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE price_locks
    ADD COLUMN cancel_fee_units bigint NOT NULL DEFAULT 3500,
    ADD COLUMN cancel_offset_percent smallint NOT NULL DEFAULT 0,
    ADD COLUMN cancel_vault_hours smallint NOT NULL DEFAULT 24,
    ADD CONSTRAINT lock_cancel_terms_in_bounds CHECK (
        cancel_fee_units >= 0 AND cancel_offset_percent BETWEEN 0 AND 100
        AND cancel_vault_hours >= 0
    );
-- The terms are stated with each lock from now on.
ALTER TABLE price_locks
    ALTER COLUMN cancel_fee_units DROP DEFAULT,
    ALTER COLUMN cancel_offset_percent DROP DEFAULT,
    ALTER COLUMN cancel_vault_hours DROP DEFAULT;
ALTER TABLE shop_orders
    ADD COLUMN refunded_units bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT paid_order_says_when,
    DROP CONSTRAINT shop_order_cancel_reason_known,
    ADD CONSTRAINT paid_order_says_when CHECK (
        status IN ('allocated', 'picking', 'shipped', 'delivered') <= (paid_at IS NOT NULL)
        AND status IN ('pending_payment', 'on_hold') <= (paid_at IS NULL)
    ),
    ADD CONSTRAINT refunds_are_of_what_was_paid CHECK (
        refunded_units >= 0 AND refunded_units <= total_units
        AND (refunded_units > 0) <= (paid_at IS NOT NULL)
    ),
    ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
        'customer', 'staff', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
        'goods_gone', 'rejected'
    ));
ALTER TABLE shop_order_parts
    ADD COLUMN returned_units bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT returned_units_were_sold CHECK (returned_units BETWEEN 0 AND units);
CREATE TABLE shop_refunds (
    id uuid CONSTRAINT shop_refunds_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT shop_refunds_order_id_fkey REFERENCES shop_orders,
    user_id uuid NOT NULL CONSTRAINT shop_refunds_user_id_fkey REFERENCES users,
    cause text NOT NULL CONSTRAINT shop_refund_cause_known
        CHECK (cause IN ('cancelled', 'refunded', 'returned')),
    goods_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    shipping_units bigint NOT NULL,
    insurance_units bigint NOT NULL,
    borne_units bigint NOT NULL,
    loss_units bigint NOT NULL,
    fee_units bigint NOT NULL,
    total_units bigint NOT NULL,
    actor_id uuid CONSTRAINT shop_refunds_actor_id_fkey REFERENCES users,
    reason text,
    refunded_at timestamptz NOT NULL,
    CONSTRAINT shop_refund_amounts_not_negative CHECK (
        goods_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0 AND borne_units >= 0
        AND loss_units >= 0 AND fee_units >= 0
    ),
    CONSTRAINT shop_refund_total_is_the_sum CHECK (
        total_units = goods_units + tax_units + shipping_units + insurance_units + borne_units
            - loss_units - fee_units
    ),
    CONSTRAINT only_a_cancellation_costs_more CHECK (total_units >= 0 OR cause = 'cancelled')
);
CREATE INDEX shop_refunds_order_id_idx ON shop_refunds (order_id, id);
CREATE INDEX shop_refunds_user_id_idx ON shop_refunds (user_id, id);
CREATE TRIGGER shop_refunds_of_no_erased_person BEFORE INSERT ON shop_refunds
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE shop_refund_parts (
    refund_id uuid NOT NULL CONSTRAINT shop_refund_parts_refund_id_fkey REFERENCES shop_refunds,
    part_position integer NOT NULL,
    units bigint NOT NULL,
    price_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    CONSTRAINT shop_refund_parts_pkey PRIMARY KEY (refund_id, part_position),
    CONSTRAINT shop_refund_part_returns CHECK (units >= 0 AND price_units >= 0),
    CONSTRAINT refunded_units_have_a_price CHECK ((units = 0) = (price_units = 0))
);
CREATE TABLE shop_market_losses (
    refund_id uuid NOT NULL CONSTRAINT shop_market_losses_refund_id_fkey REFERENCES shop_refunds,
    line_position integer NOT NULL,
    ounces_units bigint NOT NULL,
    locked numeric NOT NULL,
    offset_price numeric NOT NULL,
    loss_units bigint NOT NULL,
    CONSTRAINT shop_market_losses_pkey PRIMARY KEY (refund_id, line_position),
    CONSTRAINT market_loss_is_of_something
        CHECK (ounces_units > 0 AND locked > 0 AND offset_price > 0 AND loss_units >= 0),
    CONSTRAINT market_gain_is_no_loss CHECK (loss_units = 0 OR offset_price < locked)
);
CREATE TABLE shop_refund_payments (
    refund_id uuid NOT NULL CONSTRAINT shop_refund_payments_refund_id_fkey REFERENCES shop_refunds,
    payment_position integer NOT NULL,
    units bigint NOT NULL CONSTRAINT shop_refund_payment_gives_something CHECK (units > 0),
    destination text NOT NULL CONSTRAINT shop_refund_destination_known
        CHECK (destination IN ('balance', 'card')),
    CONSTRAINT shop_refund_payments_pkey PRIMARY KEY (refund_id, payment_position, destination)
);
SELECT set_default_holders('all:shop_orders:refund', '{SUPPORT,ADMIN}');
"""
TABLES = ("shop_refunds", "shop_refund_parts", "shop_market_losses", "shop_refund_payments")


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    for table in TABLES:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")
    op.execute(f"GRANT UPDATE (refunded_units) ON shop_orders TO {role}")
    op.execute(f"GRANT UPDATE (returned_units) ON shop_order_parts TO {role}")


def downgrade() -> None:
    """Forget refunds. Orders that were cancelled after they were paid must be gone before, and the
    permission stays: grants that were edited are kept."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute(
        """
        ALTER TABLE shop_orders
            DROP COLUMN refunded_units,
            DROP CONSTRAINT paid_order_says_when,
            DROP CONSTRAINT shop_order_cancel_reason_known,
            ADD CONSTRAINT paid_order_says_when CHECK (
                status IN ('allocated', 'picking', 'shipped', 'delivered') <= (paid_at IS NOT NULL)
            ),
            ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
                'customer', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
                'goods_gone', 'rejected'
            ));
        ALTER TABLE shop_order_parts DROP COLUMN returned_units;
        ALTER TABLE price_locks
            DROP COLUMN cancel_fee_units,
            DROP COLUMN cancel_offset_percent,
            DROP COLUMN cancel_vault_hours;
        """
    )
