"""Screening of subjects: what is recorded, what opens a case, and what closing it does."""

from datetime import date
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.errors import CaseClosed, OwnCase
from app.identity.accounts.people import get_account
from app.kit import ids
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.outbox.models import StagedJob
from app.screening import queries as screening_queries
from app.screening.decisions import case_outcomes
from app.screening.errors import NoSanctionsList
from app.screening.facts import ScreeningDecided
from app.screening.matching import service as screening
from app.screening.matching.service import ScreeningResult
from app.screening.rules import PartyType, ScreeningSubject, Verdict
from tests import sanctions
from tests.people import People
from tests.rows import delete_rows
from tests.unchanged_database import database_unchanged

REASON = "the passport says something else"


def screen(
    database: Database, person: Actor | None, *names: str, purpose: str = "onboarding"
) -> ScreeningResult:
    """Screen a person, or without an account, the counterparty of a payout."""
    person_id = person.user_id if person else None
    about = ids.encode("usr", person_id) if person_id else "wdr_of_a_test"
    with database.transaction() as session:
        return screening.screen(
            session,
            ScreeningSubject(names or (sanctions.LISTED_NAME,)),
            about=about,
            purpose=purpose,
            person_id=person_id,
        )


def close_case(
    database: Database, officer: Actor, screening: ScreeningResult, disposition: str
) -> UUID:
    """Close the case of a screening."""
    assert screening.case_id is not None
    with database.transaction() as session:
        cases.close(session, officer, screening.case_id, disposition=disposition, reason=REASON)
    return screening.case_id


def verdict_of(database: Database, person: Actor) -> Verdict | None:
    with database.reading() as session:
        return screening_queries.verdict_of(session, person.user_id)


def make_unique(name: str) -> str:
    """Return a name that no other test uses."""
    return f"{name} {ids.new().hex.translate(str.maketrans('0123456789', 'ghijklmnop'))}"


def test_unlisted_subject_is_clear_and_recorded(listed: Database, people: People) -> None:
    person = people.customer()
    assert verdict_of(listed, person) is None
    screened = screen(listed, person, "Grace Hopper")
    assert (screened.verdict, screened.hits, screened.case_id) == (Verdict.CLEAR, (), None)
    assert screened.is_clear
    assert verdict_of(listed, person) is Verdict.CLEAR
    with listed.reading() as session:
        recorded = screening_queries.screening(session, screened.id)
        assert screening_queries.hits(session, screened.id) == []
    assert recorded.subject["names"] == ["Grace Hopper"]
    assert (recorded.purpose, recorded.about) == ("onboarding", ids.encode("usr", person.user_id))
    assert (recorded.list_version, recorded.threshold) == (screened.list_version, 75)
    assert recorded.person_id == person.user_id


def test_screened_names_are_sealed(listed: Database, people: People) -> None:
    name = make_unique("Xanthippe")
    screen(listed, people.customer(), name)
    screen(listed, None, f"{sanctions.LISTED_NAME} {name[:5]}")
    with listed.reading() as session:
        for table in ("screenings", "cases", "audit_records", "outbox"):
            [(text,)] = session.rows(f"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t")
            assert name not in text
            assert name.encode().hex() not in text


def test_listed_name_opens_one_case_however_often_it_is_screened(
    listed: Database, people: People, officer: Actor
) -> None:
    person = people.customer()
    first = screen(listed, person)
    assert first.verdict is Verdict.REVIEW
    assert [(hit.entry_number, hit.score) for hit in first.hits] == [(1, 100)]
    second = screen(listed, person, purpose="payout")
    assert (second.verdict, second.case_id) == (Verdict.REVIEW, first.case_id)
    assert verdict_of(listed, person) is Verdict.REVIEW
    assert first.case_id is not None
    with listed.reading() as session:
        case = cases_queries.case(session, officer, first.case_id)
        facts = cases_queries.facts(session, first.case_id)
        events = cases_queries.events(session, first.case_id)
    assert (case.person_id, case.subject) == (person.user_id, ids.encode("usr", person.user_id))
    assert facts["names"] == sanctions.LISTED_NAME
    assert facts["screening"] == ids.encode("scr", first.id)
    assert facts["hit 1"] == (
        "ESPERPENTO VILLANOVA, Dragomir Casimir (name, entry 1), score 100;"
        " birth date: unknown, country: unknown"
    )
    assert [event.kind for event in events] == ["opened"]


def test_uncomparable_name_waits_for_compliance(
    listed: Database, people: People, officer: Actor
) -> None:
    # Its second letters are Latin ones, which look the same.
    person, other = people.customer(), people.customer()
    screened = screen(listed, person, "Ив\x61н Петров")
    assert (screened.verdict, [hit.entry_number for hit in screened.hits]) == (Verdict.REVIEW, [0])
    assert screened.case_id is not None
    with listed.reading() as session:
        case = cases_queries.case(session, officer, screened.case_id)
    assert case.title == "Name that cannot be compared"
    assert screen(listed, person, "Ив\x61н Петров").case_id == screened.case_id
    # Once decided it passes, but no other such name does, nor the same name of another person.
    close_case(listed, officer, screened, case_outcomes.NOT_A_MATCH)
    assert screen(listed, person, "Ив\x61н Петров").verdict is Verdict.CLEAR
    assert screen(listed, person, "Пётр Ив\x61нов").verdict is Verdict.REVIEW
    assert screen(listed, other, "Ив\x61н Петров").verdict is Verdict.REVIEW
    # Comparable names of the subject are still compared.
    mixed = screen(listed, other, sanctions.LISTED_NAME, "D\U0001f170n")
    assert [hit.entry_number for hit in mixed.hits] == [1, 0]


def test_name_in_another_script_is_compared(listed: Database, people: People) -> None:
    assert screen(listed, people.customer(), "Иван Петров").verdict is Verdict.CLEAR
    [hit] = screen(listed, people.customer(), "Драгомир Казимир Эсперпенто Вилланова").hits
    assert hit.entry_number == 1


def test_uncomparable_counterparties_are_told_apart(listed: Database, officer: Actor) -> None:
    close_case(listed, officer, screen(listed, None, "Анн\x61 Каренина"), case_outcomes.NOT_A_MATCH)
    assert screen(listed, None, "Анн\x61 Каренина").verdict is Verdict.CLEAR
    assert screen(listed, None, "Анн\x61 Облонская").verdict is Verdict.REVIEW


def test_later_hits_are_noted_in_the_open_case(
    listed: Database, people: People, tmp_path: pytest.TempPathFactory
) -> None:
    person = people.customer()
    first = screen(listed, person)
    folder = sanctions.write_files(
        tmp_path,  # type: ignore[arg-type]
        [(1, "ESPERPENTO VILLANOVA, Dragomir Casimir", "individual", ""),
         (7, "ESPERPENTO VILLANOVA, Dragomira Casimir", "individual", "")],
    )  # fmt: skip
    sanctions.import_folder(listed, folder)
    second = screen(listed, person)
    assert [hit.entry_number for hit in second.hits] == [1, 7]
    assert second.case_id == first.case_id
    assert first.case_id is not None
    with listed.reading() as session:
        noted = [event.text for event in cases_queries.events(session, first.case_id)][1:]
    assert len(noted) == 1
    assert "entry 7" in noted[0]
    assert "entry 1)" not in noted[0]


def test_false_positive_clears_this_person_for_this_entry(
    listed: Database, people: People, officer: Actor
) -> None:
    person, other = people.customer(), people.customer()
    close_case(listed, officer, screen(listed, person), case_outcomes.NOT_A_MATCH)
    assert verdict_of(listed, person) is Verdict.CLEAR
    second = screen(listed, person)
    assert (second.verdict, second.case_id) == (Verdict.CLEAR, None)
    with listed.reading() as session:
        assert [hit.cleared for hit in screening_queries.hits(session, second.id)] == [True]
        assert not screening_queries.is_blocked(session, person_id=person.user_id)
    # Another entry, another name of the person, and a namesake still need a decision.
    assert screen(listed, person, "Xenobia Umbravitz").verdict is Verdict.REVIEW
    assert (
        screen(listed, person, sanctions.LISTED_NAME, "Dragan Esperpento").verdict is Verdict.REVIEW
    )
    assert screen(listed, other).verdict is Verdict.REVIEW


def test_true_match_blocks_the_person(listed: Database, people: People, officer: Actor) -> None:
    person = people.customer()
    close_case(listed, officer, screen(listed, person), case_outcomes.TRUE_MATCH)
    assert verdict_of(listed, person) is Verdict.BLOCKED
    # Blocked under any other name, too.
    later = screen(listed, person, "Grace Hopper")
    assert (later.verdict, later.case_id, later.is_clear) == (Verdict.BLOCKED, None, False)
    with listed.reading() as session:
        assert screening_queries.is_blocked(session, person_id=person.user_id)
        assert not screening_queries.is_blocked(session, person_id=people.customer().user_id)
        assert not screening_queries.is_blocked(session)


def test_true_match_suspends_the_customer_at_once(
    listed: Database, people: People, officer: Actor
) -> None:
    person = people.customer()
    case_id = close_case(listed, officer, screen(listed, person), case_outcomes.TRUE_MATCH)
    with listed.transaction() as session:
        cases.reopen(session, officer, case_id, reason="it was the wrong passport")
    with listed.reading() as session:
        suspended = get_account(session, person.user_id)
        recorded = session.rows(
            "SELECT actor_id, reason FROM audit_records"
            " WHERE action = 'person.suspended' AND subject = %s",
            (suspended.public_id,),
        )
    # Reopening the case does not lift the suspension.
    reason = f"Sanctions match in case {ids.encode('cas', case_id)}"
    assert (suspended.status, suspended.suspended_reason) == ("suspended", reason)
    assert recorded == [(officer.user_id, reason)]


def test_false_positive_and_staff_are_not_suspended(
    listed: Database, people: People, officer: Actor
) -> None:
    cleared, helper = people.customer(), people.staff(Role.SUPPORT)
    close_case(listed, officer, screen(listed, cleared), case_outcomes.NOT_A_MATCH)
    close_case(listed, officer, screen(listed, helper), case_outcomes.TRUE_MATCH)
    with listed.reading() as session:
        for person in (cleared, helper):
            assert get_account(session, person.user_id).status == "active"
        assert screening_queries.is_blocked(session, person_id=helper.user_id)


def test_counterparty_is_identified_by_name_and_birth_date(
    listed: Database, officer: Actor
) -> None:
    name = make_unique(sanctions.LISTED_NAME)
    day = date(1960, 6, 14)

    def check(born: date | None, *names: str) -> ScreeningResult:
        with listed.transaction() as session:
            return screening.screen(
                session, ScreeningSubject(names or (name,), born), about="wdr_1", purpose="payout"
            )

    screened = check(day)
    assert screened.verdict is Verdict.REVIEW
    close_case(listed, officer, screened, case_outcomes.TRUE_MATCH)
    assert check(day).verdict is Verdict.BLOCKED
    assert check(day, name.upper()).verdict is Verdict.BLOCKED
    assert check(None).verdict is Verdict.REVIEW
    with listed.reading() as session:
        assert screening_queries.is_blocked(session, subject=ScreeningSubject((name,), day))
        assert not screening_queries.is_blocked(session, subject=ScreeningSubject((name,)))


def test_reopening_a_case_lifts_its_decision(
    listed: Database, people: People, officer: Actor
) -> None:
    for disposition in (case_outcomes.TRUE_MATCH, case_outcomes.NOT_A_MATCH):
        person = people.customer()
        case_id = close_case(listed, officer, screen(listed, person), disposition)
        with listed.transaction() as session:
            cases.reopen(session, officer, case_id, reason="it was the wrong passport")
        assert verdict_of(listed, person) is Verdict.REVIEW
        second = screen(listed, person)
        assert (second.verdict, second.case_id) == (Verdict.REVIEW, case_id)
        other = (
            case_outcomes.NOT_A_MATCH
            if disposition == case_outcomes.TRUE_MATCH
            else case_outcomes.TRUE_MATCH
        )
        close_case(listed, officer, second, other)
        expected = Verdict.CLEAR if other == case_outcomes.NOT_A_MATCH else Verdict.BLOCKED
        assert verdict_of(listed, person) is expected


@pytest.fixture
def decision_task(monkeypatch: pytest.MonkeyPatch) -> str:
    """A task of a room above that subscribes to decisions."""
    name = "tests.handle_decision"
    monkeypatch.setattr(kit_tasks, "_TASKS", dict(kit_tasks._TASKS))
    monkeypatch.setattr(kit_tasks, "_SUBSCRIBERS", {})
    kit_tasks.task(name, queue=kit_tasks.Queue.PAYMENTS, on=ScreeningDecided)(
        lambda session, about, person_id, verdict, case_id: None
    )
    return name


def test_decision_stages_the_subscribed_tasks(
    listed: Database, people: People, officer: Actor, decision_task: str
) -> None:
    def staged_verdicts() -> list[tuple[str, str]]:
        with listed.transaction() as session:
            rows = session.rows(
                "SELECT args FROM outbox WHERE task = %s ORDER BY id", (decision_task,)
            )
            delete_rows(session, StagedJob, StagedJob.task == decision_task)
        assert all(args["person_id"] == str(person.user_id) for (args,) in rows)
        return [(args["about"], args["verdict"]) for (args,) in rows]

    person = people.customer()
    screened = screen(listed, person)
    with listed.transaction() as session:
        screening.screen(
            session, ScreeningSubject((sanctions.LISTED_NAME,)), about="wdr_of_a_test",
            purpose="payout", person_id=person.user_id,
        )  # fmt: skip
    about = sorted([ids.encode("usr", person.user_id), "wdr_of_a_test"])
    assert staged_verdicts() == []
    case_id = close_case(listed, officer, screened, case_outcomes.NOT_A_MATCH)
    assert staged_verdicts() == [(screened_id, "clear") for screened_id in about]
    with listed.transaction() as session:
        cases.reopen(session, officer, case_id, reason="it was the wrong passport")
    assert staged_verdicts() == [(screened_id, "review") for screened_id in about]
    close_case(listed, officer, screened, case_outcomes.TRUE_MATCH)
    assert staged_verdicts() == [(screened_id, "blocked") for screened_id in about]
    # A blocked person stays blocked under another name.
    other = screen(listed, person, "Grace Hopper")
    assert other.verdict is Verdict.BLOCKED


def test_wallet_address_is_listed_or_not(listed: Database, officer: Actor) -> None:
    def check(address: str) -> ScreeningResult:
        with listed.transaction() as session:
            return screening.screen_wallet(session, address, about="wdr_1", purpose="payout")

    assert check("0x" + "0" * 40).verdict is Verdict.CLEAR
    screened = check(sanctions.LISTED_WALLET.lower())
    assert screened.verdict is Verdict.REVIEW
    [hit] = screened.hits
    assert (hit.entry_number, hit.listed_name, hit.matched_on) == (
        2,
        sanctions.LISTED_WALLET,
        "wallet",
    )
    assert check(f" {sanctions.LISTED_WALLET} ").case_id == screened.case_id
    # This address format is case-sensitive.
    assert check("1SampLeSampLeSampLeSampLeSampLeSam").verdict is Verdict.REVIEW
    assert check("1samplesamplesamplesamplesamplesam").verdict is Verdict.CLEAR
    close_case(listed, officer, screened, case_outcomes.TRUE_MATCH)
    assert check(sanctions.LISTED_WALLET).verdict is Verdict.BLOCKED
    with listed.transaction() as session:
        assert screened.case_id is not None
        cases.reopen(session, officer, screened.case_id, reason="only for this test")


def test_screening_without_a_list_is_refused(lone_app: object) -> None:
    database: Database = lone_app.extensions["database"]  # type: ignore[attr-defined]
    person = People(database).customer()
    with database_unchanged(database), pytest.raises(NoSanctionsList):
        screen(database, person, "Grace Hopper")
    with (
        database_unchanged(database),
        pytest.raises(NoSanctionsList),
        database.transaction() as session,
    ):
        screening.screen_wallet(session, sanctions.LISTED_WALLET, about="wdr_1", purpose="payout")


def test_preview_saves_nothing(listed: Database) -> None:
    with database_unchanged(listed), listed.transaction() as session:
        version, hits = screening.preview_hits(
            session, ScreeningSubject((sanctions.LISTED_NAME,), party_type=PartyType.INDIVIDUAL)
        )
        assert [hit.entry_number for hit in hits] == [1]
        assert screening_queries.list_versions(session, 1)[0].version == version
        listings = screening_queries.listed_parties(session, [1], version)
    assert listings[1].name == "ESPERPENTO VILLANOVA, Dragomir Casimir"


def test_case_is_decided_only_by_permitted_staff(
    listed: Database, people: People, officer: Actor
) -> None:
    screened = screen(listed, officer)
    assert screened.case_id is not None
    support, auditor = people.staff(Role.SUPPORT), people.staff(Role.AUDITOR)
    for actor, refusal in (
        (support, NotFound),
        (auditor, PermissionDenied),
        (officer, OwnCase),
    ):
        with database_unchanged(listed), pytest.raises(refusal):
            close_case(listed, actor, screened, case_outcomes.NOT_A_MATCH)
        with database_unchanged(listed), pytest.raises(refusal), listed.transaction() as session:
            cases.add_note(session, actor, screened.case_id, "a note")
    other = people.staff(Role.COMPLIANCE)
    with database_unchanged(listed), pytest.raises(Invalid, match="disposition"):
        close_case(listed, other, screened, "resolved")
    close_case(listed, other, screened, case_outcomes.NOT_A_MATCH)
    with database_unchanged(listed), pytest.raises(CaseClosed):
        close_case(listed, other, screened, case_outcomes.TRUE_MATCH)


def test_unknown_screening_is_not_found(listed: Database) -> None:
    with listed.reading() as session, pytest.raises(NotFound):
        screening_queries.screening(session, ids.new())


def test_preview_of_an_uncomparable_name_is_refused(listed: Database) -> None:
    with pytest.raises(Invalid), listed.reading() as session:
        screening.preview_hits(session, ScreeningSubject(("Владимир Пут\x69н",)))
