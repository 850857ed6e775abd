"""PINs with which a second person confirms an act at a colleague's screen."""

from alembic import op

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE staff_pins (
    user_id uuid NOT NULL CONSTRAINT staff_pins_pkey PRIMARY KEY
        CONSTRAINT staff_pins_user_id_fkey REFERENCES users,
    pin_hash text NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TRIGGER staff_pins_of_no_erased_person BEFORE INSERT ON staff_pins
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
""")


def downgrade() -> None:
    """Forget the PINs."""
    op.execute("DROP TABLE staff_pins")
