"""Text messages, the delivery of emails and text messages, and notification settings."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE mails
    ADD COLUMN delivery text CONSTRAINT mail_delivery_known
        CHECK (delivery IN ('delivered', 'undelivered', 'bounced')),
    ADD COLUMN delivery_at timestamptz,
    ADD CONSTRAINT mail_delivery_says_when CHECK ((delivery IS NULL) = (delivery_at IS NULL));

CREATE TABLE texts (
    id uuid CONSTRAINT texts_pkey PRIMARY KEY,
    user_id uuid NOT NULL,
    event_key text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL CONSTRAINT text_state_known
        CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    uncertain integer NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    handed_over_at timestamptz,
    last_error text,
    staged_at timestamptz NOT NULL,
    sent_at timestamptz,
    carrier_id text,
    delivery text CONSTRAINT text_delivery_known
        CHECK (delivery IN ('delivered', 'undelivered', 'bounced')),
    delivery_at timestamptz,
    CONSTRAINT texts_user_id_event_key_key UNIQUE (user_id, event_key),
    CONSTRAINT text_sent_says_when CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT carried_if_sent CHECK (carrier_id IS NULL OR state = 'sent'),
    CONSTRAINT text_sending_is_claimed CHECK ((state = 'sending') = (claimed_until IS NOT NULL)),
    CONSTRAINT text_not_sent_says_why
        CHECK (state NOT IN ('refused', 'dropped') OR last_error IS NOT NULL),
    CONSTRAINT text_counts_not_negative CHECK (attempts >= 0 AND uncertain >= 0),
    CONSTRAINT text_delivery_says_when CHECK ((delivery IS NULL) = (delivery_at IS NULL))
);
CREATE INDEX texts_staged_at_idx ON texts (staged_at);
CREATE UNIQUE INDEX texts_carrier_id_key ON texts (carrier_id);

CREATE TABLE notification_choices (
    user_id uuid NOT NULL
        CONSTRAINT notification_choices_user_id_fkey REFERENCES users,
    topic text NOT NULL,
    channel text NOT NULL,
    wanted boolean NOT NULL,
    chosen_at timestamptz NOT NULL,
    CONSTRAINT notification_choices_pkey PRIMARY KEY (user_id, topic, channel)
);
CREATE TRIGGER notification_choices_of_nobody_erased BEFORE INSERT ON notification_choices
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("""
DROP TABLE notification_choices, texts;
ALTER TABLE mails DROP COLUMN delivery, DROP COLUMN delivery_at;
""")
