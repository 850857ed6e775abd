"""Returns of goods by their customers."""

from alembic import op

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE shop_orders
    DROP CONSTRAINT shop_order_status_known,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'on_hold', 'allocated', 'picking', 'shipped', 'delivered', 'refunded',
        'returned', 'cancelled'
    ));
ALTER TABLE shop_order_parts
    ADD COLUMN returning_units bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT returning_units_are_not_refunded
        CHECK (returning_units BETWEEN 0 AND units - returned_units);
ALTER TABLE shipments
    DROP CONSTRAINT shipment_subject_known,
    ADD CONSTRAINT shipment_subject_known
        CHECK (subject_type IN ('order', 'redemption', 'return'));
CREATE TABLE shop_returns (
    id uuid CONSTRAINT shop_returns_pkey PRIMARY KEY,
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY (START WITH 70000001)
        CONSTRAINT shop_returns_number_key UNIQUE,
    order_id uuid NOT NULL CONSTRAINT shop_returns_order_id_fkey REFERENCES shop_orders,
    user_id uuid NOT NULL CONSTRAINT shop_returns_user_id_fkey REFERENCES users,
    status text NOT NULL CONSTRAINT shop_return_status_known CHECK (status IN (
        'requested', 'approved', 'in_transit', 'received', 'inspected', 'refunded', 'exchanged',
        'sent_back', 'refused', 'cancelled'
    )),
    reason text NOT NULL CONSTRAINT shop_return_reason_known
        CHECK (reason IN ('damaged', 'wrong_item', 'not_authentic', 'changed_mind')),
    wish text NOT NULL CONSTRAINT shop_return_wish_known CHECK (wish IN ('refund', 'exchange')),
    way text NOT NULL CONSTRAINT shop_return_way_known CHECK (way IN ('parcel', 'branch')),
    bid_percent numeric CONSTRAINT shop_return_percent_not_negative CHECK (bid_percent >= 0),
    location_id uuid CONSTRAINT shop_returns_location_id_fkey REFERENCES locations,
    finding text CONSTRAINT shop_return_finding_known
        CHECK (finding IN ('as_sold', 'as_claimed', 'changed', 'not_ours')),
    refund_id uuid CONSTRAINT shop_returns_refund_id_key UNIQUE
        CONSTRAINT shop_returns_refund_id_fkey REFERENCES shop_refunds,
    requested_at timestamptz NOT NULL,
    received_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT return_without_a_fault_has_terms
        CHECK ((reason = 'changed_mind') = (bid_percent IS NOT NULL)),
    CONSTRAINT approved_return_has_a_location
        CHECK (status IN ('requested', 'refused', 'cancelled') OR location_id IS NOT NULL),
    CONSTRAINT received_return_says_when CHECK (
        (status IN ('received', 'inspected', 'refunded', 'exchanged', 'sent_back'))
        = (received_at IS NOT NULL)
    ),
    CONSTRAINT inspected_return_has_a_finding CHECK (
        (status IN ('inspected', 'refunded', 'exchanged', 'sent_back')) = (finding IS NOT NULL)
    ),
    CONSTRAINT refunded_return_has_a_refund
        CHECK ((status = 'refunded') = (refund_id IS NOT NULL)),
    CONSTRAINT ended_return_says_when CHECK (
        (status IN ('refunded', 'exchanged', 'sent_back', 'refused', 'cancelled'))
        = (ended_at IS NOT NULL)
    )
);
CREATE INDEX shop_returns_order_id_idx ON shop_returns (order_id, id);
CREATE INDEX shop_returns_user_id_idx ON shop_returns (user_id, id);
CREATE INDEX shop_returns_to_decide_idx ON shop_returns (id)
    WHERE status IN ('requested', 'received', 'inspected');
CREATE TRIGGER shop_returns_of_no_erased_person BEFORE INSERT ON shop_returns
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE shop_return_parts (
    return_id uuid NOT NULL CONSTRAINT shop_return_parts_return_id_fkey REFERENCES shop_returns,
    part_position integer NOT NULL,
    units bigint NOT NULL CONSTRAINT shop_return_part_has_units CHECK (units > 0),
    CONSTRAINT shop_return_parts_pkey PRIMARY KEY (return_id, part_position)
);
CREATE TABLE shop_return_events (
    id uuid CONSTRAINT shop_return_events_pkey PRIMARY KEY,
    return_id uuid NOT NULL CONSTRAINT shop_return_events_return_id_fkey REFERENCES shop_returns,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX shop_return_events_return_id_id_idx ON shop_return_events (return_id, id);
CREATE TABLE shop_return_photos (
    id uuid CONSTRAINT shop_return_photos_pkey PRIMARY KEY,
    return_id uuid NOT NULL CONSTRAINT shop_return_photos_return_id_fkey REFERENCES shop_returns,
    added_by uuid NOT NULL CONSTRAINT shop_return_photos_added_by_fkey REFERENCES users,
    added_at timestamptz NOT NULL,
    is_drawn boolean NOT NULL DEFAULT false,
    problem text CONSTRAINT shop_return_photo_problem_known CHECK (problem IN (
        'damaged', 'blank', 'encrypted', 'active', 'attachments', 'form', 'animated',
        'too_many_pages', 'too_large', 'too_complex'
    )),
    content_sealed bytea,
    CONSTRAINT shop_return_photo_is_kept_or_refused CHECK (
        (content_sealed IS NULL) = (problem IS NOT NULL)
        AND NOT (problem IS NOT NULL AND is_drawn)
    )
);
CREATE INDEX shop_return_photos_return_id_idx ON shop_return_photos (return_id, id);
"""
DOWNGRADE = """
DROP TABLE shop_return_photos, shop_return_events, shop_return_parts, shop_returns;
ALTER TABLE shipments
    DROP CONSTRAINT shipment_subject_known,
    ADD CONSTRAINT shipment_subject_known CHECK (subject_type IN ('order', 'redemption'));
ALTER TABLE shop_order_parts DROP COLUMN returning_units;
ALTER TABLE shop_orders
    DROP CONSTRAINT shop_order_status_known,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'on_hold', 'allocated', 'picking', 'shipped', 'delivered', 'refunded',
        'cancelled'
    ));
"""


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(
        "REVOKE UPDATE, DELETE ON shop_returns, shop_return_parts, shop_return_events,"
        f" shop_return_photos FROM {role}"
    )
    op.execute(
        "GRANT UPDATE (status, location_id, finding, refund_id, received_at, ended_at)"
        f" ON shop_returns TO {role}"
    )
    # What arrived takes the place of what was expected.
    op.execute(f"GRANT DELETE ON shop_return_parts TO {role}")
    op.execute(f"GRANT UPDATE (is_drawn, problem, content_sealed) ON shop_return_photos TO {role}")
    op.execute(f"GRANT UPDATE (returning_units, lot_id) ON shop_order_parts TO {role}")


def downgrade() -> None:
    """Forget returns. What was sent out for them must be gone before, and orders that were
    returned."""
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE (lot_id) ON shop_order_parts FROM {role}")
    op.execute(DOWNGRADE)
