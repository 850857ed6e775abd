"""Features, what the environment allows of them, and the cohort that has one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from app.kit import ids
from app.kit.errors import Invalid, NotFound
from app.kit.labels import LabelledEnum, Mark, StatusEnum

SHARE_MAX = 100
PEOPLE_MAX = 100
_SHARE = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_SEPARATORS = re.compile(r"[\s,;]+")


class Feature(LabelledEnum):
    """A part of the API that can be switched off: its value, its label, the phase from which it is
    there, and the variable of the environment that switches it on as well, if there is one."""

    SUPPORT = "support", "Support desk", 2
    """What support staff do through the API."""
    VAULT_REDEMPTION = "vault_redemption", "Vault and redemption", 3, "ENABLE_VAULT_REDEMPTION"
    """Stock of the vault, and metal as coins and bars."""
    ONCHAIN = "onchain", "Chain", 3, "ENABLE_ONCHAIN"
    """Tokens of our own on a chain."""

    first_phase: int
    switch: str

    def __init__(self, value: str, label: str = "", first_phase: int = 1, switch: str = "") -> None:
        super().__init__(value, label)
        self.first_phase = first_phase
        self.switch = switch

    @property
    def needs(self) -> str:
        """What the environment has to say, for people."""
        phase = f"PHASE {self.first_phase} or later"
        return f"{phase} and {self.switch}" if self.switch else phase


class FulfilmentStrategy(StrEnum):
    """Which partner fulfils a redemption, unless its order names the other one."""

    JM = "JM"
    """JM Bullion."""
    BRINKS = "BRINKS"
    """Brink's."""


@dataclass(frozen=True, slots=True)
class FeatureCeiling:
    """What the environment allows: `switches` are the variables that are true."""

    phase: int
    switches: frozenset[str]
    fulfilment_strategy: FulfilmentStrategy

    def allows(self, feature: Feature) -> bool:
        """Return whether any person can have the feature."""
        is_switched_on = not feature.switch or feature.switch in self.switches
        return self.phase >= feature.first_phase and is_switched_on


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people who have a feature: a share of all, in percent, and `people` in any case."""

    share: int
    people: frozenset[UUID]

    def includes(self, feature: Feature, person_id: UUID) -> bool:
        """Return whether the person has the feature. Who has it at one share has it at each larger
        one; the shares of two features are independent."""
        return person_id in self.people or _place(feature, person_id) < self.share

    def is_within(self, other: "Cohort") -> bool:
        """Return whether every person of this cohort is in the other one by its declaration."""
        are_people_in = other.share == SHARE_MAX or self.people <= other.people
        return self.share <= other.share and are_people_in


#: The cohort of a feature that was never narrowed.
EVERYONE = Cohort(SHARE_MAX, frozenset())


class FeatureState(StatusEnum):
    """For whom a feature is switched on."""

    EVERYONE = "everyone", "Everyone", Mark.DONE
    """As far as the environment allows: every person."""
    SOME = "some", "Some people", Mark.UNDERWAY
    """Narrowed to a cohort."""
    OFF = "off", "Off", Mark.ENDED
    """Narrowed to no person."""
    NOT_ALLOWED = "not_allowed", "Off in the environment", Mark.STOPPED
    """The environment does not allow it."""


def state_of(cohort: Cohort, *, is_allowed: bool) -> FeatureState:
    """Return for whom a feature with this cohort is switched on."""
    if not is_allowed:
        return FeatureState.NOT_ALLOWED
    if cohort.share == SHARE_MAX:
        return FeatureState.EVERYONE
    return FeatureState.SOME if cohort.share or cohort.people else FeatureState.OFF


def _place(feature: Feature, person_id: UUID) -> int:
    """Return a number from 0 to 99 that is the same for a person and a feature for ever."""
    digest = sha256(feature.encode() + person_id.bytes).digest()
    return int.from_bytes(digest[:8]) % SHARE_MAX


def parse_share(text: str) -> int:
    """Return a share in percent. Raises `Invalid` naming `share` unless it is 0 to 100."""
    if not _SHARE.fullmatch(text) or int(text) > SHARE_MAX:
        raise Invalid("share", f"Enter a whole number from 0 to {SHARE_MAX}.")
    return int(text)


def parse_people(text: str) -> frozenset[UUID]:
    """Return the ids of people, separated by blanks, commas or lines. Raises `Invalid` naming
    `people` for a text that is no id, and for more than 100."""
    words = [word for word in _SEPARATORS.split(text) if word]
    if len(words) > PEOPLE_MAX:
        raise Invalid("people", f"Enter at most {PEOPLE_MAX} people.")
    return frozenset(_parse_person(word) for word in words)


def _parse_person(word: str) -> UUID:
    try:
        return ids.decode("usr", word)
    except NotFound:
        raise Invalid("people", f"{word[:40]!r} is not the ID of a person (usr_…).") from None


def write_people(people: Iterable[UUID]) -> str:
    """Return the ids of people as they are entered, in order."""
    return " ".join(sorted(ids.encode("usr", person_id) for person_id in people))
