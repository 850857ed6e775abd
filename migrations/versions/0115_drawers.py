"""Drawers of tellers, safes of branches, and every movement of their cash."""

from alembic import op

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None

_WORTH = (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 25, 10, 5, 1, 1, 1)
_NONE = f"{{{','.join('0' * len(_WORTH))}}}"
UPGRADE = f"""
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('till.cash', 'asset', true, 'Cash at tills'),
    ('branch.cash', 'asset', true, 'Cash in safes of branches'),
    ('cash_over_short', 'expense', false, 'Cash short, less cash over');
CREATE TABLE drawers (
    id uuid NOT NULL CONSTRAINT drawers_pkey PRIMARY KEY,
    branch_id uuid NOT NULL CONSTRAINT drawers_branch_id_fkey REFERENCES branches,
    till_id uuid NOT NULL CONSTRAINT drawers_till_id_fkey REFERENCES tills,
    teller_id uuid NOT NULL CONSTRAINT drawers_teller_id_fkey REFERENCES users,
    status text NOT NULL
        CONSTRAINT drawer_status_known CHECK (status IN ('open', 'counted', 'closed')),
    opened_at timestamptz NOT NULL,
    pieces bigint[] NOT NULL,
    counted bigint[],
    counted_at timestamptz,
    number integer,
    expected_units bigint,
    approval_id uuid CONSTRAINT drawers_approval_id_fkey REFERENCES approvals,
    closed_at timestamptz,
    CONSTRAINT drawers_branch_id_number_key UNIQUE (branch_id, number),
    CONSTRAINT drawer_holds_pieces
        CHECK (0 <= ALL (pieces) AND cardinality(pieces) = {len(_WORTH)}),
    CONSTRAINT drawer_counted_pieces
        CHECK (0 <= ALL (counted) AND cardinality(counted) = {len(_WORTH)}),
    CONSTRAINT drawer_counted_unless_open CHECK (
        num_nulls(counted, counted_at) = CASE status WHEN 'open' THEN 2 ELSE 0 END
    ),
    CONSTRAINT drawer_numbered_when_closed CHECK (
        num_nulls(number, expected_units, closed_at) = CASE status WHEN 'closed' THEN 0 ELSE 3 END
    )
);
CREATE UNIQUE INDEX drawers_active_till_key ON drawers (till_id)
    WHERE status IN ('open', 'counted');
CREATE UNIQUE INDEX drawers_active_teller_key ON drawers (teller_id)
    WHERE status IN ('open', 'counted');
CREATE INDEX drawers_teller_id_idx ON drawers (teller_id);
CREATE INDEX drawers_till_id_idx ON drawers (till_id);
CREATE TRIGGER drawers_closed_for_good BEFORE UPDATE ON drawers
    FOR EACH ROW WHEN (OLD.status = 'closed') EXECUTE FUNCTION forbid_rewriting();
CREATE TABLE safes (
    branch_id uuid NOT NULL CONSTRAINT safes_pkey PRIMARY KEY
        CONSTRAINT safes_branch_id_fkey REFERENCES branches,
    pieces bigint[] NOT NULL DEFAULT '{_NONE}',
    CONSTRAINT safe_holds_pieces
        CHECK (0 <= ALL (pieces) AND cardinality(pieces) = {len(_WORTH)})
);
CREATE TABLE cash_movements (
    id uuid NOT NULL CONSTRAINT cash_movements_pkey PRIMARY KEY,
    branch_id uuid NOT NULL CONSTRAINT cash_movements_branch_id_fkey REFERENCES branches,
    drawer_id uuid CONSTRAINT cash_movements_drawer_id_fkey REFERENCES drawers,
    kind text NOT NULL CONSTRAINT cash_movement_kind_known CHECK (
        kind IN ('float', 'refill', 'drop', 'hand_over', 'delivery', 'collection', 'deposit',
                 'withdrawal', 'variance', 'close')
    ),
    instrument text NOT NULL CONSTRAINT instrument_known
        CHECK (instrument IN ('cash', 'cashiers_cheque', 'money_order')),
    units bigint NOT NULL,
    pieces bigint[] NOT NULL,
    teller_id uuid NOT NULL CONSTRAINT cash_movements_teller_id_fkey REFERENCES users,
    witness_id uuid CONSTRAINT cash_movements_witness_id_fkey REFERENCES users,
    user_id uuid CONSTRAINT cash_movements_user_id_fkey REFERENCES users,
    reference text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT movement_is_worth_its_pieces CHECK (
        cardinality(pieces) = {len(_WORTH)}
        AND units = {" + ".join(f"pieces[{at}] * {each}" for at, each in enumerate(_WORTH, 1))}
    ),
    CONSTRAINT movement_has_two_people CHECK (teller_id <> witness_id),
    CONSTRAINT customer_if_with_one
        CHECK ((user_id IS NOT NULL) = (kind IN ('deposit', 'withdrawal')))
);
CREATE INDEX cash_movements_drawer_id_idx ON cash_movements (drawer_id, id);
CREATE INDEX cash_movements_branch_id_idx ON cash_movements (branch_id, id);
CREATE INDEX cash_movements_user_id_idx ON cash_movements (user_id, id);
CREATE INDEX cash_movements_reference_idx ON cash_movements (reference);
CREATE TRIGGER cash_movements_of_no_erased_person BEFORE INSERT ON cash_movements
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
SELECT set_default_holders('branch:drawers:read', '{{TELLER,COMPLIANCE,AUDITOR,ADMIN}}');
SELECT set_default_holders('branch:drawers:settle', '{{TELLER,COMPLIANCE,ADMIN}}');
SELECT set_default_holders('branch:drawers:work', '{{TELLER}}');
"""


def upgrade() -> None:
    op.execute(UPGRADE)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON drawers, safes, cash_movements FROM {role}")
    op.execute(
        "GRANT UPDATE (status, pieces, counted, counted_at, number, expected_units, approval_id,"
        f" closed_at) ON drawers TO {role}"
    )
    op.execute(f"GRANT UPDATE (pieces) ON safes TO {role}")


def downgrade() -> None:
    """Forget drawers and their cash; accounts of these classes, once opened, stay."""
    op.execute("DROP TABLE cash_movements, safes, drawers")
    op.execute("""
DELETE FROM account_classes c WHERE c.code IN ('till.cash', 'branch.cash', 'cash_over_short')
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
