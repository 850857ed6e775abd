"""Parcels that come back or are lost: shipments of their own, and claims from carriers."""

from alembic import op

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None

STATUSES = """
ALTER TABLE shipments
    DROP CONSTRAINT shipment_status_known,
    ADD CONSTRAINT shipment_status_known CHECK (status IN ({statuses}));
"""
TABLES = """
ALTER TABLE shipments
    ADD COLUMN replaces_id uuid CONSTRAINT shipments_replaces_id_fkey REFERENCES shipments;
DROP INDEX shipments_subject_key;
CREATE UNIQUE INDEX shipments_subject_key ON shipments (subject_id, location_id)
    WHERE status <> 'cancelled' AND replaces_id IS NULL;
CREATE INDEX shipments_replaces_id_idx ON shipments (replaces_id);

CREATE TABLE carrier_claims (
    id uuid CONSTRAINT carrier_claims_pkey PRIMARY KEY,
    shipment_id uuid NOT NULL
        CONSTRAINT carrier_claims_shipment_id_key UNIQUE
        CONSTRAINT carrier_claims_shipment_id_fkey REFERENCES shipments,
    status text NOT NULL CONSTRAINT claim_status_known
        CHECK (status IN ('filed', 'paid', 'refused')),
    reference text NOT NULL,
    claimed_units bigint NOT NULL CONSTRAINT claim_is_above_zero CHECK (claimed_units > 0),
    paid_units bigint NOT NULL DEFAULT 0 CONSTRAINT claim_pays_no_more_than_it_claims
        CHECK (paid_units BETWEEN 0 AND claimed_units),
    filed_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT decided_claim_says_when CHECK ((status = 'filed') = (decided_at IS NULL)),
    CONSTRAINT paid_claim_says_how_much CHECK ((status = 'paid') = (paid_units > 0))
);
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('carrier_claims', 'asset', false, 'Claimed from carriers');
"""
DOWNGRADE = """
DELETE FROM account_classes WHERE code = 'carrier_claims';
DROP TABLE carrier_claims;
DROP INDEX shipments_subject_key;
CREATE UNIQUE INDEX shipments_subject_key ON shipments (subject_id, location_id)
    WHERE status <> 'cancelled';
ALTER TABLE shipments DROP COLUMN replaces_id;
"""
BEFORE = "'requested', 'picking', 'packed', 'shipped', 'delivered', 'cancelled'"


def upgrade() -> None:
    op.execute(STATUSES.format(statuses=f"{BEFORE}, 'returned', 'lost'"))
    op.execute(TABLES)
    role = _application_role()
    op.execute(f"GRANT UPDATE (units, value_units), DELETE ON shipment_lines TO {role}")
    op.execute(f"GRANT UPDATE (shipment_id) ON shipment_parcels TO {role}")
    op.execute(f"REVOKE UPDATE, DELETE ON carrier_claims FROM {role}")
    op.execute(f"GRANT UPDATE (status, paid_units, decided_at) ON carrier_claims TO {role}")


def downgrade() -> None:
    """Forget claims. Shipments that came back, were lost or split must be gone before."""
    op.execute(DOWNGRADE)
    role = _application_role()
    op.execute(f"REVOKE UPDATE (units, value_units), DELETE ON shipment_lines FROM {role}")
    op.execute(f"REVOKE UPDATE (shipment_id) ON shipment_parcels FROM {role}")
    op.execute(STATUSES.format(statuses=BEFORE))


def _application_role() -> str:
    query = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role: str = op.get_bind().exec_driver_sql(query).scalar_one()
    return role
