"""What is known of a product beside its weights, and when customers see it."""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

DETAILS = (
    "name, reorder_below, slug, tax_class, short_text, long_text, variant_group, mint, year,"
    " face_value, face_currency, is_legal_tender, gtin, width_mm, height_mm, thickness_mm, age_min,"
    " restricted_states, display_order, published_from, published_until"
)

COLUMNS = """
ALTER TABLE products
    DROP CONSTRAINT product_form_known,
    ADD CONSTRAINT product_form_known
        CHECK (form IN ('coin', 'round', 'bar', 'sheet', 'coil')),
    ADD COLUMN weight_basis text
        CONSTRAINT product_weight_basis_known CHECK (weight_basis IN ('declared', 'measured')),
    ADD COLUMN is_serialized boolean NOT NULL DEFAULT false,
    ADD COLUMN slug text CONSTRAINT slug_is_of_a_url CHECK (slug ~ '^[a-z0-9-]{1,80}$'),
    ADD COLUMN tax_class text CONSTRAINT product_tax_class_known CHECK (tax_class IN (
        'bullion', 'legal_tender', 'numismatic', 'processed', 'copper', 'accessory'
    )),
    ADD COLUMN short_text text NOT NULL DEFAULT '',
    ADD COLUMN long_text text NOT NULL DEFAULT '',
    ADD COLUMN variant_group text
        CONSTRAINT group_is_of_a_url CHECK (variant_group ~ '^[a-z0-9-]{1,80}$'),
    ADD COLUMN mint text,
    ADD COLUMN year smallint CONSTRAINT year_of_our_time CHECK (year BETWEEN 1 AND 2100),
    ADD COLUMN face_value numeric(12, 2) CONSTRAINT face_value_positive CHECK (face_value > 0),
    ADD COLUMN face_currency text,
    ADD COLUMN is_legal_tender boolean NOT NULL DEFAULT false,
    ADD COLUMN gtin text CONSTRAINT products_gtin_key UNIQUE
        CONSTRAINT gtin_has_14_digits CHECK (gtin ~ '^[0-9]{14}$'),
    ADD COLUMN width_mm numeric(7, 2),
    ADD COLUMN height_mm numeric(7, 2),
    ADD COLUMN thickness_mm numeric(7, 2),
    ADD COLUMN age_min smallint CONSTRAINT age_is_of_a_person CHECK (age_min BETWEEN 1 AND 120),
    ADD COLUMN restricted_states text[] NOT NULL DEFAULT '{}',
    ADD COLUMN display_order integer NOT NULL DEFAULT 1000,
    ADD COLUMN published_from date,
    ADD COLUMN published_until date,
    ADD CONSTRAINT only_bars_have_serials CHECK (NOT is_serialized OR form = 'bar'),
    ADD CONSTRAINT face_value_is_whole CHECK ((face_value IS NULL) = (face_currency IS NULL)),
    ADD CONSTRAINT dimensions_positive CHECK (least(width_mm, height_mm, thickness_mm) > 0),
    ADD CONSTRAINT published_for_a_time
        CHECK (published_until IS NULL OR published_from <= published_until);
-- A coin has the weight that its mint declares. Staff look at the tax class before it is published.
UPDATE products SET
    weight_basis = CASE WHEN fine_units = trunc(gross_units * fineness) THEN 'measured'
        ELSE 'declared' END,
    tax_class = CASE WHEN metal = 'CU' THEN 'copper' WHEN form = 'coin' THEN 'legal_tender'
        ELSE 'bullion' END,
    is_legal_tender = metal <> 'CU' AND form = 'coin',
    slug = regexp_replace(lower(sku), '-+', '-', 'g');
ALTER TABLE products
    ADD CONSTRAINT products_slug_key UNIQUE (slug),
    ALTER weight_basis SET NOT NULL,
    ALTER slug SET NOT NULL,
    ALTER tax_class SET NOT NULL,
    ALTER is_serialized DROP DEFAULT,
    ALTER short_text DROP DEFAULT,
    ALTER long_text DROP DEFAULT,
    ALTER is_legal_tender DROP DEFAULT,
    ALTER restricted_states DROP DEFAULT,
    ALTER display_order DROP DEFAULT;
CREATE INDEX products_variant_group_idx ON products (variant_group);
"""


def _application_role() -> str:
    role: str = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    return role


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(f"GRANT UPDATE ({DETAILS}) ON products TO {_application_role()}")


def downgrade() -> None:
    """Remove the details. Products of forms that the older version lacks must be gone before."""
    op.execute("""
ALTER TABLE products
    DROP CONSTRAINT product_form_known,
    ADD CONSTRAINT product_form_known CHECK (form IN ('coin', 'round', 'bar')),
    DROP CONSTRAINT only_bars_have_serials,
    DROP CONSTRAINT face_value_is_whole,
    DROP CONSTRAINT dimensions_positive,
    DROP CONSTRAINT published_for_a_time,
    DROP COLUMN weight_basis, DROP COLUMN is_serialized, DROP COLUMN slug, DROP COLUMN tax_class,
    DROP COLUMN short_text, DROP COLUMN long_text, DROP COLUMN variant_group, DROP COLUMN mint,
    DROP COLUMN year, DROP COLUMN face_value, DROP COLUMN face_currency,
    DROP COLUMN is_legal_tender, DROP COLUMN gtin, DROP COLUMN width_mm, DROP COLUMN height_mm,
    DROP COLUMN thickness_mm, DROP COLUMN age_min, DROP COLUMN restricted_states,
    DROP COLUMN display_order, DROP COLUMN published_from, DROP COLUMN published_until;
""")
