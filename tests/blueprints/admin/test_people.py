"""The pages of people, roles, approvals and branches, in a browser without script."""

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

REASON = "because of a test"


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
    """Return a browser in which an administrator is signed in."""
    return signed_in(app, admin)


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


class TestPeople:
    def test_people_are_found_by_email_name_and_id(self, browser: Browser, people: People) -> None:
        person, other = people.customer(), people.customer()
        # Emails of people made in one millisecond have their first half in common.
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

    def test_wildcards_are_searched_literally(self, browser: Browser, people: People) -> None:
        people.customer()
        for text in ("%25", "_____________________@", "%5C"):
            assert "Nobody found" in browser.get(f"/admin/people?q={text}").said

    def test_people_are_listed_in_pages(self, browser: Browser, people: People) -> None:
        for _ in range(26):
            people.customer()
        page = browser.get("/admin/people?role=USER")
        [older] = [a["href"] for a in page.all("a") if "cursor=" in a.get("href", "")]
        assert len(page.all("th", scope="row")) == 25
        assert browser.get(older).all("th", scope="row")
        browser.get("/admin/people?cursor=nonsense", status=404)

    def test_fragments_are_parts_of_their_pages(self, browser: Browser, people: People) -> None:
        browser.fragment("/admin/people?role=ADMIN", "people")
        browser.fragment(path_of(people.customer()), "person")
        browser.fragment("/admin/roles", "roles")
        browser.fragment("/admin/roles/TELLER", "role")
        browser.fragment("/admin/approvals", "approvals")
        browser.fragment("/admin/approvals?folder=ended", "approvals")
        browser.fragment("/admin/branches", "branches")

    def test_role_and_branch_are_changed(
        self, browser: Browser, people: People, database: Database
    ) -> None:
        person, branch = people.customer(), people.branch()
        response = browser.send(
            path_of(person),
            "role",
            role="TELLER",
            branch=ids.encode("brn", branch),
            reason=REASON,
        )
        assert (response.status_code, response.headers["Location"]) == (303, path_of(person))
        with database.reading() as session:
            found = standing_of(session, person.user_id)
        assert (found.role, found.branch_id) == (Role.TELLER, branch)

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"role": "TELLER", "reason": REASON}, "Choose a branch for a teller"),
            (
                {"role": "TELLER", "branch": "brn_x", "reason": REASON},
                "Choose a branch from the list.",
            ),
            ({"role": "KING", "reason": REASON}, "Choose a role from the list."),
            ({"role": "SUPPORT"}, "Enter a reason (5 to 500 characters)."),
        ],
    )
    def test_invalid_field_is_a_problem_of_the_form_and_changes_nothing(
        self,
        browser: Browser,
        people: People,
        database: Database,
        fields: dict[str, str],
        problem: str,
    ) -> None:
        person = people.customer()
        browser.get(path_of(person))
        with database_unchanged(database):
            response = browser.send(path_of(person), "role", **fields)
        assert response.status_code == 422
        assert problem in check(response).said

    def test_unchanged_role_is_refused_at_the_form_and_recorded(
        self, browser: Browser, admin: Actor, people: People, database: Database
    ) -> None:
        person = people.staff(Role.SUPPORT)
        response = browser.send(path_of(person), "role", role="SUPPORT", reason=REASON)
        assert response.status_code == 409
        assert "This is so already" in check(response).said
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, outcome, subject FROM audit_records"
                " WHERE actor_id = %s AND outcome = 'denied'",
                (admin.user_id,),
            )
        assert rows == [("request.refused", "denied", ids.encode("usr", person.user_id))]

    def test_suspension_and_lifting_it_take_two_people(
        self, app: Flask, browser: Browser, people: People, database: Database
    ) -> None:
        person, officer = people.customer(), people.staff(Role.COMPLIANCE)
        response = browser.send(path_of(person), "suspend", reason=REASON)
        assert response.status_code == 303
        request = response.headers["Location"]
        page = browser.get(request)
        assert "You made this request" in page.said
        assert not page.all("form", id="approve")
        again = browser.send(path_of(person), "suspend", reason=REASON)
        assert again.status_code == 409
        assert "waits for a second person" in check(again).said

        other = signed_in(app, officer)
        assert REASON in other.get("/admin/approvals").said
        shown = other.get(request)
        [seen] = [field["value"] for field in shown.all("input", name="seen")]
        outdated = other.send(request, "approve", seen="00" * 32)
        assert outdated.status_code == 409
        assert "not the one that was shown to you" in check(outdated).said
        assert other.send(request, "approve", seen=seen).status_code == 303
        with database.reading() as session:
            assert standing_of(session, person.user_id).status == "suspended"
        assert "Approved" in other.get(request).said
        assert REASON in other.get(path_of(person)).said
        assert "Approved" in other.get("/admin/approvals?folder=ended").said

        back = browser.send(path_of(person), "reactivate", reason=REASON)
        request = back.headers["Location"]
        [seen] = [field["value"] for field in other.get(request).all("input", name="seen")]
        assert other.send(request, "approve", seen=seen).status_code == 303
        with database.reading() as session:
            assert standing_of(session, person.user_id).status == "active"

    def test_approving_an_own_request_without_the_form_is_refused_and_recorded(
        self, browser: Browser, admin: Actor, people: People, database: Database
    ) -> None:
        person = people.customer()
        request = browser.send(path_of(person), "suspend", reason=REASON).headers["Location"]
        [seen] = [tag["value"] for tag in browser.get(request).all("input", name="csrf_token")][:1]
        response = browser.client.post(f"{request}/approve", data={"csrf_token": seen, "seen": ""})
        assert response.status_code == 403
        assert "Another person has to decide" in check(response).said
        with database.reading() as session:
            refused = session.rows(
                "SELECT after->>'refusal' FROM audit_records"
                " WHERE actor_id = %s AND outcome = 'denied'",
                (admin.user_id,),
            )
        assert refused == [("self_approval",)]

    def test_request_is_edited_cancelled_and_rejected(
        self, app: Flask, browser: Browser, people: People
    ) -> None:
        person = people.customer()
        first = browser.send(path_of(person), "suspend", reason=REASON).headers["Location"]
        short = browser.send(first, "edit", reason="x")
        assert short.status_code == 422
        second = browser.send(first, "edit", reason="a better reason").headers["Location"]
        assert second != first
        assert "Replaced" in browser.get(first).said
        assert browser.send(second, "withdraw").status_code == 303
        assert "Cancelled" in browser.get(second).said
        third = browser.send(path_of(person), "suspend", reason=REASON).headers["Location"]
        other = signed_in(app, people.staff(Role.COMPLIANCE))
        assert other.send(third, "reject", reason="no").status_code == 422
        assert other.send(third, "reject", reason="not enough").status_code == 303
        assert "not enough" in browser.get(third).said

    def test_own_page_has_no_forms_for_role_and_suspension(
        self, browser: Browser, admin: Actor
    ) -> None:
        page = browser.get(path_of(admin))
        assert "This is you" in page.said
        assert not page.all("form", id="role")
        assert not page.all("form", id="suspend")

    def test_support_sees_people_without_forms(self, app: Flask, people: People) -> None:
        page = signed_in(app, people.staff(Role.SUPPORT)).get(path_of(people.customer()))
        assert {form["id"] for form in page.all("form")} == {"theme-switch", "sign-out"}


class TestRoles:
    def test_matrix_shows_the_roles_that_hold_a_permission(self, browser: Browser) -> None:
        response = browser.client.get("/admin/roles", headers=HTMX).text
        row = response[response.index("<code>all:roles:read</code>") :]
        row = row[: row.index("</tr>")]
        said = [cell.rpartition('hidden">')[2].partition("<")[0] for cell in row.split("<td")[1:]]
        assert said == ["not granted"] * 5 + ["granted"] * 2

    def test_role_lists_the_routes_that_it_opens(self, browser: Browser) -> None:
        page = browser.get("/admin/roles/AUDITOR")
        assert "GET /admin/exposure/history" in page.said
        assert "POST /api/trade/order" not in page.said
        assert "POST /api/trade/order" in browser.get("/admin/roles/USER").said
        browser.get("/admin/roles/KING", status=404)

    def test_permission_is_granted_and_removed(self, browser: Browser) -> None:
        wanted = Permission.ROLES_READ
        response = browser.send(
            "/admin/roles/INVENTORY", "give", act="give", permission=wanted, reason=REASON
        )
        assert (response.status_code, response.headers["Location"]) == (
            303,
            "/admin/roles/INVENTORY",
        )
        assert "all:roles:read" in browser.get("/admin/roles/INVENTORY").said
        response = browser.send(
            "/admin/roles/INVENTORY", "take", act="take", permission=wanted, reason=REASON
        )
        assert response.status_code == 303
        table, *_ = browser.get("/admin/roles/INVENTORY").said.split("Grant a")
        assert "all:roles:read" not in table

    def test_removing_the_last_holder_of_a_permission_is_refused(
        self, browser: Browser, database: Database
    ) -> None:
        browser.get("/admin/roles/ADMIN")
        response = browser.send(
            "/admin/roles/ADMIN",
            "take",
            act="take",
            permission=Permission.GRANTS_EDIT,
            reason=REASON,
        )
        assert response.status_code == 409
        assert "No other role holds this permission" in check(response).said
        assert "all:grants:edit" in browser.get("/admin/roles/ADMIN").said
        response = browser.send(
            "/admin/roles/ADMIN", "take", act="take", permission="x", reason=REASON
        )
        assert response.status_code == 422

    def test_customer_role_has_no_forms(self, browser: Browser) -> None:
        page = browser.get("/admin/roles/USER")
        assert not page.all("form", id="give")
        assert not page.all("form", id="take")


class TestBranches:
    def test_branch_code_is_used_once(self, browser: Browser) -> None:
        code = f"N{ids.new().hex[-8:].upper()}"
        fields = {"code": code.lower(), "name": "Fulton Street"}
        assert browser.send("/admin/branches", "open", **fields).status_code == 303
        assert code in browser.get("/admin/branches").said
        response = browser.send("/admin/branches", "open", **fields)
        assert response.status_code == 409
        assert "Another branch has this code" in check(response).said
        for wrong in ({"code": "1", "name": "x"}, {"code": "AB", "name": " "}):
            assert browser.send("/admin/branches", "open", **wrong).status_code == 422

    def test_teller_sees_only_their_own_branch(self, app: Flask, people: People) -> None:
        here, there = people.branch(), people.branch()
        teller, stranger = people.staff(Role.TELLER, here), people.staff(Role.TELLER, there)
        browser = signed_in(app, teller)
        page = browser.get("/admin/branches")
        assert len(page.all("th", scope="row")) == 1
        own = browser.get(f"/admin/branches/{ids.encode('brn', here)}")
        assert teller.email in own.said
        assert stranger.email not in own.said
        browser.get(f"/admin/branches/{ids.encode('brn', there)}", status=404)

    def test_teller_without_a_branch_is_refused(self, app: Flask, people: People) -> None:
        browser = signed_in(app, people.staff(Role.TELLER))
        assert "no branch yet" in browser.get("/admin/branches", status=403).said
        there = ids.encode("brn", people.branch())
        browser.get(f"/admin/branches/{there}", status=403)


def test_making_an_administrator_needs_an_approval_request(
    browser: Browser, people: People, database: Database
) -> None:
    person = people.staff(Role.SUPPORT)
    response = browser.send(path_of(person), "role", role="ADMIN", reason=REASON)
    assert response.headers["Location"].startswith("/admin/approvals/apr_")
    assert role_changes.GRANT_ADMIN == "person.make_admin"
    page = browser.get(path_of(person))
    assert "Make an administrator" in page.said
    with database.reading() as session:
        assert standing_of(session, person.user_id).role is Role.SUPPORT
