"""Tables of the search."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class ProductWord(Base):
    """A word of a product, to find what a mistyped one means. The database adds them."""

    __tablename__ = "product_words"
    __table_args__ = (
        sa.Index(
            "product_words_word_idx",
            "word",
            postgresql_using="gin",
            postgresql_ops={"word": "gin_trgm_ops"},
        ),
    )

    word: Mapped[str] = mapped_column(sa.Text, primary_key=True)


class SearchSynonym(Base):
    """What customers type, and what they mean by it."""

    __tablename__ = "search_synonyms"
    __table_args__ = (
        sa.CheckConstraint(
            "cardinality(phrase_words) BETWEEN 1 AND 8 AND cardinality(meaning_words) BETWEEN 1"
            " AND 8",
            name="synonym_has_words",
        ),
        sa.UniqueConstraint("phrase_words", "meaning_words"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phrase: Mapped[str] = mapped_column(sa.Text)
    meaning: Mapped[str] = mapped_column(sa.Text)
    phrase_words: Mapped[list[str]] = mapped_column(
        sa.ARRAY(sa.Text), sa.Computed("catalog_words(phrase)", persisted=True)
    )
    meaning_words: Mapped[list[str]] = mapped_column(
        sa.ARRAY(sa.Text), sa.Computed("catalog_words(meaning)", persisted=True)
    )
