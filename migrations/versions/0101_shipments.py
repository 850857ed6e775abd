"""Shipments, and the statuses that orders take from them."""

from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE shipments (
    id uuid CONSTRAINT shipments_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 50000001)
        CONSTRAINT shipments_number_key UNIQUE,
    subject_type text NOT NULL
        CONSTRAINT shipment_subject_known CHECK (subject_type IN ('order', 'redemption')),
    subject_id uuid NOT NULL,
    subject_number text NOT NULL,
    user_id uuid NOT NULL CONSTRAINT shipments_user_id_fkey REFERENCES users,
    location_id uuid NOT NULL CONSTRAINT shipments_location_id_fkey REFERENCES locations,
    status text NOT NULL CONSTRAINT shipment_status_known CHECK (status IN (
        'requested', 'picking', 'packed', 'shipped', 'delivered', 'cancelled'
    )),
    delivery text NOT NULL
        CONSTRAINT shipment_delivery_known CHECK (delivery IN ('ship', 'pickup')),
    address_sealed bytea,
    branch_id uuid CONSTRAINT shipments_branch_id_fkey REFERENCES branches,
    requested_at timestamptz NOT NULL,
    CONSTRAINT shipment_has_an_address
        CHECK ((delivery = 'ship') = (address_sealed IS NOT NULL)),
    CONSTRAINT collected_shipment_has_a_branch
        CHECK ((delivery = 'pickup') = (branch_id IS NOT NULL))
);
CREATE UNIQUE INDEX shipments_subject_key ON shipments (subject_id, location_id)
    WHERE status <> 'cancelled';
CREATE INDEX shipments_subject_idx ON shipments (subject_id, id);
CREATE INDEX shipments_user_id_idx ON shipments (user_id, id);
CREATE INDEX shipments_location_id_idx ON shipments (location_id, id);
CREATE INDEX shipments_open_idx ON shipments (id)
    WHERE status NOT IN ('delivered', 'cancelled');

CREATE TRIGGER shipments_of_no_erased_person BEFORE INSERT ON shipments
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();

CREATE TABLE shipment_lines (
    shipment_id uuid CONSTRAINT shipment_lines_shipment_id_fkey REFERENCES shipments,
    position integer NOT NULL,
    sku text NOT NULL CONSTRAINT shipment_lines_sku_fkey REFERENCES products,
    units bigint NOT NULL CONSTRAINT shipment_line_has_units CHECK (units > 0),
    lot_id uuid CONSTRAINT shipment_lines_lot_id_fkey REFERENCES lots,
    hold_id uuid,
    value_units bigint NOT NULL
        CONSTRAINT shipment_value_not_negative CHECK (value_units >= 0),
    scanned_units bigint NOT NULL DEFAULT 0
        CONSTRAINT scanned_units_are_part CHECK (scanned_units BETWEEN 0 AND units),
    CONSTRAINT shipment_lines_pkey PRIMARY KEY (shipment_id, position)
);
CREATE INDEX shipment_lines_lot_id_idx ON shipment_lines (lot_id);

CREATE TABLE shipment_events (
    id uuid CONSTRAINT shipment_events_pkey PRIMARY KEY,
    shipment_id uuid NOT NULL
        CONSTRAINT shipment_events_shipment_id_fkey REFERENCES shipments,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX shipment_events_shipment_id_idx ON shipment_events (shipment_id, id);

ALTER TABLE shop_orders
    ADD COLUMN partially_shipped boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT paid_order_says_when,
    DROP CONSTRAINT unpaid_order_waits_for_a_deposit,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'allocated', 'picking', 'shipped', 'delivered', 'cancelled'
    )),
    ADD CONSTRAINT paid_order_says_when CHECK (
        status IN ('allocated', 'picking', 'shipped', 'delivered') <= (paid_at IS NOT NULL)
    ),
    ADD CONSTRAINT unpaid_order_waits_for_a_deposit
        CHECK (paid_at IS NOT NULL OR deposit_id IS NOT NULL);
CREATE INDEX shop_orders_to_ship_idx ON shop_orders (id)
    WHERE status = 'allocated' AND destination <> 'vault';
"""
DOWNGRADE = """
DROP TABLE shipment_events, shipment_lines, shipments;
DROP INDEX shop_orders_to_ship_idx;
ALTER TABLE shop_orders
    DROP COLUMN partially_shipped,
    DROP CONSTRAINT shop_order_status_known,
    DROP CONSTRAINT paid_order_says_when,
    DROP CONSTRAINT unpaid_order_waits_for_a_deposit,
    ADD CONSTRAINT shop_order_status_known
        CHECK (status IN ('pending_payment', 'allocated', 'cancelled')),
    ADD CONSTRAINT paid_order_says_when CHECK ((status = 'allocated') = (paid_at IS NOT NULL)),
    ADD CONSTRAINT unpaid_order_waits_for_a_deposit
        CHECK (status = 'allocated' OR (deposit_id IS NOT NULL AND payment_due_at IS NOT NULL));
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON shipments, shipment_lines, shipment_events FROM {role}")
    op.execute(f"GRANT UPDATE (status, address_sealed) ON shipments TO {role}")
    op.execute(f"GRANT UPDATE (scanned_units) ON shipment_lines TO {role}")
    op.execute(f"GRANT UPDATE (partially_shipped) ON shop_orders TO {role}")
    op.execute(
        "SELECT set_default_holders('all:shipments:read',"
        " '{SUPPORT,INVENTORY,COMPLIANCE,AUDITOR,ADMIN}')"
    )
    op.execute("SELECT set_default_holders('all:shipments:work', '{INVENTORY,ADMIN}')")


def downgrade() -> None:
    """Forget shipments. Orders that were shipped must be gone before."""
    op.execute(DOWNGRADE)
