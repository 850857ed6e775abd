"""State the rule of balances in fewer words, which the server reads for every posting.

`least(owed, free) = 0` says that neither is negative and that they never coexist. The longer form of
0035 took a twentieth of the time of a posting.
"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

CHANGE = """
ALTER TABLE balances DROP CONSTRAINT available_not_negative;
ALTER TABLE balances ADD CONSTRAINT available_not_negative CHECK ({rule});
"""


def upgrade() -> None:
    op.execute(CHANGE.format(rule="held >= 0 AND least(owed, posted - held) = 0"))


def downgrade() -> None:
    """Restore the rule of 0035."""
    op.execute(
        CHANGE.format(
            rule="held >= 0 AND posted >= held AND (owed = 0 OR (owed > 0 AND posted = held))"
        )
    )
