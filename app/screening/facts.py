"""What screening publishes."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.facts import Fact
from app.screening.rules import Verdict


@dataclass(frozen=True, slots=True)
class ScreeningDecided(Fact):
    """A decision about a hit was made or lifted.

    `about` is the public id of what was screened; `verdict` is what holds for it from now on. In
    the history of the case the subscribers say what followed.
    """

    about: str
    person_id: UUID | None
    verdict: Verdict
    case_id: UUID | None = None
