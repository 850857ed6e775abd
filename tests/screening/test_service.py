"""Screening somebody: what is kept, what opens a case, and what its end brings about."""

from datetime import date
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.errors import CaseClosed, OwnCase
from app.identity.accounts.people import get_account as standing_of
from app.kit import ids
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.screening import queries as screening_queries
from app.screening.decisions import case_decisions
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.matching.service import ScreeningResult
from app.screening.rules import PartyType, ScreeningSubject, Verdict
from tests import sanctions
from tests.people import People
from tests.unchanged_database import database_unchanged

REASON = "the passport says something else"


@pytest.fixture
def officer(people: People) -> Actor:
    return people.staff(Role.COMPLIANCE)


def screened(
    database: Database, who: Actor | None, *names: str, purpose: str = "onboarding"
) -> ScreeningResult:
    """Screen somebody; without account, as the counterparty of a payout."""
    person_id = who.user_id if who else None
    about = ids.encode("usr", person_id) if person_id else "wdr_of_a_test"
    with database.transaction() as session:
        return screening.screen(
            session,
            ScreeningSubject(names or (sanctions.LISTED_NAME,)),
            about=about,
            purpose=purpose,
            person_id=person_id,
        )


def closed(
    database: Database, officer: Actor, screening: ScreeningResult, disposition: str
) -> UUID:
    """Decide the case of a screening."""
    assert screening.case_id is not None
    with database.transaction() as session:
        cases.close(session, officer, screening.case_id, disposition=disposition, reason=REASON)
    return screening.case_id


def standing(database: Database, who: Actor) -> Verdict | None:
    with database.reading() as session:
        return screening_queries.verdict_of(session, who.user_id)


def unlike(name: str) -> str:
    """A name that nobody else in these tests has."""
    return f"{name} {ids.new().hex.translate(str.maketrans('0123456789', 'ghijklmnop'))}"


def test_somebody_else_passes_and_it_is_kept(listed: Database, people: People) -> None:
    who = people.customer()
    assert standing(listed, who) is None
    found = screened(listed, who, "Grace Hopper")
    assert (found.verdict, found.hits, found.case_id) == (Verdict.CLEAR, (), None)
    assert found.is_clear
    assert standing(listed, who) is Verdict.CLEAR
    with listed.reading() as session:
        kept = screening_queries.screening(session, found.id)
        assert screening_queries.hits(session, found.id) == []
    assert kept.subject["names"] == ["Grace Hopper"]
    assert (kept.purpose, kept.about) == ("onboarding", ids.encode("usr", who.user_id))
    assert (kept.list_version, kept.threshold) == (found.list_version, 85)
    assert kept.person_id == who.user_id


def test_who_was_screened_is_sealed(listed: Database, people: People) -> None:
    name = unlike("Xanthippe")
    screened(listed, people.customer(), name)
    screened(listed, None, f"{sanctions.LISTED_NAME} {name[:5]}")
    with listed.reading() as session:
        for table in ("screenings", "cases", "audit_records", "outbox"):
            [(text,)] = session.rows(f"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t")
            assert name not in text
            assert name.encode().hex() not in text


def test_a_listed_name_opens_one_case_whoever_asks_how_often(
    listed: Database, people: People, officer: Actor
) -> None:
    who = people.customer()
    found = screened(listed, who)
    assert found.verdict is Verdict.REVIEW
    assert [(each.entry_number, each.score) for each in found.hits] == [(1, 100)]
    again = screened(listed, who, purpose="payout")
    assert (again.verdict, again.case_id) == (Verdict.REVIEW, found.case_id)
    assert standing(listed, who) is Verdict.REVIEW
    assert found.case_id is not None
    with listed.reading() as session:
        case = cases_queries.case(session, officer, found.case_id)
        facts = cases_queries.facts(session, found.case_id)
        events = cases_queries.events(session, found.case_id)
    assert (case.person_id, case.subject) == (who.user_id, ids.encode("usr", who.user_id))
    assert facts["names"] == sanctions.LISTED_NAME
    assert facts["screening"] == ids.encode("scr", found.id)
    assert facts["hit 1"] == (
        "ESPERPENTO VILLANOVA, Dragomir Casimir (name, entry 1), score 100;"
        " birth date: unknown, country: unknown"
    )
    assert [event.kind for event in events] == ["opened"]


def test_a_name_that_cannot_be_compared_waits_for_compliance(
    listed: Database, people: People, officer: Actor
) -> None:
    who, other = people.customer(), people.customer()
    found = screened(listed, who, "Иван Петров")
    assert (found.verdict, [each.entry_number for each in found.hits]) == (Verdict.REVIEW, [0])
    assert found.case_id is not None
    with listed.reading() as session:
        case = cases_queries.case(session, officer, found.case_id)
    assert case.title == "Name that cannot be compared"
    assert screened(listed, who, "Иван Петров").case_id == found.case_id
    # Once looked at it passes, and no other such name does, nor that of somebody else.
    closed(listed, officer, found, case_decisions.NOT_A_MATCH)
    assert screened(listed, who, "Иван Петров").verdict is Verdict.CLEAR
    assert screened(listed, who, "Пётр Иванов").verdict is Verdict.REVIEW
    assert screened(listed, other, "Иван Петров").verdict is Verdict.REVIEW
    # What can be compared of it still is.
    mixed = screened(listed, other, sanctions.LISTED_NAME, "Ŧom")
    assert [each.entry_number for each in mixed.hits] == [1, 0]


def test_a_counterparty_whose_name_cannot_be_compared_is_not_taken_for_another(
    listed: Database, officer: Actor
) -> None:
    closed(listed, officer, screened(listed, None, "Анна Каренина"), case_decisions.NOT_A_MATCH)
    assert screened(listed, None, "Анна Каренина").verdict is Verdict.CLEAR
    assert screened(listed, None, "Анна Облонская").verdict is Verdict.REVIEW


def test_what_is_found_later_is_noted_in_the_open_case(
    listed: Database, people: People, tmp_path: pytest.TempPathFactory
) -> None:
    who = people.customer()
    first = screened(listed, who)
    folder = sanctions.write_files(
        tmp_path,  # type: ignore[arg-type]
        [(1, "ESPERPENTO VILLANOVA, Dragomir Casimir", "individual", ""),
         (7, "ESPERPENTO VILLANOVA, Dragomira Casimir", "individual", "")],
    )  # fmt: skip
    sanctions.import_folder(listed, folder)
    second = screened(listed, who)
    assert [each.entry_number for each in second.hits] == [1, 7]
    assert second.case_id == first.case_id
    assert first.case_id is not None
    with listed.reading() as session:
        noted = [event.text for event in cases_queries.events(session, first.case_id)][1:]
    assert len(noted) == 1
    assert "entry 7" in noted[0]
    assert "entry 1)" not in noted[0]


def test_not_a_match_clears_this_person_and_this_entry_from_then_on(
    listed: Database, people: People, officer: Actor
) -> None:
    who, other = people.customer(), people.customer()
    closed(listed, officer, screened(listed, who), case_decisions.NOT_A_MATCH)
    assert standing(listed, who) is Verdict.CLEAR
    again = screened(listed, who)
    assert (again.verdict, again.case_id) == (Verdict.CLEAR, None)
    with listed.reading() as session:
        assert [each.cleared for each in screening_queries.hits(session, again.id)] == [True]
        assert not screening_queries.is_blocked(session, person_id=who.user_id)
    # Another entry, another name of theirs, and another person of the same name are looked into.
    assert screened(listed, who, "Xenobia Umbravitz").verdict is Verdict.REVIEW
    assert (
        screened(listed, who, sanctions.LISTED_NAME, "Dragan Esperpento").verdict is Verdict.REVIEW
    )
    assert screened(listed, other).verdict is Verdict.REVIEW


def test_a_true_match_blocks(listed: Database, people: People, officer: Actor) -> None:
    who = people.customer()
    closed(listed, officer, screened(listed, who), case_decisions.TRUE_MATCH)
    assert standing(listed, who) is Verdict.BLOCKED
    # Whatever name they give then.
    later = screened(listed, who, "Grace Hopper")
    assert (later.verdict, later.case_id, later.is_clear) == (Verdict.BLOCKED, None, False)
    with listed.reading() as session:
        assert screening_queries.is_blocked(session, person_id=who.user_id)
        assert not screening_queries.is_blocked(session, person_id=people.customer().user_id)
        assert not screening_queries.is_blocked(session)


def test_a_customer_who_is_a_true_match_is_suspended_at_once(
    listed: Database, people: People, officer: Actor
) -> None:
    who = people.customer()
    case_id = closed(listed, officer, screened(listed, who), case_decisions.TRUE_MATCH)
    with listed.transaction() as session:
        cases.reopen(session, officer, case_id, reason="it was the wrong passport")
    with listed.reading() as session:
        found = standing_of(session, who.user_id)
        recorded = session.rows(
            "SELECT actor_id, reason FROM audit_records"
            " WHERE action = 'person.suspended' AND subject = %s",
            (found.public_id,),
        )
    # Opening the case again lets nobody back in.
    reason = f"Sanctions match in case {ids.encode('cas', case_id)}"
    assert (found.status, found.suspended_reason) == ("suspended", reason)
    assert recorded == [(officer.user_id, reason)]


def test_who_is_no_match_or_one_of_the_staff_is_not_suspended(
    listed: Database, people: People, officer: Actor
) -> None:
    cleared, helper = people.customer(), people.staff(Role.SUPPORT)
    closed(listed, officer, screened(listed, cleared), case_decisions.NOT_A_MATCH)
    closed(listed, officer, screened(listed, helper), case_decisions.TRUE_MATCH)
    with listed.reading() as session:
        for person in (cleared, helper):
            assert standing_of(session, person.user_id).status == "active"
        assert screening_queries.is_blocked(session, person_id=helper.user_id)


def test_a_counterparty_without_account_is_told_by_name_and_birth_date(
    listed: Database, officer: Actor
) -> None:
    name = unlike(sanctions.LISTED_NAME)
    day = date(1960, 6, 14)

    def check(born: date | None, *names: str) -> ScreeningResult:
        with listed.transaction() as session:
            return screening.screen(
                session, ScreeningSubject(names or (name,), born), about="wdr_1", purpose="payout"
            )

    found = check(day)
    assert found.verdict is Verdict.REVIEW
    closed(listed, officer, found, case_decisions.TRUE_MATCH)
    assert check(day).verdict is Verdict.BLOCKED
    assert check(day, name.upper()).verdict is Verdict.BLOCKED
    assert check(None).verdict is Verdict.REVIEW
    with listed.reading() as session:
        assert screening_queries.is_blocked(session, subject=ScreeningSubject((name,), day))
        assert not screening_queries.is_blocked(session, subject=ScreeningSubject((name,)))


def test_opened_again_what_was_decided_is_taken_back(
    listed: Database, people: People, officer: Actor
) -> None:
    for disposition in (case_decisions.TRUE_MATCH, case_decisions.NOT_A_MATCH):
        who = people.customer()
        case_id = closed(listed, officer, screened(listed, who), disposition)
        with listed.transaction() as session:
            cases.reopen(session, officer, case_id, reason="it was the wrong passport")
        assert standing(listed, who) is Verdict.REVIEW
        again = screened(listed, who)
        assert (again.verdict, again.case_id) == (Verdict.REVIEW, case_id)
        other = (
            case_decisions.NOT_A_MATCH
            if disposition == case_decisions.TRUE_MATCH
            else case_decisions.TRUE_MATCH
        )
        closed(listed, officer, again, other)
        expected = Verdict.CLEAR if other == case_decisions.NOT_A_MATCH else Verdict.BLOCKED
        assert standing(listed, who) is expected


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> str:
    """A room above that wants to be told."""
    name = "screening.told_in_a_test"
    monkeypatch.setattr(kit_tasks, "_TASKS", dict(kit_tasks._TASKS))
    monkeypatch.setattr(case_decisions, "_DECISION_TASKS", [])
    kit_tasks.task(name)(lambda session, **args: None)
    case_decisions.stage_on_decision(name)
    case_decisions.stage_on_decision(name)
    return name


def test_who_waits_for_a_decision_is_told(
    listed: Database, people: People, officer: Actor, listener: str
) -> None:
    def told() -> list[tuple[str, str]]:
        with listed.transaction() as session:
            rows = session.rows("SELECT args FROM outbox WHERE task = %s ORDER BY id", (listener,))
            session.send("DELETE FROM outbox WHERE task = %s", (listener,))
        assert all(args["person_id"] == str(who.user_id) for (args,) in rows)
        return [(args["about"], args["verdict"]) for (args,) in rows]

    who = people.customer()
    found = screened(listed, who)
    with listed.transaction() as session:
        screening.screen(
            session, ScreeningSubject((sanctions.LISTED_NAME,)), about="wdr_of_a_test",
            purpose="payout", person_id=who.user_id,
        )  # fmt: skip
    about = sorted([ids.encode("usr", who.user_id), "wdr_of_a_test"])
    assert told() == []
    case_id = closed(listed, officer, found, case_decisions.NOT_A_MATCH)
    assert told() == [(each, "clear") for each in about]
    with listed.transaction() as session:
        cases.reopen(session, officer, case_id, reason="it was the wrong passport")
    assert told() == [(each, "review") for each in about]
    closed(listed, officer, found, case_decisions.TRUE_MATCH)
    assert told() == [(each, "blocked") for each in about]
    # Cleared of something else, somebody who is blocked stays so.
    other = screened(listed, who, "Grace Hopper")
    assert other.verdict is Verdict.BLOCKED


def test_an_address_of_a_digital_currency_is_listed_or_not(
    listed: Database, officer: Actor
) -> None:
    def check(address: str) -> ScreeningResult:
        with listed.transaction() as session:
            return screening.screen_wallet(session, address, about="wdr_1", purpose="payout")

    assert check("0x" + "0" * 40).verdict is Verdict.CLEAR
    found = check(sanctions.LISTED_WALLET.lower())
    assert found.verdict is Verdict.REVIEW
    [match] = found.hits
    assert (match.entry_number, match.listed_name, match.matched_on) == (
        2,
        sanctions.LISTED_WALLET,
        "wallet",
    )
    assert check(f" {sanctions.LISTED_WALLET} ").case_id == found.case_id
    # Small and capital letters mean something in this one.
    assert check("1SampLeSampLeSampLeSampLeSampLeSam").verdict is Verdict.REVIEW
    assert check("1samplesamplesamplesamplesamplesam").verdict is Verdict.CLEAR
    closed(listed, officer, found, case_decisions.TRUE_MATCH)
    assert check(sanctions.LISTED_WALLET).verdict is Verdict.BLOCKED
    with listed.transaction() as session:
        assert found.case_id is not None
        cases.reopen(session, officer, found.case_id, reason="only for this test")


def test_without_any_list_nobody_passes(lone_app: object) -> None:
    database: Database = lone_app.extensions["database"]  # type: ignore[attr-defined]
    who = People(database).customer()
    with database_unchanged(database), pytest.raises(NoSanctionsList):
        screened(database, who, "Grace Hopper")
    with (
        database_unchanged(database),
        pytest.raises(NoSanctionsList),
        database.transaction() as session,
    ):
        screening.screen_wallet(session, sanctions.LISTED_WALLET, about="wdr_1", purpose="payout")


def test_trying_a_name_keeps_nothing(listed: Database) -> None:
    with database_unchanged(listed), listed.transaction() as session:
        version, found = screening.preview_hits(
            session, ScreeningSubject((sanctions.LISTED_NAME,), party_type=PartyType.INDIVIDUAL)
        )
        assert [match.entry_number for match in found] == [1]
        assert screening_queries.list_versions(session, 1)[0].version == version
        listings = screening_queries.listed_parties(session, [1], version)
    assert listings[1].name == "ESPERPENTO VILLANOVA, Dragomir Casimir"


def test_who_may_not_decide(listed: Database, people: People, officer: Actor) -> None:
    found = screened(listed, officer)
    assert found.case_id is not None
    support, auditor = people.staff(Role.SUPPORT), people.staff(Role.AUDITOR)
    for actor, refusal in (
        (support, NotFound),
        (auditor, PermissionDenied),
        (officer, OwnCase),
    ):
        with database_unchanged(listed), pytest.raises(refusal):
            closed(listed, actor, found, case_decisions.NOT_A_MATCH)
        with database_unchanged(listed), pytest.raises(refusal), listed.transaction() as session:
            cases.add_note(session, actor, found.case_id, "a note")
    other = people.staff(Role.COMPLIANCE)
    with database_unchanged(listed), pytest.raises(Invalid, match="disposition"):
        closed(listed, other, found, "resolved")
    closed(listed, other, found, case_decisions.NOT_A_MATCH)
    with database_unchanged(listed), pytest.raises(CaseClosed):
        closed(listed, other, found, case_decisions.TRUE_MATCH)


def test_of_no_screening_there_is_nothing_to_see(listed: Database) -> None:
    with listed.reading() as session, pytest.raises(NotFound):
        screening_queries.screening(session, ids.new())


def test_a_name_that_cannot_be_compared_is_not_said_to_be_clear(listed: Database) -> None:
    with pytest.raises(Invalid), listed.reading() as session:
        screening.preview_hits(session, ScreeningSubject(("Владимир Путин",)))
