"""The outbox, the timetable and in-app messages."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# An outbox row is updated about four times within a second, then never again: leave room for
# updates in the page, and vacuum by the number of dead rows, not by their share of a week of rows.
TABLES = """
CREATE TABLE outbox (
    id uuid CONSTRAINT outbox_pkey PRIMARY KEY,
    task text NOT NULL,
    args jsonb NOT NULL CONSTRAINT args_are_named CHECK (jsonb_typeof(args) = 'object'),
    queue text NOT NULL,
    staged_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    sent_at timestamptz,
    sends integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    last_error text,
    done_at timestamptz,
    dead_at timestamptz,
    CONSTRAINT counts_not_negative CHECK (sends >= 0 AND tries >= 0),
    CONSTRAINT sent_at_if_sent CHECK ((sent_at IS NULL) = (sends = 0)),
    CONSTRAINT done_only_if_tried CHECK (done_at IS NULL OR tries > 0),
    CONSTRAINT dead_says_why CHECK (dead_at IS NULL OR last_error IS NOT NULL),
    CONSTRAINT done_or_dead CHECK (done_at IS NULL OR dead_at IS NULL)
) WITH (
    fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.1
);
CREATE INDEX outbox_pending_queue_due_at_idx ON outbox (queue, due_at)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_done_at_idx ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead_at_idx ON outbox (dead_at) WHERE dead_at IS NOT NULL;

CREATE TABLE timetable (
    name text CONSTRAINT timetable_pkey PRIMARY KEY,
    task text NOT NULL,
    every_seconds integer NOT NULL CONSTRAINT period_is_positive CHECK (every_seconds > 0),
    next_due_at timestamptz NOT NULL,
    last_staged_at timestamptz,
    last_outbox_id uuid
);

CREATE TABLE messages (
    id uuid CONSTRAINT messages_pkey PRIMARY KEY,
    user_id uuid NOT NULL,
    event_key text NOT NULL,
    kind text NOT NULL,
    version smallint NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz CONSTRAINT read_after_created CHECK (read_at >= created_at),
    CONSTRAINT messages_user_id_event_key_key UNIQUE (user_id, event_key)
);
CREATE INDEX messages_user_id_id_idx ON messages (user_id, id);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE messages, timetable, outbox")
