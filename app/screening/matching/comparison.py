"""How alike two names are, from the words that they share."""

from dataclasses import dataclass

from app.screening.matching.name_table import ListedName, NameTable, SearchedName
from app.screening.rules import SCORE_MAX

#: How strongly it counts when words of the searched or the listed name are missing in the other.
_SEARCHED_EXPONENT, _LISTED_EXPONENT = 0.39, 0.34
#: The weight of what is shared from which missing words count less; with less, they count more.
_SHARED_NEEDED = 1.3
_LEAST, _MOST = 0.35, 1.9
#: Names that share less than this are those of many people.
_COMMON_NAME = 1.6
#: How much of a word's weight an initial takes.
_INITIAL_SHARE = 0.75
#: How much a mistake takes from what a shared word tells.
_MISTAKE_DOUBT = 0.15
#: Of "Sad Import Export", "import" and "export" tell little.
_NOTHING_DISTINCTIVE = 0.8


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two names are, 0 to 100, and whether many people have what they share."""

    points: int
    is_common: bool


def likeness_of_weights(shared: float, searched_left: float, listed_left: float) -> float:
    """Return the likeness from weights: of shared words, and of words only one of them has."""
    if shared <= 0:
        return 0.0
    doubt = max(_LEAST, min(_MOST, _SHARED_NEEDED / shared))
    searched_share: float = (shared / (shared + searched_left)) ** (_SEARCHED_EXPONENT * doubt)
    listed_share: float = (shared / (shared + listed_left)) ** (_LISTED_EXPONENT * doubt)
    return SCORE_MAX * searched_share * listed_share


def compare_names(table: NameTable, searched: SearchedName, position: int) -> Likeness:
    """Return how alike a searched and a listed name are."""
    name = table.names[position]
    pairing = _pair_words(table, searched, name, position)
    if not pairing.letters:
        return Likeness(0, is_common=True)
    _pair_initials(table, searched, name, pairing)
    searched_left = sum(
        weight
        for place, weight in enumerate(searched.weights)
        if not pairing.searched_taken >> place & 1
    )
    listed_left = max(0.0, name.weight - pairing.weight - pairing.initials_weight)
    accuracy = max(0.0, 1 - pairing.mistakes / pairing.letters)
    if name.distinctive and not name.distinctive & pairing.listed_taken:
        accuracy *= _NOTHING_DISTINCTIVE
    alike = likeness_of_weights(pairing.certain_weight, searched_left, listed_left)
    # Shares that add up to 1 may miss it by the last bit.
    return Likeness(int(accuracy * alike + 1e-9), is_common=pairing.certain_weight < _COMMON_NAME)


@dataclass(slots=True)
class _Pairing:
    """What is the same in both names: bits of their words, mistakes, letters, and weights."""

    searched_taken: int = 0
    listed_taken: int = 0
    mistakes: float = 0.0
    letters: int = 0
    weight: float = 0.0
    #: The weight, less for mistakes.
    certain_weight: float = 0.0
    initials_weight: float = 0.0


def _pair_words(
    table: NameTable, searched: SearchedName, name: ListedName, position: int
) -> _Pairing:
    pairing = _Pairing()
    for mistakes, _, negative_weight, place, listed_bits in _pairs(searched, name, position):
        span = searched.spans[place]
        if pairing.searched_taken & span.bits or pairing.listed_taken & listed_bits:
            continue
        pairing.searched_taken |= span.bits
        pairing.listed_taken |= listed_bits
        pairing.mistakes += mistakes
        pairing.letters += max(len(span.text), _count_letters(table, name, listed_bits))
        pairing.weight -= negative_weight
        pairing.certain_weight -= negative_weight * max(0.0, 1 - mistakes * _MISTAKE_DOUBT)
    return pairing


def _pairs(
    searched: SearchedName, name: ListedName, position: int
) -> list[tuple[float, bool, float, int, int]]:
    """Return what could be the same in both, best first, word by word before joined words.

    Each is: mistakes, whether listed words are joined, minus their weight, span, bits.
    """
    pairs = [
        (mistakes, False, -name.weights[listed], place, 1 << listed)
        for place, span in enumerate(searched.spans)
        for listed, word in enumerate(name.words)
        if (mistakes := span.near.get(word)) is not None
    ]
    for part in searched.joined.get(position, ()):
        weight = sum(w for place, w in enumerate(name.weights) if part.bits >> place & 1)
        pairs.append((part.mistakes, True, -weight, part.span, part.bits))
    pairs.sort()
    return pairs


def _count_letters(table: NameTable, name: ListedName, bits: int) -> int:
    return sum(
        len(table.words.texts[word]) for place, word in enumerate(name.words) if bits >> place & 1
    )


def _pair_initials(
    table: NameTable, searched: SearchedName, name: ListedName, pairing: _Pairing
) -> None:
    """Take the words of both names that an initial in the other stands for."""
    for place, word in enumerate(searched.words):
        if pairing.searched_taken >> place & 1:
            continue
        for listed, number in enumerate(name.words):
            text = table.words.texts[number]
            is_initial = len(text) == 1 or len(word.text) == 1
            if is_initial and text[0] == word.text[0] and not pairing.listed_taken >> listed & 1:
                pairing.searched_taken |= 1 << place
                pairing.listed_taken |= 1 << listed
                pairing.initials_weight += name.weights[listed] * _INITIAL_SHARE
                break
