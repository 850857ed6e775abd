"""Keep beside each person which versions of the required policies they accepted, so that an order is
checked without another trip."""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

ADD = "ALTER TABLE users ADD COLUMN accepted_policies text[] NOT NULL DEFAULT '{}'"
FILL = """
UPDATE users u SET accepted_policies = accepted.versions
FROM (
    SELECT user_id, array_agg(DISTINCT policy || '.' || version) AS versions
    FROM consents WHERE given AND policy IN ('terms', 'privacy') GROUP BY user_id
) AS accepted
WHERE u.id = accepted.user_id AND u.status <> 'erased'
"""


def upgrade() -> None:
    op.execute(ADD)
    op.execute(FILL)


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN accepted_policies")
