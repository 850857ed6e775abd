"""Email confirmation, password reset, API keys and the second factor over the API."""

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
from app.identity.models import User
from app.kit import clock, ids, telemetry
from app.kit.db import Database
from app.notifications.account_kinds import PasswordChanged
from tests import timing_leaks
from tests.api_client import PASSWORD, ApiClient, assert_problem, wrong_fields
from tests.mailbox import Mailbox, extract_token, run_pending_jobs
from tests.people import PASSWORD as STAFF_PASSWORD
from tests.people import set_prices
from tests.rows import change_rows
from tests.staff import Member, create_member_with_app
from tests.unchanged_database import database_unchanged, table_digests

AUTH = "/api/auth"
NEW = "another long horse"
#: The tables that count and record refused attempts.
ATTEMPT_TABLES = {"login_failures", "audit_seals"}


@pytest.fixture
def customer(newcomer: ApiClient) -> ApiClient:
    """A customer who has confirmed their email address."""
    newcomer.credit()
    return newcomer


def new_client(app: Flask) -> ApiClient:
    """Return a client that is not signed in, at another IP address."""
    return ApiClient(app)


class TestEmailConfirmation:
    def test_registration_emails_a_link_that_confirms_the_email_address(
        self, newcomer, app, database, mailbox
    ) -> None:
        run_pending_jobs(database)
        [message] = mailbox.sent_to(newcomer.email)
        assert message.subject == "Confirm your email address"
        # Anyone can enter the email address of another person, so the email repeats no input.
        assert "Ada" not in message.text + message.html
        response = newcomer.post(f"{AUTH}/verify-email", {"token": extract_token(message.text)})
        assert newcomer.ok(200, response) == {"emailConfirmed": True}
        assert newcomer.ok(200, newcomer.get(f"{AUTH}/me"))["emailConfirmed"] is True
        with database_unchanged(database):
            again = new_client(app).post(
                f"{AUTH}/verify-email", {"token": extract_token(message.text)}
            )
            assert_problem(again, 401, "token_invalid")

    def test_money_movements_are_refused_until_the_email_address_is_confirmed(
        self, newcomer, database, mailbox
    ) -> None:
        set_prices(database, AU="4000", PAXG="4000")
        order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"}
        transfer = {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"}
        requests = [("trade/quote", order), ("trade/order", order), ("wallet/transfer", transfer)]
        for path, body in requests:
            with database_unchanged(database):
                assert_problem(newcomer.post(f"/api/{path}", body), 403, "email_not_confirmed")
        assert newcomer.available_balances() == {}
        run_pending_jobs(database)
        newcomer.ok(
            200,
            newcomer.post(f"{AUTH}/verify-email", {"token": mailbox.latest_token(newcomer.email)}),
        )
        newcomer.ok(201, newcomer.post("/api/trade/quote", order))
        for path, body in requests[1:]:
            assert_problem(newcomer.post(f"/api/{path}", body), 409, "insufficient_funds")

    def test_confirmation_link_is_resent_at_most_four_times_an_hour(
        self, newcomer, database, mailbox
    ) -> None:
        for _ in range(4):
            assert newcomer.post(f"{AUTH}/verify-email/resend").status_code == 202
        with database_unchanged(database):
            refused = newcomer.post(f"{AUTH}/verify-email/resend")
        assert_problem(refused, 429, "rate_limited")
        run_pending_jobs(database)
        tokens = [extract_token(email.text) for email in mailbox.sent_to(newcomer.email)]
        assert len(set(tokens)) == 5
        # An earlier link stays valid.
        newcomer.ok(200, newcomer.post(f"{AUTH}/verify-email", {"token": tokens[0]}))
        with database_unchanged(database):
            confirmed = newcomer.post(f"{AUTH}/verify-email/resend")
        assert_problem(confirmed, 409, "email_already_confirmed")

    @pytest.mark.parametrize(
        "token", ["x", "otk_1.x", "é" * 200], ids=["one letter", "prefix and dot", "not ASCII"]
    )
    def test_invalid_confirmation_token_is_refused(self, app, database, token: str) -> None:
        with database_unchanged(database):
            response = new_client(app).post(f"{AUTH}/verify-email", {"token": token})
        assert_problem(response, 401, "token_invalid")


def request_reset(client: ApiClient, email: str) -> TestResponse:
    return client.post(f"{AUTH}/forgot-password", {"email": email})


def reset_password(client: ApiClient, token: str, password: str = NEW) -> TestResponse:
    return client.post(f"{AUTH}/reset-password", {"token": token, "password": password})


class TestPasswordReset:
    def reset_token(
        self, app: Flask, customer: ApiClient, database: Database, mailbox: Mailbox
    ) -> str:
        assert request_reset(new_client(app), customer.email.upper()).status_code == 202
        run_pending_jobs(database)
        return mailbox.latest_token(customer.email)

    def test_reset_sets_the_password_and_ends_every_session(
        self, newcomer, app, database, mailbox
    ) -> None:
        token = self.reset_token(app, newcomer, database, mailbox)
        before = newcomer.token
        newcomer.sign_in()
        response = reset_password(new_client(app), token)
        assert new_client(app).ok(200, response) == {"apiKeysActive": 0}
        for access in (before, newcomer.token):
            newcomer.token = access
            assert_problem(newcomer.get(f"{AUTH}/me"), 401, "token_invalid")
        body = {"email": newcomer.email, "password": PASSWORD}
        assert_problem(new_client(app).post(f"{AUTH}/login", body), 401, "invalid_credentials")
        signed_in = new_client(app).post(f"{AUTH}/login", {**body, "password": NEW})
        # The reset link proves that the newcomer reads this email address.
        assert signed_in.json["user"]["emailConfirmed"] is True
        run_pending_jobs(database)
        assert mailbox.sent_to(newcomer.email)[-1].subject == "Your password was changed"

    def test_reset_link_works_once_and_ends_the_other_links(
        self, customer, app, database, mailbox
    ) -> None:
        first, second = (self.reset_token(app, customer, database, mailbox) for _ in range(2))
        assert first != second
        assert reset_password(new_client(app), second).status_code == 200
        for used in (first, second):
            with database_unchanged(database):
                refused = reset_password(new_client(app), used, "a third long horse")
                assert_problem(refused, 401, "token_invalid")

    def test_reset_link_stays_valid_after_a_weak_password(
        self, customer, app, database, mailbox
    ) -> None:
        token = self.reset_token(app, customer, database, mailbox)
        for weak in ("Password123!", customer.email.partition("@")[0]):
            with database_unchanged(database):
                assert wrong_fields(reset_password(new_client(app), token, weak)) == ["password"]
        assert reset_password(new_client(app), token).status_code == 200

    def test_confirmation_and_reset_links_are_not_interchangeable(
        self, newcomer, app, database, mailbox
    ) -> None:
        run_pending_jobs(database)
        confirmation = mailbox.latest_token(newcomer.email)
        reset_token = self.reset_token(app, newcomer, database, mailbox)
        with database_unchanged(database):
            assert_problem(reset_password(new_client(app), confirmation), 401, "token_invalid")
            refused = new_client(app).post(f"{AUTH}/verify-email", {"token": reset_token})
            assert_problem(refused, 401, "token_invalid")

    def test_reset_emails_at_most_five_links_an_hour(
        self, customer, app, database, mailbox
    ) -> None:
        for _ in range(8):
            assert request_reset(new_client(app), customer.email).status_code == 202
        run_pending_jobs(database)
        subjects = [email.subject for email in mailbox.sent_to(customer.email)]
        assert subjects.count("Choose a new password") == 5

    def test_reset_emails_nothing_to_a_suspended_customer(
        self, customer, app, database, mailbox
    ) -> None:
        run_pending_jobs(database)
        with database.transaction() as session:
            change_rows(session, User, User.id == customer.user_id, status="suspended")
        assert request_reset(new_client(app), customer.email).status_code == 202
        run_pending_jobs(database)
        assert [email.subject for email in mailbox.sent_to(customer.email)] == [
            "Confirm your email address"
        ]

    def test_second_factor_stays_on_after_a_password_reset(
        self, customer, app, database, mailbox
    ) -> None:
        secret = turn_on_second_factor(customer)
        token = self.reset_token(app, customer, database, mailbox)
        assert reset_password(new_client(app), token).status_code == 200
        body = {"email": customer.email, "password": NEW}
        assert_problem(new_client(app).post(f"{AUTH}/login", body), 401, "two_factor_required")
        code = pyotp.TOTP(secret).at(clock.now(), counter_offset=1)
        assert new_client(app).post(f"{AUTH}/login", {**body, "code": code}).status_code == 200


def turn_on_second_factor(client: ApiClient) -> str:
    """Set up the second factor with the code of the previous time step; return its secret."""
    setup = client.ok(200, client.post(f"{AUTH}/2fa/setup"))
    code = pyotp.TOTP(setup["secret"]).at(clock.now(), counter_offset=-1)
    response = client.ok(200, client.post(f"{AUTH}/2fa/confirm", {"code": code}))
    client.recovery_codes = response["recoveryCodes"]
    return str(setup["secret"])


class TestSecondFactor:
    def test_second_factor_from_setup_to_removal(self, customer, app, database, mailbox) -> None:
        setup = customer.ok(200, customer.post(f"{AUTH}/2fa/setup"))
        assert set(setup) == {"secret", "otpauthUri", "qrSvg"}
        totp = pyotp.parse_uri(setup["otpauthUri"])
        assert isinstance(totp, pyotp.TOTP)
        with database_unchanged(database, apart_from=ATTEMPT_TABLES):
            wrong = customer.post(f"{AUTH}/2fa/confirm", {"code": "000000"})
            assert_problem(wrong, 401, "two_factor_invalid")
        confirmed = customer.post(
            f"{AUTH}/2fa/confirm", {"code": totp.at(clock.now(), counter_offset=-1)}
        )
        codes = customer.ok(200, confirmed)["recoveryCodes"]
        assert len(set(codes)) == 10
        body = {"email": customer.email, "password": PASSWORD}
        assert_problem(new_client(app).post(f"{AUTH}/login", body), 401, "two_factor_required")
        assert_problem(
            new_client(app).post(f"{AUTH}/login", {**body, "code": None}),
            401,
            "two_factor_required",
        )
        with_code = {**body, "code": totp.at(clock.now())}
        assert new_client(app).post(f"{AUTH}/login", with_code).status_code == 200
        assert_problem(new_client(app).post(f"{AUTH}/login", with_code), 401, "two_factor_invalid")
        assert_problem(customer.post(f"{AUTH}/2fa/setup"), 409, "two_factor_on")
        off = customer.send("DELETE", f"{AUTH}/2fa", json={"code": codes[0]})
        assert (off.status_code, off.data) == (204, b"")
        assert new_client(app).post(f"{AUTH}/login", body).status_code == 200
        again = customer.send("DELETE", f"{AUTH}/2fa", json={"code": codes[1]})
        assert_problem(again, 409, "two_factor_not_set_up")
        run_pending_jobs(database)
        subjects = [email.subject for email in mailbox.sent_to(customer.email)][1:]
        assert subjects == ["Your second factor was turned on", "Your second factor was turned off"]

    def test_second_factor_routes_are_refused_without_a_token(self, app, database) -> None:
        with database_unchanged(database):
            for method, path in (("POST", "setup"), ("POST", "confirm"), ("DELETE", "")):
                url = f"{AUTH}/2fa/{path}".rstrip("/")
                response = new_client(app).send(method, url, json={"code": "123456"})
                assert_problem(response, 401, "token_invalid")

    def test_audit_trail_records_the_second_factor_without_secrets(
        self, customer, database
    ) -> None:
        secret = turn_on_second_factor(customer)
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, t::text FROM audit_records t WHERE actor_id = %s",
                (customer.user_id,),
            )
        assert "second_factor.switched_on" in {action for action, _ in rows}
        assert not [
            text for _, text in rows if secret in text or customer.recovery_codes[0] in text
        ]

    def test_new_recovery_codes_end_the_old_ones(self, customer, app, database, mailbox) -> None:
        secret = turn_on_second_factor(customer)
        old = customer.recovery_codes
        path = f"{AUTH}/2fa/recovery-codes"
        credentials = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(clock.now())}
        response = customer.post(path, credentials)
        codes = customer.ok(200, response)["recoveryCodes"]
        assert len(set(codes) - set(old)) == 10
        # The code worked once, and no old recovery code works.
        body = {"email": customer.email, "password": PASSWORD}
        for used in (credentials["code"], old[0], old[9]):
            refused = new_client(app).post(f"{AUTH}/login", {**body, "code": used})
            assert_problem(refused, 401, "two_factor_invalid")
        again = new_client(app).post(path, {"password": PASSWORD, "code": codes[0]})
        assert_problem(again, 401, "token_invalid")
        for code in (codes[0], codes[9]):
            assert new_client(app).post(f"{AUTH}/login", {**body, "code": code}).status_code == 200
        run_pending_jobs(database)
        subject = "Your recovery codes were replaced"
        [email] = [each for each in mailbox.sent_to(customer.email) if each.subject == subject]
        assert not [code for code in codes if code in email.text]

    def test_new_recovery_codes_need_password_and_code(self, customer, database) -> None:
        path = f"{AUTH}/2fa/recovery-codes"
        with database_unchanged(database, apart_from=ATTEMPT_TABLES):
            off = customer.post(path, {"password": PASSWORD, "code": "000000"})
            assert_problem(off, 409, "two_factor_not_set_up")
        turn_on_second_factor(customer)
        for password, code, refusal in (
            ("wrong long horse", customer.recovery_codes[0], "invalid_credentials"),
            (PASSWORD, "000000", "two_factor_invalid"),
        ):
            with database_unchanged(database, apart_from=ATTEMPT_TABLES):
                assert_problem(
                    customer.post(path, {"password": password, "code": code}), 401, refusal
                )
        with database_unchanged(database):
            refused = customer.post(path, {"code": customer.recovery_codes[0]})
            assert wrong_fields(refused) == ["password"]
        assert (
            customer.post(
                path, {"password": PASSWORD, "code": customer.recovery_codes[0]}
            ).status_code
            == 200
        )


class TestStaffSecondFactor:
    """Staff of an application that requires a second factor of staff."""

    @pytest.fixture
    def member(self, database: Database) -> Member:
        return create_member_with_app(database)

    @pytest.fixture
    def program(self, strict_app: Flask, member: Member) -> ApiClient:
        client = ApiClient(strict_app)
        client.email = member.email
        body = {"email": member.email, "password": STAFF_PASSWORD, "code": member.code()}
        client.token = client.ok(200, client.post(f"{AUTH}/login", body))["accessToken"]
        return client

    def test_staff_cannot_remove_their_last_second_factor(self, program, member, database) -> None:
        body = {"code": member.recovery_codes[0]}
        with database_unchanged(database):
            refused = program.send("DELETE", f"{AUTH}/2fa", json=body)
            problem = assert_problem(refused, 409, "last_second_factor")
        assert "/auth/account" in problem["detail"]
        with database.transaction() as session:
            session.send(
                "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name,"
                " created_at) VALUES (%(id)s, %(user)s, %(id)s::text::bytea, 'x', 0, 'a', now())",
                {"id": ids.new(), "user": member.actor.user_id},
            )
        assert program.send("DELETE", f"{AUTH}/2fa", json=body).status_code == 204


class TestApiKeys:
    """A new password keeps API keys active and counts them, or revokes them on request."""

    def create_programs(self, customer: ApiClient, count: int) -> list[ApiClient]:
        programs = []
        for number in range(count):
            body = {"name": f"program {number}", "scopes": ["own:balances:read"]}
            program = new_client(customer.app)
            program.token = customer.ok(201, customer.post("/api/me/api-keys", body))["key"]
            programs.append(program)
        return programs

    def balance_statuses(self, programs: list[ApiClient]) -> list[int]:
        return [program.get("/api/wallet/balances").status_code for program in programs]

    def change_password(
        self, customer: ApiClient, current: str, new: str, **changes: object
    ) -> dict[str, Any]:
        body = {"currentPassword": current, "newPassword": new, **changes}
        response = customer.ok(200, customer.post(f"{AUTH}/change-password", body))
        customer.token = response["accessToken"]
        return response

    def test_password_change_counts_active_api_keys_or_revokes_them(
        self, customer, database, mailbox
    ) -> None:
        programs = self.create_programs(customer, 2)
        assert self.change_password(customer, PASSWORD, NEW)["apiKeysActive"] == 2
        assert self.balance_statuses(programs) == [200, 200]
        changed = self.change_password(customer, NEW, "a third long horse", revokeApiKeys=True)
        assert changed["apiKeysActive"] == 0
        assert self.balance_statuses(programs) == [401, 401]
        run_pending_jobs(database)
        with_keys, without_keys = mailbox.sent_to(customer.email)[-2:]
        assert "API keys that are still active: 2." in with_keys.text
        assert "API keys that are still active: 2." in with_keys.html
        assert "stay active" not in without_keys.text + without_keys.html

    def test_password_reset_counts_active_api_keys_or_revokes_them(
        self, customer, app, database, mailbox
    ) -> None:
        programs = self.create_programs(customer, 1)
        for revoke, active, status in ((False, 1, 200), (True, 0, 401)):
            request_reset(new_client(app), customer.email)
            run_pending_jobs(database)
            body = {"token": mailbox.latest_token(customer.email), "password": f"{NEW} {active}"}
            response = new_client(app).post(
                f"{AUTH}/reset-password", {**body, "revokeApiKeys": revoke}
            )
            assert new_client(app).ok(200, response) == {"apiKeysActive": active}
            assert self.balance_statuses(programs) == [status]

    def test_refused_password_change_revokes_no_api_key(self, customer, database) -> None:
        programs = self.create_programs(customer, 1)
        body = {"currentPassword": "wrong long horse", "newPassword": NEW, "revokeApiKeys": True}
        with database_unchanged(database, apart_from=ATTEMPT_TABLES):
            assert_problem(
                customer.post(f"{AUTH}/change-password", body), 401, "invalid_credentials"
            )
        with database_unchanged(database):
            refused = customer.post(f"{AUTH}/change-password", {**body, "revokeApiKeys": "yes"})
            assert wrong_fields(refused) == ["revokeApiKeys"]
        assert self.balance_statuses(programs) == [200]


class TestPasswordStrength:
    @pytest.mark.parametrize("path", ["register", "change-password"])
    def test_weak_password_is_refused_with_a_suggestion(
        self, customer, database, path: str
    ) -> None:
        bodies: dict[str, dict[str, Any]] = {
            "register": {
                "email": "bob@example.com", "password": "Password123!",
                "firstName": "Bob", "lastName": "Bobson",
            },
            "change-password": {"currentPassword": PASSWORD, "newPassword": "Password123!"},
        }  # fmt: skip
        with database_unchanged(database):
            problem = assert_problem(
                customer.post(f"{AUTH}/{path}", bodies[path]), 422, "validation_failed"
            )
        assert problem["errors"] == [
            {
                "field": "password" if path == "register" else "newPassword",
                "message": "Choose a password that is harder to guess."
                " This is similar to a commonly used password."
                " Add another word or two. Uncommon words are better."
                " Capitalization doesn't help very much.",
            }
        ]

    def test_password_made_of_the_own_name_or_email_is_refused(self, app: Flask) -> None:
        for password in ("Lovelace Ada", "lovelace1815", "ada.lovelace@"):
            response = new_client(app).post(
                f"{AUTH}/register",
                {
                    "email": "ada.lovelace@example.com",
                    "password": password,
                    "firstName": "Ada",
                    "lastName": "Lovelace",
                },
            )
            assert wrong_fields(response) == ["password"], password


class TestEmailHeaders:
    """The name of a customer cannot add headers to an email."""

    @pytest.mark.parametrize(
        "name",
        ["Ada\r\nBcc: a@example.com", "Ada\nX: y", "A\x00", "a\x85b"],
        ids=["CR LF", "LF", "NUL", "NEL"],
    )
    def test_name_with_control_characters_is_refused(self, app, name: str) -> None:
        client = new_client(app)
        body = {"email": client.email, "password": PASSWORD, "firstName": name, "lastName": "L"}
        assert wrong_fields(client.post(f"{AUTH}/register", body)) == ["firstName"]

    def test_stored_name_with_a_line_break_adds_no_email_header(
        self, customer, database, mailbox
    ) -> None:
        with database.transaction() as session:
            session.send(
                "UPDATE users SET first_name = E'x\\r\\nBcc: all@example.com' WHERE id = %s",
                (customer.user_id,),
            )
            change = PasswordChanged(clock.now(), api_keys=0)
            security_mail.mail_change_notice(session, customer.user_id, change)
        run_pending_jobs(database)
        for email in mailbox.sent_to(customer.email):
            assert "Bcc" not in email.recipient + email.subject + email.text + email.html


class TestSecretsAtRest:
    def test_links_codes_and_passwords_are_in_no_table_and_no_log(
        self, app, database, mailbox, caplog, capsys
    ) -> None:
        caplog.set_level(logging.DEBUG)
        telemetry.configure(level="DEBUG", with_messages=True)
        try:
            customer = ApiClient(app)
            customer.register()
            assert request_reset(new_client(app), customer.email).status_code == 202
            run_pending_jobs(database)
            tokens = [extract_token(email.text) for email in mailbox.sent_to(customer.email)]
            assert len(tokens) == 2
            self.assert_hidden(database, capsys.readouterr().err + caplog.text, tokens)
            assert_problem(
                reset_password(new_client(app), tokens[1], "Password123!"), 422, "validation_failed"
            )
            assert reset_password(new_client(app), tokens[1]).status_code == 200
            verified = new_client(app).post(f"{AUTH}/verify-email", {"token": tokens[0]})
            assert verified.status_code == 200
            secret = turn_on_second_factor(customer := self.sign_in(customer))
            self.assert_hidden(
                database,
                capsys.readouterr().err + caplog.text,
                [*tokens, secret, *customer.recovery_codes, NEW],
            )
        finally:
            telemetry.configure(level="WARNING", with_messages=True)

    def sign_in(self, customer: ApiClient) -> ApiClient:
        response = customer.post(f"{AUTH}/login", {"email": customer.email, "password": NEW})
        customer.token = customer.ok(200, response)["accessToken"]
        return customer

    def assert_hidden(self, database: Database, logged: str, secrets: list[str]) -> None:
        parts = [part for secret in secrets for part in {secret, secret.rpartition(".")[2]}]
        dump = "".join(f"{table}: {row}\n" for table, row in read_every_row(database))
        assert len(dump) > 1000
        for part in parts:
            assert part not in dump
            assert part.replace("-", "") not in dump
            assert part not in logged

    def test_search_for_secrets_finds_a_stored_value(self, customer, database) -> None:
        with pytest.raises(AssertionError):
            self.assert_hidden(database, "", [customer.email])


def read_every_row(database: Database) -> Iterator[tuple[str, str]]:
    with database.reading() as session:
        tables = session.rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables:
            for (row,) in session.rows(f'SELECT t::text FROM "{table}" t'):
                yield table, row


class TestEnumeration:
    """Neither a response nor its duration reveals whether an email address has an account.

    tests/timing_leaks.py measures the duration; tests/attacks/test_enumeration.py tests the pages.
    """

    def test_reset_responses_are_identical_for_known_and_unknown_emails(
        self, customer, app, database
    ) -> None:
        responses = [
            request_reset(new_client(app), email)
            for email in (customer.email, f"{uuid4().hex}@example.com")
        ]
        contents = [
            (
                response.status_code,
                response.data,
                {name for name, _ in response.headers},
                response.headers.get("Content-Length"),
            )
            for response in responses
        ]
        assert contents[0] == contents[1]
        assert responses[0].json == {
            "message": "If there is an account with this email address, we have sent a link."
        }

    def test_reset_writes_the_same_tables_for_known_and_unknown_emails(
        self, customer, app, database
    ) -> None:
        changed = []
        for email in (customer.email, f"{uuid4().hex}@example.com"):
            before = table_digests(database)
            request_reset(new_client(app), email)
            after = table_digests(database)
            changed.append({table for table in before if before[table] != after[table]})
        assert changed[0] == changed[1] == {"outbox"}

    def test_reset_takes_as_long_for_known_and_unknown_emails(self, open_app: Flask) -> None:
        registered, unknown = self.email_addresses(open_app)

        def send(client: FlaskClient, email: str) -> TestResponse:
            return client.post(f"{AUTH}/forgot-password", json={"email": email})

        timing_leaks.assert_same_timing(open_app, send, registered, unknown, status=202)

    def test_sign_in_takes_as_long_for_known_and_unknown_emails(self, open_app: Flask) -> None:
        registered, unknown = self.email_addresses(open_app)

        def send(client: FlaskClient, email: str) -> TestResponse:
            body = {"email": email, "password": "wrong long horse"}
            return client.post(f"{AUTH}/login", json=body)

        timing_leaks.assert_same_timing(open_app, send, registered, unknown, status=401)

    def test_timing_check_finds_a_leak(
        self, open_app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registered, unknown = self.email_addresses(open_app)
        real_request_reset = password_reset.request_reset

        def leaking_request_reset(session: Any, email: str) -> None:
            real_request_reset(session, email)
            if email in registered:
                for _ in range(3):
                    session.flush()
                    session.rows("SELECT pg_sleep(0.001)")

        monkeypatch.setattr(password_reset, "request_reset", leaking_request_reset)

        def send(client: FlaskClient, email: str) -> TestResponse:
            return client.post(f"{AUTH}/forgot-password", json={"email": email})

        with pytest.raises(AssertionError, match="reveals"):
            timing_leaks.assert_same_timing(open_app, send, registered, unknown, status=202)

    def email_addresses(self, app: Flask) -> tuple[list[str], list[str]]:
        """Return registered email addresses, and as many unknown ones."""
        people = [ApiClient(app) for _ in range(5)]
        for person in people:
            person.register()
        return [person.email for person in people], [f"{uuid4().hex}@example.com" for _ in range(5)]
