"""Prices: every tick of every source, and the one price per metal that orders use."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE ticks (
    metal text NOT NULL CONSTRAINT metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')),
    observed_at timestamptz NOT NULL,
    source text NOT NULL,
    bid numeric,
    ask numeric,
    mid numeric NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT ticks_pkey PRIMARY KEY (metal, observed_at, source),
    CONSTRAINT tick_in_order CHECK (
        0 < coalesce(bid, mid) AND coalesce(bid, mid) <= mid
        AND mid <= coalesce(ask, mid) AND coalesce(ask, mid) < 'Infinity')
);

CREATE TABLE market_prices (
    metal text CONSTRAINT market_prices_pkey PRIMARY KEY
        CONSTRAINT metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')),
    bid numeric(18, 6) NOT NULL,
    ask numeric(18, 6) NOT NULL,
    mid numeric(18, 6) NOT NULL,
    as_of timestamptz NOT NULL,
    source text NOT NULL,
    halted boolean NOT NULL DEFAULT false,
    halted_reason text,
    doubted_mid numeric(18, 6),
    doubted_as_of timestamptz,
    doubted_ticks smallint,
    updated_at timestamptz NOT NULL,
    CONSTRAINT price_in_order CHECK (0 < bid AND bid <= mid AND mid <= ask AND ask < 'Infinity'),
    CONSTRAINT reason_if_halted CHECK (halted = (halted_reason IS NOT NULL)),
    CONSTRAINT doubt_is_whole
        CHECK (num_nulls(doubted_mid, doubted_as_of, doubted_ticks) IN (0, 3))
) WITH (fillfactor = 50);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON ticks FROM {role}")


def downgrade() -> None:
    op.execute("DROP TABLE market_prices, ticks")
