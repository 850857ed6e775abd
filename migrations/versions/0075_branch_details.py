"""Addresses, hours, tills and licences of branches and legal entities."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:entities:read": ["COMPLIANCE", "AUDITOR", "ADMIN"],
    "all:entities:edit": ["ADMIN"],
}
TABLES = """
ALTER TABLE branches
    ADD COLUMN address jsonb,
    ADD COLUMN phone text CONSTRAINT branch_phone_is_e164 CHECK (phone ~ '^\\+[1-9][0-9]{3,14}$'),
    ADD COLUMN time_zone text NOT NULL DEFAULT 'America/New_York',
    ADD COLUMN weekly_hours text[] NOT NULL DEFAULT '{"","","","","","",""}'
        CONSTRAINT week_has_seven_days CHECK (cardinality(weekly_hours) = 7),
    ADD COLUMN offers_pickup boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT pickup_is_at_an_address CHECK (
        NOT offers_pickup OR address IS NOT NULL AND id <> '00000000-0000-0000-0000-000000000000'
    );
CREATE TABLE branch_days (
    branch_id uuid CONSTRAINT branch_days_branch_id_fkey REFERENCES branches,
    day date,
    hours text NOT NULL,
    note text NOT NULL
        CONSTRAINT branch_day_note_has_a_length CHECK (length(note) BETWEEN 1 AND 100),
    CONSTRAINT branch_days_pkey PRIMARY KEY (branch_id, day)
);
CREATE TABLE tills (
    id uuid CONSTRAINT tills_pkey PRIMARY KEY,
    branch_id uuid NOT NULL CONSTRAINT tills_branch_id_fkey REFERENCES branches
        CONSTRAINT till_is_not_at_head_office
        CHECK (branch_id <> '00000000-0000-0000-0000-000000000000'),
    code text NOT NULL CONSTRAINT till_code_is_short CHECK (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
    name text NOT NULL CONSTRAINT till_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX tills_open_code_key ON tills (branch_id, code) WHERE closed_at IS NULL;
CREATE TABLE licences (
    id uuid CONSTRAINT licences_pkey PRIMARY KEY,
    legal_entity_id uuid NOT NULL
        CONSTRAINT licences_legal_entity_id_fkey REFERENCES legal_entities,
    branch_id uuid CONSTRAINT licences_branch_id_fkey REFERENCES branches,
    name text NOT NULL CONSTRAINT licence_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    number text NOT NULL
        CONSTRAINT licence_number_has_a_length CHECK (length(number) BETWEEN 1 AND 100),
    authority text NOT NULL
        CONSTRAINT licence_authority_has_a_length CHECK (length(authority) BETWEEN 1 AND 100),
    expires_on date,
    added_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT licences_authority_number_key UNIQUE (authority, number)
);
CREATE INDEX licences_legal_entity_id_idx ON licences (legal_entity_id);
CREATE INDEX licences_branch_id_idx ON licences (branch_id);
CREATE INDEX licences_expires_on_idx ON licences (expires_on) WHERE ended_at IS NULL;
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE DELETE ON tills, licences FROM {role}")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Keep the grants, as every migration does."""
    op.execute("""
DROP TABLE licences, tills, branch_days;
ALTER TABLE branches
    DROP CONSTRAINT pickup_is_at_an_address,
    DROP COLUMN address, DROP COLUMN phone, DROP COLUMN time_zone, DROP COLUMN weekly_hours,
    DROP COLUMN offers_pickup;
""")
