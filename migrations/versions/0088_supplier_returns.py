"""Returns of goods to their suppliers, and what waits in quarantine."""

from alembic import op

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE supplier_returns (
    id uuid CONSTRAINT supplier_returns_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT supplier_returns_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT supplier_returns_location_id_fkey REFERENCES locations,
    units bigint NOT NULL CONSTRAINT supplier_return_has_units CHECK (units > 0),
    ounces_units bigint NOT NULL CONSTRAINT supplier_return_has_ounces CHECK (ounces_units > 0),
    metal_usd bigint NOT NULL,
    premium_usd bigint NOT NULL,
    supplier text NOT NULL
        CONSTRAINT supplier_of_return_has_a_length CHECK (length(supplier) BETWEEN 1 AND 100),
    supplier_reference text NOT NULL CONSTRAINT reference_of_return_has_a_length
        CHECK (length(supplier_reference) BETWEEN 1 AND 100),
    approval_id uuid NOT NULL CONSTRAINT supplier_returns_approval_id_key UNIQUE
        CONSTRAINT supplier_returns_approval_id_fkey REFERENCES approvals,
    requested_by uuid NOT NULL CONSTRAINT supplier_returns_requested_by_fkey REFERENCES users,
    approved_by uuid NOT NULL CONSTRAINT supplier_returns_approved_by_fkey REFERENCES users,
    returned_at timestamptz NOT NULL,
    CONSTRAINT supplier_return_takes_two_people CHECK (approved_by <> requested_by)
);
CREATE INDEX supplier_returns_sku_idx ON supplier_returns (sku, id);
CREATE INDEX supplier_returns_location_idx ON supplier_returns (location_id, id);
CREATE INDEX quarantines_waiting_idx ON quarantines (put_by) WHERE examined_units < units;
"""


def _let_bars_be(states: str, gone: str) -> None:
    """Let bars have these states, in some of which they are in no vault."""
    op.execute(f"""
ALTER TABLE bars DROP CONSTRAINT bar_state_known;
ALTER TABLE bars ADD CONSTRAINT bar_state_known CHECK (state IN ({states}));
ALTER TABLE bar_states DROP CONSTRAINT bar_came_to_a_known_state;
ALTER TABLE bar_states ADD CONSTRAINT bar_came_to_a_known_state CHECK (state IN ({states}));
DROP INDEX bars_serial_key;
CREATE UNIQUE INDEX bars_serial_key ON bars (lower(refiner), serial) WHERE state NOT IN ({gone});
""")


_STATES = "'available', 'quarantine', 'in_transit', 'allocated', 'picked', 'delivered'"


def upgrade() -> None:
    op.execute(TABLE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON supplier_returns FROM {role}")
    _let_bars_be(f"{_STATES}, 'written_off', 'returned'", "'delivered', 'written_off', 'returned'")


def downgrade() -> None:
    """Remove returns. Returned bars must be gone before."""
    _let_bars_be(f"{_STATES}, 'written_off'", "'delivered', 'written_off'")
    op.execute("DROP INDEX quarantines_waiting_idx; DROP TABLE supplier_returns;")
