"""Cases, sanctions lists and screenings against them."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE cases (
    id uuid CONSTRAINT cases_pkey PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    subject text NOT NULL,
    person_id uuid,
    title text NOT NULL
        CONSTRAINT case_title_has_a_length CHECK (length(title) BETWEEN 1 AND 200),
    facts_sealed bytea NOT NULL,
    state text NOT NULL CONSTRAINT case_state_known CHECK (state IN ('open', 'closed')),
    assignee_id uuid,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by uuid,
    disposition text,
    CONSTRAINT closed_case_says_how CHECK (
        num_nulls(closed_at, disposition) = CASE state WHEN 'open' THEN 2 ELSE 0 END),
    CONSTRAINT open_case_has_no_closer CHECK (closed_by IS NULL OR state = 'closed')
);
CREATE UNIQUE INDEX cases_one_open_key ON cases (kind, key) WHERE state = 'open';
CREATE INDEX cases_state_id_idx ON cases (state, id);
CREATE INDEX cases_person_id_idx ON cases (person_id);

CREATE TABLE case_events (
    id uuid CONSTRAINT case_events_pkey PRIMARY KEY,
    case_id uuid NOT NULL CONSTRAINT case_events_case_id_fkey REFERENCES cases,
    kind text NOT NULL CONSTRAINT case_event_known
        CHECK (kind IN ('opened', 'noted', 'assigned', 'closed', 'reopened')),
    actor_id uuid,
    at timestamptz NOT NULL,
    text_sealed bytea,
    assignee_id uuid,
    disposition text,
    CONSTRAINT closing_says_how CHECK ((kind = 'closed') = (disposition IS NOT NULL)),
    CONSTRAINT case_event_says_what
        CHECK (kind NOT IN ('noted', 'closed', 'reopened') OR text_sealed IS NOT NULL)
);
CREATE INDEX case_events_case_id_id_idx ON case_events (case_id, id);

CREATE TABLE sanctions_lists (
    version integer CONSTRAINT sanctions_lists_pkey PRIMARY KEY
        CONSTRAINT list_version_counts_from_one CHECK (version > 0),
    digest bytea NOT NULL CONSTRAINT list_digest_is_sha256 CHECK (octet_length(digest) = 32),
    imported_at timestamptz NOT NULL,
    entries integer NOT NULL CONSTRAINT list_names_somebody CHECK (entries > 0),
    aliases integer NOT NULL,
    addresses integer NOT NULL,
    wallets integer NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    removed integer NOT NULL
);

CREATE TABLE sanctions_entries (
    id uuid CONSTRAINT sanctions_entries_pkey PRIMARY KEY,
    number integer NOT NULL,
    since integer NOT NULL
        CONSTRAINT sanctions_entries_since_fkey REFERENCES sanctions_lists,
    until integer CONSTRAINT sanctions_entries_until_fkey REFERENCES sanctions_lists,
    digest bytea NOT NULL,
    name text NOT NULL,
    sort text NOT NULL CONSTRAINT entry_sort_known
        CHECK (sort IN ('individual', 'entity', 'vessel', 'aircraft')),
    programs text[] NOT NULL,
    remarks text NOT NULL,
    details jsonb NOT NULL,
    aliases jsonb NOT NULL,
    addresses jsonb NOT NULL,
    CONSTRAINT entry_ends_after_start CHECK (until > since)
);
CREATE UNIQUE INDEX sanctions_entries_number_key ON sanctions_entries (number)
    WHERE until IS NULL;
CREATE INDEX sanctions_entries_until_idx ON sanctions_entries (until);

CREATE TABLE screenings (
    id uuid CONSTRAINT screenings_pkey PRIMARY KEY,
    list_version integer NOT NULL
        CONSTRAINT screenings_list_version_fkey REFERENCES sanctions_lists,
    purpose text NOT NULL,
    about text NOT NULL,
    person_id uuid,
    subject_sealed bytea NOT NULL,
    subject_key bytea NOT NULL
        CONSTRAINT subject_key_is_sha256 CHECK (octet_length(subject_key) = 32),
    threshold smallint NOT NULL
        CONSTRAINT threshold_is_a_score CHECK (threshold BETWEEN 1 AND 100),
    verdict text NOT NULL
        CONSTRAINT screening_verdict_known CHECK (verdict IN ('clear', 'review', 'blocked')),
    case_id uuid,
    screened_at timestamptz NOT NULL,
    CONSTRAINT review_has_a_case CHECK (verdict <> 'review' OR case_id IS NOT NULL)
);
CREATE INDEX screenings_person_id_id_idx ON screenings (person_id, id);
CREATE INDEX screenings_case_id_idx ON screenings (case_id);
CREATE INDEX screenings_about_id_idx ON screenings (about, id);
CREATE INDEX screenings_found_idx ON screenings (id) WHERE verdict <> 'clear';

CREATE TABLE screening_hits (
    id uuid CONSTRAINT screening_hits_pkey PRIMARY KEY,
    screening_id uuid NOT NULL
        CONSTRAINT screening_hits_screening_id_fkey REFERENCES screenings,
    entry_number integer NOT NULL,
    listed text NOT NULL,
    matched text NOT NULL,
    score smallint NOT NULL CONSTRAINT hit_score_is_a_score CHECK (score BETWEEN 0 AND 100),
    birth text NOT NULL,
    country text NOT NULL,
    cleared boolean NOT NULL
);
CREATE INDEX screening_hits_screening_id_idx ON screening_hits (screening_id);

CREATE TABLE screening_decisions (
    id uuid CONSTRAINT screening_decisions_pkey PRIMARY KEY,
    subject_key bytea NOT NULL,
    person_id uuid,
    entry_number integer NOT NULL,
    decision text NOT NULL
        CONSTRAINT decision_known CHECK (decision IN ('match', 'no_match')),
    case_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    lifted_at timestamptz
);
CREATE UNIQUE INDEX screening_decisions_subject_entry_key
    ON screening_decisions (subject_key, entry_number) WHERE lifted_at IS NULL;
CREATE INDEX screening_decisions_match_person_id_idx ON screening_decisions (person_id)
    WHERE decision = 'match' AND lifted_at IS NULL;
CREATE INDEX screening_decisions_case_id_idx ON screening_decisions (case_id);
"""

# Findings and actions are never changed, except that sealed values may be rewrapped by a new key.
RIGHTS = """
REVOKE UPDATE, DELETE ON cases, case_events, sanctions_lists, sanctions_entries, screenings,
    screening_hits, screening_decisions FROM {role};
GRANT UPDATE (facts_sealed, state, assignee_id, closed_at, closed_by, disposition)
    ON cases TO {role};
GRANT UPDATE (text_sealed) ON case_events TO {role};
GRANT UPDATE (until) ON sanctions_entries TO {role};
GRANT UPDATE (subject_sealed) ON screenings TO {role};
GRANT UPDATE (lifted_at) ON screening_decisions TO {role};
"""


def upgrade() -> None:
    op.execute(TABLES)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    op.execute(RIGHTS.format(role=op.get_bind().exec_driver_sql(setting).scalar()))


def downgrade() -> None:
    op.execute("""
DROP TABLE screening_decisions, screening_hits, screenings, sanctions_entries, sanctions_lists,
    case_events, cases;
""")
