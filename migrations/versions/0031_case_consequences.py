"""The history of a case lists what followed from its outcome."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_KINDS = "'opened', 'noted', 'assigned', 'closed', 'reopened'"
_WITH_TEXT = "'noted', 'closed', 'reopened'"


def upgrade() -> None:
    _check(f"{_KINDS}, 'followed'", f"{_WITH_TEXT}, 'followed'")


def downgrade() -> None:
    op.execute("DELETE FROM case_events WHERE kind = 'followed'")
    _check(_KINDS, _WITH_TEXT)


def _check(kinds: str, with_text: str) -> None:
    op.execute(f"""
ALTER TABLE case_events
    DROP CONSTRAINT case_event_known,
    DROP CONSTRAINT case_event_says_what,
    ADD CONSTRAINT case_event_known CHECK (kind IN ({kinds})),
    ADD CONSTRAINT case_event_says_what
        CHECK (kind NOT IN ({with_text}) OR text_sealed IS NOT NULL);
""")
