"""Attacks on staff through their browsers: session fixation, replayed and stolen cookies, forged
forms and headers, open redirects, and locking out a victim."""

import os
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from app import embedded
from app.config import Environment, Settings
from app.factory import create_app
from app.identity.credentials import one_time_tokens
from app.identity.credentials.passkeys import RelyingParty
from app.kit import clock
from app.kit.db import Database
from app.kit.ports import resolve
from app.messages.rendering import Contact
from tests.page_client import check_page
from tests.people import PASSWORD
from tests.staff import Member, StaffBrowser, create_member_with_app
from tests.unchanged_database import table_digests

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ELSEWHERE = ("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil", "evil:1")


def is_signed_in(strict_browser: StaffBrowser) -> bool:
    return strict_browser.client.get("/auth/account").status_code == 200


def new_network() -> dict[str, str]:
    """Return request options with a network that no other test uses."""
    return {"REMOTE_ADDR": f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"}


class TestSessionFixation:
    def test_planted_cookie_is_not_signed_in_after_the_victim_signs_in(
        self, strict_browser: StaffBrowser, member: Member, strict_app: Flask
    ) -> None:
        """A cookie planted at any stage is not signed in after the victim signs in."""
        cookies = []
        strict_browser.get_page("/auth/login")
        cookies.append(strict_browser.session_cookie())
        strict_browser.request_options("/auth/passkey/question")
        cookies.append(strict_browser.session_cookie())
        strict_browser.sign_in(member.email, PASSWORD)
        cookies.append(strict_browser.session_cookie())
        strict_browser.submit_form("/auth/second-factor", "second-factor", code=member.code())
        assert is_signed_in(strict_browser)
        assert strict_browser.session_cookie() not in cookies
        for planted in cookies:
            attacker = StaffBrowser(strict_app)
            attacker.client.set_cookie("pbcex", planted)
            assert not is_signed_in(attacker)
            response = attacker.client.get("/auth/second-factor")
            assert response.location == "/auth/login"

    def test_form_token_of_a_planted_cookie_is_refused_after_sign_in(
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        """An attacker who planted the cookie knows the token of its forms."""
        tokens = [strict_browser.csrf_token()]
        strict_browser.sign_in(member.email, PASSWORD)
        tokens.append(strict_browser.csrf_token("/auth/second-factor"))
        fields = {"csrf_token": tokens[1], "code": member.code()}
        assert strict_browser.client.post("/auth/second-factor", data=fields).status_code == 303
        assert is_signed_in(strict_browser)
        before = table_digests(database)
        for token in tokens:
            response = strict_browser.client.post("/auth/logout", data={"csrf_token": token})
            assert response.status_code == 400
        assert table_digests(database) == before

    def test_planted_session_of_the_attacker_ends_at_sign_in(
        self, strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        attacker = StaffBrowser(strict_app)
        attacker.sign_in_by_app(create_member_with_app(database))
        strict_browser.client.set_cookie("pbcex", attacker.session_cookie())
        token = strict_browser.csrf_token("/auth/account")
        fields = {"csrf_token": token, "email": member.email, "password": PASSWORD}
        strict_browser.client.post("/auth/login", data=fields)
        assert not is_signed_in(strict_browser)
        assert not is_signed_in(attacker)


class TestStolenCookies:
    def test_cookie_replayed_after_sign_out_is_refused(
        self, strict_browser: StaffBrowser, member: Member, strict_app: Flask
    ) -> None:
        strict_browser.sign_in_by_app(member)
        stolen = strict_browser.session_cookie()
        strict_browser.submit_form("/auth/account", "sign-out")
        thief = StaffBrowser(strict_app)
        thief.client.set_cookie("pbcex", stolen)
        assert not is_signed_in(thief)
        response = thief.post_form("/auth/logout")
        assert response.location.startswith("/auth/login")

    def test_cookie_of_one_person_is_refused_with_a_form_of_another(
        self, strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        strict_browser.sign_in_by_app(member)
        other = StaffBrowser(strict_app)
        other.sign_in_by_app(create_member_with_app(database))
        foreign = other.csrf_token("/auth/account")
        before = table_digests(database)
        for path in ("/auth/account/sessions/end-others", "/auth/account/app", "/auth/logout"):
            response = strict_browser.client.post(path, data={"csrf_token": foreign})
            assert response.status_code == 400, path
        assert table_digests(database) == before
        assert is_signed_in(strict_browser)


def test_every_form_is_refused_without_its_token_and_from_another_site(
    strict_browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
) -> None:
    """Every page route except GET: with the cookie and without the token, and with the token from
    another site."""
    strict_browser.sign_in_by_app(member)
    token = strict_browser.csrf_token("/auth/account")
    before, walked = table_digests(database), []
    for rule in strict_app.url_map.iter_rules():
        path = rule.rule.replace("<", "").replace(">", "")
        # The API and providers use no cookie: they sign, or send a bearer token.
        if path.startswith(("/api/", "/webhooks/")):
            continue
        for method in _UNSAFE & (rule.methods or set()):
            bare = strict_browser.client.open(path, method=method, environ_overrides=new_network())
            # Who has signed in already is led on, as in a second tab, and nothing else is done.
            expected = 303 if path in {"/auth/login", "/auth/second-factor"} else 400
            assert (bare.status_code, path) == (expected, path)
            crossed = strict_browser.client.open(
                path,
                method=method,
                data={"csrf_token": token},
                headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
                environ_overrides=new_network(),
            )
            assert (crossed.status_code, path) == (403, path)
            walked.append(path)
    assert len(walked) >= 20, walked
    assert table_digests(database) == before


class TestOpenRedirects:
    @pytest.mark.parametrize("elsewhere", _ELSEWHERE)
    def test_next_parameter_never_redirects_to_another_site(
        self, strict_browser: StaffBrowser, member: Member, elsewhere: str
    ) -> None:
        response = strict_browser.client.get("/auth/login", query_string={"next": elsewhere})
        assert "evil" not in response.text
        strict_browser.sign_in(member.email, PASSWORD, then=elsewhere)
        response = strict_browser.submit_form(
            "/auth/second-factor", "second-factor", code=member.code()
        )
        assert response.location == "/admin/"
        response = strict_browser.client.get("/auth/login", query_string={"next": elsewhere})
        assert response.location == "/admin/"
        page = strict_browser.client.get("/auth/prove", query_string={"next": elsewhere})
        assert "evil" not in page.text

    @pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
    def test_headers_never_redirect_to_another_site(
        self, strict_browser: StaffBrowser, header: str
    ) -> None:
        headers = {header: "http://localhost//evil.example/", "HX-Request": "true"}
        response = strict_browser.client.get("/auth/account", headers=headers)
        next_path = response.headers["HX-Redirect"].partition("next=")[2]
        assert "evil" not in strict_browser.client.get(f"/auth/login?next={next_path}").text


def test_host_header_appears_in_no_link(
    strict_app: Flask, member: Member, database: Database
) -> None:
    """Emailed links and the origin of passkeys come from the settings."""
    settings: Settings = strict_app.extensions["settings"]
    strict_browser = StaffBrowser(strict_app)
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    response = strict_browser.client.get("/auth/account", headers=evil)
    assert response.location == "/auth/login?next=/auth/account"
    strict_browser.client.get("/auth/forgot-password", headers=evil)
    with strict_browser.client.session_transaction(base_url="http://evil.example") as session:
        session["csrf_token"] = "x" * 40
    response = strict_browser.client.get("/auth/login", headers=evil)
    assert "evil.example" not in response.text
    with database.transaction() as session:
        link = one_time_tokens.issue_link(
            session, member.actor.user_id, one_time_tokens.LinkPurpose.RESET_PASSWORD
        )
        token = one_time_tokens.rebuild_token(session, link)
    assert (
        resolve(Contact)
        .token_link("reset_password", token or "")
        .startswith(settings.base_url + "/auth/")
    )
    party: RelyingParty = strict_app.extensions["relying_party"]
    assert party == RelyingParty.from_url(settings.base_url)


def test_unknown_host_header_is_refused(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    restricted = create_app(settings.model_copy(update={"allowed_hosts": ("pbcex.example",)}))
    try:
        client = restricted.test_client()
        assert client.get("/auth/login", headers={"Host": "evil.example"}).status_code == 400
        assert client.get("/auth/login", headers={"Host": "pbcex.example"}).status_code == 200
    finally:
        restricted.extensions["database"].engine.dispose()


class TestLimits:
    def test_ip_address_in_a_header_of_the_sender_is_ignored(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        statuses = []
        for _ in range(7):
            token = strict_browser.csrf_token()
            forged = str(uuid4().int % 223) + ".0.0.1"
            response = strict_browser.client.post(
                "/auth/login",
                data={"csrf_token": token, "email": member.email, "password": "wrong"},
                headers={"X-Forwarded-For": forged, "Forwarded": f"for={forged}"},
            )
            statuses.append(response.status_code)
        assert statuses == [422] * 5 + [429] * 2

    def test_guesses_from_other_networks_do_not_lock_out_the_victim(
        self, member: Member, strict_app: Flask, database: Database
    ) -> None:
        """The victim can sign in despite guesses from hundreds of networks."""
        for _ in range(30):
            attacker = StaffBrowser(strict_app)
            for _ in range(3):
                assert attacker.sign_in(member.email, "wrong").status_code == 422
        assert StaffBrowser(strict_app).sign_in_by_app(member).status_code == 303

    def test_lock_out_of_one_network_ends_within_a_quarter_of_an_hour(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        with time_machine.travel(clock.now(), tick=False) as traveller:
            for _ in range(12):
                waited = strict_browser.sign_in(member.email, "wrong")
                if waited.status_code == 429:
                    assert int(waited.headers["Retry-After"]) <= 15 * 60
                    traveller.shift(timedelta(seconds=int(waited.headers["Retry-After"]) + 60))
            traveller.shift(timedelta(minutes=15))
            assert strict_browser.sign_in_by_app(member).status_code == 303

    def test_unknown_and_known_email_addresses_get_the_same_response(
        self, strict_app: Flask, member: Member
    ) -> None:
        messages = []
        for email in (member.email, f"{uuid4().hex}@example.com"):
            strict_browser = StaffBrowser(strict_app)
            sign_in_message = check_page(strict_browser.sign_in(email, "wrong")).visible_text
            reset_message = check_page(
                strict_browser.submit_form("/auth/forgot-password", "forgot", email=email)
            ).visible_text
            messages.append((sign_in_message.replace(email, ""), reset_message.replace(email, "")))
        assert messages[0] == messages[1]


@pytest.fixture
def without_redis(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose Redis was killed after the start."""
    folder = tmp_path_factory.mktemp("redis")
    external = embedded.ExternalServers.from_environment(
        {name: os.environ[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    )
    settings: Settings = app.extensions["settings"]
    with embedded.run_servers(folder / "data", external=external) as servers:
        changes = {"redis_url": servers.urls.redis_url, "rate_limit": ""}
        isolated = create_app(settings.model_copy(update={**changes, "env": Environment.TEST}))
        assert isolated.test_client().get("/auth/login").status_code == 200
    yield isolated
    isolated.extensions["database"].engine.dispose()


def test_sign_in_and_rate_limit_work_without_redis(
    without_redis: Flask, database: Database
) -> None:
    member = create_member_with_app(database)
    strict_browser = StaffBrowser(without_redis)
    assert strict_browser.sign_in_by_app(member).status_code == 303
    assert is_signed_in(strict_browser)
    other = StaffBrowser(without_redis)
    assert other.sign_in_by_app(member, member.recovery_codes[0]).status_code == 303
    other.submit_form("/auth/account", "end-others")
    assert not is_signed_in(strict_browser)
    guesser = StaffBrowser(without_redis)
    statuses = [guesser.sign_in(member.email, "wrong").status_code for _ in range(12)]
    assert statuses == [422] * 5 + [429] * 7
