"""Record who owes account, role or permission to whom, and let invitations wait for approval.

What the audit trail says about the last year is carried over, so that an upgrade makes no one
independent who was invited yesterday.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sponsorships (
    id uuid CONSTRAINT sponsorships_pkey PRIMARY KEY,
    person_id uuid NOT NULL CONSTRAINT sponsorships_person_id_fkey REFERENCES users,
    sponsor_id uuid NOT NULL CONSTRAINT sponsorships_sponsor_id_fkey REFERENCES users,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT sponsorship_kind_known CHECK (
        kind IN ('invited', 'role_changed', 'reactivated', 'second_factor_removed')),
    CONSTRAINT sponsor_is_another_person CHECK (person_id <> sponsor_id)
);
CREATE INDEX sponsorships_at_idx ON sponsorships (at);
CREATE TABLE staff_invitations (
    id uuid CONSTRAINT staff_invitations_pkey PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL CONSTRAINT staff_invitations_email_key_key UNIQUE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    role text NOT NULL,
    branch_id uuid CONSTRAINT staff_invitations_branch_id_fkey REFERENCES branches,
    requested_at timestamptz NOT NULL
);
CREATE INDEX staff_invitations_requested_at_idx ON staff_invitations (requested_at);
ALTER TABLE role_grants
    ADD COLUMN granted_by uuid CONSTRAINT role_grants_granted_by_fkey REFERENCES users,
    ADD COLUMN granted_at timestamptz;
"""
# What someone owes is never forgotten by the application, and what waits for a second person is never
# changed.
RIGHTS = """
REVOKE UPDATE, DELETE ON sponsorships FROM {role};
REVOKE UPDATE ON staff_invitations FROM {role};
"""
KINDS = {
    "person.invited": "invited",
    "person.role_changed": "role_changed",
    "person.reactivated": "reactivated",
}
ACTS = sa.text("""
SELECT r.id, r.subject, coalesce(r.after ->> 'maker', '') AS maker, r.actor_id, r.action,
    r.recorded_at
FROM audit_records r
WHERE r.action IN ('person.invited', 'person.role_changed', 'person.reactivated')
    AND r.outcome = 'done' AND r.actor_id IS NOT NULL
    AND r.recorded_at > now() - interval '365 days'
""")
INSERT = sa.text("""
INSERT INTO sponsorships (id, person_id, sponsor_id, kind, at)
SELECT :id, p.id, s.id, :kind, :at FROM users p, users s
WHERE p.id = :person AND s.id = :sponsor AND p.id <> s.id
""")
GRANTS = """
UPDATE role_grants g SET granted_by = r.actor_id, granted_at = r.recorded_at
FROM (
    SELECT DISTINCT ON (subject, after ->> 'permission') subject, after ->> 'permission' AS permission,
        actor_id, recorded_at
    FROM audit_records WHERE action = 'grant.given' AND outcome = 'done'
    ORDER BY subject, after ->> 'permission', id DESC
) r
WHERE r.subject = 'role:' || g.role AND r.permission = g.permission
    AND EXISTS (SELECT FROM users u WHERE u.id = r.actor_id)
"""
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def decode(public_id: str) -> UUID:
    number = 0
    for character in public_id.partition("_")[2]:
        number = (number << 5) | ALPHABET.index(character)
    return UUID(int=number)


def upgrade() -> None:
    op.execute(TABLES)
    connection = op.get_bind()
    role = connection.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar()
    op.execute(RIGHTS.format(role=role))
    for act in connection.execute(ACTS).all():
        values = {
            "id": act.id,
            "person": decode(act.subject),
            "sponsor": decode(act.maker) if act.maker else act.actor_id,
            "kind": KINDS[act.action],
            "at": act.recorded_at,
        }
        connection.execute(INSERT, values)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("""
ALTER TABLE role_grants DROP COLUMN granted_by, DROP COLUMN granted_at;
DROP TABLE staff_invitations, sponsorships;
""")
