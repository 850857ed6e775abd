"""Goods that customers own are on their way to them: they left the shelf, and are not delivered."""

from alembic import op

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None

_STOCK = "'stock.available', 'stock.quarantine', 'stock.in_transit', 'stock.allocated'"


def _count_goods(stock: str, bars: str, owned: str) -> None:
    """Let these classes of accounts be of goods, and bars have these states, in some of which a
    customer owns them."""
    others = f"'customer.funding', 'customer.trading', 'customer.goods', {stock}, 'stock.position'"
    op.execute(f"""
DROP INDEX accounts_of_goods_idx;
CREATE INDEX accounts_of_goods_idx ON accounts (asset) WHERE class IN ({stock});
CREATE OR REPLACE FUNCTION ledger_accounts_of_the_exchange() RETURNS SETOF accounts
LANGUAGE sql STABLE ROWS 100 SET enable_seqscan = off SET max_parallel_workers_per_gather = 0
BEGIN ATOMIC
    SELECT * FROM accounts WHERE class NOT IN ({others});
END;
DROP INDEX accounts_of_the_exchange_idx;
CREATE INDEX accounts_of_the_exchange_idx ON accounts (id) WHERE class NOT IN ({others});
ALTER TABLE bars
    DROP CONSTRAINT bar_state_known,
    DROP CONSTRAINT sold_bar_has_an_owner,
    ADD CONSTRAINT bar_state_known CHECK (state IN ({bars})),
    ADD CONSTRAINT sold_bar_has_an_owner
        CHECK ((owner_id IS NOT NULL) = (state IN ({owned})));
ALTER TABLE bar_states
    DROP CONSTRAINT bar_came_to_a_known_state,
    ADD CONSTRAINT bar_came_to_a_known_state CHECK (state IN ({bars}));
""")


def upgrade() -> None:
    op.execute("""
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('stock.shipped', 'asset', true, 'Goods that customers own, on their way to them');
""")
    _count_goods(
        f"{_STOCK}, 'stock.picked', 'stock.shipped'",
        "'available', 'quarantine', 'in_transit', 'allocated', 'picked', 'shipped', 'delivered',"
        " 'written_off', 'returned'",
        "'allocated', 'picked', 'shipped', 'delivered'",
    )


def downgrade() -> None:
    """Forget the state. Goods must not be in it; an account of the class, once opened, stays."""
    _count_goods(
        f"{_STOCK}, 'stock.picked'",
        "'available', 'quarantine', 'in_transit', 'allocated', 'picked', 'delivered', 'written_off',"
        " 'returned'",
        "'allocated', 'picked', 'delivered'",
    )
    op.execute("""
DELETE FROM account_classes c WHERE c.code = 'stock.shipped'
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
