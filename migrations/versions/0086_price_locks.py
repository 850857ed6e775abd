"""Price locks: prices and units that are kept for a person for some minutes."""

from alembic import op

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE price_locks (
    id uuid CONSTRAINT price_locks_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT price_locks_user_id_fkey REFERENCES users,
    status text NOT NULL
        CONSTRAINT lock_status_known CHECK (status IN ('open', 'used', 'voided', 'expired')),
    locked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    total_units bigint NOT NULL CONSTRAINT lock_total_positive CHECK (total_units > 0),
    pieces integer NOT NULL CONSTRAINT lock_has_pieces CHECK (pieces > 0),
    pickup_branch_id uuid CONSTRAINT price_locks_pickup_branch_id_fkey REFERENCES branches,
    terms_version smallint NOT NULL,
    after_hours_percent numeric(6, 4) NOT NULL
        CONSTRAINT lock_after_hours_not_negative CHECK (after_hours_percent >= 0),
    voided_reason text CONSTRAINT lock_void_reason_known
        CHECK (voided_reason IN ('cancelled', 'price_moved')),
    checkout_id uuid,
    CONSTRAINT voided_lock_has_a_reason
        CHECK ((status = 'voided') = (voided_reason IS NOT NULL)),
    CONSTRAINT used_lock_has_a_checkout CHECK ((status = 'used') = (checkout_id IS NOT NULL)),
    CONSTRAINT open_lock_has_no_end CHECK ((status = 'open') = (ended_at IS NULL)),
    CONSTRAINT lock_expires_later CHECK (expires_at > locked_at)
);
CREATE INDEX price_locks_user_id_locked_at_idx ON price_locks (user_id, locked_at);
CREATE INDEX price_locks_expires_at_idx ON price_locks (expires_at) WHERE status = 'open';
CREATE TRIGGER price_locks_of_nobody_erased BEFORE INSERT ON price_locks
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();

CREATE TABLE price_lock_metals (
    lock_id uuid CONSTRAINT price_lock_metals_lock_id_fkey
        REFERENCES price_locks ON DELETE CASCADE,
    metal text CONSTRAINT lock_metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    ask numeric(18, 6) NOT NULL,
    bid numeric(18, 6) NOT NULL,
    source text NOT NULL,
    observed_at timestamptz NOT NULL,
    CONSTRAINT lock_prices_in_order CHECK (0 < bid AND bid <= ask),
    CONSTRAINT price_lock_metals_pkey PRIMARY KEY (lock_id, metal)
);

CREATE TABLE price_lock_lines (
    lock_id uuid CONSTRAINT price_lock_lines_lock_id_fkey
        REFERENCES price_locks ON DELETE CASCADE,
    position smallint,
    sku text NOT NULL CONSTRAINT price_lock_lines_sku_fkey REFERENCES products,
    quantity integer NOT NULL
        CONSTRAINT lock_quantity_in_range CHECK (quantity BETWEEN 1 AND 10000),
    unit_price_units bigint NOT NULL
        CONSTRAINT lock_price_positive CHECK (unit_price_units > 0),
    spot numeric(18, 6) NOT NULL,
    ounces_units bigint NOT NULL CONSTRAINT lock_ounces_positive CHECK (ounces_units > 0),
    rule_id uuid NOT NULL CONSTRAINT price_lock_lines_rule_id_fkey REFERENCES price_rules,
    tax_class text NOT NULL CONSTRAINT lock_tax_class_known CHECK (tax_class IN
        ('bullion', 'legal_tender', 'numismatic', 'processed', 'copper', 'accessory')),
    CONSTRAINT price_lock_lines_pkey PRIMARY KEY (lock_id, position)
);

CREATE TABLE price_lock_parts (
    hold_id uuid CONSTRAINT price_lock_parts_pkey PRIMARY KEY,
    lock_id uuid NOT NULL,
    position smallint NOT NULL,
    location_id uuid NOT NULL CONSTRAINT price_lock_parts_location_id_fkey REFERENCES locations,
    units integer NOT NULL CONSTRAINT lock_part_has_units CHECK (units > 0),
    lot_id uuid CONSTRAINT price_lock_parts_lot_id_fkey REFERENCES bars,
    CONSTRAINT named_bar_is_one_unit CHECK (lot_id IS NULL OR units = 1),
    CONSTRAINT price_lock_parts_line_fkey FOREIGN KEY (lock_id, position)
        REFERENCES price_lock_lines ON DELETE CASCADE
);
CREATE INDEX price_lock_parts_lock_id_idx ON price_lock_parts (lock_id, position);
"""


def upgrade() -> None:
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(TABLES)
    op.execute(f"""
REVOKE UPDATE ON price_locks, price_lock_metals, price_lock_lines, price_lock_parts FROM {role};
GRANT UPDATE (status, ended_at, voided_reason, checkout_id) ON price_locks TO {role};
GRANT UPDATE (hold_id) ON price_lock_parts TO {role};
""")


def downgrade() -> None:
    op.execute("DROP TABLE price_lock_parts, price_lock_lines, price_lock_metals, price_locks")
