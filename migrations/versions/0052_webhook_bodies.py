"""Store the body of a webhook once, with one of its events."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE webhook_events ALTER COLUMN body_sealed DROP NOT NULL;
ALTER TABLE webhook_events ADD COLUMN body_of uuid
    REFERENCES webhook_events (id) ON DELETE CASCADE;
ALTER TABLE webhook_events ADD CONSTRAINT one_body_for_each_delivery
    CHECK ((body_sealed IS NULL) = (body_of IS NOT NULL));
CREATE INDEX webhook_events_body_of_idx ON webhook_events (body_of) WHERE body_of IS NOT NULL;
""")


def downgrade() -> None:
    # A body is bound to its row: events without one of their own are received again, if at all.
    op.execute("""
DELETE FROM webhook_events WHERE body_of IS NOT NULL;
ALTER TABLE webhook_events DROP COLUMN body_of;
ALTER TABLE webhook_events ALTER COLUMN body_sealed SET NOT NULL;
""")
