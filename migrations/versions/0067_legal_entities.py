"""Legal entities, and head office as a branch.

The first entity and its head office are rows of every database. Head office has the nil UUID, which
owns the house accounts of the ledger from its first entry on.
"""

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE legal_entities (
    id uuid CONSTRAINT legal_entities_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT legal_entities_code_key UNIQUE
        CONSTRAINT legal_entity_code_is_short CHECK (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
    name text NOT NULL
        CONSTRAINT legal_entity_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    jurisdiction text NOT NULL CONSTRAINT jurisdiction_is_a_code
        CHECK (jurisdiction ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    address jsonb,
    tax_number text CONSTRAINT legal_entity_tax_number_has_a_length
        CHECK (length(tax_number) BETWEEN 1 AND 30),
    cash_report_regime text NOT NULL CONSTRAINT cash_report_regime_known
        CHECK (cash_report_regime IN ('CTR', 'FORM_8300')),
    added_at timestamptz NOT NULL
);
INSERT INTO legal_entities (id, code, name, jurisdiction, cash_report_regime, added_at)
VALUES ('00000000-0000-0000-0000-000000000001', 'PBCEX', 'PBCEx', 'US', 'CTR', now());

ALTER TABLE branches ADD COLUMN legal_entity_id uuid
    CONSTRAINT branches_legal_entity_id_fkey REFERENCES legal_entities;
UPDATE branches SET legal_entity_id = '00000000-0000-0000-0000-000000000001';
ALTER TABLE branches ALTER COLUMN legal_entity_id SET NOT NULL;
CREATE INDEX branches_legal_entity_id_idx ON branches (legal_entity_id);
-- A branch may have the code already.
INSERT INTO branches (id, code, name, opened_at, legal_entity_id)
SELECT '00000000-0000-0000-0000-000000000000', min(c.code), 'Head office', now(),
    '00000000-0000-0000-0000-000000000001'
FROM (SELECT 'HQ' || repeat('0', n) AS code FROM generate_series(0, 10) n) c
WHERE NOT EXISTS (SELECT FROM branches b WHERE b.code = c.code);

ALTER TABLE users ADD CONSTRAINT teller_is_not_at_head_office
    CHECK (branch_id <> '00000000-0000-0000-0000-000000000000');
ALTER TABLE staff_invitations ADD CONSTRAINT teller_is_not_invited_to_head_office
    CHECK (branch_id <> '00000000-0000-0000-0000-000000000000');
"""


def upgrade() -> None:
    op.execute(TABLES)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"REVOKE DELETE ON legal_entities, branches FROM {role}")


def downgrade() -> None:
    """Keep head office where goods are there."""
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"GRANT DELETE ON branches TO {role}")
    op.execute("""
ALTER TABLE users DROP CONSTRAINT teller_is_not_at_head_office;
ALTER TABLE staff_invitations DROP CONSTRAINT teller_is_not_invited_to_head_office;
DELETE FROM branches WHERE id = '00000000-0000-0000-0000-000000000000'
    AND NOT EXISTS (SELECT FROM locations WHERE branch_id = branches.id);
ALTER TABLE branches DROP COLUMN legal_entity_id;
DROP TABLE legal_entities;
""")
