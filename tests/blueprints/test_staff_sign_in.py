"""Staff sign-in in a browser: sessions and their ends, the cookie, CSRF protection, refusals."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Role
from app.blueprints.page_blueprint import safe_redirect_path
from app.config import Environment, Settings
from app.embedded.sample_people import SAMPLE_STAFF
from app.factory import create_app
from app.identity.models import User
from app.kit.db import Database
from app.wiring.api import API_BLUEPRINTS
from tests.page_client import HTMX, Browser, check_page
from tests.people import PASSWORD, People
from tests.rows import change_rows

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture
def admin_email(people: People) -> str:
    """Return the email address of an administrator, who may see the exposure."""
    return people.staff(Role.ADMIN).email


def checksums(database: Database) -> dict[str, object]:
    """Return the row count and checksum of each table, by name."""
    with database.reading() as session:
        names = session.rows(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 1"
        )
        return {
            name: session.rows(
                f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t"
            )[0]
            for (name,) in names
        }


def session_ends(database: Database, email: str) -> list[tuple[str | None, int]]:
    """Return why each session of this person ended, and the size of its hash in bytes."""
    with database.reading() as session:
        return session.rows(
            "SELECT s.revoked_reason, octet_length(s.secret_hash) FROM login_sessions s"
            " JOIN users u ON u.id = s.user_id WHERE u.email = %s ORDER BY s.created_at, s.id",
            (email,),
        )


def is_redirect_to_sign_in(response: TestResponse) -> bool:
    return response.status_code == 303 and response.location.startswith("/auth/login")


class TestSignIn:
    def test_sign_in_redirects_to_the_desk_and_stores_a_hashed_session(
        self, visitor: Browser, admin_email: str, database: Database
    ) -> None:
        response = visitor.sign_in(admin_email, PASSWORD)
        assert (response.status_code, response.location) == (303, "/admin/")
        assert visitor.get_page("/admin/").texts["h1"] == ["Administration desk"]
        assert session_ends(database, admin_email) == [(None, 32)]

    def test_sign_in_redirects_to_the_page_that_was_requested(
        self, visitor: Browser, admin_email: str
    ) -> None:
        redirect = visitor.client.get("/admin/?a=b")
        assert redirect.location == "/auth/login?next=/admin/%3Fa%3Db"
        visitor.get_page(redirect.location)
        assert visitor.sign_in(admin_email, PASSWORD, then="/admin/?a=b").location == "/admin/?a=b"
        assert visitor.client.get("/auth/login?next=/admin/?a=c").location == "/admin/?a=c"

    @pytest.mark.parametrize("env", Environment)
    def test_sample_people_are_offered_in_the_sample_only(
        self, variant: Callable[..., Flask], env: Environment
    ) -> None:
        page = Browser(variant(env=env)).get_page("/auth/login")
        offered = [
            attributes["value"] for _, attributes in page.tags if attributes.get("name") == "email"
        ][1:]
        staff = [person.email for person in SAMPLE_STAFF]
        assert offered == (staff if env is Environment.SAMPLE else [])

    @pytest.mark.parametrize(
        "next_url",
        ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil",
         "/\n/evil.example", "javascript:alert(1)", "", "/a\\b", "/ä"],
    )  # fmt: skip
    def test_sign_in_does_not_redirect_to_another_site(
        self, visitor: Browser, admin_email: str, next_url: str
    ) -> None:
        assert safe_redirect_path(next_url) is None
        assert visitor.sign_in(admin_email, PASSWORD, then=next_url).location == "/admin/"

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
    def test_every_role_of_staff_can_sign_in_and_out(
        self, visitor: Browser, people: People, role: Role
    ) -> None:
        member = people.staff(role)
        visitor.sign_in(member.email, PASSWORD)
        home = visitor.get_page("/")
        assert f"Grace Hopper, {role.label}" in " ".join(home.visible_text.split())
        assert is_redirect_to_sign_in(visitor.submit_form("/", "sign-out"))

    def test_customer_cannot_sign_in_to_the_staff_pages(
        self, visitor: Browser, people: People, database: Database
    ) -> None:
        customer = people.staff(Role.USER)
        response = visitor.sign_in(customer.email, PASSWORD)
        assert response.status_code == 403
        assert "These pages are for staff" in check_page(response).visible_text
        assert session_ends(database, customer.email) == []
        assert is_redirect_to_sign_in(visitor.client.get("/admin/"))

    def test_unknown_email_and_wrong_password_get_the_same_page(
        self, visitor: Browser, admin_email: str
    ) -> None:
        page_texts = []
        for email, password in ((admin_email, "wrong"), (f"{uuid4().hex}@example.com", PASSWORD)):
            response = visitor.sign_in(email, password)
            assert response.status_code == 422
            page = check_page(response)
            assert page.all("input", id="sign-in-password")[0]["value"] == ""
            page_texts.append(" ".join(page.visible_text.split()))
        assert page_texts[0] == page_texts[1]
        assert "The email address or the password is wrong" in page_texts[0]

    @pytest.mark.parametrize(
        ("email", "password", "problem"),
        [
            ("", PASSWORD, "Enter your email address"),
            ("ada@example.com", "", "Enter your password"),
            ("nobody", PASSWORD, "Enter an email address"),
        ],
    )
    def test_missing_or_invalid_field_has_its_message_beside_it(
        self, visitor: Browser, email: str, password: str, problem: str
    ) -> None:
        response = visitor.sign_in(email, password)
        assert response.status_code == 422
        page = check_page(response)
        assert page.visible_text.count(problem) == 2
        [field] = page.all("input", **{"aria-invalid": "true"})
        assert field["aria-describedby"] in page.ids

    def test_sign_in_is_limited_after_five_failures_from_one_network(
        self, visitor: Browser, admin_email: str, app: Flask, database: Database
    ) -> None:
        for _ in range(5):
            assert visitor.sign_in(admin_email, "wrong").status_code == 422
        blocked = visitor.sign_in(admin_email, PASSWORD)
        assert blocked.status_code == 429
        assert 1 <= int(blocked.headers["Retry-After"]) <= 60
        assert "Too many failed sign-ins" in check_page(blocked).visible_text
        assert session_ends(database, admin_email) == []
        assert Browser(app).sign_in(admin_email, PASSWORD).status_code == 303

    def test_suspension_ends_the_session_and_refuses_a_new_sign_in(
        self, visitor: Browser, admin_email: str, database: Database, app: Flask
    ) -> None:
        visitor.sign_in(admin_email, PASSWORD)
        with database.transaction() as session:
            change_rows(session, User, User.email == admin_email, status="suspended")
        assert is_redirect_to_sign_in(visitor.client.get("/admin/"))
        response = Browser(app).sign_in(admin_email, PASSWORD)
        assert response.status_code == 403
        assert "suspended" in check_page(response).visible_text


class TestSecondTab:
    """Two tabs show the sign-in form. The cookie that the first one gets replaces the secret of the
    second one's form."""

    def test_form_of_a_second_tab_leads_on_to_its_page(
        self, visitor: Browser, admin_email: str
    ) -> None:
        fields = visitor.fill_form(
            "/auth/login?next=/admin/people", "sign-in", email=admin_email, password=PASSWORD
        )
        visitor.sign_in(admin_email, PASSWORD)
        response = visitor.client.post("/auth/login", data=fields)
        assert (response.status_code, response.location) == (303, "/admin/people")
        response = visitor.client.post("/auth/login", data={**fields, "next": "//evil.example"})
        assert (response.status_code, response.location) == (303, "/admin/")

    def test_form_of_a_second_tab_is_shown_again_after_sign_out(
        self, visitor: Browser, admin_email: str
    ) -> None:
        fields = visitor.fill_form(
            "/auth/login?next=/admin/people", "sign-in", email=admin_email, password=PASSWORD
        )
        visitor.sign_in(admin_email, PASSWORD)
        visitor.submit_form("/", "sign-out")
        response = visitor.client.post("/auth/login", data=fields)
        assert response.status_code == 400
        page = check_page(response)
        assert "no longer valid" in page.visible_text
        hidden = page.hidden_fields["sign-in"]
        again = {**fields, **hidden}
        assert visitor.client.post("/auth/login", data=again).location == "/admin/people"


class TestSession:
    def test_new_sign_in_has_a_new_session_and_ends_the_one_before(
        self, visitor: Browser, admin_email: str, database: Database, app: Flask
    ) -> None:
        visitor.get_page("/auth/login")
        signed_out = visitor.session_cookie()
        visitor.sign_in(admin_email, PASSWORD)
        first = visitor.session_cookie()
        token = visitor.get_page("/admin/").all("input", name="csrf_token")[0]["value"]
        visitor.client.post(
            "/auth/login", data={"csrf_token": token, "email": admin_email, "password": PASSWORD}
        )
        second = visitor.session_cookie()
        assert len({signed_out, first, second}) == 3
        assert session_ends(database, admin_email) == [("logged_out", 32), (None, 32)]
        for cookie, is_signed_in in ((signed_out, False), (first, False), (second, True)):
            other = Browser(app)
            other.client.set_cookie("pbcex", cookie)
            assert is_redirect_to_sign_in(other.client.get("/admin/")) is not is_signed_in

    def test_sign_out_ends_the_session_for_every_copy_of_the_cookie(
        self, visitor: Browser, admin_email: str, database: Database, app: Flask
    ) -> None:
        visitor.sign_in(admin_email, PASSWORD)
        stolen = visitor.session_cookie()
        response = visitor.submit_form("/admin/", "sign-out")
        assert (response.status_code, response.location) == (303, "/auth/login")
        assert session_ends(database, admin_email) == [("logged_out", 32)]
        assert is_redirect_to_sign_in(visitor.client.get("/admin/"))
        thief = Browser(app)
        thief.client.set_cookie("pbcex", stolen)
        assert is_redirect_to_sign_in(thief.client.get("/admin/"))

    def test_session_ends_when_the_password_changes(
        self, visitor: Browser, admin_email: str, app: Flask
    ) -> None:
        visitor.sign_in(admin_email, PASSWORD)
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = visitor.client.environ_base["REMOTE_ADDR"]
        tokens = client.post(
            "/api/auth/login", json={"email": admin_email, "password": PASSWORD}
        ).json
        changed = client.post(
            "/api/auth/change-password",
            json={"currentPassword": PASSWORD, "newPassword": "another password"},
            headers={"Authorization": f"Bearer {tokens['accessToken']}"},
        )
        assert changed.status_code == 200
        assert is_redirect_to_sign_in(visitor.client.get("/admin/"))

    def test_session_ends_after_half_an_hour_without_activity_of_the_person(
        self, visitor: Browser, admin_email: str
    ) -> None:
        start = datetime(2026, 11, 22, 9, tzinfo=UTC)
        unattended = {**HTMX, "X-Unattended": "true", "HX-Current-URL": "http://localhost/admin/"}
        with time_machine.travel(start, tick=False) as clock:
            visitor.sign_in(admin_email, PASSWORD)
            clock.move_to(start + timedelta(minutes=29))
            visitor.get_page("/admin/")
            for minutes in (40, 50, 58):
                clock.move_to(start + timedelta(minutes=minutes))
                response = visitor.client.get("/admin/", headers=unattended)
                assert response.status_code == 200
            clock.move_to(start + timedelta(minutes=59))
            response = visitor.client.get("/admin/", headers=unattended)
            assert response.status_code == 401
            assert response.headers["HX-Redirect"] == "/auth/login?next=/admin/"
            assert is_redirect_to_sign_in(visitor.client.get("/admin/"))

    def test_session_ends_twelve_hours_after_sign_in(
        self, visitor: Browser, admin_email: str
    ) -> None:
        start = datetime(2026, 11, 22, 9, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as clock:
            visitor.sign_in(admin_email, PASSWORD)
            for quarter in range(1, 48):
                clock.move_to(start + timedelta(minutes=15 * quarter))
                assert visitor.client.get("/admin/").status_code == 200
            clock.move_to(start + timedelta(hours=12))
            assert is_redirect_to_sign_in(visitor.client.get("/admin/"))

    def test_page_session_does_not_work_for_the_api_and_has_no_refresh_token(
        self, visitor: Browser, admin_email: str, database: Database
    ) -> None:
        visitor.sign_in(admin_email, PASSWORD)
        assert visitor.client.get("/api/auth/me").status_code == 401
        with database.reading() as session:
            [(token_count,)] = session.rows(
                "SELECT count(*) FROM refresh_tokens t JOIN login_sessions s"
                " ON s.id = t.session_id WHERE s.secret_hash IS NOT NULL"
            )
        assert token_count == 0

    def test_forged_cookie_opens_no_page(self, visitor: Browser) -> None:
        for forged in ("", "x", "eyJfdXNlcl9pZCI6IngifQ.aSE_.AAAA"):
            visitor.client.set_cookie("pbcex", forged)
            visitor.client.set_cookie("remember_token", f"{forged}|0000")
            assert is_redirect_to_sign_in(visitor.client.get("/admin/"))


class TestCookie:
    def test_cookie_is_http_only_and_same_site(self, visitor: Browser, admin_email: str) -> None:
        response = visitor.sign_in(admin_email, PASSWORD)
        [cookie] = response.headers.getlist("Set-Cookie")
        assert cookie.startswith("pbcex=")
        assert cookie.split("; ")[1:] == ["HttpOnly", "Path=/", "SameSite=Lax"]

    def test_cookie_is_secure_and_bound_to_the_host_over_https(self, app: Flask) -> None:
        settings: Settings = app.extensions["settings"]
        secure = create_app(settings.model_copy(update={"public_url": "https://pbcex.example"}))
        try:
            response = secure.test_client().get("/auth/login", base_url="https://pbcex.example")
            [cookie] = response.headers.getlist("Set-Cookie")
            assert cookie.startswith("__Host-pbcex=")
            assert cookie.split("; ")[1:] == ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"]
        finally:
            secure.extensions["database"].engine.dispose()


class TestForms:
    def test_forms_without_a_csrf_token_change_nothing(
        self, visitor: Browser, admin_email: str, app: Flask, database: Database
    ) -> None:
        visitor.sign_in(admin_email, PASSWORD)
        program_blueprints = {"webhooks", *(blueprint.name for blueprint in API_BLUEPRINTS)}
        checksums_before = checksums(database)
        pages_checked = 0
        for rule in app.url_map.iter_rules():
            for method in _UNSAFE & (rule.methods or set()):
                path = rule.rule.replace("<", "").replace(">", "")
                # A new IP address each time, because routes with the sign-in limit refuse the rest.
                ip_address = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
                visitor.client.environ_base["REMOTE_ADDR"] = ip_address
                response = visitor.client.open(path, method=method, data={"a": "b"})
                if rule.endpoint in {"auth_pages.login", "steps_pages.give_second_factor"}:
                    # A second tab's form: this person has signed in.
                    assert response.location == "/admin/"
                    continue
                assert 400 <= response.status_code < 500, (method, path, response.status_code)
                if rule.endpoint.partition(".")[0] not in program_blueprints:
                    assert response.status_code == 400
                    assert "no longer valid" in check_page(response).visible_text
                    pages_checked += 1
        assert pages_checked >= 3
        assert checksums(database) == checksums_before
        visitor.get_page("/admin/")

    def test_csrf_token_of_another_session_is_refused(self, visitor: Browser, app: Flask) -> None:
        other = Browser(app)
        token = other.get_page("/auth/login").all("input", name="csrf_token")[0]["value"]
        visitor.get_page("/auth/login")
        response = visitor.client.post("/theme", data={"csrf_token": token, "theme": "dark"})
        assert response.status_code == 400

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 303),
            ({"Origin": "http://localhost"}, 303),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
            ({"Sec-Fetch-Site": "none"}, 403),
        ],
    )
    def test_form_sent_by_another_site_is_refused(
        self, visitor: Browser, headers: dict[str, str], status: int
    ) -> None:
        token = visitor.get_page("/auth/login").all("input", name="csrf_token")[0]["value"]
        response = visitor.client.post(
            "/theme", data={"csrf_token": token, "theme": "dark"}, headers=headers
        )
        assert response.status_code == status
        assert (visitor.client.get_cookie("theme") is None) is (status != 303)

    def test_theme_form_redirects_back_to_its_page(self, visitor: Browser) -> None:
        response = visitor.submit_form(
            "/auth/login", "theme-switch", theme="dark", next="/auth/login"
        )
        assert (response.status_code, response.location) == (303, "/auth/login")
        [root] = visitor.get_page("/auth/login").all("html")
        assert root["data-bs-theme"] == "dark"


class TestRefusals:
    def test_refusal_outside_the_api_is_a_page(self, visitor: Browser) -> None:
        page = visitor.get_page("/nowhere", status=404)
        assert page.texts["h1"] == ["Page not found"]

    def test_refusal_is_a_fragment_for_htmx(self, visitor: Browser) -> None:
        response = visitor.client.get("/nowhere", headers=HTMX)
        assert response.status_code == 404
        check_page(response, fragment="error")


@pytest.fixture
def _no_database(app: Flask) -> Iterator[None]:
    """Replace the application's database by one that cannot be reached."""
    database: Database = app.extensions["database"]
    original = database.engine
    url = original.url.set(port=1)

    broken = Database(sa.create_engine(url, connect_args={"connect_timeout": 1}))
    app.extensions["database"] = broken
    yield
    app.extensions["database"] = database
    broken.engine.dispose()


@pytest.mark.usefixtures("_no_database")
def test_unreachable_database_is_explained_on_a_page(app: Flask) -> None:
    visitor = Browser(app)
    with visitor.client.session_transaction() as session:
        session["_user_id"] = "a secret that cannot be looked up"
    page = visitor.get_page("/admin/", status=503)
    assert page.texts["h1"] == [
        "The database cannot be reached. Nothing was changed. Try again in a moment."
    ]
