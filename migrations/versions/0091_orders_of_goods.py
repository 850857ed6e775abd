"""Orders of goods, and the income of branches from shipping them and from its insurance."""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE shop_orders (
    id uuid CONSTRAINT shop_orders_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 10000001)
        CONSTRAINT shop_orders_number_key UNIQUE,
    user_id uuid NOT NULL CONSTRAINT shop_orders_user_id_fkey REFERENCES users,
    lock_id uuid NOT NULL CONSTRAINT shop_orders_lock_id_fkey REFERENCES price_locks
        CONSTRAINT shop_orders_lock_id_key UNIQUE,
    status text NOT NULL CONSTRAINT shop_order_status_known CHECK (status IN ('allocated')),
    destination text NOT NULL CONSTRAINT shop_order_destination_known
        CHECK (destination IN ('ship', 'pickup', 'vault')),
    pickup_branch_id uuid CONSTRAINT shop_orders_pickup_branch_id_fkey REFERENCES branches,
    shipping_sealed bytea,
    billing_sealed bytea,
    goods_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    shipping_units bigint NOT NULL,
    insurance_units bigint NOT NULL,
    total_units bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    paid_at timestamptz,
    CONSTRAINT shipped_order_has_an_address
        CHECK ((destination = 'ship') = (shipping_sealed IS NOT NULL)),
    CONSTRAINT collected_order_has_a_branch
        CHECK ((destination = 'pickup') = (pickup_branch_id IS NOT NULL)),
    CONSTRAINT shop_order_amounts_not_negative CHECK (
        goods_units > 0 AND tax_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0
    ),
    CONSTRAINT shop_order_total_is_the_sum
        CHECK (total_units = goods_units + tax_units + shipping_units + insurance_units),
    CONSTRAINT paid_order_says_when CHECK ((status = 'allocated') <= (paid_at IS NOT NULL))
);
CREATE INDEX shop_orders_user_id_id_idx ON shop_orders (user_id, id);
CREATE INDEX shop_orders_pickup_branch_id_idx ON shop_orders (pickup_branch_id);
CREATE TRIGGER shop_orders_of_nobody_erased BEFORE INSERT ON shop_orders
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE shop_order_lines (
    order_id uuid NOT NULL CONSTRAINT shop_order_lines_order_id_fkey REFERENCES shop_orders,
    position integer NOT NULL,
    sku text NOT NULL CONSTRAINT shop_order_lines_sku_fkey REFERENCES products,
    quantity bigint NOT NULL CONSTRAINT shop_order_line_has_units CHECK (quantity > 0),
    unit_price_units bigint NOT NULL,
    price_units bigint NOT NULL,
    spot numeric NOT NULL,
    tax_class text NOT NULL,
    tax_units bigint NOT NULL,
    tax_reason text NOT NULL,
    CONSTRAINT shop_order_lines_pkey PRIMARY KEY (order_id, position),
    CONSTRAINT shop_order_line_price_is_the_product
        CHECK (price_units = unit_price_units * quantity AND tax_units >= 0)
);
CREATE TABLE shop_order_parts (
    order_id uuid NOT NULL,
    position integer NOT NULL,
    line_position integer NOT NULL,
    location_id uuid NOT NULL CONSTRAINT shop_order_parts_location_id_fkey REFERENCES locations,
    units bigint NOT NULL CONSTRAINT shop_order_part_has_units CHECK (units > 0),
    price_units bigint NOT NULL,
    tax_units bigint NOT NULL,
    hold_id uuid NOT NULL,
    lot_id uuid CONSTRAINT shop_order_parts_lot_id_fkey REFERENCES lots,
    tax_country text NOT NULL,
    tax_state text,
    tax_postal_code text NOT NULL,
    CONSTRAINT shop_order_parts_pkey PRIMARY KEY (order_id, position),
    CONSTRAINT shop_order_parts_order_id_line_position_fkey
        FOREIGN KEY (order_id, line_position) REFERENCES shop_order_lines (order_id, position)
);
CREATE INDEX shop_order_parts_location_id_idx ON shop_order_parts (location_id);
CREATE TABLE shop_order_payments (
    order_id uuid NOT NULL CONSTRAINT shop_order_payments_order_id_fkey REFERENCES shop_orders,
    position integer NOT NULL,
    method text NOT NULL
        CONSTRAINT shop_payment_method_known CHECK (method IN ('balance', 'metal')),
    asset text NOT NULL,
    units bigint NOT NULL,
    usd_units bigint NOT NULL,
    bid numeric,
    spread_units bigint NOT NULL,
    rounding_units bigint NOT NULL,
    CONSTRAINT shop_order_payments_pkey PRIMARY KEY (order_id, position),
    CONSTRAINT shop_payment_pays_something CHECK (units > 0 AND usd_units > 0),
    CONSTRAINT metal_is_sold_at_a_bid CHECK ((method = 'metal') = (bid IS NOT NULL))
);
CREATE TABLE shop_order_events (
    id uuid CONSTRAINT shop_order_events_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT shop_order_events_order_id_fkey REFERENCES shop_orders,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX shop_order_events_order_id_id_idx ON shop_order_events (order_id, id);

INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('sales.shipping', 'income', false, 'Shipping that customers paid'),
    ('sales.insurance', 'income', false, 'Insurance of shipped goods that customers paid');
"""
HOLDERS = {"own:goods:buy": ["USER"], "own:goods:read": ["USER"]}
UNCHANGING = "shop_order_lines, shop_order_parts, shop_order_payments, shop_order_events"


def upgrade() -> None:
    op.execute(TABLES)
    connection = op.get_bind()
    role = connection.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON shop_orders, {UNCHANGING} FROM {role}")
    # Ring keys rotate, and statuses change.
    op.execute(
        f"GRANT UPDATE (status, paid_at, shipping_sealed, billing_sealed) ON shop_orders TO {role}"
    )
    for permission, roles in HOLDERS.items():
        connection.execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Drop the tables; an account of the classes, if there is one, stays."""
    op.execute(f"""
DROP TABLE {UNCHANGING}, shop_orders;
DELETE FROM account_classes c WHERE c.code IN ('sales.shipping', 'sales.insurance')
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
