"""The pages of cases: search, work on a case, and who may do it."""

import re
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.blueprints import form_tokens
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.rules import CaseState
from app.kit import ids
from app.kit.db import Database
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

REASON = "the bank has corrected it"


def open_case(database: Database, *, kind: str = "test.difference", **more: object) -> UUID:
    with database.transaction() as session:
        return cases.open_case(
            session,
            kind=kind,
            key=str(ids.new()),
            title="The <ledger> and the bank differ",
            facts={"ledger": "10.00", "who": "<b>Ada</b>"},
            **{"subject": "bank", **more},  # type: ignore[arg-type]
        )


def path_of(case_id: UUID) -> str:
    return f"/admin/cases/{ids.encode('cas', case_id)}"


def read_case(database: Database, officer: Actor, case_id: UUID) -> cases_queries.CaseSummary:
    with database.reading() as session:
        return cases_queries.case(session, officer, case_id)


def test_case_is_shown_noted_assigned_closed_and_reopened(
    database: Database, people: People, officer: Actor, officer_browser: Browser
) -> None:
    customer, colleague = people.customer(), people.staff(Role.SUPPORT)
    subject = ids.encode("usr", customer.user_id)
    case_id = open_case(database, person_id=customer.user_id, subject=subject)
    path = path_of(case_id)
    page = officer_browser.get_fragment(path, "case")
    assert "<b>Ada</b>" in page.visible_text
    assert {"href": f"/support/customers/{subject}"} in page.all("a")
    for form, fields in (
        ("note", {"note": "Called them.\nThey look into it."}),
        ("assign", {"assignee": ids.encode("usr", colleague.user_id)}),
        ("close", {"disposition": "no_action", "reason": REASON}),
        ("reopen", {"reason": "it differs again"}),
        ("assign", {"assignee": ""}),
    ):
        response = officer_browser.submit_form(path, form, **fields)
        assert (response.status_code, response.location) == (303, path), form
    said = officer_browser.get_page(path).visible_text
    for text in ("They look into it.", "closed it: No action needed", "unassigned it"):
        assert text in re.sub(r"\s+", " ", said)
    found = read_case(database, officer, case_id)
    assert (found.state, found.assignee_id) == (CaseState.OPEN, None)


@pytest.mark.parametrize(
    ("form", "fields", "problem"),
    [
        ("note", {"note": " "}, "Enter a note (1 to 4000 characters)."),
        ("assign", {"assignee": "usr_nonsense"}, "Choose a person from the list."),
        ("assign", {"assignee": ids.encode("usr", ids.new())}, "Choose a person who may work"),
        ("close", {"disposition": "", "reason": REASON}, "Choose an outcome from the list."),
        ("close", {"disposition": "resolved", "reason": "a@b.example"}, "Name people by"),
    ],
)
def test_invalid_field_is_a_problem_of_its_form_and_changes_nothing(
    database: Database, officer_browser: Browser, form: str, fields: dict[str, str], problem: str
) -> None:
    path = path_of(open_case(database))
    page = officer_browser.get_page(path)
    with database_unchanged(database, apart_from={"login_sessions"}):
        response = officer_browser.submit_form(path, form, **fields)
    assert response.status_code == 422
    assert problem in response.get_data(as_text=True)
    assert page.all("form", id=form)


def test_closing_a_closed_case_is_refused(database: Database, officer_browser: Browser) -> None:
    case_id = open_case(database)
    fields = officer_browser.get_page(path_of(case_id)).hidden_fields["close"]
    with database.transaction() as session:
        cases.close(session, None, case_id, disposition="resolved", reason=REASON)
    with database_unchanged(database, apart_from={"login_sessions"}):
        response = officer_browser.client.post(
            f"{path_of(case_id)}/close",
            data={**fields, "disposition": "resolved", "reason": REASON},
        )
    assert response.status_code == 409
    assert "This case is closed." in response.get_data(as_text=True)


def test_case_assigned_meanwhile_is_not_assigned_over(
    database: Database, people: People, officer: Actor, officer_browser: Browser
) -> None:
    case_id, colleague = open_case(database), people.staff(Role.SUPPORT)
    path = path_of(case_id)
    fields = officer_browser.get_page(path).hidden_fields["assign"]
    with database.transaction() as session:
        cases.assign(session, colleague, case_id, colleague.user_id)
    mine = {"assignee": ids.encode("usr", officer.user_id)}
    refused = officer_browser.client.post(f"{path}/assign", data={**fields, **mine})
    assert refused.status_code == 409
    text = check_page(refused).visible_text
    assert "changed this since you opened it" in text
    assert "When you opened it: Unassigned" in text
    assert read_case(database, officer, case_id).assignee_id == colleague.user_id
    assert officer_browser.submit_form(path, "assign", **mine).status_code == 303
    assert read_case(database, officer, case_id).assignee_id == officer.user_id


def test_true_match_states_its_consequences_before_and_after_and_what_stays(
    database: Database, people: People, officer_browser: Browser
) -> None:
    sanctions.import_sample_list(database)
    customer = people.customer()
    with database.transaction() as session:
        found = screening.screen(
            session,
            ScreeningSubject((sanctions.LISTED_NAME,)),
            about=ids.encode("usr", customer.user_id),
            purpose="onboarding",
            person_id=customer.user_id,
        )
    assert found.case_id is not None
    path = path_of(found.case_id)
    text = officer_browser.get_page(path).visible_text
    assert "Suspends the customer at once and ends 0 active sessions." in text
    assert "The subject passes these list entries from now on." in text
    closed = officer_browser.submit_form(path, "close", disposition="true_match", reason=REASON)
    assert closed.status_code == 303
    text = officer_browser.get_page(path).visible_text
    assert "It undoes nothing else. A suspension stays until two people lift it" in text
    # In the timeline, and beside the form to reopen the case.
    assert text.count("Customer suspended. 0 active sessions ended.") == 2
    assert officer_browser.submit_form(path, "reopen", reason=REASON).status_code == 303
    text = officer_browser.get_page(path).visible_text
    assert "Sanctions decision withdrawn." in text
    assert "Does not change the customer's account status: Suspended." in text


def listed_case_ids(text: str) -> list[str]:
    return re.findall(r'href="/admin/cases/(cas_[0-9a-z]{26})"', text)


def test_filters_are_in_the_url_and_pages_have_no_gaps(
    database: Database, officer: Actor, officer_browser: Browser
) -> None:
    kind = f"test.{ids.new().hex}"
    made = [ids.encode("cas", open_case(database, kind=kind)) for _ in range(27)]
    with database.transaction() as session:
        cases.assign(session, officer, ids.decode("cas", made[0]), officer.user_id)
        cases.close(
            session, None, ids.decode("cas", made[1]), disposition="resolved", reason=REASON
        )

    def shown(path: str) -> tuple[list[str], str | None]:
        officer_browser.get_fragment(path, "list")
        text = officer_browser.client.get(path).get_data(as_text=True)
        [older] = officer_browser.get_page(path).all("a", rel="next") or [{"href": None}]
        return listed_case_ids(text), older["href"]

    first, older = shown(f"/admin/cases?kind={kind}&state=")
    assert older is not None
    assert f"kind={kind}" in older
    assert "state=&" in older
    second, end = shown(older)
    assert (first + second, end) == (made[::-1], None)
    assert shown(f"/admin/cases?kind={kind}&state=closed")[0] == [made[1]]
    assert shown(f"/admin/cases?kind={kind}&assignee=me")[0] == [made[0]]
    who = ids.encode("usr", officer.user_id)
    assert shown(f"/admin/cases?kind={kind}&assignee={who}")[0] == [made[0]]
    assert made[0] not in shown(f"/admin/cases?kind={kind}&assignee=unassigned&state=")[0]
    assert "Nothing fits" in officer_browser.get_page("/admin/cases?kind=test.none").visible_text
    for query in ("state=nonsense", "assignee=usr_nonsense"):
        assert (
            "choose a value from the list"
            in officer_browser.get_page(f"/admin/cases?{query}").visible_text
        )
    officer_browser.get_page("/admin/cases?cursor=nonsense", status=404)


def test_sidebar_counts_cases_only_for_people_who_work_on_them(
    database: Database, people: People, officer_browser: Browser, app: Flask
) -> None:
    open_case(database)
    assert "to investigate" in officer_browser.get_page("/admin/cases").visible_text
    auditor = Browser(app)
    auditor.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    path = path_of(open_case(database))
    page = auditor.get_page(path)
    assert "to investigate" not in page.visible_text
    assert "you need the permission all:cases:work" in page.visible_text
    assert page.all("form", id="note") == []


def test_case_about_the_actor_cannot_be_worked_on_by_them(
    database: Database, officer: Actor, officer_browser: Browser
) -> None:
    path = path_of(open_case(database, person_id=officer.user_id))
    page = officer_browser.get_page(path)
    assert "This case is about you" in page.visible_text
    assert page.all("form", id="close") == []
    with database_unchanged(database, apart_from={"login_sessions"}):
        response = officer_browser.client.post(
            f"{path}/note",
            data={
                "csrf_token": officer_browser.csrf_token(),
                "form_token": form_tokens.new_token(),
                "note": "nothing to see",
            },
        )
    assert response.status_code == 403


def test_screening_cases_are_hidden_from_support(
    database: Database, people: People, app: Flask, officer_browser: Browser
) -> None:
    case_id = open_case(database, kind="screening.hit")
    support = Browser(app)
    support.sign_in(people.staff(Role.SUPPORT).email, PASSWORD)
    public_id = ids.encode("cas", case_id)
    assert public_id in listed_case_ids(
        officer_browser.client.get("/admin/cases").get_data(as_text=True)
    )
    assert public_id not in listed_case_ids(
        support.client.get("/admin/cases").get_data(as_text=True)
    )
    support.get_page(path_of(case_id), status=404)
    officer_browser.get_page(path_of(case_id))
