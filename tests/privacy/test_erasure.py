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
from app.approvals.errors import ApprovalPending
from app.audit import service as audit
from app.audit.verification import verify
from app.catalog.rules import USD
from app.identity import personal as identity_personal
from app.identity.accounts import account_status
from app.identity.accounts.people import get_account as standing_of
from app.identity.errors import OwnAccountChange, PersonErased, TokenInvalid
from app.identity.roles import role_changes
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
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
from tests.api_client import PASSWORD, ApiClient, problem
from tests.mailbox import Mailbox, run_pending_jobs
from tests.people import People
from tests.privacy.customer_history import EXPORT, JOBS, CustomerWithHistory, find_in_all_tables
from tests.settled import settle
from tests.unchanged_database import database_unchanged

#: Tables that a wrong password changes on purpose: failures are counted.
FAILURES = {"login_failures"}


@pytest.fixture
def done(ada: CustomerWithHistory) -> CustomerWithHistory:
    """A customer with a history and nothing open."""
    ada.download_archive()
    ada.empty_accounts()
    return ada


def open_fields(answer: object) -> list[str]:
    told = problem(answer, 409, "erasure_refused")
    return sorted(error["field"] for error in told["errors"])


class TestRefusal:
    def test_erasure_with_balances_is_refused(self, ada: CustomerWithHistory) -> None:
        with database_unchanged(ada.database):
            answer = ada.request_erasure()
        assert open_fields(answer) == ["balances.PAXG", "balances.USD", "balances.XAU-s"]
        [usd] = [error for error in answer.json["errors"] if error["field"] == "balances.USD"]
        assert usd["message"] == "The balance is 900.00 USD. It must be 0."

    def test_erasure_with_a_hold_is_refused(self, done: CustomerWithHistory) -> None:
        done.client.credit(USD="5")
        with done.database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=ids.new(),
                account=chart.customer(done.client.user_id, USD),
                amount=Amount(USD, 500),
                cause="test",
                placed_at=clock.now(),
                expires_at=None,
            )
        with database_unchanged(done.database):
            assert open_fields(done.request_erasure()) == ["balances.USD", "holds.USD"]

    def test_erasure_with_a_quote_is_refused_until_it_expires(
        self, done: CustomerWithHistory
    ) -> None:
        wish = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
        quote = done.client.ok(201, done.client.post("/api/trade/quote", wish))
        with database_unchanged(done.database):
            answer = done.request_erasure()
        assert open_fields(answer) == [f"quotes.{quote['id']}"]
        assert quote["expiresAt"] in answer.json["detail"]
        with time_machine.travel(clock.now() + timedelta(minutes=10), tick=True):
            assert done.request_erasure().status_code == 200

    def test_erasure_with_a_pending_approval_is_refused_without_naming_it(
        self, done: CustomerWithHistory, people: People
    ) -> None:
        people.staff(Role.ADMIN)
        officer = people.staff(Role.COMPLIANCE)
        with done.database.transaction() as session:
            account_status.request_suspension(
                session, officer, done.client.user_id, reason="a suspicion"
            )
        with database_unchanged(done.database):
            answer = done.request_erasure()
        assert open_fields(answer) == ["account"]
        for word in ("suspen", "suspicion", "approv"):
            assert word not in answer.text

    def test_erasure_without_the_password_is_refused(self, done: CustomerWithHistory) -> None:
        with database_unchanged(done.database, apart_from=FAILURES):
            problem(done.request_erasure("not the password"), 401, "invalid_credentials")

    def test_erasure_without_the_second_factor_is_refused(
        self, open_app: Flask, box: Mailbox
    ) -> None:
        life = CustomerWithHistory.register(open_app, second_factor=True)
        life.empty_accounts()
        with database_unchanged(life.database, apart_from=FAILURES):
            problem(life.request_erasure(), 401, "two_factor_required")
            problem(life.request_erasure(code="000000"), 401, "two_factor_invalid")
        with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
            code = pyotp.TOTP(life.secret).at(clock.now())
            assert life.request_erasure(code=code).status_code == 200

    def test_refused_erasure_does_not_use_up_the_code(self, open_app: Flask, box: Mailbox) -> None:
        life = CustomerWithHistory.register(open_app, second_factor=True)
        with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
            code = pyotp.TOTP(life.secret).at(clock.now())
            with database_unchanged(life.database):
                problem(life.request_erasure(code=code), 409, "erasure_refused")
            life.empty_accounts()
            assert life.request_erasure(code=code).status_code == 200

    def test_erasure_by_api_key_is_refused(self, done: CustomerWithHistory) -> None:
        done.client.token = done.key
        with database_unchanged(done.database):
            problem(done.request_erasure(), 403, "permission_denied")

    def test_erasure_of_staff_is_refused(self, done: CustomerWithHistory, people: People) -> None:
        member = people.staff(Role.SUPPORT)
        with (
            database_unchanged(done.database),
            pytest.raises(ErasureRefused, match="staff cannot be erased"),
            done.database.transaction() as session,
        ):
            erasure.erase_own_account(session, member)

    def test_erasure_without_authentication_is_refused(self, database: Database) -> None:
        nobody = Actor(ids.new(), None, "", Role.USER, DEFAULT_PERMISSIONS[Role.USER])
        with (
            database.transaction() as session,
            database_unchanged(database),
            pytest.raises(NotFound),
        ):
            erasure.erase_own_account(session, nobody)


class TestResponse:
    def test_response_lists_retained_data_with_end_and_reason(
        self, done: CustomerWithHistory
    ) -> None:
        told = done.client.ok(200, done.request_erasure())
        assert told["status"] == "erased"
        assert told["userId"] == done.client.user["id"]
        erased_at = datetime.fromisoformat(told["erasedAt"])
        assert datetime.fromisoformat(told["keptUntil"]) == erased_at.replace(
            year=erased_at.year + 5
        )
        assert {each["until"] for each in told["kept"]} == {told["keptUntil"]}
        retained = {item["what"] for item in told["kept"]}
        described = {name: t.description for room in ROOMS for name, t in room.tables.items()}
        for table in ("orders", "accounts", "consents", "audit_records"):
            assert described[table] in retained
        assert "31 CFR 1010.430(d)" in " ".join(each["why"] for each in told["kept"])

    def test_last_email_confirms_the_erasure_and_its_address_is_deleted(
        self, done: CustomerWithHistory, box: Mailbox
    ) -> None:
        told = done.client.ok(200, done.request_erasure())
        assert find_in_all_tables(done.database, [done.canaries["email"]]) == []
        run_pending_jobs(done.database)
        last = box.sent_to(done.canaries["email"])[-1]
        assert last.subject == "Your personal data has been erased"
        assert told["keptUntil"][:10] in last.text
        assert "31 CFR 1010.430(d)" in last.text
        run_pending_jobs(done.database)
        assert recipients(done) == [("sent", None)]
        assert box.sent_to(done.canaries["email"])[-2:][0].subject != last.subject

    def test_refused_last_email_deletes_the_address(
        self, done: CustomerWithHistory, box: Mailbox
    ) -> None:
        def refuse(_mail: object) -> None:
            raise EmailRefused("550")

        box.before_send = refuse
        done.client.ok(200, done.request_erasure())
        run_pending_jobs(done.database)
        assert recipients(done) == [("refused", None)]

    def test_undelivered_last_email_is_retried_for_a_day(
        self, done: CustomerWithHistory, box: Mailbox
    ) -> None:
        def away(_mail: object) -> None:
            raise EmailNotSent("away")

        box.before_send = away
        done.client.ok(200, done.request_erasure())
        run_pending_jobs(done.database)
        [(state, sealed)] = recipients(done)
        assert state == "waiting"
        assert done.canaries["email"].encode() not in bytes(sealed)
        with done.database.transaction() as session:
            email_delivery.delete_old_emails(session)
        assert recipients(done) == [("waiting", sealed)]
        later = clock.now() + timedelta(days=1, seconds=1)
        with time_machine.travel(later, tick=True), done.database.transaction() as session:
            email_delivery.delete_old_emails(session)
        assert recipients(done) == [("dropped", None)]


def recipients(life: CustomerWithHistory) -> list[tuple[object, ...]]:
    with life.database.reading() as session:
        return session.rows(
            "SELECT state, recipient_sealed FROM mails WHERE user_id = %s", (life.client.user_id,)
        )


class TestAfterErasure:
    def test_no_table_identifies_the_erased_person(
        self, done: CustomerWithHistory, bob: CustomerWithHistory
    ) -> None:
        words = [*done.canaries.values(), done.canaries["phone"][2:]]
        before = {word for _, _, word in find_in_all_tables(done.database, words)}
        # The scan cannot find sealed values; it finds all others.
        assert {done.canaries[name] for name in ("email", "first", "phone", "key name")} <= before
        done.client.ok(200, done.request_erasure())
        run_pending_jobs(done.database, *JOBS)
        assert find_in_all_tables(done.database, words) == []
        others = str(bob.download_archive())
        assert bob.canaries["email"] in others
        assert not any(word in others for word in words)

    def test_sealed_values_of_the_erased_person_are_gone(self, done: CustomerWithHistory) -> None:
        done.client.ok(200, done.request_erasure())
        owner = done.client.user_id
        with done.database.reading() as session:
            for table in ("addresses", "totp_credentials", "api_keys", "one_time_tokens"):
                statement = f"SELECT FROM {table} WHERE user_id = %s"
                assert session.rows(statement, (owner,)) == [], table
            statement = "SELECT status, archive_sealed FROM exports WHERE user_id = %s"
            assert session.rows(statement, (owner,)) == [("expired", None)]

    def test_every_way_to_sign_in_ends_at_once(self, done: CustomerWithHistory) -> None:
        client = done.client
        other = ApiClient(client.app)
        other.email = client.email
        other.log_in()
        client.ok(200, done.request_erasure())
        with database_unchanged(done.database, apart_from=FAILURES):
            for known in (client, other):
                problem(known.get("/api/me"), 401, "token_invalid")
                answer = known.post("/api/auth/refresh", {"refreshToken": known.refresh_token})
                problem(answer, 401, "token_invalid")
                known.token = done.key
                problem(known.get("/api/wallet/balances"), 401, "token_invalid")
                known.token = None
                credentials = {"email": client.email, "password": PASSWORD}
                problem(known.post("/api/auth/login", credentials), 401, "invalid_credentials")

    def test_reset_link_of_the_erased_person_is_invalid(
        self, done: CustomerWithHistory, box: Mailbox
    ) -> None:
        done.client.token = None
        done.client.ok(
            202, done.client.post("/api/auth/forgot-password", {"email": done.client.email})
        )
        run_pending_jobs(done.database)
        token = box.latest_token(done.client.email)
        done.client.log_in()
        done.client.ok(200, done.request_erasure())
        with database_unchanged(done.database):
            body = {"token": token, "password": "another correct horse"}
            problem(done.client.post("/api/auth/reset-password", body), 401, "token_invalid")

    def test_email_can_register_a_new_account(self, done: CustomerWithHistory) -> None:
        done.client.ok(200, done.request_erasure())
        again = ApiClient(done.client.app)
        again.email = done.client.email
        again.register()
        assert again.user["id"] != done.client.user["id"]
        again.credit()
        assert again.available() == {}
        files = CustomerWithHistory(again, {}).download_archive()
        assert files["trading.json"] == {"orders": [], "quotes": []}

    def test_books_and_audit_trail_stay_valid(self, done: CustomerWithHistory) -> None:
        done.client.ok(200, done.request_erasure())
        settle(done.database)
        with done.database.transaction() as session:
            audit.seal(session)
        with done.database.transaction(SNAPSHOT) as session:
            assert find_violations(session) == []
        with done.database.transaction() as session:
            report = verify(session)
        assert [finding for finding in report.findings if "anchor" not in finding.problem] == []
        assert report.sealed > 0
        with done.database.reading() as session:
            orders = session.rows(
                "SELECT given_units FROM orders WHERE user_id = %s", (done.client.user_id,)
            )
        assert orders == [(100_00,)]

    def test_audit_trail_records_the_erasure_and_the_retention(
        self, done: CustomerWithHistory
    ) -> None:
        told = done.client.ok(200, done.request_erasure())
        with done.database.reading() as session:
            rows = session.rows(
                "SELECT actor_id, before::text, after, reason FROM audit_records"
                " WHERE subject = %s AND action = 'person.erased'",
                (done.client.user["id"],),
            )
        [(actor_id, before, after, reason)] = rows
        assert (actor_id, before, reason) == (done.client.user_id, None, None)
        assert after == {
            "status": "erased",
            "kept_until": told["keptUntil"],
            "law": "31 CFR 1010.430(d)",
        }

    def test_repeated_erasure_is_refused(self, done: CustomerWithHistory) -> None:
        done.client.ok(200, done.request_erasure())
        with database_unchanged(done.database):
            problem(done.request_erasure(), 401, "token_invalid")

    def test_pending_export_is_never_built_after_the_erasure(
        self, ada: CustomerWithHistory, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada.empty_accounts()
        asked = ada.client.ok(202, ada.client.post(EXPORT))
        build = exports.archive.build

        def build_late(*arguments: object, **named: object) -> bytes:
            ada.client.ok(200, ada.request_erasure())
            return build(*arguments, **named)

        monkeypatch.setattr(exports.archive, "build", build_late)
        exports.build_archive(ada.database, export_id=str(ids.decode("exp", asked["id"])))
        with ada.database.reading() as session:
            rows = session.rows(
                "SELECT status, archive_sealed FROM exports WHERE user_id = %s",
                (ada.client.user_id,),
            )
        assert rows == [("cancelled", None)]
        run_pending_jobs(ada.database, *JOBS)
        subjects = [mail.subject for mail in box.sent_to(ada.canaries["email"])]
        assert "Your data export is ready" not in subjects
        assert subjects[-1] == "Your personal data has been erased"

    def test_late_message_is_not_delivered(self, open_app: Flask, box: Mailbox) -> None:
        client = ApiClient.customer(open_app)
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
        assert {mail.subject for mail in box.sent} == {"Your personal data has been erased"}
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
        self, done: CustomerWithHistory, statement: str
    ) -> None:
        done.client.ok(200, done.request_erasure())
        with (
            database_unchanged(done.database),
            pytest.raises(TokenInvalid),
            done.database.transaction() as session,
        ):
            session.send(statement, (done.client.user_id,))

    @pytest.mark.parametrize(
        "statement", ["UPDATE erasures SET kept_until = now()", "DELETE FROM erasures"]
    )
    @pytest.mark.parametrize("who", ["application", "owner"])
    def test_erasure_record_cannot_be_changed(
        self, done: CustomerWithHistory, open_app: Flask, statement: str, who: str
    ) -> None:
        done.client.ok(200, done.request_erasure())
        settings = open_app.extensions["settings"]
        urls = {"application": settings.database_url, "owner": settings.database_owner_url}
        with (
            database_unchanged(done.database),
            psycopg.connect(urls[who].replace("+psycopg", "")) as it,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            it.execute(statement)

    def test_insert_about_a_locked_person_waits_for_the_erasure(
        self, done: CustomerWithHistory
    ) -> None:
        """The lock that the race tests rely on: no row about a locked person is inserted."""
        url = os.environ["PBCEX_TEST_SUPERUSER_URL"].replace("+psycopg", "").rpartition("/")[0]
        name = done.database.engine.url.database
        with done.database.transaction() as session:
            identity_personal.lock_person(session, done.client.user_id)
            with psycopg.connect(f"{url}/{name}", autocommit=True) as other:
                other.execute("SET lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(
                        "INSERT INTO consents (id, user_id, policy, version, given, decided_at,"
                        " channel) VALUES (gen_random_uuid(), %s, 'terms', 1, true, now(), 'api')",
                        (done.client.user_id,),
                    )


class TestByStaff:
    WHY = "letter 17 of 2026-11-20"

    @pytest.fixture
    def staff(self, people: People) -> tuple[Actor, Actor]:
        people.staff(Role.ADMIN)
        return people.staff(Role.COMPLIANCE), people.staff(Role.ADMIN)

    def ask(self, life: CustomerWithHistory, actor: Actor, reason: str = WHY) -> object:
        with life.database.transaction() as session:
            return erasure.request_erasure(session, actor, life.client.user_id, reason=reason)

    def approve(self, life: CustomerWithHistory, actor: Actor, approval_id: object) -> object:
        with life.database.transaction() as session:
            seen = approvals_queries.get_approval(session, approval_id).hash
            return approvals.approve(session, actor, approval_id, seen_hash=seen)

    def test_erasure_by_staff_takes_two_people(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor], box: Mailbox
    ) -> None:
        maker, checker = staff
        asked = self.ask(done, maker)
        assert done.client.get("/api/me").status_code == 200
        assert self.approve(done, checker, asked) is None
        problem(done.client.get("/api/me"), 401, "token_invalid")
        with done.database.reading() as session:
            found = erasure.find_erasure(session, done.client.user_id)
            rows = session.rows(
                "SELECT actor_id, on_behalf_of, after, reason FROM audit_records"
                " WHERE subject = %s AND action = 'person.erased'",
                (done.client.user["id"],),
            )
        assert found is not None
        assert found.approval_id == asked
        [(actor_id, on_behalf_of, after, reason)] = rows
        assert (actor_id, on_behalf_of, reason) == (checker.user_id, done.client.user_id, self.WHY)
        assert after["maker"] == ids.encode("usr", maker.user_id)
        run_pending_jobs(done.database)
        assert (
            box.sent_to(done.canaries["email"])[-1].subject == "Your personal data has been erased"
        )
        assert find_in_all_tables(done.database, done.canaries.values()) == []

    def test_request_is_refused_while_something_is_open(
        self, ada: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        with database_unchanged(ada.database), pytest.raises(ErasureRefused, match=r"900\.00 USD"):
            self.ask(ada, staff[0])

    def test_approval_is_refused_if_something_was_opened_meanwhile(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        asked = self.ask(done, staff[0])
        done.client.credit(USD="1")
        refusal = self.approve(done, staff[1], asked)
        assert refusal is not None
        assert refusal.code == "approval_outdated"
        assert done.client.get("/api/me").status_code == 200

    def test_request_ends_if_the_person_erases_themselves_first(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        asked = self.ask(done, staff[0])
        done.client.ok(200, done.request_erasure())
        refusal = self.approve(done, staff[1], asked)
        assert refusal is not None
        assert refusal.code == "approval_outdated"

    def test_erasing_oneself_or_without_permission_is_refused(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor], people: People
    ) -> None:
        support = people.staff(Role.SUPPORT)
        with database_unchanged(done.database):
            with pytest.raises(PermissionDenied):
                self.ask(done, support)
            with pytest.raises(OwnAccountChange), done.database.transaction() as session:
                erasure.request_erasure(session, staff[0], staff[0].user_id, reason=self.WHY)
            with pytest.raises(ErasureRefused), done.database.transaction() as session:
                erasure.request_erasure(session, staff[0], support.user_id, reason=self.WHY)

    @pytest.mark.parametrize("reason", ["ada@example.com wrote", "call +1 202 555 0123 first", "x"])
    def test_reason_with_an_email_is_refused(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor], reason: str
    ) -> None:
        with database_unchanged(done.database), pytest.raises(Invalid):
            self.ask(done, staff[0], reason)

    def test_second_request_for_the_same_person_is_refused(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        self.ask(done, staff[0])
        with database_unchanged(done.database), pytest.raises(ApprovalPending):
            self.ask(done, staff[1])

    @pytest.mark.parametrize(
        "act",
        [
            lambda session, actor, who: account_status.request_suspension(
                session, actor, who, reason="again"
            ),
            lambda session, actor, who: account_status.request_reactivation(
                session, actor, who, reason="again"
            ),
            lambda session, actor, who: role_changes.change_role(
                session, actor, who, Role.SUPPORT, reason="again"
            ),
        ],
    )
    def test_erased_person_cannot_be_suspended_or_changed(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor], act: Callable[..., object]
    ) -> None:
        done.client.ok(200, done.request_erasure())
        with (
            database_unchanged(done.database),
            pytest.raises(PersonErased),
            done.database.transaction() as session,
        ):
            act(session, staff[1], done.client.user_id)
        with done.database.reading() as session:
            found = standing_of(session, done.client.user_id)
        assert (found.status, found.name) == ("erased", "Erased person")

    def test_erasure_of_a_suspended_person_is_refused(
        self, done: CustomerWithHistory, staff: tuple[Actor, Actor]
    ) -> None:
        with done.database.transaction() as session:
            asked = account_status.request_suspension(
                session, staff[0], done.client.user_id, reason="reported"
            )
        self.approve(done, staff[1], asked)
        with database_unchanged(done.database), pytest.raises(ErasureRefused, match="is suspended"):
            self.ask(done, staff[0])


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
    found = {(table, column) for table, column, _ in find_in_all_tables(ada.database, [word])}
    assert found == {("idempotent_answers", "body"), ("outbox", "args"), ("api_keys", "scopes")}
