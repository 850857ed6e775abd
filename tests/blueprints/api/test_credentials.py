"""Confirming an address, resetting a password, the second factor: as a customer's program does."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.credentials import password_reset, security_mail
from app.kit import clock, ids, telemetry
from app.kit.db import Database
from tests import timing_leaks
from tests.api_client import PASSWORD, ApiClient, assert_problem, wrong_fields
from tests.mailbox import Mailbox, extract_token, run_pending_jobs, use_mailbox
from tests.people import PASSWORD as STAFF_PASSWORD
from tests.people import set_prices
from tests.staff import Member, create_member_with_app
from tests.unchanged_database import database_unchanged, table_digests

AUTH = "/api/auth"
NEW = "another long horse"
#: What counts and records refused attempts.
COUNTED = {"login_failures", "audit_seals"}


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as made:
        yield made


@pytest.fixture
def ada(app: Flask) -> ApiClient:
    """A person who registered and has not confirmed their email address."""
    made = ApiClient(app)
    made.register()
    return made


def fresh(app: Flask) -> ApiClient:
    """A client of another person, at another IP address, not signed in."""
    return ApiClient(app)


class TestConfirmation:
    def test_registering_mails_a_link_that_confirms(self, ada, app, database, box) -> None:
        run_pending_jobs(database)
        [mail] = box.sent_to(ada.email)
        assert mail.subject == "Confirm your email address"
        # Nothing that the requester wrote reaches an email address of another person.
        assert "Ada" not in mail.text + mail.html
        stranger = fresh(app)
        answer = stranger.post(f"{AUTH}/verify-email", {"token": extract_token(mail.text)})
        assert stranger.ok(200, answer) == {"emailConfirmed": True}
        assert ada.ok(200, ada.get(f"{AUTH}/me"))["emailConfirmed"] is True
        with database_unchanged(database):
            again = stranger.post(f"{AUTH}/verify-email", {"token": extract_token(mail.text)})
            assert_problem(again, 401, "token_invalid")

    def test_until_then_no_money_moves(self, ada, database, box) -> None:
        set_prices(database, AU="4000", PAXG="4000")
        wish = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"}
        move = {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"}
        acts = [("trade/quote", wish), ("trade/order", wish), ("wallet/transfer", move)]
        for path, body in acts:
            with database_unchanged(database):
                assert_problem(ada.post(f"/api/{path}", body), 403, "email_not_confirmed")
        assert ada.available_balances() == {}
        run_pending_jobs(database)
        ada.ok(200, ada.post(f"{AUTH}/verify-email", {"token": box.latest_token(ada.email)}))
        ada.ok(201, ada.post("/api/trade/quote", wish))
        for path, body in acts[1:]:
            assert_problem(ada.post(f"/api/{path}", body), 409, "insufficient_funds")

    def test_another_link_can_be_had_a_few_times_an_hour(self, ada, database, box) -> None:
        for _ in range(4):
            assert ada.post(f"{AUTH}/verify-email/resend").status_code == 202
        with database_unchanged(database):
            refused = ada.post(f"{AUTH}/verify-email/resend")
        assert_problem(refused, 429, "rate_limited")
        run_pending_jobs(database)
        tokens = [extract_token(mail.text) for mail in box.sent_to(ada.email)]
        assert len(set(tokens)) == 5
        # The first is as good as the last.
        ada.ok(200, ada.post(f"{AUTH}/verify-email", {"token": tokens[0]}))
        with database_unchanged(database):
            confirmed = ada.post(f"{AUTH}/verify-email/resend")
        assert_problem(confirmed, 409, "email_already_confirmed")

    @pytest.mark.parametrize("token", ["x", "otk_1.x", "é" * 200])
    def test_another_text_confirms_nothing(self, app, database, token: str) -> None:
        with database_unchanged(database):
            answer = fresh(app).post(f"{AUTH}/verify-email", {"token": token})
        assert_problem(answer, 401, "token_invalid")


def forgot(client: ApiClient, email: str) -> TestResponse:
    return client.post(f"{AUTH}/forgot-password", {"email": email})


def reset(client: ApiClient, token: str, password: str = NEW) -> TestResponse:
    return client.post(f"{AUTH}/reset-password", {"token": token, "password": password})


class TestReset:
    def link(self, app: Flask, ada: ApiClient, database: Database, box: Mailbox) -> str:
        assert forgot(fresh(app), ada.email.upper()).status_code == 202
        run_pending_jobs(database)
        return box.latest_token(ada.email)

    def test_sets_the_password_and_ends_every_session(self, ada, app, database, box) -> None:
        token = self.link(app, ada, database, box)
        before = ada.token
        ada.sign_in()
        answer = reset(fresh(app), token)
        assert fresh(app).ok(200, answer) == {"apiKeysActive": 0}
        for access in (before, ada.token):
            ada.token = access
            assert_problem(ada.get(f"{AUTH}/me"), 401, "token_invalid")
        body = {"email": ada.email, "password": PASSWORD}
        assert_problem(fresh(app).post(f"{AUTH}/login", body), 401, "invalid_credentials")
        logged_in = fresh(app).post(f"{AUTH}/login", {**body, "password": NEW})
        # Who reads the mail has the address.
        assert logged_in.json["user"]["emailConfirmed"] is True
        run_pending_jobs(database)
        assert box.sent_to(ada.email)[-1].subject == "Your password was changed"

    def test_works_once_and_ends_the_other_links(self, ada, app, database, box) -> None:
        first, second = (self.link(app, ada, database, box) for _ in range(2))
        assert first != second
        assert reset(fresh(app), second).status_code == 200
        for dead in (first, second):
            with database_unchanged(database):
                assert_problem(reset(fresh(app), dead, "a third long horse"), 401, "token_invalid")

    def test_a_weak_password_leaves_the_link_good(self, ada, app, database, box) -> None:
        token = self.link(app, ada, database, box)
        for weak in ("Password123!", ada.email.partition("@")[0]):
            with database_unchanged(database):
                assert wrong_fields(reset(fresh(app), token, weak)) == ["password"]
        assert reset(fresh(app), token).status_code == 200

    def test_a_link_that_confirms_resets_nothing(self, ada, app, database, box) -> None:
        run_pending_jobs(database)
        confirmation = box.latest_token(ada.email)
        reset_token = self.link(app, ada, database, box)
        with database_unchanged(database):
            assert_problem(reset(fresh(app), confirmation), 401, "token_invalid")
            verified = fresh(app).post(f"{AUTH}/verify-email", {"token": reset_token})
            assert_problem(verified, 401, "token_invalid")

    def test_nobody_is_mailed_more_than_five_links_an_hour(self, ada, app, database, box) -> None:
        for _ in range(8):
            assert forgot(fresh(app), ada.email).status_code == 202
        run_pending_jobs(database)
        subjects = [mail.subject for mail in box.sent_to(ada.email)]
        assert subjects.count("Choose a new password") == 5

    def test_a_suspended_person_is_mailed_nothing(self, ada, app, database, box) -> None:
        run_pending_jobs(database)
        with database.transaction() as session:
            session.send("UPDATE users SET status = 'suspended' WHERE id = %s", (ada.user_id,))
        assert forgot(fresh(app), ada.email).status_code == 202
        run_pending_jobs(database)
        assert [mail.subject for mail in box.sent_to(ada.email)] == ["Confirm your email address"]

    def test_a_second_factor_stays_on(self, ada, app, database, box) -> None:
        secret = switch_on(ada)
        assert reset(fresh(app), self.link(app, ada, database, box)).status_code == 200
        body = {"email": ada.email, "password": NEW}
        assert_problem(fresh(app).post(f"{AUTH}/login", body), 401, "two_factor_required")
        code = pyotp.TOTP(secret).at(clock.now(), counter_offset=1)
        assert fresh(app).post(f"{AUTH}/login", {**body, "code": code}).status_code == 200


def switch_on(person: ApiClient) -> str:
    """Set the second factor up and confirm it with the code of the step before."""
    made = person.ok(200, person.post(f"{AUTH}/2fa/setup"))
    code = pyotp.TOTP(made["secret"]).at(clock.now(), counter_offset=-1)
    answer = person.ok(200, person.post(f"{AUTH}/2fa/confirm", {"code": code}))
    person.recovery_codes = answer["recoveryCodes"]
    return str(made["secret"])


class TestSecondFactor:
    def test_from_set_up_to_switched_off(self, ada, app, database, box) -> None:
        made = ada.ok(200, ada.post(f"{AUTH}/2fa/setup"))
        assert set(made) == {"secret", "otpauthUri", "qrSvg"}
        totp = pyotp.parse_uri(made["otpauthUri"])
        assert isinstance(totp, pyotp.TOTP)
        with database_unchanged(database, apart_from=COUNTED):
            wrong = ada.post(f"{AUTH}/2fa/confirm", {"code": "000000"})
            assert_problem(wrong, 401, "two_factor_invalid")
        confirmed = ada.post(
            f"{AUTH}/2fa/confirm", {"code": totp.at(clock.now(), counter_offset=-1)}
        )
        codes = ada.ok(200, confirmed)["recoveryCodes"]
        assert len(set(codes)) == 10
        body = {"email": ada.email, "password": PASSWORD}
        assert_problem(fresh(app).post(f"{AUTH}/login", body), 401, "two_factor_required")
        assert_problem(
            fresh(app).post(f"{AUTH}/login", {**body, "code": None}), 401, "two_factor_required"
        )
        right = {**body, "code": totp.at(clock.now())}
        assert fresh(app).post(f"{AUTH}/login", right).status_code == 200
        assert_problem(fresh(app).post(f"{AUTH}/login", right), 401, "two_factor_invalid")
        assert_problem(ada.post(f"{AUTH}/2fa/setup"), 409, "two_factor_on")
        off = ada.send("DELETE", f"{AUTH}/2fa", json={"code": codes[0]})
        assert (off.status_code, off.data) == (204, b"")
        assert fresh(app).post(f"{AUTH}/login", body).status_code == 200
        again = ada.send("DELETE", f"{AUTH}/2fa", json={"code": codes[1]})
        assert_problem(again, 409, "two_factor_not_set_up")
        run_pending_jobs(database)
        told = [mail.subject for mail in box.sent_to(ada.email)][1:]
        assert told == ["Your second factor was turned on", "Your second factor was turned off"]

    def test_nobody_without_a_token_touches_it(self, app, database) -> None:
        with database_unchanged(database):
            for method, path in (("POST", "setup"), ("POST", "confirm"), ("DELETE", "")):
                url = f"{AUTH}/2fa/{path}".rstrip("/")
                answer = fresh(app).send(method, url, json={"code": "123456"})
                assert_problem(answer, 401, "token_invalid")

    def test_the_trail_tells_of_it_without_secrets(self, ada, database) -> None:
        secret = switch_on(ada)
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, t::text FROM audit_records t WHERE actor_id = %s", (ada.user_id,)
            )
        assert "second_factor.switched_on" in {action for action, _ in rows}
        assert not [text for _, text in rows if secret in text or ada.recovery_codes[0] in text]

    def test_fresh_recovery_codes_end_the_old_ones(self, ada, app, database, box) -> None:
        secret = switch_on(ada)
        old = ada.recovery_codes
        path = f"{AUTH}/2fa/recovery-codes"
        given = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(clock.now())}
        answer = ada.post(path, given)
        codes = ada.ok(200, answer)["recoveryCodes"]
        assert len(set(codes) - set(old)) == 10
        # The code counted once, and none of the old ones counts any more.
        body = {"email": ada.email, "password": PASSWORD}
        for dead in (given["code"], old[0], old[9]):
            refused = fresh(app).post(f"{AUTH}/login", {**body, "code": dead})
            assert_problem(refused, 401, "two_factor_invalid")
        again = fresh(app).post(path, {"password": PASSWORD, "code": codes[0]})
        assert_problem(again, 401, "token_invalid")
        for code in (codes[0], codes[9]):
            assert fresh(app).post(f"{AUTH}/login", {**body, "code": code}).status_code == 200
        run_pending_jobs(database)
        assert box.sent_to(ada.email)[-1].subject == "Your recovery codes were replaced"
        assert not [code for code in codes if code in box.sent_to(ada.email)[-1].text]

    def test_fresh_recovery_codes_need_password_and_code(self, ada, database) -> None:
        path = f"{AUTH}/2fa/recovery-codes"
        with database_unchanged(database, apart_from=COUNTED):
            off = ada.post(path, {"password": PASSWORD, "code": "000000"})
            assert_problem(off, 409, "two_factor_not_set_up")
        switch_on(ada)
        for password, code, refusal in (
            ("wrong long horse", ada.recovery_codes[0], "invalid_credentials"),
            (PASSWORD, "000000", "two_factor_invalid"),
        ):
            with database_unchanged(database, apart_from=COUNTED):
                assert_problem(ada.post(path, {"password": password, "code": code}), 401, refusal)
        with database_unchanged(database):
            assert wrong_fields(ada.post(path, {"code": ada.recovery_codes[0]})) == ["password"]
        assert (
            ada.post(path, {"password": PASSWORD, "code": ada.recovery_codes[0]}).status_code == 200
        )


class TestStaff:
    """Staff, where they need a second factor."""

    @pytest.fixture
    def member(self, database: Database) -> Member:
        return create_member_with_app(database)

    @pytest.fixture
    def program(self, strict_app: Flask, member: Member) -> ApiClient:
        made = ApiClient(strict_app)
        made.email = member.email
        body = {"email": member.email, "password": STAFF_PASSWORD, "code": member.code()}
        made.token = made.ok(200, made.post(f"{AUTH}/login", body))["accessToken"]
        return made

    def test_keep_their_last_second_factor(self, program, member, database) -> None:
        sent = {"code": member.recovery_codes[0]}
        with database_unchanged(database):
            refused = program.send("DELETE", f"{AUTH}/2fa", json=sent)
            told = assert_problem(refused, 409, "last_second_factor")
        assert "/auth/account" in told["detail"]
        with database.transaction() as session:
            session.send(
                "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name,"
                " created_at) VALUES (%(id)s, %(user)s, %(id)s::text::bytea, 'x', 0, 'a', now())",
                {"id": ids.new(), "user": member.actor.user_id},
            )
        assert program.send("DELETE", f"{AUTH}/2fa", json=sent).status_code == 204


class TestApiKeys:
    """A new password leaves API keys active, says how many, and revokes them on demand."""

    def with_keys(self, ada: ApiClient, count: int) -> list[ApiClient]:
        programs = []
        for number in range(count):
            asked = {"name": f"program {number}", "scopes": ["own:balances:read"]}
            program = fresh(ada.app)
            program.token = ada.ok(201, ada.post("/api/me/api-keys", asked))["key"]
            programs.append(program)
        return programs

    def statuses(self, programs: list[ApiClient]) -> list[int]:
        return [program.get("/api/wallet/balances").status_code for program in programs]

    def change(self, ada: ApiClient, current: str, new: str, **more: object) -> dict[str, Any]:
        body = {"currentPassword": current, "newPassword": new, **more}
        answer = ada.ok(200, ada.post(f"{AUTH}/change-password", body))
        ada.token = answer["accessToken"]
        return answer

    def test_stay_with_a_changed_password_and_are_counted(self, ada, database, box) -> None:
        programs = self.with_keys(ada, 2)
        assert self.change(ada, PASSWORD, NEW)["apiKeysActive"] == 2
        assert self.statuses(programs) == [200, 200]
        assert self.change(ada, NEW, "a third long horse", revokeApiKeys=True)["apiKeysActive"] == 0
        assert self.statuses(programs) == [401, 401]
        run_pending_jobs(database)
        two, none = box.sent_to(ada.email)[-2:]
        assert "API keys that are still active: 2." in two.text
        assert "API keys that are still active: 2." in two.html
        assert "stay active" not in none.text + none.html

    def test_stay_with_a_reset_password_unless_it_says_otherwise(
        self, ada, app, database, box
    ) -> None:
        programs = self.with_keys(ada, 1)
        for revoke, left, status in ((False, 1, 200), (True, 0, 401)):
            forgot(fresh(app), ada.email)
            run_pending_jobs(database)
            body = {"token": box.latest_token(ada.email), "password": f"{NEW} {left}"}
            answer = fresh(app).post(f"{AUTH}/reset-password", {**body, "revokeApiKeys": revoke})
            assert fresh(app).ok(200, answer) == {"apiKeysActive": left}
            assert self.statuses(programs) == [status]

    def test_a_refused_change_revokes_none(self, ada, database) -> None:
        programs = self.with_keys(ada, 1)
        body = {"currentPassword": "wrong long horse", "newPassword": NEW, "revokeApiKeys": True}
        with database_unchanged(database, apart_from=COUNTED):
            assert_problem(ada.post(f"{AUTH}/change-password", body), 401, "invalid_credentials")
        with database_unchanged(database):
            yes = ada.post(f"{AUTH}/change-password", {**body, "revokeApiKeys": "yes"})
            assert wrong_fields(yes) == ["revokeApiKeys"]
        assert self.statuses(programs) == [200]


class TestPasswordStrength:
    @pytest.mark.parametrize("path", ["register", "change-password"])
    def test_says_why_and_what_would_help(self, ada, database, path: str) -> None:
        bodies: dict[str, dict[str, Any]] = {
            "register": {
                "email": "bob@example.com", "password": "Password123!",
                "firstName": "Bob", "lastName": "Bobson",
            },
            "change-password": {"currentPassword": PASSWORD, "newPassword": "Password123!"},
        }  # fmt: skip
        with database_unchanged(database):
            told = assert_problem(
                ada.post(f"{AUTH}/{path}", bodies[path]), 422, "validation_failed"
            )
        assert told["errors"] == [
            {
                "field": "password" if path == "register" else "newPassword",
                "message": "Choose a password that is harder to guess."
                " This is similar to a commonly used password."
                " Add another word or two. Uncommon words are better."
                " Capitalization doesn't help very much.",
            }
        ]

    def test_what_others_know_of_a_person_is_no_password(self, app: Flask) -> None:
        for password in ("Lovelace Ada", "lovelace1815", "ada.lovelace@"):
            answer = fresh(app).post(
                f"{AUTH}/register",
                {
                    "email": "ada.lovelace@example.com",
                    "password": password,
                    "firstName": "Ada",
                    "lastName": "Lovelace",
                },
            )
            assert wrong_fields(answer) == ["password"], password


class TestHeaders:
    """What a person calls themselves reaches no header of a mail."""

    @pytest.mark.parametrize("name", ["Ada\r\nBcc: a@example.com", "Ada\nX: y", "A\x00", "a\x85b"])
    def test_names_hold_no_line_ends(self, app, name: str) -> None:
        someone = fresh(app)
        body = {"email": someone.email, "password": PASSWORD, "firstName": name, "lastName": "L"}
        assert wrong_fields(someone.post(f"{AUTH}/register", body)) == ["firstName"]

    def test_and_if_one_did_it_would_stay_in_the_text(self, ada, database, box) -> None:
        with database.transaction() as session:
            session.send(
                "UPDATE users SET first_name = E'x\\r\\nBcc: all@example.com' WHERE id = %s",
                (ada.user_id,),
            )
            security_mail.mail_change_notice(session, ada.user_id, "password_changed")
        run_pending_jobs(database)
        for mail in box.sent_to(ada.email):
            assert "Bcc" not in mail.recipient + mail.subject + mail.text + mail.html


class TestDiscretion:
    def test_a_link_stands_in_no_table_and_no_log(self, app, database, box, caplog, capsys) -> None:
        caplog.set_level(logging.DEBUG)
        telemetry.configure(level="DEBUG", with_messages=True)
        try:
            ada = ApiClient(app)
            ada.register()
            assert forgot(fresh(app), ada.email).status_code == 202
            run_pending_jobs(database)
            tokens = [extract_token(mail.text) for mail in box.sent_to(ada.email)]
            assert len(tokens) == 2
            self.look(database, capsys.readouterr().err + caplog.text, tokens)
            assert_problem(reset(fresh(app), tokens[1], "Password123!"), 422, "validation_failed")
            assert reset(fresh(app), tokens[1]).status_code == 200
            assert fresh(app).post(f"{AUTH}/verify-email", {"token": tokens[0]}).status_code == 200
            secret = switch_on(ada := self.logged_in(app, ada))
            self.look(
                database,
                capsys.readouterr().err + caplog.text,
                [*tokens, secret, *ada.recovery_codes, NEW],
            )
        finally:
            telemetry.configure(level="WARNING", with_messages=True)

    def logged_in(self, app: Flask, ada: ApiClient) -> ApiClient:
        answer = ada.post(f"{AUTH}/login", {"email": ada.email, "password": NEW})
        ada.token = ada.ok(200, answer)["accessToken"]
        return ada

    def look(self, database: Database, logged: str, secrets: list[str]) -> None:
        hidden = [part for secret in secrets for part in {secret, secret.rpartition(".")[2]}]
        dump = "".join(f"{table}: {row}\n" for table, row in every_row(database))
        assert len(dump) > 1000
        for secret in hidden:
            assert secret not in dump
            assert secret.replace("-", "") not in dump
            assert secret not in logged

    def test_the_look_finds_what_it_looks_for(self, ada, database) -> None:
        with pytest.raises(AssertionError):
            self.look(database, "", [ada.email])


def every_row(database: Database) -> Iterator[tuple[str, str]]:
    with database.reading() as session:
        tables = session.rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables:
            for (row,) in session.rows(f'SELECT t::text FROM "{table}" t'):
                yield table, row


class TestEnumeration:
    """Nothing reveals whether an email address has an account: neither the response nor how long it
    takes (tests/timing_leaks.py). For the pages: tests/attacks/test_enumeration.py."""

    def test_the_answers_are_the_same_to_the_byte(self, ada, app, database) -> None:
        answers = [forgot(fresh(app), email) for email in (ada.email, f"{uuid4().hex}@example.com")]
        seen = [
            (a.status_code, a.data, {k for k, _ in a.headers}, a.headers.get("Content-Length"))
            for a in answers
        ]
        assert seen[0] == seen[1]
        assert answers[0].json == {
            "message": "If there is an account with this email address, we have sent a link."
        }

    def test_the_same_is_written_for_both(self, ada, app, database) -> None:
        changed = []
        for email in (ada.email, f"{uuid4().hex}@example.com"):
            before = table_digests(database)
            forgot(fresh(app), email)
            after = table_digests(database)
            changed.append({table for table in before if before[table] != after[table]})
        assert changed[0] == changed[1] == {"outbox"}

    def test_forgetting_takes_as_long(self, open_app: Flask) -> None:
        known, unknown = self.addresses(open_app)

        def ask(client: FlaskClient, email: str) -> TestResponse:
            return client.post(f"{AUTH}/forgot-password", json={"email": email})

        timing_leaks.assert_same_timing(open_app, ask, known, unknown, status=202)

    def test_logging_in_takes_as_long(self, open_app: Flask) -> None:
        known, unknown = self.addresses(open_app)

        def ask(client: FlaskClient, email: str) -> TestResponse:
            body = {"email": email, "password": "wrong long horse"}
            return client.post(f"{AUTH}/login", json=body)

        timing_leaks.assert_same_timing(open_app, ask, known, unknown, status=401)

    def test_a_difference_would_be_found(
        self, open_app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known, unknown = self.addresses(open_app)
        ask_for_reset = password_reset.request_reset

        def leaky(session: Any, email: str) -> None:
            ask_for_reset(session, email)
            if email in known:
                for _ in range(3):
                    session.flush()
                    session.rows("SELECT pg_sleep(0.001)")

        monkeypatch.setattr(password_reset, "request_reset", leaky)

        def ask(client: FlaskClient, email: str) -> TestResponse:
            return client.post(f"{AUTH}/forgot-password", json={"email": email})

        with pytest.raises(AssertionError, match="reveals"):
            timing_leaks.assert_same_timing(open_app, ask, known, unknown, status=202)

    def addresses(self, app: Flask) -> tuple[list[str], list[str]]:
        """Return known email addresses, and as many unknown ones."""
        people = [ApiClient(app) for _ in range(5)]
        for person in people:
            person.register()
        return [person.email for person in people], [f"{uuid4().hex}@example.com" for _ in range(5)]
