"""Listed parties as the drill needs them: their names, and true facts about them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.screening.lists.countries import country_code
from app.screening.lists.sdn import SdnEntry
from app.screening.lists.sdn_remarks import birth_date_spans, party_countries
from app.screening.rules import PartyType

#: Where a listed person may live today without being a national.
_ELSEWHERE = ("CA", "NZ", "PT", "IE", "SG", "CL", "FI", "NO")


@dataclass(frozen=True, slots=True)
class ListedName:
    """One strong name of a listed party."""

    number: int
    text: str
    is_person: bool
    countries: frozenset[str]
    #: The party's birth dates, as first and last day.
    births: tuple[tuple[date, date], ...]
    #: All names of the party, this one included.
    all_names: tuple[str, ...]

    @property
    def given(self) -> list[str]:
        """The words after the comma; all words of a name without one."""
        return self.text.rpartition(",")[2].split()

    @property
    def family(self) -> list[str]:
        """The words before the comma."""
        return self.text.rpartition(",")[0].replace(",", " ").split()

    @property
    def words(self) -> list[str]:
        """All words, given names first."""
        return self.given + self.family

    @property
    def has_facts(self) -> bool:
        """Whether the list knows a birth date and a country."""
        return bool(self.births and self.countries)

    def choose_birth(self, choose: random.Random) -> date:
        """Return a day on which the party may have been born."""
        first, last = self.births[0]
        return first + timedelta(days=choose.randint(0, (last - first).days))

    def choose_residence_elsewhere(self, choose: random.Random) -> str:
        """Return a country that the list does not connect with the party."""
        return choose.choice([code for code in _ELSEWHERE if code not in self.countries])


def listed_names(entries: Iterable[SdnEntry], *, people: bool) -> list[ListedName]:
    """Return the strong names of all listed people, or of all listed companies."""
    wanted = PartyType.INDIVIDUAL if people else PartyType.ENTITY
    names = []
    for entry in entries:
        if entry.party_type is not wanted:
            continue
        texts = _without_repeats([entry.name, *(alias[1] for alias in entry.aliases)])
        facts = (
            party_countries(entry.remarks, [address[2] for address in entry.addresses]),
            tuple((span.first, span.last) for span in birth_date_spans(entry.remarks)),
            tuple(texts),
        )
        names += [ListedName(entry.number, text, people, *facts) for text in texts]
    return names


def is_from(name: ListedName, *countries: str) -> bool:
    """Return whether the list connects the party with one of these countries."""
    return not name.countries.isdisjoint(countries)


def home_country(origin_country: str) -> str:
    """Return the code of a country by its English name, which must be known."""
    code = country_code(origin_country)
    assert code is not None, origin_country
    return code


def _without_repeats(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))
