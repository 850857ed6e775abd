"""Storage fees: days that were accrued, closed months, and charges."""

from alembic import op

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None

UPGRADE = """
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('storage_fees.au', 'income', false, 'Storage fees of gold'),
    ('storage_fees.ag', 'income', false, 'Storage fees of silver'),
    ('storage_fees.pt', 'income', false, 'Storage fees of platinum'),
    ('storage_fees.pd', 'income', false, 'Storage fees of palladium'),
    ('storage_fees.cu', 'income', false, 'Storage fees of copper');
CREATE TABLE storage_days (
    day date NOT NULL,
    metal text NOT NULL CONSTRAINT storage_day_metal_known
        CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    mid numeric(18, 6),
    rate_percent numeric NOT NULL,
    allowance_units bigint NOT NULL,
    accrued_at timestamptz NOT NULL,
    CONSTRAINT storage_days_pkey PRIMARY KEY (day, metal),
    CONSTRAINT storage_day_in_bounds
        CHECK (mid > 0 AND rate_percent >= 0 AND allowance_units >= 0)
);
CREATE TABLE storage_accruals (
    day date NOT NULL,
    metal text NOT NULL,
    user_id uuid NOT NULL CONSTRAINT storage_accruals_user_id_fkey REFERENCES users,
    ounces_units bigint NOT NULL
        CONSTRAINT storage_accrual_is_of_something CHECK (ounces_units > 0),
    CONSTRAINT storage_accruals_pkey PRIMARY KEY (day, metal, user_id)
);
CREATE INDEX storage_accruals_user_id_idx ON storage_accruals (user_id, day);
CREATE TRIGGER storage_accruals_of_no_erased_person BEFORE INSERT ON storage_accruals
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE storage_months (
    month date CONSTRAINT storage_months_pkey PRIMARY KEY
        CONSTRAINT storage_month_is_its_first_day CHECK (extract(day FROM month) = 1),
    closed_at timestamptz NOT NULL
);
CREATE TABLE storage_charges (
    id uuid CONSTRAINT storage_charges_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT storage_charges_user_id_fkey REFERENCES users,
    month date NOT NULL CONSTRAINT storage_charges_month_fkey REFERENCES storage_months,
    status text NOT NULL CONSTRAINT storage_charge_status_known
        CHECK (status IN ('due', 'charged', 'waived')),
    fee_units bigint NOT NULL
        CONSTRAINT storage_charge_is_of_something CHECK (fee_units > 0),
    try_at timestamptz NOT NULL,
    reference text,
    charged_at timestamptz,
    dollar_units bigint,
    sale_units bigint,
    owed_units bigint,
    sold_asset text,
    sold_units bigint,
    sale_price numeric,
    waived_at timestamptz,
    waived_by uuid CONSTRAINT storage_charges_waived_by_fkey REFERENCES users,
    waive_reason text,
    CONSTRAINT storage_charges_user_id_month_key UNIQUE (user_id, month),
    CONSTRAINT storage_charge_says_how_it_is_paid CHECK (
        num_nulls(reference, charged_at, dollar_units, sale_units, owed_units) IN (0, 5)
        AND (status = 'charged') <= (charged_at IS NOT NULL)
        AND (status = 'due') <= (charged_at IS NULL)
    ),
    CONSTRAINT storage_charge_is_paid_or_owed CHECK (
        dollar_units >= 0 AND sale_units >= 0 AND owed_units >= 0
        AND dollar_units + sale_units + owed_units = fee_units
    ),
    CONSTRAINT storage_sale_is_whole CHECK (
        num_nulls(sold_asset, sold_units, sale_price) IN (0, 3)
        AND (sold_asset IS NOT NULL) = (coalesce(sale_units, 0) > 0)
    ),
    CONSTRAINT storage_waiver_is_whole CHECK (
        num_nulls(waived_at, waive_reason) IN (0, 2)
        AND (status = 'waived') = (waived_at IS NOT NULL)
    )
);
CREATE INDEX storage_charges_due_idx ON storage_charges (try_at) WHERE status = 'due';
CREATE INDEX storage_charges_month_id_idx ON storage_charges (month, id);
CREATE UNIQUE INDEX storage_charges_reference_key ON storage_charges (reference);
CREATE TRIGGER storage_charges_of_no_erased_person BEFORE INSERT ON storage_charges
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE storage_charge_lines (
    charge_id uuid NOT NULL
        CONSTRAINT storage_charge_lines_charge_id_fkey REFERENCES storage_charges,
    position smallint NOT NULL,
    metal text NOT NULL CONSTRAINT storage_line_metal_known
        CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    days smallint NOT NULL,
    ounce_days_units numeric NOT NULL,
    allowance_units bigint NOT NULL,
    rate_percent numeric NOT NULL,
    value_days numeric NOT NULL,
    fee_units bigint NOT NULL,
    CONSTRAINT storage_charge_lines_pkey PRIMARY KEY (charge_id, position),
    CONSTRAINT storage_line_in_bounds CHECK (
        days > 0 AND ounce_days_units > 0 AND value_days > 0 AND rate_percent >= 0
        AND allowance_units >= 0 AND fee_units >= 0
    )
);
SELECT set_default_holders('all:storage_fees:read', '{SUPPORT,COMPLIANCE,AUDITOR,ADMIN}');
SELECT set_default_holders('all:storage_fees:waive', '{SUPPORT,ADMIN}');
"""
UNCHANGED = ("storage_days", "storage_months", "storage_charge_lines")


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    for table in UNCHANGED:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")
    op.execute(f"REVOKE UPDATE ON storage_accruals FROM {role}")
    op.execute(f"REVOKE DELETE ON storage_charges FROM {role}")


def downgrade() -> None:
    """Forget storage fees. The permissions stay: grants that were edited are kept; so does an
    account of a class, once opened."""
    for table in ("storage_charge_lines", "storage_charges", "storage_months", "storage_accruals",
                  "storage_days"):  # fmt: skip
        op.execute(f"DROP TABLE {table}")
    op.execute("""
DELETE FROM account_classes c WHERE c.code LIKE 'storage_fees.%'
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code)
""")
