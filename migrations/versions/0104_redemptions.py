"""Redemptions: digital ounces become goods."""

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE redemption_quotes (
    id uuid CONSTRAINT redemption_quotes_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT redemption_quotes_user_id_fkey REFERENCES users,
    asset text NOT NULL,
    amount_units bigint NOT NULL,
    form text NOT NULL,
    destination text NOT NULL
        CONSTRAINT quoted_destination_known CHECK (destination IN ('ship', 'pickup')),
    country text,
    pickup_branch_id uuid CONSTRAINT redemption_quotes_pickup_branch_id_fkey REFERENCES branches,
    bid numeric(18, 6) NOT NULL,
    ask numeric(18, 6) NOT NULL,
    mid numeric(18, 6) NOT NULL,
    goods_ounces_units bigint NOT NULL,
    value_units bigint NOT NULL,
    goods_value_units bigint NOT NULL,
    fee_units bigint NOT NULL,
    shipping_units bigint NOT NULL,
    insurance_units bigint NOT NULL,
    top_up_units bigint NOT NULL,
    top_up_spread_units bigint NOT NULL,
    top_up_rounding_units bigint NOT NULL,
    total_units bigint NOT NULL,
    metal_units bigint NOT NULL,
    metal_spread_units bigint NOT NULL,
    metal_rounding_units bigint NOT NULL,
    quoted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT quoted_shipping_has_a_country
        CHECK ((destination = 'ship') = (country IS NOT NULL)),
    CONSTRAINT quoted_pickup_has_a_branch
        CHECK ((destination = 'pickup') = (pickup_branch_id IS NOT NULL)),
    CONSTRAINT pieces_cover_the_amount
        CHECK (0 < amount_units AND amount_units <= goods_ounces_units),
    CONSTRAINT redemption_prices_in_order CHECK (0 < bid AND bid <= ask),
    CONSTRAINT redemption_costs_not_negative CHECK (
        fee_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0 AND top_up_units >= 0
    ),
    CONSTRAINT redemption_total_is_the_sum
        CHECK (total_units = fee_units + shipping_units + insurance_units + top_up_units),
    CONSTRAINT redemption_quote_expires_later CHECK (expires_at > quoted_at)
);
CREATE INDEX redemption_quotes_expires_at_idx ON redemption_quotes (expires_at);
CREATE INDEX redemption_quotes_user_id_idx ON redemption_quotes (user_id);
CREATE TRIGGER redemption_quotes_of_nobody_erased BEFORE INSERT ON redemption_quotes
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE redemption_quote_items (
    quote_id uuid NOT NULL CONSTRAINT redemption_quote_items_quote_id_fkey
        REFERENCES redemption_quotes ON DELETE CASCADE,
    position smallint NOT NULL,
    sku text NOT NULL CONSTRAINT redemption_quote_items_sku_fkey REFERENCES products,
    quantity integer NOT NULL,
    ounces_units bigint NOT NULL,
    lot_id uuid CONSTRAINT redemption_quote_items_lot_id_fkey REFERENCES bars,
    CONSTRAINT redemption_quote_items_pkey PRIMARY KEY (quote_id, position),
    CONSTRAINT quoted_pieces_weigh CHECK (quantity > 0 AND ounces_units > 0),
    CONSTRAINT quoted_bar_is_one_unit CHECK (lot_id IS NULL OR quantity = 1)
);
CREATE TABLE redemptions (
    id uuid CONSTRAINT redemptions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT redemptions_user_id_fkey REFERENCES users,
    quote_id uuid NOT NULL CONSTRAINT redemptions_quote_id_fkey REFERENCES redemption_quotes
        CONSTRAINT redemptions_quote_id_key UNIQUE,
    status text NOT NULL CONSTRAINT redemption_status_known CHECK (status IN (
        'pending_approval', 'approved', 'allocated', 'picking', 'shipped', 'delivered', 'rejected',
        'cancelled', 'expired'
    )),
    strategy text NOT NULL
        CONSTRAINT redemption_strategy_known CHECK (strategy IN ('JM', 'BRINKS')),
    shipping_sealed bytea,
    paid_in text NOT NULL CONSTRAINT redemption_payment_known
        CHECK (paid_in IN ('balance', 'metal')),
    metal_hold_id uuid NOT NULL,
    money_hold_id uuid,
    submitted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_at timestamptz,
    ended_at timestamptz,
    delivered_at timestamptz,
    CONSTRAINT approved_redemption_says_when CHECK (
        (status IN ('approved', 'allocated', 'picking', 'shipped', 'delivered'))
        = (approved_at IS NOT NULL)
    ),
    CONSTRAINT ended_redemption_says_when
        CHECK ((status IN ('rejected', 'cancelled', 'expired')) = (ended_at IS NOT NULL)),
    CONSTRAINT delivered_redemption_says_when
        CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
    CONSTRAINT redemption_expires_later CHECK (expires_at > submitted_at)
);
CREATE INDEX redemptions_user_id_id_idx ON redemptions (user_id, id);
CREATE INDEX redemptions_waiting_idx ON redemptions (expires_at)
    WHERE status = 'pending_approval';
CREATE TRIGGER redemptions_of_nobody_erased BEFORE INSERT ON redemptions
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE redemption_parts (
    hold_id uuid CONSTRAINT redemption_parts_pkey PRIMARY KEY,
    redemption_id uuid NOT NULL
        CONSTRAINT redemption_parts_redemption_id_fkey REFERENCES redemptions,
    position smallint NOT NULL,
    location_id uuid NOT NULL CONSTRAINT redemption_parts_location_id_fkey REFERENCES locations,
    units integer NOT NULL CONSTRAINT redemption_part_has_units CHECK (units > 0)
);
CREATE INDEX redemption_parts_redemption_id_idx ON redemption_parts (redemption_id, position);
CREATE INDEX redemption_parts_location_id_idx ON redemption_parts (location_id);
CREATE TABLE redemption_events (
    id uuid CONSTRAINT redemption_events_pkey PRIMARY KEY,
    redemption_id uuid NOT NULL
        CONSTRAINT redemption_events_redemption_id_fkey REFERENCES redemptions,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX redemption_events_redemption_id_id_idx ON redemption_events (redemption_id, id);
"""
HOLDERS = {
    "own:redemptions:create": ["USER"],
    "own:redemptions:read": ["USER"],
    "all:redemptions:read": ["SUPPORT", "INVENTORY", "COMPLIANCE", "AUDITOR", "ADMIN"],
    "all:redemptions:decide": ["SUPPORT", "ADMIN"],
}
UNCHANGING = "redemption_quote_items, redemption_parts, redemption_events"
NEVER_DELETED = "redemptions, redemption_parts, redemption_events"


def upgrade() -> None:
    op.execute(TABLES)
    connection = op.get_bind()
    role = connection.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar_one()
    op.execute(f"REVOKE UPDATE ON redemption_quotes, redemptions, {UNCHANGING} FROM {role}")
    op.execute(f"REVOKE DELETE ON {NEVER_DELETED} FROM {role}")
    # Ring keys rotate, and statuses change.
    op.execute(
        "GRANT UPDATE (status, approved_at, ended_at, delivered_at, shipping_sealed)"
        f" ON redemptions TO {role}"
    )
    # To lock the row of a quote that is used.
    op.execute(f"GRANT UPDATE (expires_at) ON redemption_quotes TO {role}")
    for permission, roles in HOLDERS.items():
        connection.execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Drop the tables; permissions stay, because grants that were edited do."""
    op.execute(
        "DROP TABLE redemption_events, redemption_parts, redemptions, redemption_quote_items,"
        " redemption_quotes"
    )
