"""Images of products, by the hash of their content, in several sizes."""

from alembic import op

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE images (
    hash text CONSTRAINT images_pkey PRIMARY KEY
        CONSTRAINT image_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$'),
    state text NOT NULL
        CONSTRAINT image_state_known CHECK (state IN ('received', 'ready', 'refused')),
    problem text,
    source bytea,
    added_at timestamptz NOT NULL,
    CONSTRAINT image_refused_for_a_problem CHECK ((state = 'refused') = (problem IS NOT NULL)),
    CONSTRAINT image_source_is_kept_until_drawn
        CHECK ((state = 'received') = (source IS NOT NULL))
);
CREATE TABLE image_sizes (
    image_hash text NOT NULL CONSTRAINT image_sizes_image_hash_fkey
        REFERENCES images ON DELETE CASCADE,
    width integer NOT NULL,
    height integer NOT NULL,
    media_type text NOT NULL CONSTRAINT image_media_type_known
        CHECK (media_type IN ('image/webp', 'image/svg+xml')),
    hash text NOT NULL CONSTRAINT image_size_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$'),
    content bytea NOT NULL,
    CONSTRAINT image_sizes_pkey PRIMARY KEY (image_hash, width),
    CONSTRAINT image_has_an_area CHECK (width > 0 AND height > 0)
);
CREATE INDEX image_sizes_hash_idx ON image_sizes (hash);
CREATE TABLE product_images (
    id uuid CONSTRAINT product_images_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT product_images_sku_fkey REFERENCES products,
    image_hash text NOT NULL CONSTRAINT product_images_image_hash_fkey REFERENCES images,
    alt text NOT NULL
        CONSTRAINT image_says_what_it_shows CHECK (length(alt) BETWEEN 1 AND 200),
    position integer NOT NULL,
    CONSTRAINT product_images_sku_image_hash_key UNIQUE (sku, image_hash)
);
CREATE INDEX product_images_image_hash_idx ON product_images (image_hash);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE ON images, image_sizes, product_images FROM {role}")
    op.execute(f"GRANT UPDATE (state, problem, source) ON images TO {role}")
    op.execute(f"GRANT UPDATE (position) ON product_images TO {role}")


def downgrade() -> None:
    op.execute("DROP TABLE product_images, image_sizes, images;")
