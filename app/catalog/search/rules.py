"""How a search becomes a condition on the words of products, as pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from app.kit.errors import Invalid

#: What a longer text has further on does not narrow a search.
WORDS_MAX = 8
TEXT_LENGTH_MAX = 100
PHRASE_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Synonym:
    """Words that customers type, and the words that they mean."""

    phrase: Sequence[str]
    meaning: Sequence[str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a search, words of products that are like a mistyped one, and synonyms.

    No product has a longer word that begins as a `complete` one.
    """

    words: Sequence[str]
    complete: Sequence[str]
    similar: Mapping[str, Sequence[str]]
    synonyms: Sequence[Synonym]


@dataclass(frozen=True, slots=True)
class WordSearch:
    """Conditions of PostgreSQL's text search. `wide` finds products; those that `exact` finds, too,
    come first."""

    wide: str
    exact: str

    @property
    def is_exact(self) -> bool:
        """Whether nothing else is found than what has just the words."""
        return self.wide == self.exact


def clean_phrase(field: str, text: str) -> str:
    """Return a phrase without blanks around it. Raises `Invalid` naming the field."""
    phrase = normalize("NFC", text).strip()
    if (
        not 0 < len(phrase) <= PHRASE_LENGTH_MAX
        or not phrase.isprintable()
        or not any(character.isascii() and character.isalnum() for character in phrase)
    ):
        raise Invalid(field, f"Enter words of letters and digits (1 to {PHRASE_LENGTH_MAX}).")
    return phrase


def compose(vocabulary: Vocabulary) -> WordSearch | None:
    """Return the conditions of a search; None if it has no words, so that nothing is found.

    All words have to match: each as the beginning of a word or as one like it, a number as it is.
    The words of a synonym may match by what it means instead.
    """
    words = vocabulary.words[:WORDS_MAX]
    if not words:
        return None
    return WordSearch(
        _every_word(words, vocabulary.synonyms, lambda word: _wide_term(word, vocabulary)),
        _every_word(words, vocabulary.synonyms, _quote),
    )


def narrow(condition: str, words: Sequence[str]) -> str:
    """Return a condition of PostgreSQL's text search that requires further words."""
    return " & ".join([f"({condition})", *map(_quote, words)])


def _every_word(
    words: Sequence[str], synonyms: Sequence[Synonym], term: Callable[[str], str]
) -> str:
    conditions, remaining = [], list(dict.fromkeys(words))
    for phrase in sorted({tuple(each.phrase) for each in synonyms}, key=lambda each: -len(each)):
        if not set(phrase) <= set(remaining):
            continue
        meanings = [each.meaning for each in synonyms if tuple(each.phrase) == phrase]
        either = [_all(phrase, term), *(_all(meaning, _quote) for meaning in meanings)]
        conditions.append(f"({' | '.join(either)})")
        remaining = [word for word in remaining if word not in phrase]
    return " & ".join([*conditions, *(term(word) for word in remaining)])


def _all(words: Sequence[str], term: Callable[[str], str]) -> str:
    return f"({' & '.join(term(word) for word in words)})"


def _wide_term(word: str, vocabulary: Vocabulary) -> str:
    if any(character.isdigit() for character in word):
        return _quote(word)
    # An index finds a word sooner than all words with a beginning.
    own = _quote(word) if word in vocabulary.complete else f"{_quote(word)}:*"
    similar = vocabulary.similar.get(word, ())
    return f"({' | '.join([own, *map(_quote, similar)])})" if similar else own


def _quote(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
