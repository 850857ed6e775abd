"""Carts, of people and of visitors, and what they hold."""

from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE carts (
    id uuid CONSTRAINT carts_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT carts_user_id_key UNIQUE
        CONSTRAINT carts_user_id_fkey REFERENCES users,
    token_hash bytea CONSTRAINT carts_token_hash_key UNIQUE,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT cart_has_one_holder CHECK ((user_id IS NULL) <> (token_hash IS NULL)),
    CONSTRAINT cart_expires_later CHECK (expires_at > changed_at)
);
CREATE INDEX carts_expires_at_idx ON carts (expires_at);
CREATE TRIGGER carts_of_nobody_erased BEFORE INSERT ON carts
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE cart_items (
    cart_id uuid NOT NULL
        CONSTRAINT cart_items_cart_id_fkey REFERENCES carts ON DELETE CASCADE,
    sku text NOT NULL CONSTRAINT cart_items_sku_fkey REFERENCES products,
    quantity integer NOT NULL
        CONSTRAINT cart_quantity_within_limits CHECK (quantity BETWEEN 1 AND 10000),
    added_at timestamptz NOT NULL,
    CONSTRAINT cart_items_pkey PRIMARY KEY (cart_id, sku)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("SELECT set_default_holders('own:carts:manage', '{USER}')")


def downgrade() -> None:
    op.execute("DROP TABLE cart_items, carts")
