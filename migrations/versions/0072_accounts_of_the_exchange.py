"""The accounts that are neither customers' own nor of goods are read by their index, always.

There are few of them, but the planner takes them for a large part of all accounts once most
accounts are of goods, and would read every account with several processes.
"""

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION ledger_accounts_of_the_exchange() RETURNS SETOF accounts
LANGUAGE sql STABLE ROWS 100 SET enable_seqscan = off SET max_parallel_workers_per_gather = 0
BEGIN ATOMIC
    SELECT * FROM accounts WHERE class NOT IN (
        'customer.funding', 'customer.trading', 'customer.goods', 'stock.available',
        'stock.quarantine', 'stock.in_transit', 'stock.allocated', 'stock.picked', 'stock.position'
    );
END;
"""


def upgrade() -> None:
    op.execute(FUNCTION)


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_accounts_of_the_exchange")
