"""Parcels of shipments, and the strategy by which they are sent."""

from alembic import op

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE shipments
    ADD COLUMN strategy text
        CONSTRAINT shipment_strategy_known CHECK (strategy IN ('JM', 'BRINKS')),
    ADD COLUMN strategy_reason text;
UPDATE shipments SET strategy = 'JM', strategy_reason = 'It is the configured one.'
WHERE delivery = 'ship';
ALTER TABLE shipments ADD CONSTRAINT strategy_has_a_reason
    CHECK ((strategy IS NULL) = (strategy_reason IS NULL));
CREATE TABLE shipment_parcels (
    id uuid CONSTRAINT shipment_parcels_pkey PRIMARY KEY,
    shipment_id uuid NOT NULL
        CONSTRAINT shipment_parcels_shipment_id_fkey REFERENCES shipments,
    number integer NOT NULL CONSTRAINT parcel_number_is_positive CHECK (number > 0),
    value_units bigint NOT NULL,
    grams bigint NOT NULL,
    carrier text NOT NULL CONSTRAINT parcel_carrier_known CHECK (carrier IN ('fedex', 'ups')),
    speed text NOT NULL
        CONSTRAINT parcel_speed_known CHECK (speed IN ('overnight', 'two_day', 'ground')),
    ships_on date NOT NULL,
    CONSTRAINT parcel_has_value_and_weight CHECK (value_units > 0 AND grams > 0),
    CONSTRAINT shipment_parcels_shipment_id_number_key UNIQUE (shipment_id, number)
);
CREATE INDEX shipment_parcels_ships_on_idx ON shipment_parcels (ships_on, id);
CREATE TABLE shipment_parcel_units (
    parcel_id uuid CONSTRAINT shipment_parcel_units_parcel_id_fkey REFERENCES shipment_parcels,
    position integer NOT NULL,
    units bigint NOT NULL CONSTRAINT parcel_has_units CHECK (units > 0),
    CONSTRAINT shipment_parcel_units_pkey PRIMARY KEY (parcel_id, position)
);
"""


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON shipment_parcels, shipment_parcel_units FROM {role}")


def downgrade() -> None:
    op.execute("""
DROP TABLE shipment_parcel_units, shipment_parcels;
ALTER TABLE shipments DROP COLUMN strategy, DROP COLUMN strategy_reason;
""")
