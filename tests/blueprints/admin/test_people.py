"""The pages of people, roles, approvals and branches, as a browser without script sees them."""

import pytest
from flask import Flask

from app.access import Actor, Permission, Role
from app.identity.accounts.people import get_account as standing_of
from app.identity.roles import role_changes
from app.kit import ids
from app.kit.db import Database
from tests.page_client import HTMX, Browser, check
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

WHY = "because of a test"


@pytest.fixture
def admin(people: People) -> Actor:
    people.staff(Role.ADMIN)
    return people.staff(Role.ADMIN)


def signed_in(app: Flask, person: Actor) -> Browser:
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    return browser


@pytest.fixture
def browser(app: Flask, admin: Actor) -> Browser:
    """A browser in which an administrator is signed in."""
    return signed_in(app, admin)


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


class TestPeople:
    def test_are_found_by_address_name_and_id(self, browser: Browser, people: People) -> None:
        person, other = people.customer(), people.customer()
        # Those who come in one millisecond have the first half of their addresses in common.
        for text in (person.email[:32], person.email.upper(), ids.encode("usr", person.user_id)):
            page = browser.get(f"/admin/people?q={text}")
            assert person.email in page.said
            assert other.email not in page.said
        assert person.email in browser.get("/admin/people?q=ada%20LOVELACE").said
        assert "Nobody found" in browser.get("/admin/people?q=nobody-of-that-name").said
        assert "Nobody found" in browser.get(f"/admin/people?q={person.email}&role=ADMIN").said
        assert (
            "Nobody found" in browser.get(f"/admin/people?q={person.email}&status=suspended").said
        )

    def test_a_wildcard_is_a_letter(self, browser: Browser, people: People) -> None:
        people.customer()
        for text in ("%25", "_____________________@", "%5C"):
            assert "Nobody found" in browser.get(f"/admin/people?q={text}").said

    def test_come_in_pages(self, browser: Browser, people: People) -> None:
        for _ in range(26):
            people.customer()
        page = browser.get("/admin/people?role=USER")
        [older] = [a["href"] for a in page.all("a") if "cursor=" in a.get("href", "")]
        assert len(page.all("th", scope="row")) == 25
        assert browser.get(older).all("th", scope="row")
        browser.get("/admin/people?cursor=nonsense", status=404)

    def test_the_fragments_are_parts_of_the_pages(self, browser: Browser, people: People) -> None:
        browser.fragment("/admin/people?role=ADMIN", "people")
        browser.fragment(path_of(people.customer()), "person")
        browser.fragment("/admin/roles", "roles")
        browser.fragment("/admin/roles/TELLER", "role")
        browser.fragment("/admin/approvals", "approvals")
        browser.fragment("/admin/approvals?folder=ended", "approvals")
        browser.fragment("/admin/branches", "branches")

    def test_a_role_is_changed(self, browser: Browser, people: People, database: Database) -> None:
        person, branch = people.customer(), people.branch()
        answer = browser.send(
            path_of(person),
            "role",
            role="TELLER",
            branch=ids.encode("brn", branch),
            reason=WHY,
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, path_of(person))
        with database.reading() as session:
            found = standing_of(session, person.user_id)
        assert (found.role, found.branch_id) == (Role.TELLER, branch)

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"role": "TELLER", "reason": WHY}, "Choose a branch for a teller"),
            (
                {"role": "TELLER", "branch": "brn_x", "reason": WHY},
                "Choose a branch from the list.",
            ),
            ({"role": "KING", "reason": WHY}, "Choose a role from the list."),
            ({"role": "SUPPORT"}, "Enter a reason (5 to 500 characters)."),
        ],
    )
    def test_a_mistake_is_said_at_the_form(
        self,
        browser: Browser,
        people: People,
        database: Database,
        fields: dict[str, str],
        said: str,
    ) -> None:
        person = people.customer()
        browser.get(path_of(person))
        with database_unchanged(database):
            answer = browser.send(path_of(person), "role", **fields)
        assert answer.status_code == 422
        assert said in check(answer).said

    def test_what_cannot_be_is_said_at_the_form_and_recorded(
        self, browser: Browser, admin: Actor, people: People, database: Database
    ) -> None:
        person = people.staff(Role.SUPPORT)
        answer = browser.send(path_of(person), "role", role="SUPPORT", reason=WHY)
        assert answer.status_code == 409
        assert "This is so already" in check(answer).said
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, outcome, subject FROM audit_records"
                " WHERE actor_id = %s AND outcome = 'denied'",
                (admin.user_id,),
            )
        assert rows == [("request.refused", "denied", ids.encode("usr", person.user_id))]

    def test_suspending_is_asked_for_and_done_by_another(
        self, app: Flask, browser: Browser, people: People, database: Database
    ) -> None:
        person, officer = people.customer(), people.staff(Role.COMPLIANCE)
        answer = browser.send(path_of(person), "suspend", reason=WHY)
        assert answer.status_code == 303
        request = answer.headers["Location"]
        page = browser.get(request)
        assert "You made this request" in page.said
        assert not page.all("form", id="approve")
        again = browser.send(path_of(person), "suspend", reason=WHY)
        assert again.status_code == 409
        assert "waits for a second person" in check(again).said

        other = signed_in(app, officer)
        assert WHY in other.get("/admin/approvals").said
        shown = other.get(request)
        [seen] = [field["value"] for field in shown.all("input", name="seen")]
        outdated = other.send(request, "approve", seen="00" * 32)
        assert outdated.status_code == 409
        assert "not the one that was shown to you" in check(outdated).said
        assert other.send(request, "approve", seen=seen).status_code == 303
        with database.reading() as session:
            assert standing_of(session, person.user_id).status == "suspended"
        assert "Approved" in other.get(request).said
        assert WHY in other.get(path_of(person)).said
        assert "Approved" in other.get("/admin/approvals?folder=ended").said

        back = browser.send(path_of(person), "reactivate", reason=WHY)
        request = back.headers["Location"]
        [seen] = [field["value"] for field in other.get(request).all("input", name="seen")]
        assert other.send(request, "approve", seen=seen).status_code == 303
        with database.reading() as session:
            assert standing_of(session, person.user_id).status == "active"

    def test_approving_ones_own_by_hand_is_refused_and_recorded(
        self, browser: Browser, admin: Actor, people: People, database: Database
    ) -> None:
        person = people.customer()
        request = browser.send(path_of(person), "suspend", reason=WHY).headers["Location"]
        [seen] = [tag["value"] for tag in browser.get(request).all("input", name="csrf_token")][:1]
        answer = browser.client.post(f"{request}/approve", data={"csrf_token": seen, "seen": ""})
        assert answer.status_code == 403
        assert "Another person has to decide" in check(answer).said
        with database.reading() as session:
            refused = session.rows(
                "SELECT after->>'refusal' FROM audit_records"
                " WHERE actor_id = %s AND outcome = 'denied'",
                (admin.user_id,),
            )
        assert refused == [("self_approval",)]

    def test_a_request_is_edited_withdrawn_and_rejected(
        self, app: Flask, browser: Browser, people: People
    ) -> None:
        person = people.customer()
        first = browser.send(path_of(person), "suspend", reason=WHY).headers["Location"]
        short = browser.send(first, "edit", reason="x")
        assert short.status_code == 422
        second = browser.send(first, "edit", reason="a better reason").headers["Location"]
        assert second != first
        assert "Replaced" in browser.get(first).said
        assert browser.send(second, "withdraw").status_code == 303
        assert "Cancelled" in browser.get(second).said
        third = browser.send(path_of(person), "suspend", reason=WHY).headers["Location"]
        other = signed_in(app, people.staff(Role.COMPLIANCE))
        assert other.send(third, "reject", reason="no").status_code == 422
        assert other.send(third, "reject", reason="not enough").status_code == 303
        assert "not enough" in browser.get(third).said

    def test_one_changes_nothing_about_oneself(self, browser: Browser, admin: Actor) -> None:
        page = browser.get(path_of(admin))
        assert "This is you" in page.said
        assert not page.all("form", id="role")
        assert not page.all("form", id="suspend")

    def test_support_sees_people_and_no_forms(self, app: Flask, people: People) -> None:
        page = signed_in(app, people.staff(Role.SUPPORT)).get(path_of(people.customer()))
        assert {form["id"] for form in page.all("form")} == {"theme-switch", "sign-out"}


class TestRoles:
    def test_the_matrix_says_who_may_what(self, browser: Browser) -> None:
        answer = browser.client.get("/admin/roles", headers=HTMX).text
        row = answer[answer.index("<code>all:roles:read</code>") :]
        row = row[: row.index("</tr>")]
        said = [cell.rpartition('hidden">')[2].partition("<")[0] for cell in row.split("<td")[1:]]
        assert said == ["not granted"] * 5 + ["granted"] * 2

    def test_a_role_says_which_routes_it_opens(self, browser: Browser) -> None:
        page = browser.get("/admin/roles/AUDITOR")
        assert "GET /admin/exposure/history" in page.said
        assert "POST /api/trade/order" not in page.said
        assert "POST /api/trade/order" in browser.get("/admin/roles/USER").said
        browser.get("/admin/roles/KING", status=404)

    def test_a_permission_is_given_and_taken(self, browser: Browser) -> None:
        wanted = Permission.ROLES_READ
        answer = browser.send(
            "/admin/roles/INVENTORY", "give", act="give", permission=wanted, reason=WHY
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/roles/INVENTORY")
        assert "all:roles:read" in browser.get("/admin/roles/INVENTORY").said
        answer = browser.send(
            "/admin/roles/INVENTORY", "take", act="take", permission=wanted, reason=WHY
        )
        assert answer.status_code == 303
        table, *_ = browser.get("/admin/roles/INVENTORY").said.split("Grant a")
        assert "all:roles:read" not in table

    def test_what_cannot_be_taken_is_said(self, browser: Browser, database: Database) -> None:
        browser.get("/admin/roles/ADMIN")
        answer = browser.send(
            "/admin/roles/ADMIN",
            "take",
            act="take",
            permission=Permission.GRANTS_EDIT,
            reason=WHY,
        )
        assert answer.status_code == 409
        assert "No other role holds this permission" in check(answer).said
        assert "all:grants:edit" in browser.get("/admin/roles/ADMIN").said
        answer = browser.send("/admin/roles/ADMIN", "take", act="take", permission="x", reason=WHY)
        assert answer.status_code == 422

    def test_customers_have_no_forms(self, browser: Browser) -> None:
        page = browser.get("/admin/roles/USER")
        assert not page.all("form", id="give")
        assert not page.all("form", id="take")


class TestBranches:
    def test_are_opened_once(self, browser: Browser) -> None:
        code = f"N{ids.new().hex[-8:].upper()}"
        fields = {"code": code.lower(), "name": "Fulton Street"}
        assert browser.send("/admin/branches", "open", **fields).status_code == 303
        assert code in browser.get("/admin/branches").said
        answer = browser.send("/admin/branches", "open", **fields)
        assert answer.status_code == 409
        assert "Another branch has this code" in check(answer).said
        for wrong in ({"code": "1", "name": "x"}, {"code": "AB", "name": " "}):
            assert browser.send("/admin/branches", "open", **wrong).status_code == 422

    def test_a_teller_sees_their_own_and_not_the_others(self, app: Flask, people: People) -> None:
        here, there = people.branch(), people.branch()
        teller, stranger = people.staff(Role.TELLER, here), people.staff(Role.TELLER, there)
        browser = signed_in(app, teller)
        page = browser.get("/admin/branches")
        assert len(page.all("th", scope="row")) == 1
        own = browser.get(f"/admin/branches/{ids.encode('brn', here)}")
        assert teller.email in own.said
        assert stranger.email not in own.said
        browser.get(f"/admin/branches/{ids.encode('brn', there)}", status=404)

    def test_a_teller_without_a_branch_sees_none(self, app: Flask, people: People) -> None:
        browser = signed_in(app, people.staff(Role.TELLER))
        assert "no branch yet" in browser.get("/admin/branches", status=403).said
        there = ids.encode("brn", people.branch())
        browser.get(f"/admin/branches/{there}", status=403)


def test_the_admin_role_is_asked_for(browser: Browser, people: People, database: Database) -> None:
    person = people.staff(Role.SUPPORT)
    answer = browser.send(path_of(person), "role", role="ADMIN", reason=WHY)
    assert answer.headers["Location"].startswith("/admin/approvals/apr_")
    assert role_changes.GRANT_ADMIN == "person.make_admin"
    page = browser.get(path_of(person))
    assert "Make an administrator" in page.said
    with database.reading() as session:
        assert standing_of(session, person.user_id).role is Role.SUPPORT
