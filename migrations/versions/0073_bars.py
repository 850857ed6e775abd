"""Bars with serials: each a lot of one unit, with its own weight, state and place."""

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

TABLES = """
-- The bars of a delivery are lots of their own.
ALTER TABLE lots
    ADD COLUMN part smallint NOT NULL DEFAULT 1
        CONSTRAINT lot_part_counts_from_one CHECK (part > 0),
    DROP CONSTRAINT lots_delivery_key,
    ADD CONSTRAINT lots_delivery_key UNIQUE (supplier, supplier_reference, sku, part);
CREATE TABLE bars (
    lot_id uuid CONSTRAINT bars_pkey PRIMARY KEY CONSTRAINT bars_lot_id_fkey REFERENCES lots,
    sku text NOT NULL CONSTRAINT bars_sku_fkey REFERENCES products,
    refiner text NOT NULL
        CONSTRAINT refiner_has_a_length CHECK (length(refiner) BETWEEN 1 AND 100),
    serial text NOT NULL
        CONSTRAINT serial_is_short CHECK (serial ~ '^[A-Z0-9][A-Z0-9 ./-]{0,29}$'),
    year smallint CONSTRAINT bar_year_has_four_digits CHECK (year BETWEEN 1800 AND 2100),
    gross_units bigint NOT NULL,
    fineness numeric(4, 4) NOT NULL
        CONSTRAINT bar_fineness_is_a_share CHECK (fineness > 0 AND fineness < 1),
    fine_units bigint NOT NULL,
    assay_reference text CONSTRAINT assay_reference_has_a_length
        CHECK (length(assay_reference) BETWEEN 1 AND 100),
    location_id uuid NOT NULL CONSTRAINT bars_location_id_fkey REFERENCES locations,
    state text NOT NULL CONSTRAINT bar_state_known CHECK (state IN (
        'available', 'quarantine', 'in_transit', 'allocated', 'picked', 'delivered', 'written_off'
    )),
    hold_id uuid CONSTRAINT bars_hold_id_fkey REFERENCES holds,
    owner_id uuid CONSTRAINT bars_owner_id_fkey REFERENCES users,
    CONSTRAINT bar_fine_is_a_part CHECK (fine_units > 0 AND fine_units <= gross_units),
    CONSTRAINT sold_bar_has_an_owner CHECK (
        (owner_id IS NOT NULL) = (state IN ('allocated', 'picked', 'delivered'))
    )
);
-- A bar is in one vault at most.
CREATE UNIQUE INDEX bars_serial_key ON bars (lower(refiner), serial)
    WHERE state NOT IN ('delivered', 'written_off');
CREATE INDEX bars_sku_idx ON bars (sku, location_id, lot_id);
CREATE INDEX bars_serial_idx ON bars (serial, lot_id);
CREATE INDEX bars_owner_id_idx ON bars (owner_id) WHERE owner_id IS NOT NULL;
CREATE TABLE bar_states (
    lot_id uuid NOT NULL CONSTRAINT bar_states_lot_id_fkey REFERENCES bars,
    reference text NOT NULL,
    location_id uuid NOT NULL CONSTRAINT bar_states_location_id_fkey REFERENCES locations,
    state text NOT NULL CONSTRAINT bar_came_to_a_known_state CHECK (state IN (
        'available', 'quarantine', 'in_transit', 'allocated', 'picked', 'delivered', 'written_off'
    )),
    reached_at timestamptz NOT NULL,
    CONSTRAINT bar_states_pkey PRIMARY KEY (lot_id, reference)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON bars, bar_states FROM {role}")
    op.execute(f"GRANT UPDATE (location_id, state, hold_id, owner_id) ON bars TO {role}")


def downgrade() -> None:
    """Remove bars. Products with serials must be gone before."""
    op.execute("""
DROP TABLE bar_states, bars;
ALTER TABLE lots
    DROP CONSTRAINT lots_delivery_key,
    DROP COLUMN part,
    ADD CONSTRAINT lots_delivery_key UNIQUE (supplier, supplier_reference, sku);
""")
