"""Cases: opened once, worked on by permitted staff, closed with a reason, and kept."""

from collections.abc import Callable
from types import MappingProxyType
from uuid import UUID

import pytest

from app.access import Actor, Permission, Role
from app.cases import personal as cases_personal
from app.cases import queries as cases_queries
from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.errors import CaseClosed, CaseOpen, OwnCase
from app.cases.models import Case
from app.cases.registry import CaseKind, CaseOutcome
from app.cases.rules import CaseState
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.list_query import ListQuery, fetch_all, fetch_page
from tests.people import People
from tests.rows import read_values
from tests.unchanged_database import database_unchanged

KIND = "test.difference"
REASON = "the bank has corrected it"
FACTS = {"ledger": "10.00", "bank": "9.50"}


def open_case(
    database: Database, *, kind: str = KIND, key: str = "", person_id: UUID | None = None
) -> UUID:
    with database.transaction() as session:
        return cases.open_case(
            session,
            kind=kind,
            subject="bank",
            key=key or str(ids.new()),
            title="The ledger and the bank differ",
            facts=FACTS,
            person_id=person_id,
        )


def list_events(database: Database, case_id: UUID) -> list[tuple[str, UUID | None, str]]:
    with database.reading() as session:
        return [(str(e.kind), e.actor_id, e.text) for e in cases_queries.events(session, case_id)]


def list_audit_actions(database: Database, case_id: UUID) -> list[str]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT action FROM audit_records WHERE subject = %s ORDER BY id",
            (ids.encode("cas", case_id),),
        )
    return [action for (action,) in rows]


def test_case_is_opened_worked_on_closed_and_reopened(
    database: Database, people: People, officer: Actor
) -> None:
    case_id, colleague = open_case(database), people.staff(Role.SUPPORT)
    with database.transaction() as session:
        cases.add_note(session, officer, case_id, "  Called them. \nThey look into it.\n")
        cases.assign(session, officer, case_id, colleague.user_id)
        cases.assign(session, officer, case_id, colleague.user_id)
        cases.assign(session, colleague, case_id, None)
        cases.close(session, colleague, case_id, disposition="resolved", reason=REASON)
    with database.reading() as session:
        case = cases_queries.case(session, officer, case_id)
        assert dict(cases_queries.facts(session, case_id)) == FACTS
    assert (case.state, case.outcome, case.closed_by) == (
        CaseState.CLOSED, "Resolved", colleague.user_id,
    )  # fmt: skip
    assert list_events(database, case_id) == [
        ("opened", None, ""),
        ("noted", officer.user_id, "Called them.\nThey look into it."),
        ("assigned", officer.user_id, ""),
        ("assigned", colleague.user_id, ""),
        ("closed", colleague.user_id, REASON),
    ]
    assert list_audit_actions(database, case_id) == [
        "case.opened", "case.noted", "case.assigned", "case.assigned", "case.closed",
    ]  # fmt: skip
    with database.transaction() as session:
        cases.reopen(session, officer, case_id, reason="it differs again")
    with database.reading() as session:
        case = cases_queries.case(session, officer, case_id)
    assert (case.state, case.outcome, case.closed_at, case.closed_by) == (
        CaseState.OPEN, "", None, None,
    )  # fmt: skip
    assert list_events(database, case_id)[-1] == ("reopened", officer.user_id, "it differs again")
    assert list_audit_actions(database, case_id)[-1] == "case.reopened"


def test_kind_and_key_have_one_open_case(database: Database, officer: Actor) -> None:
    key = str(ids.new())
    case_id = open_case(database, key=key)
    with database_unchanged(database):
        assert open_case(database, key=key) == case_id
    assert open_case(database, key=key, kind="test.other") != case_id
    with database.transaction() as session:
        cases.close(session, None, case_id, disposition="no_action", reason="it went away")
    another = open_case(database, key=key)
    assert another != case_id
    # While that one is open, the first cannot be reopened.
    with database_unchanged(database), pytest.raises(CaseOpen), database.transaction() as session:
        cases.reopen(session, officer, case_id, reason=REASON)
    assert [kind for kind, _, _ in list_events(database, case_id)] == ["opened", "closed"]


def test_facts_and_notes_are_sealed(database: Database, officer: Actor) -> None:
    case_id = open_case(database)
    with database.transaction() as session:
        cases.add_note(session, officer, case_id, "zanzibar in a note")
        [facts] = read_values(session, Case.facts_sealed, Case.id == case_id)
        [(texts,)] = session.rows(
            "SELECT string_agg(text_sealed, '') FROM case_events WHERE case_id = %s", (case_id,)
        )
    assert b"9.50" not in bytes(facts)
    assert b"zanzibar" not in bytes(texts)


CaseAct = Callable[[Session, Actor, UUID], None]
ACTS: dict[str, CaseAct] = {
    "note": lambda session, actor, case_id: cases.add_note(session, actor, case_id, "a note"),
    "assign": lambda session, actor, case_id: cases.assign(session, actor, case_id, actor.user_id),
    "close": lambda session, actor, case_id: cases.close(
        session, actor, case_id, disposition="resolved", reason=REASON
    ),
    "reopen": lambda session, actor, case_id: cases.reopen(session, actor, case_id, reason=REASON),
}


def assert_refused(
    database: Database, refusal: type[Exception], act: Callable[[Session], None]
) -> None:
    with database_unchanged(database), pytest.raises(refusal), database.transaction() as session:
        act(session)


@pytest.mark.parametrize("verb", ACTS)
def test_act_without_permission_is_refused(
    database: Database, people: People, officer: Actor, verb: str
) -> None:
    act, case_id = ACTS[verb], open_case(database, person_id=officer.user_id)
    auditor, customer = people.staff(Role.AUDITOR), people.customer()
    assert_refused(database, PermissionDenied, lambda s: act(s, auditor, case_id))
    assert_refused(database, NotFound, lambda s: act(s, customer, case_id))
    assert_refused(database, OwnCase, lambda s: act(s, officer, case_id))
    assert_refused(database, NotFound, lambda s: act(s, officer, ids.new()))
    other = people.staff(Role.SUPPORT)
    if verb != "reopen":
        with database.transaction() as session:
            ACTS["close"](session, other, case_id)
        assert_refused(database, CaseClosed, lambda s: act(s, other, case_id))
    else:
        assert_refused(database, CaseOpen, lambda s: act(s, other, case_id))


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "a\x00b", "\ud800"])
def test_empty_long_or_unreadable_note_is_refused(
    database: Database, officer: Actor, text: str
) -> None:
    case_id = open_case(database)
    assert_refused(database, Invalid, lambda s: cases.add_note(s, officer, case_id, text))


def test_invalid_reason_disposition_or_assignee_is_refused(
    database: Database, people: People, officer: Actor
) -> None:
    case_id = open_case(database, person_id=people.staff(Role.SUPPORT).user_id)
    for reason in ("", "no", "ask ada@example.com about it"):
        assert_refused(
            database,
            Invalid,
            lambda s, reason=reason: cases.close(
                s, officer, case_id, disposition="resolved", reason=reason
            ),
        )
    assert_refused(
        database,
        Invalid,
        lambda s: cases.close(s, officer, case_id, disposition="true_match", reason=REASON),
    )
    with database.reading() as session:
        subject = cases_queries.case(session, officer, case_id).person_id
    for person_id in (people.customer().user_id, people.staff(Role.AUDITOR).user_id, subject):
        assert_refused(
            database,
            Invalid,
            lambda s, assignee=person_id: cases.assign(s, officer, case_id, assignee),
        )


@pytest.fixture
def secret_kind(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, CaseOutcome]]:
    """A kind that only compliance sees, and the outcomes that its room received."""
    outcomes: list[tuple[str, CaseOutcome]] = []
    monkeypatch.setattr(cases_registry, "_KINDS", dict(cases_registry._KINDS))
    cases_registry.register(
        CaseKind(
            "test.secret",
            "Secret",
            dispositions=MappingProxyType({"yes": "Yes", "no": "No"}),
            read_permission=Permission.SCREENING_READ,
            on_closed=lambda _session, ended: outcomes.append(("closed", ended)),
            on_reopened=lambda _session, ended: outcomes.append(("reopened", ended)),
        )
    )
    return outcomes


def test_kind_decides_visibility_and_consequences(
    database: Database, people: People, officer: Actor, secret_kind: list[tuple[str, CaseOutcome]]
) -> None:
    key, support = str(ids.new()), people.staff(Role.SUPPORT)
    case_id = open_case(database, kind="test.secret", key=key)
    for verb in ACTS.values():
        assert_refused(database, NotFound, lambda s, act=verb: act(s, support, case_id))
    with database.reading() as session:
        with pytest.raises(NotFound):
            cases_queries.case(session, support, case_id)
        query = ListQuery({"kind": "test.secret"}, "-opened")
        assert fetch_page(session, cases_queries.visible_cases(support), query).rows == []
        [seen] = fetch_page(session, cases_queries.visible_cases(officer), query).rows
        assert seen.id == case_id
        assert "test.secret" in [
            kind.name for kind in cases_queries.visible_kinds(session, officer)
        ]
        assert "test.secret" not in [
            kind.name for kind in cases_queries.visible_kinds(session, support)
        ]
        assert support.user_id not in cases.eligible_assignees(
            session, cases_registry.case_kind("test.secret"), None
        )
    assert_refused(
        database,
        Invalid,
        lambda s: cases.close(s, officer, case_id, disposition="resolved", reason=REASON),
    )
    assert secret_kind == []
    with database.transaction() as session:
        cases.close(session, officer, case_id, disposition="no", reason=REASON)
        cases.reopen(session, officer, case_id, reason=REASON)
    ended = CaseOutcome(case_id, key, None, "no", officer)
    assert secret_kind == [("closed", ended), ("reopened", ended)]
    with pytest.raises(TypeError, match=r"test\.secret"):
        cases_registry.register(CaseKind("test.secret", "Another"))


def test_open_case_blocks_erasure_without_naming_it(database: Database, people: People) -> None:
    person_id = people.customer().user_id
    case_id = open_case(database, person_id=person_id)
    with database.transaction() as session:
        [blocker] = cases_personal.PERSONAL_DATA.erasure_blockers(session, person_id)
        # A person under investigation must not be warned.
        assert "case" not in blocker.message
        cases.close(session, None, case_id, disposition="resolved", reason=REASON)
        assert cases_personal.PERSONAL_DATA.erasure_blockers(session, person_id) == []


def test_search_filters_cases(database: Database, people: People, officer: Actor) -> None:
    kind = f"test.{ids.new().hex}"
    assigned, unassigned_case, closed = (open_case(database, kind=kind) for _ in range(3))
    with database.transaction() as session:
        cases.assign(session, officer, assigned, officer.user_id)
        cases.close(session, officer, closed, disposition="resolved", reason=REASON)

    def find(**filters: object) -> list[UUID]:
        source, query = cases_queries.visible_cases(officer), {"kind": kind, **filters}
        with database.reading() as session:
            return [case.id for case in fetch_all(session, source, query, "-opened")]

    assert find() == [closed, unassigned_case, assigned]
    assert find(state=CaseState.OPEN) == [unassigned_case, assigned]
    assert find(state=CaseState.CLOSED) == [closed]
    assert find(assignee=officer.user_id) == [assigned]
    assert find(assignee=None, state=CaseState.OPEN) == [unassigned_case]
    assert cases_queries.workable_count(people.customer()) is None
    assert cases_queries.workable_count(people.staff(Role.AUDITOR)) is None
    workable = cases_queries.workable_count(officer)
    assert workable is not None
    with database.reading() as session:
        before = workable.fetch(session)
    open_case(database, kind=kind)
    open_case(database, kind=kind, person_id=officer.user_id)
    with database.transaction() as session:
        cases.assign(session, officer, unassigned_case, people.staff(Role.SUPPORT).user_id)
        assert workable.fetch(session) == before
