"""Erasure is refused while anything is open; afterwards no data identifies the person."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pyotp
import pytest
import time_machine
from flask import Flask

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalOutdated, ApprovalPending
from app.audit import service as audit
from app.audit.verification import verify
from app.catalog.rules import USD
from app.identity import personal as identity_personal
from app.identity.accounts import account_status
from app.identity.accounts.people import get_account
from app.identity.errors import OwnAccountChange, PersonErased, TokenInvalid
from app.identity.roles import role_assignments
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.formatting import format_date
from app.kit.money import Amount
from app.kit.personal import retention_end
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.verification import find_violations
from app.messages import email_delivery
from app.messages.ports import EmailNotSent, EmailRefused
from app.privacy import erasure, exports
from app.privacy.errors import ErasureRefused
from app.privacy.personal_data_tables import ROOMS
from tests.api_client import PASSWORD, ApiClient, assert_problem
from tests.mailbox import Mailbox, run_pending_jobs
from tests.people import People
from tests.privacy.customer_history import EXPORT, JOBS, CustomerWithHistory, find_in_all_tables
from tests.running_transactions import wait_for_running_transactions
from tests.unchanged_database import database_unchanged

#: Tables that a wrong password changes on purpose: failures are counted.
FAILURES = {"login_failures"}


@pytest.fixture
def settled_customer(ada: CustomerWithHistory) -> CustomerWithHistory:
    """A customer with a history and nothing open."""
    ada.download_archive()
    ada.empty_accounts()
    return ada


def open_fields(refused_response: object) -> list[str]:
    response = assert_problem(refused_response, 409, "erasure_refused")
    return sorted(error["field"] for error in response["errors"])


class TestRefusal:
    def test_erasure_with_balances_is_refused(self, ada: CustomerWithHistory) -> None:
        with database_unchanged(ada.database):
            response = ada.request_erasure()
        assert open_fields(response) == ["balances.PAXG", "balances.USD", "balances.XAU-s"]
        [usd] = [error for error in response.json["errors"] if error["field"] == "balances.USD"]
        assert usd["message"] == "The balance is 900.00 USD. It must be 0."

    def test_erasure_with_a_hold_is_refused(self, settled_customer: CustomerWithHistory) -> None:
        settled_customer.client.credit(USD="5")
        with settled_customer.database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=ids.new(),
                account=chart.customer(settled_customer.client.user_id, USD),
                amount=Amount(USD, 500),
                cause="test",
                placed_at=clock.now(),
                expires_at=None,
            )
        with database_unchanged(settled_customer.database):
            assert open_fields(settled_customer.request_erasure()) == ["balances.USD", "holds.USD"]

    def test_erasure_with_a_quote_is_refused_until_it_expires(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        conversion = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
        quote = settled_customer.client.ok(
            201, settled_customer.client.post("/api/trade/quote", conversion)
        )
        with database_unchanged(settled_customer.database):
            response = settled_customer.request_erasure()
        assert open_fields(response) == [f"quotes.{quote['id']}"]
        assert quote["expiresAt"] in response.json["detail"]
        with time_machine.travel(clock.now() + timedelta(minutes=10), tick=True):
            assert settled_customer.request_erasure().status_code == 200

    def test_erasure_with_a_pending_approval_is_refused_without_naming_it(
        self, settled_customer: CustomerWithHistory, people: People
    ) -> None:
        people.staff(Role.ADMIN)
        officer = people.staff(Role.COMPLIANCE)
        with settled_customer.database.transaction() as session:
            account_status.request_suspension(
                session, officer, settled_customer.client.user_id, reason="a suspicion"
            )
        with database_unchanged(settled_customer.database):
            response = settled_customer.request_erasure()
        assert open_fields(response) == ["account"]
        for word in ("suspen", "suspicion", "approv"):
            assert word not in response.text

    def test_erasure_without_the_password_is_refused(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        with database_unchanged(settled_customer.database, apart_from=FAILURES):
            assert_problem(
                settled_customer.request_erasure("not the password"), 401, "invalid_credentials"
            )

    def test_erasure_without_the_second_factor_is_refused(
        self, open_app: Flask, mailbox: Mailbox
    ) -> None:
        customer = CustomerWithHistory.register(open_app, second_factor=True)
        customer.empty_accounts()
        with database_unchanged(customer.database, apart_from=FAILURES):
            assert_problem(customer.request_erasure(), 401, "two_factor_required")
            assert_problem(customer.request_erasure(code="000000"), 401, "two_factor_invalid")
        with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
            code = pyotp.TOTP(customer.secret).at(clock.now())
            assert customer.request_erasure(code=code).status_code == 200

    def test_refused_erasure_does_not_use_up_the_code(
        self, open_app: Flask, mailbox: Mailbox
    ) -> None:
        customer = CustomerWithHistory.register(open_app, second_factor=True)
        with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
            code = pyotp.TOTP(customer.secret).at(clock.now())
            with database_unchanged(customer.database):
                assert_problem(customer.request_erasure(code=code), 409, "erasure_refused")
            customer.empty_accounts()
            assert customer.request_erasure(code=code).status_code == 200

    def test_erasure_by_api_key_is_refused(self, settled_customer: CustomerWithHistory) -> None:
        settled_customer.client.token = settled_customer.key
        with database_unchanged(settled_customer.database):
            assert_problem(settled_customer.request_erasure(), 403, "permission_denied")

    def test_erasure_of_staff_is_refused(
        self, settled_customer: CustomerWithHistory, people: People
    ) -> None:
        member = people.staff(Role.SUPPORT)
        with (
            database_unchanged(settled_customer.database),
            pytest.raises(ErasureRefused, match="staff cannot be erased"),
            settled_customer.database.transaction() as session,
        ):
            erasure.erase_own_account(session, member)

    def test_erasure_without_authentication_is_refused(self, database: Database) -> None:
        unknown_actor = Actor(ids.new(), None, "", Role.USER, DEFAULT_PERMISSIONS[Role.USER])
        with (
            database.transaction() as session,
            database_unchanged(database),
            pytest.raises(NotFound),
        ):
            erasure.erase_own_account(session, unknown_actor)


class TestResponse:
    def test_response_lists_retained_data_with_end_and_reason(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        response = settled_customer.client.ok(200, settled_customer.request_erasure())
        assert response["status"] == "erased"
        assert response["userId"] == settled_customer.client.user["id"]
        erased_at = datetime.fromisoformat(response["erasedAt"])
        assert datetime.fromisoformat(response["keptUntil"]) == erased_at.replace(
            year=erased_at.year + 5
        )
        assert {entry["until"] for entry in response["kept"]} == {response["keptUntil"]}
        retained = {item["what"] for item in response["kept"]}
        described = {name: t.description for room in ROOMS for name, t in room.tables.items()}
        for table in ("orders", "accounts", "consents", "audit_records"):
            assert described[table] in retained
        assert "31 CFR 1010.430(d)" in " ".join(entry["why"] for entry in response["kept"])

    def test_last_email_confirms_the_erasure_and_its_address_is_deleted(
        self, settled_customer: CustomerWithHistory, mailbox: Mailbox
    ) -> None:
        response = settled_customer.client.ok(200, settled_customer.request_erasure())
        assert (
            find_in_all_tables(settled_customer.database, [settled_customer.canaries["email"]])
            == []
        )
        run_pending_jobs(settled_customer.database)
        last_email = mailbox.sent_to(settled_customer.canaries["email"])[-1]
        assert last_email.subject == "Your personal data has been erased"
        kept_until = format_date(datetime.fromisoformat(response["keptUntil"]))
        assert f"until {kept_until}." in last_email.text
        assert "31 CFR 1010.430(d)" in last_email.text
        run_pending_jobs(settled_customer.database)
        assert recipients(settled_customer) == [("sent", None)]
        assert (
            mailbox.sent_to(settled_customer.canaries["email"])[-2:][0].subject
            != last_email.subject
        )

    def test_refused_last_email_deletes_the_address(
        self, settled_customer: CustomerWithHistory, mailbox: Mailbox
    ) -> None:
        def refuse(_mail: object) -> None:
            raise EmailRefused("550")

        mailbox.before_send = refuse
        settled_customer.client.ok(200, settled_customer.request_erasure())
        run_pending_jobs(settled_customer.database)
        assert recipients(settled_customer) == [("refused", None)]

    def test_undelivered_last_email_is_retried_for_a_day(
        self, settled_customer: CustomerWithHistory, mailbox: Mailbox
    ) -> None:
        def fail_to_send(_mail: object) -> None:
            raise EmailNotSent("unavailable")

        mailbox.before_send = fail_to_send
        settled_customer.client.ok(200, settled_customer.request_erasure())
        run_pending_jobs(settled_customer.database)
        [(state, sealed)] = recipients(settled_customer)
        assert state == "waiting"
        assert settled_customer.canaries["email"].encode() not in bytes(sealed)
        with settled_customer.database.transaction() as session:
            email_delivery.delete_old_emails(session)
        assert recipients(settled_customer) == [("waiting", sealed)]
        later = clock.now() + timedelta(days=1, seconds=1)
        with (
            time_machine.travel(later, tick=True),
            settled_customer.database.transaction() as session,
        ):
            email_delivery.delete_old_emails(session)
        assert recipients(settled_customer) == [("dropped", None)]


def recipients(customer: CustomerWithHistory) -> list[tuple[object, ...]]:
    with customer.database.reading() as session:
        return session.rows(
            "SELECT state, recipient_sealed FROM mails WHERE user_id = %s",
            (customer.client.user_id,),
        )


class TestAfterErasure:
    def test_no_table_identifies_the_erased_person(
        self, settled_customer: CustomerWithHistory, bob: CustomerWithHistory
    ) -> None:
        words = [*settled_customer.canaries.values(), settled_customer.canaries["phone"][2:]]
        before = {word for _, _, word in find_in_all_tables(settled_customer.database, words)}
        # The scan cannot find sealed values; it finds all others.
        assert {
            settled_customer.canaries[name] for name in ("email", "first", "phone", "key name")
        } <= before
        settled_customer.client.ok(200, settled_customer.request_erasure())
        run_pending_jobs(settled_customer.database, *JOBS)
        assert find_in_all_tables(settled_customer.database, words) == []
        other_archive = str(bob.download_archive())
        assert bob.canaries["email"] in other_archive
        assert not any(word in other_archive for word in words)

    def test_sealed_values_of_the_erased_person_are_gone(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        owner = settled_customer.client.user_id
        with settled_customer.database.reading() as session:
            for table in ("addresses", "totp_credentials", "api_keys", "one_time_tokens"):
                statement = f"SELECT FROM {table} WHERE user_id = %s"
                assert session.rows(statement, (owner,)) == [], table
            statement = "SELECT status, key_sealed FROM exports WHERE user_id = %s"
            assert session.rows(statement, (owner,)) == [("expired", None)]

    def test_every_way_to_sign_in_ends_at_once(self, settled_customer: CustomerWithHistory) -> None:
        client = settled_customer.client
        other = ApiClient(client.app)
        other.email = client.email
        other.sign_in()
        client.ok(200, settled_customer.request_erasure())
        with database_unchanged(settled_customer.database, apart_from=FAILURES):
            for session_client in (client, other):
                assert_problem(session_client.get("/api/me"), 401, "token_invalid")
                response = session_client.post(
                    "/api/auth/refresh", {"refreshToken": session_client.refresh_token}
                )
                assert_problem(response, 401, "token_invalid")
                session_client.token = settled_customer.key
                assert_problem(session_client.get("/api/wallet/balances"), 401, "token_invalid")
                session_client.token = None
                credentials = {"email": client.email, "password": PASSWORD}
                assert_problem(
                    session_client.post("/api/auth/login", credentials), 401, "invalid_credentials"
                )

    def test_reset_link_of_the_erased_person_is_invalid(
        self, settled_customer: CustomerWithHistory, mailbox: Mailbox
    ) -> None:
        settled_customer.client.token = None
        settled_customer.client.ok(
            202,
            settled_customer.client.post(
                "/api/auth/forgot-password", {"email": settled_customer.client.email}
            ),
        )
        run_pending_jobs(settled_customer.database)
        token = mailbox.latest_token(settled_customer.client.email)
        settled_customer.client.sign_in()
        settled_customer.client.ok(200, settled_customer.request_erasure())
        with database_unchanged(settled_customer.database):
            body = {"token": token, "password": "another correct horse"}
            assert_problem(
                settled_customer.client.post("/api/auth/reset-password", body), 401, "token_invalid"
            )

    def test_email_can_register_a_new_account(self, settled_customer: CustomerWithHistory) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        new_client = ApiClient(settled_customer.client.app)
        new_client.email = settled_customer.client.email
        new_client.register()
        assert new_client.user["id"] != settled_customer.client.user["id"]
        new_client.credit()
        assert new_client.available_balances() == {}
        files = CustomerWithHistory(new_client, {}).download_archive()
        assert files["trading.json"] == {"orders": [], "quotes": []}

    def test_books_and_audit_trail_stay_valid(self, settled_customer: CustomerWithHistory) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        wait_for_running_transactions(settled_customer.database)
        with settled_customer.database.transaction() as session:
            audit.seal(session)
        with settled_customer.database.transaction(SNAPSHOT) as session:
            assert find_violations(session) == []
        with settled_customer.database.transaction() as session:
            report = verify(session)
        assert [finding for finding in report.findings if "anchor" not in finding.problem] == []
        assert report.sealed > 0
        with settled_customer.database.reading() as session:
            orders = session.rows(
                "SELECT given_units FROM orders WHERE user_id = %s",
                (settled_customer.client.user_id,),
            )
        assert orders == [(100_00,)]

    def test_audit_trail_records_the_erasure_and_the_retention(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        response = settled_customer.client.ok(200, settled_customer.request_erasure())
        with settled_customer.database.reading() as session:
            rows = session.rows(
                "SELECT actor_id, before::text, after, reason FROM audit_records"
                " WHERE subject = %s AND action = 'person.erased'",
                (settled_customer.client.user["id"],),
            )
        [(actor_id, before, after, reason)] = rows
        assert (actor_id, before, reason) == (settled_customer.client.user_id, None, None)
        assert after == {
            "status": "erased",
            "kept_until": response["keptUntil"],
            "law": "31 CFR 1010.430(d)",
        }

    def test_repeated_erasure_is_refused(self, settled_customer: CustomerWithHistory) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        with database_unchanged(settled_customer.database):
            assert_problem(settled_customer.request_erasure(), 401, "token_invalid")

    def test_pending_export_is_never_built_after_the_erasure(
        self, ada: CustomerWithHistory, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada.empty_accounts()
        request_id = ada.client.ok(202, ada.client.post(EXPORT))
        write = exports.archive.write

        def write_late(*arguments: object, **named: object) -> None:
            ada.client.ok(200, ada.request_erasure())
            write(*arguments, **named)

        monkeypatch.setattr(exports.archive, "write", write_late)
        exports.build_archive(ada.database, ids.decode("exp", request_id["id"]))
        with ada.database.reading() as session:
            rows = session.rows(
                "SELECT status, key_sealed FROM exports WHERE user_id = %s",
                (ada.client.user_id,),
            )
        assert rows == [("cancelled", None)]
        run_pending_jobs(ada.database, *JOBS)
        subjects = [mail.subject for mail in mailbox.sent_to(ada.canaries["email"])]
        assert "Your data export is ready" not in subjects
        assert subjects[-1] == "Your personal data has been erased"

    def test_late_message_is_not_delivered(self, open_app: Flask, mailbox: Mailbox) -> None:
        client = ApiClient.create_customer(open_app)
        database: Database = open_app.extensions["database"]
        values = dict.fromkeys(
            (
                "order",
                "from_amount",
                "from_asset",
                "to_amount",
                "to_asset",
                "price",
                "fee_amount",
                "fee_asset",
                "executed_at",
            ),
            "x",
        )
        args = {"user_id": str(client.user_id), "kind": "trade_confirmed", "values": values}
        client.ok(200, client.post("/api/me/erasure", {"password": PASSWORD}))
        with database.transaction() as session:
            exports.outbox.stage(session, "messages.deliver", {**args, "event_key": "late:1"})
            exports.outbox.stage(session, "messages.send_mail", {**args, "event_key": "late:2"})
        run_pending_jobs(database)
        assert {mail.subject for mail in mailbox.sent} == {"Your personal data has been erased"}
        with database.reading() as session:
            inbox = session.rows("SELECT FROM messages WHERE user_id = %s", (client.user_id,))
        assert inbox == []


class TestDatabaseGuards:
    """The database refuses late writes of transactions that run during an erasure."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE users SET first_name = 'Ada' WHERE id = %s",
            "UPDATE users SET status = 'active', erased_at = NULL WHERE id = %s",
            "DELETE FROM users WHERE id = %s",
            (
                "INSERT INTO addresses (id, user_id, details_sealed, is_default, created_at,"
                " updated_at) VALUES (gen_random_uuid(), %s, 'x', false, now(), now())"
            ),
            (
                "INSERT INTO login_sessions (id, user_id, created_at, expires_at)"
                " VALUES (gen_random_uuid(), %s, now(), now() + interval '1 day')"
            ),
            (
                "INSERT INTO consents (id, user_id, policy, version, given, decided_at, channel)"
                " VALUES (gen_random_uuid(), %s, 'terms', 1, true, now(), 'api')"
            ),
            (
                "INSERT INTO notification_choices (user_id, topic, channel, wanted, chosen_at)"
                " VALUES (%s, 'trades', 'email', false, now())"
            ),
            (
                "INSERT INTO quotes (id, user_id, from_asset, to_asset, given_units,"
                " received_units, price, fee_asset, fee_units, spread_units, rounding_units,"
                " quoted_at, expires_at)"
                " VALUES (gen_random_uuid(), %s, 'USD', 'XAU-s', 1, 1, 1, 'USD', 0, 0, 0, now(),"
                " now() + interval '1 minute')"
            ),
        ],
    )
    def test_rows_about_an_erased_person_cannot_be_added_or_changed(
        self, settled_customer: CustomerWithHistory, statement: str
    ) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        with (
            database_unchanged(settled_customer.database),
            pytest.raises(TokenInvalid),
            settled_customer.database.transaction() as session,
        ):
            session.send(statement, (settled_customer.client.user_id,))

    @pytest.mark.parametrize(
        "statement", ["UPDATE erasures SET kept_until = now()", "DELETE FROM erasures"]
    )
    @pytest.mark.parametrize("role", ["application", "owner"])
    def test_erasure_record_cannot_be_changed(
        self, settled_customer: CustomerWithHistory, open_app: Flask, statement: str, role: str
    ) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        settings = open_app.extensions["settings"]
        urls = {"application": settings.database_url, "owner": settings.database_owner_url}
        with (
            database_unchanged(settled_customer.database),
            psycopg.connect(urls[role].replace("+psycopg", "")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)

    def test_insert_about_a_locked_person_waits_for_the_erasure(
        self, settled_customer: CustomerWithHistory
    ) -> None:
        """The lock that the race tests rely on: no row about a locked person is inserted."""
        url = os.environ["PBCEX_TEST_SUPERUSER_URL"].replace("+psycopg", "").rpartition("/")[0]
        name = settled_customer.database.engine.url.database
        with settled_customer.database.transaction() as session:
            identity_personal.lock_person(session, settled_customer.client.user_id)
            with psycopg.connect(f"{url}/{name}", autocommit=True) as other:
                other.execute("SET lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(
                        "INSERT INTO consents (id, user_id, policy, version, given, decided_at,"
                        " channel) VALUES (gen_random_uuid(), %s, 'terms', 1, true, now(), 'api')",
                        (settled_customer.client.user_id,),
                    )


class TestByStaff:
    REASON = "letter 17 of 2026-11-20"

    @pytest.fixture
    def staff(self, people: People) -> tuple[Actor, Actor]:
        people.staff(Role.ADMIN)
        return people.staff(Role.COMPLIANCE), people.staff(Role.ADMIN)

    def request_erasure(
        self, customer: CustomerWithHistory, actor: Actor, reason: str = REASON
    ) -> object:
        with customer.database.transaction() as session:
            return erasure.request_erasure(session, actor, customer.client.user_id, reason=reason)

    def approve(self, customer: CustomerWithHistory, actor: Actor, approval_id: object) -> None:
        with customer.database.transaction() as session:
            seen_hash = approvals_queries.get_approval(session, approval_id).hash
            approvals.approve(session, actor, approval_id, seen_hash=seen_hash)

    def test_erasure_by_staff_takes_two_people(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor], mailbox: Mailbox
    ) -> None:
        maker, checker = staff
        request_id = self.request_erasure(settled_customer, maker)
        assert settled_customer.client.get("/api/me").status_code == 200
        self.approve(settled_customer, checker, request_id)
        assert_problem(settled_customer.client.get("/api/me"), 401, "token_invalid")
        with settled_customer.database.reading() as session:
            record = erasure.find_erasure(session, settled_customer.client.user_id)
            rows = session.rows(
                "SELECT actor_id, on_behalf_of, after, reason FROM audit_records"
                " WHERE subject = %s AND action = 'person.erased'",
                (settled_customer.client.user["id"],),
            )
        assert record is not None
        assert record.approval_id == request_id
        [(actor_id, on_behalf_of, after, reason)] = rows
        assert (actor_id, on_behalf_of, reason) == (
            checker.user_id,
            settled_customer.client.user_id,
            self.REASON,
        )
        assert after["maker"] == ids.encode("usr", maker.user_id)
        run_pending_jobs(settled_customer.database)
        assert (
            mailbox.sent_to(settled_customer.canaries["email"])[-1].subject
            == "Your personal data has been erased"
        )
        assert (
            find_in_all_tables(settled_customer.database, settled_customer.canaries.values()) == []
        )

    def test_request_is_refused_while_something_is_open(
        self, ada: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        with database_unchanged(ada.database), pytest.raises(ErasureRefused, match=r"900\.00 USD"):
            self.request_erasure(ada, staff[0])

    def test_approval_is_refused_if_something_was_opened_meanwhile(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        request_id = self.request_erasure(settled_customer, staff[0])
        settled_customer.client.credit(USD="1")
        with pytest.raises(ApprovalOutdated):
            self.approve(settled_customer, staff[1], request_id)
        assert settled_customer.client.get("/api/me").status_code == 200

    def test_request_ends_if_the_person_erases_themselves_first(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        request_id = self.request_erasure(settled_customer, staff[0])
        settled_customer.client.ok(200, settled_customer.request_erasure())
        with pytest.raises(ApprovalOutdated):
            self.approve(settled_customer, staff[1], request_id)

    def test_erasing_oneself_or_without_permission_is_refused(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor], people: People
    ) -> None:
        support = people.staff(Role.SUPPORT)
        with database_unchanged(settled_customer.database):
            with pytest.raises(PermissionDenied):
                self.request_erasure(settled_customer, support)
            with (
                pytest.raises(OwnAccountChange),
                settled_customer.database.transaction() as session,
            ):
                erasure.request_erasure(session, staff[0], staff[0].user_id, reason=self.REASON)
            with pytest.raises(ErasureRefused), settled_customer.database.transaction() as session:
                erasure.request_erasure(session, staff[0], support.user_id, reason=self.REASON)

    @pytest.mark.parametrize("reason", ["ada@example.com wrote", "call +1 202 555 0123 first", "x"])
    def test_reason_with_an_email_is_refused(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor], reason: str
    ) -> None:
        with database_unchanged(settled_customer.database), pytest.raises(Invalid):
            self.request_erasure(settled_customer, staff[0], reason)

    def test_second_request_for_the_same_person_is_refused(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        self.request_erasure(settled_customer, staff[0])
        with database_unchanged(settled_customer.database), pytest.raises(ApprovalPending):
            self.request_erasure(settled_customer, staff[1])

    @pytest.mark.parametrize(
        "act",
        [
            lambda session, actor, person_id: account_status.request_suspension(
                session, actor, person_id, reason="again"
            ),
            lambda session, actor, person_id: account_status.request_reactivation(
                session, actor, person_id, reason="again"
            ),
            lambda session, actor, person_id: role_assignments.change_role(
                session, actor, person_id, Role.SUPPORT, reason="again"
            ),
        ],
    )
    def test_erased_person_cannot_be_suspended_or_changed(
        self,
        settled_customer: CustomerWithHistory,
        staff: tuple[Actor, Actor],
        act: Callable[..., object],
    ) -> None:
        settled_customer.client.ok(200, settled_customer.request_erasure())
        with (
            database_unchanged(settled_customer.database),
            pytest.raises(PersonErased),
            settled_customer.database.transaction() as session,
        ):
            act(session, staff[1], settled_customer.client.user_id)
        with settled_customer.database.reading() as session:
            account = get_account(session, settled_customer.client.user_id)
        assert (account.status, account.name) == ("erased", "Erased person")

    def test_erasure_of_a_suspended_person_is_refused(
        self, settled_customer: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        with settled_customer.database.transaction() as session:
            request_id = account_status.request_suspension(
                session, staff[0], settled_customer.client.user_id, reason="reported"
            )
        self.approve(settled_customer, staff[1], request_id)
        with (
            database_unchanged(settled_customer.database),
            pytest.raises(ErasureRefused, match="is suspended"),
        ):
            self.request_erasure(settled_customer, staff[0])


@pytest.mark.parametrize(
    ("erased", "until"),
    [("2026-11-22", "2031-11-22"), ("2028-02-29", "2033-03-01"), ("2023-02-28", "2028-02-28")],
)
def test_retention_ends_five_years_after_the_erasure(erased: str, until: str) -> None:
    at = datetime.fromisoformat(f"{erased}T23:59:59").replace(tzinfo=UTC)
    assert retention_end(at) == datetime.fromisoformat(f"{until}T23:59:59+00:00")


def test_control_scan_finds_words_in_bytes_json_and_arrays(ada: CustomerWithHistory) -> None:
    """Negative control: the scan finds a word in bytes, in JSON and in an array."""
    word = f"canary{uuid4().hex}"
    with ada.database.transaction() as session:
        session.send(
            "INSERT INTO idempotent_answers (actor_id, key, fingerprint, status, content_type,"
            " body, created_at) VALUES (%s, %s, 'x', 200, 'x', %s, now())",
            (ada.client.user_id, "k", f"…{word.upper()}…".encode()),
        )
        session.send(
            "INSERT INTO outbox (id, task, args, queue, staged_at, due_at)"
            " VALUES (%s, 'x', jsonb_build_object('a', %s::text), 'none', now(), now())",
            (ids.new(), word),
        )
        session.send(
            "UPDATE api_keys SET scopes = ARRAY[%s] WHERE user_id = %s",
            (word, ada.client.user_id),
        )
    places = {(table, column) for table, column, _ in find_in_all_tables(ada.database, [word])}
    assert places == {("idempotent_answers", "body"), ("outbox", "args"), ("api_keys", "scopes")}
