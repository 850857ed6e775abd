"""The tree of categories, and the search: words of products, similar words, and synonyms."""

from alembic import op

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None

WORDS = r"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- The words of a text as the search compares them: small letters without accents, a unit apart from
-- its number, fractions whole, no plurals.
CREATE FUNCTION catalog_words(text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(string_to_array(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    translate(lower($1), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy'),
    '[^a-z0-9/.]+', ' ', 'g'),
    '(?<![0-9])[/.]+|[/.]+(?![0-9])', ' ', 'g'),
    '(?<=[0-9])(?=[a-z])|(?<=[a-z])(?=[0-9])', ' ', 'g'),
    '([a-z]{2,}[^s0-9 ])s\M', '\1', 'g'), ' '), '');
"""

TABLES = """
CREATE TABLE product_categories (
    id uuid CONSTRAINT product_categories_pkey PRIMARY KEY,
    parent_id uuid CONSTRAINT product_categories_parent_id_fkey REFERENCES product_categories,
    slug text NOT NULL CONSTRAINT product_categories_slug_key UNIQUE
        CONSTRAINT category_slug_is_of_a_url CHECK (slug ~ '^[a-z0-9-]{1,80}$'),
    name text NOT NULL
        CONSTRAINT category_name_has_a_length CHECK (length(name) BETWEEN 1 AND 60),
    display_order integer NOT NULL,
    CONSTRAINT category_is_not_its_own_parent CHECK (parent_id <> id)
);
CREATE INDEX product_categories_parent_id_idx ON product_categories (parent_id);
ALTER TABLE products
    ADD COLUMN category_id uuid
        CONSTRAINT products_category_id_fkey REFERENCES product_categories,
    ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (array_to_tsvector(catalog_words(
        name || ' ' || sku || ' ' || form || ' ' || coalesce(mint, '') || ' '
        || coalesce(variant_group, '') || ' ' || coalesce(year::text, '') || ' ' || short_text
        || ' ' || metal || CASE metal WHEN 'AU' THEN ' gold' WHEN 'AG' THEN ' silver'
        WHEN 'PT' THEN ' platinum' WHEN 'PD' THEN ' palladium' ELSE ' copper' END
    ))) STORED;
CREATE INDEX products_search_idx ON products USING gin (search);
CREATE INDEX products_category_id_idx ON products (category_id);
CREATE INDEX products_in_order_idx ON products (display_order, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX products_newest_idx ON products (published_from, sku)
    WHERE published_from IS NOT NULL;
CREATE INDEX products_by_weight_idx ON products (fine_units, sku)
    WHERE published_from IS NOT NULL;
CREATE TABLE product_words (word text CONSTRAINT product_words_pkey PRIMARY KEY);
CREATE INDEX product_words_word_idx ON product_words USING gin (word gin_trgm_ops);
CREATE TABLE search_synonyms (
    id uuid CONSTRAINT search_synonyms_pkey PRIMARY KEY,
    phrase text NOT NULL,
    meaning text NOT NULL,
    phrase_words text[] NOT NULL GENERATED ALWAYS AS (catalog_words(phrase)) STORED,
    meaning_words text[] NOT NULL GENERATED ALWAYS AS (catalog_words(meaning)) STORED,
    CONSTRAINT search_synonyms_phrase_words_meaning_words_key UNIQUE (phrase_words, meaning_words),
    CONSTRAINT synonym_has_words CHECK (
        cardinality(phrase_words) BETWEEN 1 AND 8 AND cardinality(meaning_words) BETWEEN 1 AND 8
    )
);
INSERT INTO search_synonyms (id, phrase, meaning)
SELECT gen_random_uuid(), phrase, meaning FROM (VALUES
    ('ounce', 'oz'), ('kilo', '1 kg'), ('kilogram', 'kg'), ('gram', 'g'), ('krug', 'krugerrand'),
    ('ase', 'silver eagle'), ('age', 'gold eagle'), ('maple', 'maple leaf'),
    ('philly', 'philharmonic'), ('brit', 'britannia'), ('ingot', 'bar'), ('half', '1/2'),
    ('quarter', '1/4'), ('tenth', '1/10')
) AS known (phrase, meaning);
"""

# One INSERT of sorted words for each statement, so that two of them do not wait in a circle.
TRIGGERS = """
CREATE FUNCTION keep_product_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_words
    SELECT DISTINCT new_word FROM changed, unnest(tsvector_to_array(changed.search)) AS new_word
    WHERE new_word ~ '[a-z]{3}' AND NOT EXISTS (SELECT FROM product_words WHERE word = new_word)
    ORDER BY new_word ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER added_words AFTER INSERT ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_product_words();
CREATE TRIGGER changed_words AFTER UPDATE ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_product_words();
INSERT INTO product_words
SELECT DISTINCT new_word FROM products, unnest(tsvector_to_array(search)) AS new_word
WHERE new_word ~ '[a-z]{3}';
"""


def upgrade() -> None:
    op.execute(WORDS)
    op.execute(TABLES)
    op.execute(TRIGGERS)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"GRANT UPDATE (category_id) ON products TO {role}")
    op.execute(f"REVOKE UPDATE, DELETE ON product_words FROM {role}")
    op.execute(f"REVOKE UPDATE ON search_synonyms FROM {role}")
    op.execute(f"REVOKE DELETE ON product_categories FROM {role}")


def downgrade() -> None:
    op.execute("""
DROP TRIGGER added_words ON products;
DROP TRIGGER changed_words ON products;
DROP FUNCTION keep_product_words();
ALTER TABLE products DROP COLUMN search, DROP COLUMN category_id;
DROP INDEX products_in_order_idx, products_newest_idx, products_by_weight_idx;
DROP TABLE product_words, search_synonyms, product_categories;
DROP FUNCTION catalog_words(text);
DROP EXTENSION pg_trgm;
""")
