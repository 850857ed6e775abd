"""Blind indexes of who submitted an identity, and of where they live. Earlier ones have none."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE verifications
    ADD COLUMN person_index bytea,
    ADD COLUMN address_index bytea,
    ADD CONSTRAINT person_index_is_a_mac
        CHECK (person_index IS NULL OR octet_length(person_index) = 32),
    ADD CONSTRAINT address_index_is_a_mac
        CHECK (address_index IS NULL OR octet_length(address_index) = 32);
CREATE INDEX verifications_person_index_idx ON verifications (person_index)
    WHERE person_index IS NOT NULL;
CREATE INDEX verifications_address_index_idx ON verifications (address_index)
    WHERE address_index IS NOT NULL;
""")


def downgrade() -> None:
    op.execute("""
ALTER TABLE verifications DROP COLUMN person_index, DROP COLUMN address_index;
""")
