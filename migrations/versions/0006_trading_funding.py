"""Quotes, orders and transfers."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE quotes (
    id uuid CONSTRAINT quotes_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT quotes_user_id_fkey REFERENCES users,
    from_asset text NOT NULL,
    to_asset text NOT NULL,
    given_units bigint NOT NULL,
    received_units bigint NOT NULL,
    price numeric NOT NULL,
    fee_asset text NOT NULL,
    fee_units bigint NOT NULL,
    spread_units bigint NOT NULL,
    rounding_units bigint NOT NULL,
    quoted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT quote_sides_differ CHECK (from_asset <> to_asset),
    CONSTRAINT quote_amounts_positive
        CHECK (given_units > 0 AND received_units > 0 AND fee_units >= 0 AND price > 0),
    CONSTRAINT quote_expires_later CHECK (expires_at > quoted_at)
);

CREATE TABLE orders (
    id uuid CONSTRAINT orders_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT orders_user_id_fkey REFERENCES users,
    quote_id uuid CONSTRAINT orders_quote_id_key UNIQUE
        CONSTRAINT orders_quote_id_fkey REFERENCES quotes,
    from_asset text NOT NULL,
    to_asset text NOT NULL,
    given_units bigint NOT NULL,
    received_units bigint NOT NULL,
    price numeric NOT NULL,
    fee_asset text NOT NULL,
    fee_units bigint NOT NULL,
    executed_at timestamptz NOT NULL,
    CONSTRAINT order_sides_differ CHECK (from_asset <> to_asset),
    CONSTRAINT order_amounts_positive
        CHECK (given_units > 0 AND received_units > 0 AND fee_units >= 0 AND price > 0)
);
CREATE INDEX orders_user_id_id_idx ON orders (user_id, id);

CREATE TABLE transfers (
    id uuid CONSTRAINT transfers_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT transfers_user_id_fkey REFERENCES users,
    from_asset text NOT NULL,
    to_asset text NOT NULL,
    units bigint NOT NULL CONSTRAINT transfer_moves_something CHECK (units > 0),
    transferred_at timestamptz NOT NULL,
    CONSTRAINT transfer_sides_differ CHECK (from_asset <> to_asset)
);
CREATE INDEX transfers_user_id_transferred_at_idx ON transfers (user_id, transferred_at);
""")


def downgrade() -> None:
    op.execute("DROP TABLE transfers, orders, quotes")
