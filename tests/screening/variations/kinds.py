"""All kinds of variations, with the recall that is demanded of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.screening.variations import companies, people, romanizations, scripts, typos
from tests.screening.variations.parties import ListedName

Variation = Callable[[ListedName, Random], str | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of variation.

    The demands are percent of own entries found: by name alone, with birth date and nationality,
    and with the birth date of a person who lives elsewhere. None demands nothing.
    """

    vary: Variation
    by_name: int | None
    with_facts: int | None = None
    elsewhere: int | None = None
    are_people: bool = True

    @property
    def label(self) -> str:
        """Its name in the evidence."""
        return self.vary.__name__.replace("_", " ")

    @property
    def title(self) -> str:
        """Its name as the evidence begins a line with it."""
        return f"{'People' if self.are_people else 'Companies'}, {self.label}"

    @property
    def test_id(self) -> str:
        """Its name in a CI log."""
        return f"{'person' if self.are_people else 'company'}-{self.label.replace(' ', '-')}"

    def examples(
        self, names: Sequence[ListedName], count: int, choose: Random
    ) -> Iterator[tuple[ListedName, str]]:
        """Yield at most so many listed names, each with its variation."""
        order = choose.sample(range(len(names)), len(names))
        for position in order:
            varied = self.vary(names[position], choose)
            if varied is not None:
                yield names[position], varied
                count -= 1
            if not count:
                return


def _company(vary: Variation, by_name: int | None, with_facts: int | None = None) -> Kind:
    return Kind(vary, by_name, with_facts, are_people=False)


PEOPLE = (
    Kind(people.as_listed, 100, 100, 98),
    Kind(people.in_another_order, 100, 100, 98),
    Kind(people.hyphens_dropped, 100, 100, 98),
    Kind(people.hyphens_added, 100, 100, 98),
    Kind(people.particle_respelt, 100, 100, 98),
    Kind(people.title_in_front, 100, 100, 98),
    Kind(people.suffix_behind, 100, 100, 98),
    Kind(people.words_joined, 95, 97, 97),
    Kind(people.word_parted, 95, 97, 97),
    Kind(people.half_of_double_surname, 38, 94, 91),
    Kind(people.double_surname_apart, 94, 99, 97),
    Kind(people.surname_added, 94, 96, 92),
    Kind(people.names_added, 91, 95, 92),
    Kind(people.further_given_left_out, 88, 95, 90),
    Kind(people.further_given_as_initials, 90, 96, 92),
    Kind(people.all_given_as_initials, 75, 84, 82),
    Kind(people.filler_added, 100, 100, 100),
    Kind(people.single_name, 100, 100, 100),
    Kind(romanizations.kin_of_muhammad, 100, 100, 100),
    Kind(romanizations.arabic_given_names, 92, 96, 96),
    Kind(romanizations.russian_given_name, 85, 86, 86),
    Kind(romanizations.icao_of_russian, 95, 97, 96),
    Kind(romanizations.french_of_russian, 61, 76, 75),
    Kind(romanizations.german_of_russian, 65, 83, 81),
    Kind(romanizations.french_of_arabic, 83, 93, 91),
    Kind(romanizations.south_korean, 94, 97, 94),
    Kind(romanizations.wade_giles, 45, 83, 81),
    Kind(typos.one_typo, 98, 100, 96),
    Kind(typos.one_typo_in_short_name, 75, 96, 89),
    Kind(typos.typo_in_each_word, 53, 85, 83),
    Kind(typos.two_letters_replaced, 87, 97, 96),
    Kind(typos.phonetic_in_one_place, 98),
    Kind(typos.phonetic_in_two_places, 82),
    Kind(typos.phonetic_in_three_places, 68),
    Kind(scripts.in_cyrillic, 96, 100, 100),
    Kind(scripts.in_hangul, 97, 100, 100),
    Kind(scripts.in_arabic_script, 78, 84, 83),
)
COMPANIES = (
    _company(people.as_listed, 100, 100),
    _company(companies.form_written_out, 100),
    _company(companies.form_shortened, 100),
    _company(companies.form_exchanged, 100),
    _company(companies.form_added, 100),
    _company(companies.form_left_out, 100),
    _company(companies.form_moved, 100),
    _company(companies.stock_company_in_front, 100),
    _company(companies.word_abbreviated, 93),
    _company(companies.word_added, 88, 94),
    _company(companies.country_added, 92, 95),
    _company(typos.one_typo, None),
    _company(typos.typo_in_each_word, 57),
    _company(typos.phonetic_in_one_place, 91),
    _company(typos.phonetic_in_two_places, 63),
    _company(typos.phonetic_in_three_places, 40),
    _company(scripts.company_in_cyrillic, 98),
)
