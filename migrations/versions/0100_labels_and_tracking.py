"""Labels of parcels, and where parcels are."""

from alembic import op

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None

STATUSES = (
    "'label_created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'held',"
    " 'address_correction', 'damaged', 'returned', 'lost'"
)
TABLES = f"""
CREATE TABLE parcel_labels (
    id uuid CONSTRAINT parcel_labels_pkey PRIMARY KEY,
    parcel_id uuid NOT NULL,
    carrier text NOT NULL CONSTRAINT label_carrier_known CHECK (carrier IN ('fedex', 'ups')),
    speed text NOT NULL
        CONSTRAINT label_speed_known CHECK (speed IN ('overnight', 'two_day', 'ground')),
    status text NOT NULL CONSTRAINT label_status_known
        CHECK (status IN ('ordered', 'bought', 'cancelled', 'refused')),
    ordered_at timestamptz NOT NULL,
    called_at timestamptz,
    claim_id uuid,
    claimed_until timestamptz,
    tracking_number text,
    cost_usd bigint CONSTRAINT cost_of_label_is_positive CHECK (cost_usd >= 0),
    document_sealed bytea,
    bought_at timestamptz,
    cancelled_at timestamptz,
    code text,
    CONSTRAINT bought_label_has_a_number
        CHECK (status <> 'bought' OR (tracking_number IS NOT NULL AND bought_at IS NOT NULL)),
    CONSTRAINT cancelled_label_says_when
        CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CONSTRAINT refused_label_says_why CHECK ((status = 'refused') = (code IS NOT NULL)),
    CONSTRAINT claim_of_label_ends CHECK ((claim_id IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT parcel_labels_carrier_tracking_number_key UNIQUE (carrier, tracking_number)
);
CREATE UNIQUE INDEX parcel_labels_one_of_each_parcel_idx ON parcel_labels (parcel_id)
    WHERE status IN ('ordered', 'bought');
CREATE INDEX parcel_labels_parcel_id_idx ON parcel_labels (parcel_id);
CREATE INDEX parcel_labels_ordered_at_idx ON parcel_labels (ordered_at);
CREATE TABLE tracked_parcels (
    id uuid CONSTRAINT tracked_parcels_pkey PRIMARY KEY,
    parcel_id uuid NOT NULL,
    carrier text NOT NULL CONSTRAINT carrier_of_parcel_known CHECK (carrier IN ('fedex', 'ups')),
    tracking_number text NOT NULL,
    since timestamptz NOT NULL,
    status text CONSTRAINT tracking_status_known CHECK (status IN ({STATUSES})),
    status_at timestamptz,
    changed_at timestamptz NOT NULL,
    expected_on date,
    due_at timestamptz,
    proof_sealed bytea,
    CONSTRAINT status_says_since_when CHECK ((status IS NULL) = (status_at IS NULL)),
    CONSTRAINT proof_is_of_a_delivery CHECK (proof_sealed IS NULL OR status = 'delivered'),
    CONSTRAINT tracked_parcels_carrier_tracking_number_key UNIQUE (carrier, tracking_number)
);
CREATE INDEX tracked_parcels_parcel_id_idx ON tracked_parcels (parcel_id);
CREATE INDEX tracked_parcels_due_at_idx ON tracked_parcels (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE tracking_events (
    tracked_id uuid NOT NULL CONSTRAINT tracking_events_tracked_id_fkey
        REFERENCES tracked_parcels ON DELETE CASCADE,
    event_id text NOT NULL,
    at timestamptz NOT NULL,
    status text CONSTRAINT status_of_event_known CHECK (status IN ({STATUSES})),
    place text NOT NULL,
    text text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT tracking_events_pkey PRIMARY KEY (tracked_id, event_id)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    # What happened to a parcel is never edited.
    op.execute(f"REVOKE UPDATE ON tracking_events FROM {role}")


def downgrade() -> None:
    op.execute("DROP TABLE tracking_events, tracked_parcels, parcel_labels")
