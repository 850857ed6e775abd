"""Verifications of people and companies, their steps, owners and documents."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE verifications (
    id uuid CONSTRAINT verifications_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT verifications_user_id_fkey REFERENCES users,
    kind text NOT NULL CONSTRAINT verification_kind_known
        CHECK (kind IN ('identity', 'enhanced', 'business')),
    status text NOT NULL CONSTRAINT verification_status_known CHECK (status IN
        ('pending', 'in_review', 'more_needed', 'approved', 'rejected', 'expired', 'superseded',
         'withdrawn')),
    tier integer NOT NULL CONSTRAINT tier_known CHECK (tier BETWEEN 0 AND 3),
    details_sealed bytea,
    id_number_index bytea CONSTRAINT id_number_index_is_a_mac
        CHECK (id_number_index IS NULL OR octet_length(id_number_index) = 32),
    flags text[] NOT NULL DEFAULT '{}'::text[],
    reasons text[] NOT NULL DEFAULT '{}'::text[],
    provider text,
    provider_reference text,
    provider_status text,
    provider_link_sealed bytea,
    submitted_at timestamptz NOT NULL,
    look_at timestamptz,
    decided_at timestamptz,
    expires_at timestamptz,
    warned_at timestamptz,
    kept_until timestamptz,
    CONSTRAINT tier_is_an_identitys CHECK (kind = 'identity' OR tier = 0),
    CONSTRAINT details_unless_enhanced CHECK ((kind = 'enhanced') = (details_sealed IS NULL)),
    CONSTRAINT approved_with_evidence CHECK (status <> 'approved' OR (
        decided_at IS NOT NULL AND expires_at IS NOT NULL AND (kind <> 'identity' OR tier >= 2)
        AND cardinality(flags) = 0)),
    CONSTRAINT reasons_if_refused
        CHECK (status NOT IN ('rejected', 'more_needed') OR cardinality(reasons) > 0),
    CONSTRAINT rejected_has_no_tier CHECK (status <> 'rejected' OR tier = 0),
    CONSTRAINT reference_of_a_provider CHECK (provider_reference IS NULL OR provider IS NOT NULL),
    CONSTRAINT verifications_provider_provider_reference_key
        UNIQUE (provider, provider_reference)
);
CREATE UNIQUE INDEX verifications_one_open_key ON verifications (user_id, kind)
    WHERE status IN ('pending', 'in_review', 'more_needed');
CREATE INDEX verifications_user_id_id_idx ON verifications (user_id, id);
CREATE INDEX verifications_status_id_idx ON verifications (status, id);
CREATE INDEX verifications_look_at_idx ON verifications (look_at)
    WHERE kind = 'identity' AND status IN ('pending', 'in_review');
CREATE INDEX verifications_id_number_index_idx ON verifications (id_number_index)
    WHERE id_number_index IS NOT NULL;

CREATE TABLE verification_events (
    id uuid CONSTRAINT verification_events_pkey PRIMARY KEY,
    verification_id uuid NOT NULL CONSTRAINT verification_events_verification_id_fkey
        REFERENCES verifications ON DELETE CASCADE,
    from_status text,
    to_status text NOT NULL,
    tier integer NOT NULL,
    reasons text[] NOT NULL DEFAULT '{}'::text[],
    actor_id uuid,
    note text,
    at timestamptz NOT NULL
);
CREATE INDEX verification_events_verification_id_idx
    ON verification_events (verification_id, id);

CREATE TABLE beneficial_owners (
    id uuid CONSTRAINT beneficial_owners_pkey PRIMARY KEY,
    verification_id uuid NOT NULL CONSTRAINT beneficial_owners_verification_id_fkey
        REFERENCES verifications ON DELETE CASCADE,
    details_sealed bytea NOT NULL,
    share_bps integer NOT NULL
        CONSTRAINT share_is_a_part CHECK (share_bps BETWEEN 0 AND 10000),
    controls boolean NOT NULL,
    CONSTRAINT owner_owns_or_controls CHECK (controls OR share_bps >= 2500)
);
CREATE INDEX beneficial_owners_verification_id_idx ON beneficial_owners (verification_id);

CREATE TABLE kyc_documents (
    id uuid CONSTRAINT kyc_documents_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT kyc_documents_user_id_fkey REFERENCES users,
    purpose text NOT NULL CONSTRAINT document_purpose_known CHECK (purpose IN
        ('identity', 'address', 'funds', 'registration', 'licence', 'ownership')),
    media_type text NOT NULL CONSTRAINT document_type_known
        CHECK (media_type IN ('image/jpeg', 'application/pdf')),
    size_bytes integer NOT NULL CONSTRAINT document_is_not_empty CHECK (size_bytes > 0),
    content_index bytea NOT NULL
        CONSTRAINT content_index_is_a_mac CHECK (octet_length(content_index) = 32),
    key_sealed bytea NOT NULL,
    content bytea NOT NULL,
    uploaded_at timestamptz NOT NULL,
    kept_until timestamptz,
    CONSTRAINT kyc_documents_user_id_purpose_content_index_key
        UNIQUE (user_id, purpose, content_index)
);
-- What is encrypted does not get smaller.
ALTER TABLE kyc_documents ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TRIGGER verifications_of_nobody_erased BEFORE INSERT ON verifications
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TRIGGER kyc_documents_of_nobody_erased BEFORE INSERT ON kyc_documents
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
"""

# Submissions and decisions are never changed, except that sealed values may be rewrapped.
RIGHTS = """
REVOKE UPDATE ON verification_events, kyc_documents, beneficial_owners FROM {role};
GRANT UPDATE (key_sealed, kept_until) ON kyc_documents TO {role};
GRANT UPDATE (details_sealed) ON beneficial_owners TO {role};
"""


def upgrade() -> None:
    op.execute(TABLES)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    op.execute(RIGHTS.format(role=op.get_bind().exec_driver_sql(setting).scalar_one()))


def downgrade() -> None:
    op.execute("DROP TABLE kyc_documents, beneficial_owners, verification_events, verifications;")
