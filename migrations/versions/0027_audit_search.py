"""Find audit records by outcome, by the person concerned, and by words of the reason."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX audit_records_outcome_id_idx ON audit_records (outcome, id)")
    op.execute("CREATE INDEX audit_records_on_behalf_of_id_idx ON audit_records (on_behalf_of, id)")
    op.execute(
        "CREATE INDEX audit_records_reason_idx ON audit_records"
        " USING gin (to_tsvector('simple', coalesce(reason, '')))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX audit_records_reason_idx")
    op.execute("DROP INDEX audit_records_on_behalf_of_id_idx")
    op.execute("DROP INDEX audit_records_outcome_id_idx")
