"""Imports of sanctions lists, screenings and decisions at the same time."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.cases import service as cases
from app.cases.errors import CaseClosed
from app.kit import ids
from app.kit.preparation import run_prepared
from app.screening import queries as screening_queries
from app.screening.decisions import case_outcomes
from app.screening.errors import ImportRunning
from app.screening.lists import activation, sdn
from app.screening.lists.imports import ImportResult, import_list
from app.screening.matching import service as screening
from app.screening.matching.service import ScreeningResult
from app.screening.rules import ScreeningSubject, Verdict
from tests import sanctions
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(5, 100)
STANDING = [
    (1, "ESPERPENTO VILLANOVA, Dragomir Casimir", "individual", ""),
    (2, "UMBRAVITZ, Xenobia", "individual", ""),
]
Record = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def _list_of_the_sample(arena: Arena) -> Iterator[None]:
    """Import the sample list before and after each test."""
    sanctions.import_sample_list(arena.database)
    yield
    sanctions.import_sample_list(arena.database)


def screen_person(arena: Arena, person_id: UUID, name: str = sanctions.LISTED_NAME) -> Act:
    def act() -> ScreeningResult:
        with arena.database.transaction() as session:
            return screening.screen(
                session,
                ScreeningSubject((name,)),
                about=ids.encode("usr", person_id),
                purpose="race",
                person_id=person_id,
            )

    return partial(run_prepared, arena.database, act)


def close_case_as(arena: Arena, officer: Actor, case_id: UUID) -> Act:
    def act() -> bool:
        with arena.database.transaction() as session:
            cases.close(
                session,
                officer,
                case_id,
                disposition=case_outcomes.NOT_A_MATCH,
                reason="another birth date",
            )
        return True

    return act


def list_cases(arena: Arena, person_id: UUID) -> list[str]:
    with arena.database.reading() as session:
        rows = session.rows("SELECT state FROM cases WHERE person_id = %s", (person_id,))
    return [state for (state,) in rows]


def test_screenings_during_an_import_name_the_version_they_used(
    arena: Arena, tmp_path: Path, record_property: Record
) -> None:
    chances, counted = seeded_random("imports"), Counter[str]()
    people = [arena.people.customer().user_id for _ in range(THREADS // 2)]

    for number in rounds(ROUNDS, "imports"):
        name = f"PHANTASMOS, Melchior {ids.new().hex[-12:]}"
        parties = [*STANDING, (3, name, "individual", "")]
        files = sdn.read_files(
            sanctions.write_files(tmp_path, parties, comments=[(1, f"round {number}")])
        )

        def run_import(list_files: sdn.SdnFiles = files) -> ImportResult:
            with arena.database.transaction() as session:
                result = import_list(
                    session, list_files, progress=lambda _stored: None, accept_shrunk=True
                )
            activation.activate(arena.database, result.version)
            return result

        acts = [screen_person(arena, person, name) for person in people]
        outcomes = arena.all_at_once([*acts, *[run_import] * (THREADS - len(acts))], chances)
        imported = winners(outcomes[len(acts) :], ImportRunning)
        [new_import] = [
            result for result in imported if isinstance(result, ImportResult) and result.is_new
        ]
        for result in winners(outcomes[: len(acts)]):
            assert isinstance(result, ScreeningResult)
            is_new = result.list_version == new_import.version
            assert result.list_version in {new_import.version, new_import.version - 1}
            assert result.verdict is (Verdict.REVIEW if is_new else Verdict.CLEAR)
            counted["new" if is_new else "old"] += 1
    record_property(
        "evidence",
        f"One list imported by {THREADS - len(people)} while {len(people)} screen: {ROUNDS} rounds;"
        f" one version each, and {counted['old']} screenings against the list before,"
        f" {counted['new']} against the new one, as each says.",
    )


def test_person_screened_by_many_has_one_case(arena: Arena, record_property: Record) -> None:
    chances = seeded_random("cases")
    for _ in rounds(ROUNDS, "cases"):
        person = arena.people.customer().user_id
        outcomes = arena.all_at_once([screen_person(arena, person)] * THREADS, chances)
        results = winners(outcomes)
        assert (
            len({result.case_id for result in results if isinstance(result, ScreeningResult)}) == 1
        )
        assert len(results) == THREADS
        assert list_cases(arena, person) == ["open"]
    record_property(
        "evidence", f"One person screened by {THREADS}: {ROUNDS} rounds; one case each."
    )


def test_decision_covers_screenings_at_that_moment(arena: Arena, record_property: Record) -> None:
    chances, officer = seeded_random("decisions"), arena.people.staff(Role.COMPLIANCE)
    for _ in rounds(ROUNDS, "decisions"):
        person = arena.people.customer().user_id
        first = screen_person(arena, person)()
        assert isinstance(first, ScreeningResult)
        assert first.case_id is not None
        close = close_case_as(arena, officer, first.case_id)
        acts = [close, close, *[screen_person(arena, person)] * (THREADS - 2)]
        outcomes = arena.all_at_once(acts, chances)
        assert winners(outcomes[:2], CaseClosed) == [True]
        assert len(winners(outcomes[2:])) == THREADS - 2
        # A screening before the decision is covered by it; a later one reads it.
        assert list_cases(arena, person) == ["closed"]
        with arena.database.reading() as session:
            assert screening_queries.verdict_of(session, person) is Verdict.CLEAR
    record_property(
        "evidence",
        f"A case closed by two while {THREADS - 2} screen the same person: {ROUNDS} rounds; it was"
        " closed once, and no other was left open.",
    )
