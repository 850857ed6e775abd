"""The default holders of each permission are migrated, in place of a copy from the running code.

A permission that is added, removed, or given to other roles has a migration that calls
`set_default_holders`. Grants that an administrator edited stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SET_DEFAULT_HOLDERS = """
CREATE FUNCTION set_default_holders(permission_name text, holders text[]) RETURNS void
LANGUAGE sql AS $$
INSERT INTO permissions (name) VALUES (permission_name) ON CONFLICT DO NOTHING;
WITH edited AS (
    SELECT DISTINCT ON (subject) split_part(subject, ':', 2) AS role, (after ->> 'held')::boolean AS held
    FROM audit_records
    WHERE action IN ('grant.given', 'grant.taken') AND outcome = 'done'
        AND after ->> 'permission' = permission_name
    ORDER BY subject, id DESC
), taken AS (
    DELETE FROM role_grants
    WHERE permission = permission_name AND role <> ALL (holders)
        AND role NOT IN (SELECT role FROM edited WHERE held)
)
INSERT INTO role_grants (role, permission)
SELECT holder, permission_name FROM unnest(holders) AS h (holder)
WHERE holder NOT IN (SELECT role FROM edited WHERE NOT held)
ON CONFLICT DO NOTHING;
$$;
REVOKE ALL ON FUNCTION set_default_holders FROM PUBLIC;
"""
EVERYONE = "USER SUPPORT TELLER INVENTORY COMPLIANCE AUDITOR ADMIN"
HOLDERS = {
    "all:approvals:decide": "COMPLIANCE ADMIN",
    "all:approvals:read": "COMPLIANCE AUDITOR ADMIN",
    "all:audit:read": "AUDITOR ADMIN",
    "all:branches:edit": "ADMIN",
    "all:cases:read": "SUPPORT COMPLIANCE AUDITOR ADMIN",
    "all:cases:work": "SUPPORT COMPLIANCE ADMIN",
    "all:custody:read": "COMPLIANCE AUDITOR ADMIN",
    "all:exposure:read": "AUDITOR ADMIN",
    "all:grants:edit": "ADMIN",
    "all:jobs:read": "AUDITOR ADMIN",
    "all:jobs:revive": "ADMIN",
    "all:keys:read": "AUDITOR ADMIN",
    "all:keys:rotate": "ADMIN",
    "all:kyc:decide": "COMPLIANCE ADMIN",
    "all:kyc:read": "SUPPORT COMPLIANCE AUDITOR ADMIN",
    "all:kyc:review": "SUPPORT COMPLIANCE ADMIN",
    "all:payments:read": "SUPPORT COMPLIANCE AUDITOR ADMIN",
    "all:payments:release": "COMPLIANCE ADMIN",
    "all:people:erase": "COMPLIANCE ADMIN",
    "all:people:read": "SUPPORT COMPLIANCE AUDITOR ADMIN",
    "all:people:suspend": "COMPLIANCE ADMIN",
    "all:reconciliation:ask": "COMPLIANCE ADMIN",
    "all:reconciliation:read": "COMPLIANCE AUDITOR ADMIN",
    "all:roles:assign": "ADMIN",
    "all:roles:read": "AUDITOR ADMIN",
    "all:screening:read": "COMPLIANCE AUDITOR ADMIN",
    "all:staff:invite": "ADMIN",
    "branch:branches:read": "TELLER AUDITOR ADMIN",
    "branch:kyc:verify": "TELLER ADMIN",
    "own:account:change": EVERYONE,
    "own:account:erase": "USER",
    "own:account:read": EVERYONE,
    "own:addresses:change": "USER",
    "own:addresses:read": "USER",
    "own:api_keys:manage": "USER",
    "own:balances:read": "USER",
    "own:consents:manage": EVERYONE,
    "own:deposits:create": "USER",
    "own:deposits:read": "USER",
    "own:email:confirm": EVERYONE,
    "own:exports:manage": EVERYONE,
    "own:kyc:read": "USER",
    "own:kyc:submit": "USER",
    "own:messages:read": EVERYONE,
    "own:notifications:choose": EVERYONE,
    "own:orders:place": "USER",
    "own:orders:read": "USER",
    "own:password:change": EVERYONE,
    "own:quotes:create": "USER",
    "own:second_factor:change": EVERYONE,
    "own:sessions:revoke": EVERYONE,
    "own:transfers:create": "USER",
    "own:withdrawals:create": "USER",
    "own:withdrawals:read": "USER",
}


def upgrade() -> None:
    op.execute(SET_DEFAULT_HOLDERS)
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles.split()},
        )


def downgrade() -> None:
    """Keep the grants: nobody loses access when a release is reverted."""
    op.execute("DROP FUNCTION set_default_holders")
