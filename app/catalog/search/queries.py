"""Named reads of the search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.catalog.search import rules
from app.catalog.search.models import SearchSynonym
from app.catalog.search.rules import Synonym, Vocabulary, WordSearch
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource

PREFIX = "syn"

# A word without a match at its beginning is compared by trigrams; a number is what it is.
_VOCABULARY = """
WITH asked AS (SELECT catalog_words(%(text)s) AS words)
SELECT asked.words AS words,
    ARRAY(SELECT word FROM unnest(asked.words) AS asked_word (word)
        WHERE length(word) >= 2 AND word !~ '[0-9]' AND NOT EXISTS (
            SELECT FROM product_words p
            WHERE p.word LIKE asked_word.word || '_%%')) AS complete_words,
    (SELECT coalesce(jsonb_object_agg(word, likes), '{}') FROM (
        SELECT word, ARRAY(
            SELECT other.word FROM product_words other WHERE other.word %% asked_word.word
            ORDER BY similarity(other.word, asked_word.word) DESC, other.word LIMIT 3
        ) AS likes
        FROM unnest(asked.words) AS asked_word (word)
        WHERE length(word) >= 4 AND word !~ '[0-9]'
            AND NOT EXISTS (SELECT FROM product_words p WHERE p.word LIKE asked_word.word || '%%')
    ) AS mistyped) AS similar_words,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(phrase_words, meaning_words)), '[]')
        FROM search_synonyms WHERE phrase_words <@ asked.words) AS synonyms
FROM asked
"""


@dataclass(frozen=True, slots=True)
class SynonymRow:
    """A synonym as staff see it."""

    id: UUID
    phrase: str
    meaning: str

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)


SYNONYMS = ListSource(
    SynonymRow,
    sa.select(SearchSynonym.id, SearchSynonym.phrase, SearchSynonym.meaning),
    key=SearchSynonym.id,
    sorts={"phrase": SearchSynonym.phrase},
    filters={"phrase": lambda text: SearchSynonym.phrase.startswith(text, autoescape=True)},
)


def get_synonym(session: Session, synonym_id: UUID) -> SynonymRow:
    """Return the synonym. Raises `NotFound`."""
    return session.get(SynonymRow, SYNONYMS.select.where(SearchSynonym.id == synonym_id))


def parse_search(session: Session, text: str) -> WordSearch | None:
    """Return the conditions of a search; None if the text has no letters or digits."""
    [(words, complete, similar, synonyms)] = session.rows(
        _VOCABULARY, {"text": text[: rules.TEXT_LENGTH_MAX]}
    )
    return rules.compose(_to_vocabulary(words, complete, similar, synonyms))


def _to_vocabulary(
    words: Sequence[str],
    complete: Sequence[str],
    similar: Mapping[str, Sequence[str]],
    synonyms: Sequence[tuple[Sequence[str], Sequence[str]]],
) -> Vocabulary:
    found = [Synonym(tuple(phrase), tuple(meaning)) for phrase, meaning in synonyms]
    return Vocabulary(words, complete, similar, found)
