"""Feature flags: who has a part of the API that the environment allows."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

HOLDERS = {"all:flags:read": ["AUDITOR", "ADMIN"], "all:flags:edit": ["ADMIN"]}

TABLE = """
CREATE TABLE flag_changes (
    id uuid CONSTRAINT flag_changes_pkey PRIMARY KEY,
    feature text NOT NULL CONSTRAINT flag_feature_known
        CHECK (feature IN ('support', 'vault_redemption', 'onchain')),
    share smallint NOT NULL CONSTRAINT flag_share_is_percent CHECK (share BETWEEN 0 AND 100),
    people uuid[] NOT NULL CONSTRAINT flag_people_are_few CHECK (cardinality(people) <= 100),
    reason text NOT NULL,
    maker_id uuid NOT NULL,
    approval_id uuid,
    made_at timestamptz NOT NULL
);
CREATE INDEX flag_changes_feature_id_idx ON flag_changes (feature, id);
"""


def upgrade() -> None:
    op.execute(TABLE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON flag_changes FROM {role}")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    op.execute("DROP TABLE flag_changes")
