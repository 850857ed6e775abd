"""Data exports contain all data of one person only, and that person can fetch them for a day."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.keys.files import FileKey
from app.keys.models import FilePart
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.personal import ErasureEffect
from app.privacy import exports, personal_data_tables
from app.privacy.exports import DataExport
from app.privacy.models import Export
from tests.api_client import ApiClient, assert_problem
from tests.mailbox import Mailbox, run_pending_jobs
from tests.privacy.customer_history import (
    EXPORT,
    JOBS,
    CustomerWithHistory,
    find_in_all_tables,
    follow_link,
)
from tests.rows import count_rows, read_values
from tests.unchanged_database import database_unchanged

ROOMS = (
    *("identity", "ledger", "trading", "funding", "custody", "kyc", "messages", "privacy"),
    "lists",
    "screening",
    "compliance",
    "shop",
    "redemption",
    "fulfillment",
    "helpdesk",
    "documents",
    "counter",
    "storage_fees",
    "vault",
    "tax",
)


def ready(customer: CustomerWithHistory) -> dict[str, object]:
    """Return a requested export whose archive is ready."""
    requested = customer.client.ok(202, customer.client.post(EXPORT))
    run_pending_jobs(customer.database, *JOBS)
    return customer.client.ok(200, customer.client.get(f"{EXPORT}/{requested['id']}"))


def test_export_is_requested_built_and_fetched(ada: CustomerWithHistory, mailbox: Mailbox) -> None:
    requested = ada.client.ok(202, ada.client.post(EXPORT))
    assert requested["status"] == "pending"
    unset_fields = [requested[name] for name in ("readyAt", "expiresAt", "sizeBytes", "archiveUrl")]
    assert unset_fields == [None] * 4
    run_pending_jobs(ada.database, *JOBS)
    shown = ada.client.ok(200, ada.client.get(f"{EXPORT}/{requested['id']}"))
    assert shown["status"] == "ready"
    response = follow_link(ada.client, str(shown["archiveUrl"]))
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert len(response.data) == shown["sizeBytes"]
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="pbcex-{requested["id"]}.zip"'
    )
    email = mailbox.sent_to(ada.client.email)[-1]
    assert email.subject == "Your data export is ready"
    assert requested["id"] in email.text
    assert "token=" not in email.text + email.html


def test_archive_contains_the_persons_data(ada: CustomerWithHistory) -> None:
    files = ada.download_archive()
    assert list(files) == ["index.html", *(f"{name}.json" for name in ROOMS)]
    person, word = ada.client.user, ada.canaries
    identity = files["identity.json"]
    [profile] = identity["profile"]
    assert profile == {
        "id": person["id"],
        "email": word["email"],
        "firstName": word["first"],
        "lastName": word["last"],
        "phone": word["phone"],
        "role": "USER",
        "status": "active",
        "emailConfirmedAt": profile["emailConfirmedAt"],
        "phoneVerifiedAt": profile["phoneVerifiedAt"],
        "createdAt": person["createdAt"],
    }
    [address] = identity["addresses"]
    assert {name: address[name] for name in ("street", "label", "recipient", "phone", "state")} == {
        "street": word["street"],
        "label": word["label"],
        "recipient": word["last"],
        "phone": word["phone"],
        "state": "NV",
    }
    assert [key["name"] for key in identity["apiKeys"]] == [word["key name"]]
    assert len(identity["sessions"]) == 1
    assert identity["secondFactors"] == []
    assert [link["purpose"] for link in identity["links"]] == ["confirm_email"]

    balances = {record["asset"]: record["total"] for record in files["ledger.json"]["balances"]}
    assert balances == {
        "USD": "900.00",
        "PAXG": "1.00000000",
        "XAU-s": str(sum_of(ada.order["toAmount"], "1.00000000")),
    }
    moved = [
        (record["asset"], record["amount"], record["reference"])
        for record in files["ledger.json"]["postings"]
        if record["cause"] != "test_credit"
    ]
    assert moved == [
        ("USD", "-100.00", ada.order["id"]),
        ("XAU-s", ada.order["toAmount"], ada.order["id"]),
        ("PAXG", "-1.00000000", ada.transfer["id"]),
        ("XAU-s", "1.00000000", ada.transfer["id"]),
    ]
    assert files["ledger.json"]["holds"] == []

    [order] = files["trading.json"]["orders"]
    assert {name: order[name] for name in ("id", "quoteId", "fromAmount", "toAmount", "price")} == {
        "id": ada.order["id"],
        "quoteId": ada.order["quoteId"],
        "fromAmount": "100.00",
        "toAmount": ada.order["toAmount"],
        "price": ada.order["price"],
    }
    assert [quote["id"] for quote in files["trading.json"]["quotes"]] == [ada.order["quoteId"]]
    [transfer] = files["funding.json"]["transfers"]
    assert (transfer["id"], transfer["amount"]) == (ada.transfer["id"], "1.00000000")
    [message] = files["messages.json"]["messages"]
    assert ada.order["id"] in message["body"]
    assert {mail["kind"] for mail in files["messages.json"]["mails"]} == {
        "api_key_created",
        "confirm_email",
        "trade_confirmed",
    }
    assert {text["kind"] for text in files["messages.json"]["texts"]} == {"trade_confirmed"}
    chosen = files["messages.json"]["notificationChoices"]
    assert [
        record["topic"] for record in chosen if record["channel"] == "sms" and record["wanted"]
    ] == ["trades"]
    consents = files["privacy.json"]["consents"]
    assert [(record["policy"], record["given"]) for record in consents] == [
        ("terms", True),
        ("privacy", True),
    ]
    for name in ROOMS:
        assert f'<a href="{name}.json">' in files["index.html"]


def sum_of(*texts: str) -> object:
    units = sum(int(text.replace(".", "")) for text in texts)
    return f"{units // 10**8}.{units % 10**8:08}"


def test_archive_has_every_declared_section(ada: CustomerWithHistory) -> None:
    files = ada.download_archive()
    exported = {(name, section) for name in ROOMS for section in files[f"{name}.json"]}
    declared = {
        (room.name, section)
        for room in personal_data_tables.ROOMS
        for table in room.tables.values()
        for section in table.export_sections
    }
    assert exported == declared


def test_archive_contains_no_other_person(
    ada: CustomerWithHistory, bob: CustomerWithHistory
) -> None:
    text = str(ada.download_archive())
    for word in ada.canaries.values():
        assert word in text
    other_words = [*bob.canaries.values(), bob.client.user["id"], str(bob.client.user_id)]
    for word in (*other_words, bob.order["id"], bob.transfer["id"]):
        assert word not in text


def test_archive_contains_no_secret(open_app: Flask, mailbox: Mailbox) -> None:
    customer = CustomerWithHistory.register(open_app, second_factor=True)
    with customer.database.reading() as session:
        [(password_hash, key_hash, last_step)] = session.rows(
            "SELECT password_hash, encode(key_hash, 'hex'), last_step::text FROM users u"
            " JOIN api_keys k ON k.user_id = u.id JOIN totp_credentials t ON t.user_id = u.id"
            " WHERE u.id = %s",
            (customer.client.user_id,),
        )
    files = customer.download_archive()
    [factor] = files["identity.json"]["secondFactors"]
    assert (factor["kind"], factor["recoveryCodesLeft"]) == ("authenticator app", 10)
    text = str(files)
    for secret in (password_hash, key_hash, last_step, customer.secret, customer.key):
        assert secret not in text
    assert "argon2" not in text


def test_archive_contains_no_notes_of_staff(ada: CustomerWithHistory) -> None:
    with ada.database.transaction() as session:
        session.send(
            "INSERT INTO approvals (id, action, subject, subject_id, payload, before, after, hash,"
            " reason, maker_id, status, created_at, expires_at) VALUES (gen_random_uuid(),"
            " 'person.suspend', 'x', %s, '{}', '{}', '{}', sha256(''), 'Xylophone suspicions',"
            " gen_random_uuid(), 'pending', now(), now() + interval '1 day')",
            (ada.client.user_id,),
        )
    text = str(ada.download_archive())
    assert "Xylophone" not in text
    assert "suspend" not in text.replace("suspended", "")
    assert "session.opened" not in text


def test_archive_is_stored_sealed(ada: CustomerWithHistory) -> None:
    ready(ada)
    with ada.database.reading() as session:
        [file_id] = read_values(session, Export.file_id, Export.user_id == ada.client.user_id)
        assert count_rows(session, FilePart, FilePart.file_id == file_id) == 1
    assert find_in_all_tables(ada.database, ["identity.json"]) == []


class TestLinks:
    def test_link_does_not_work_for_another_person(
        self, ada: CustomerWithHistory, bob: CustomerWithHistory
    ) -> None:
        shown = ready(ada)
        with database_unchanged(ada.database):
            assert_problem(follow_link(bob.client, str(shown["archiveUrl"])), 404, "not_found")
            assert_problem(bob.client.get(f"{EXPORT}/{shown['id']}"), 404, "not_found")

    def test_link_does_not_work_without_signing_in(self, ada: CustomerWithHistory) -> None:
        shown = ready(ada)
        ada.client.token = None
        with database_unchanged(ada.database):
            assert_problem(follow_link(ada.client, str(shown["archiveUrl"])), 401, "token_invalid")

    def test_link_of_another_export_is_refused(self, ada: CustomerWithHistory) -> None:
        first = ready(ada)
        second = ready(ada)
        token = str(first["archiveUrl"]).partition("?token=")[2]
        path = str(second["archiveUrl"]).partition("?")[0]
        with database_unchanged(ada.database):
            assert_problem(ada.client.get(path, token=token), 404, "not_found")

    @pytest.mark.parametrize(
        "tamper",
        [
            lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
            lambda token: f"{int(token.partition('.')[0]) + 3600}.{token.partition('.')[2]}",
            lambda token: token.partition(".")[0],
            lambda token: token.partition(".")[2],
            lambda token: f"0{token}",
            lambda token: f"{token}=",
            lambda token: f"99999999999999999999.{token.partition('.')[2]}",
            lambda token: f"-1.{token.partition('.')[2]}",
            lambda token: f"{'9' * 13}.{token.partition('.')[2]}",
            lambda token: "١٢٣.x",
            lambda token: ".",
        ],
    )
    def test_altered_link_is_refused(self, ada: CustomerWithHistory, tamper: object) -> None:
        path, _, token = str(ready(ada)["archiveUrl"]).partition("?token=")
        with database_unchanged(ada.database):
            assert_problem(ada.client.get(path, token=tamper(token)), 404, "not_found")
            assert_problem(ada.client.get(path), 404, "not_found")

    def test_expired_link_is_refused_and_the_archive_is_deleted(
        self, ada: CustomerWithHistory
    ) -> None:
        shown = ready(ada)
        url, path = str(shown["archiveUrl"]), f"{EXPORT}/{shown['id']}"
        with ada.database.reading() as session:
            [file_id] = read_values(session, Export.file_id, Export.user_id == ada.client.user_id)
            assert count_rows(session, FilePart, FilePart.file_id == file_id) == 1
        with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=True):
            ada.client.sign_in()
            with database_unchanged(ada.database):
                assert_problem(follow_link(ada.client, url), 404, "not_found")
                response = ada.client.ok(200, ada.client.get(path))
                assert (response["status"], response["archiveUrl"]) == ("expired", None)
            with ada.database.transaction() as session:
                exports.expire_archives(session)
            with ada.database.reading() as session:
                rows = session.rows(
                    "SELECT status, file_id, key_sealed FROM exports WHERE user_id = %s",
                    (ada.client.user_id,),
                )
                assert count_rows(session, FilePart, FilePart.file_id == file_id) == 0
            assert rows == [("expired", None, None)]
            assert_problem(follow_link(ada.client, url), 404, "not_found")

    def test_link_works_until_it_expires(self, ada: CustomerWithHistory) -> None:
        shown = ready(ada)
        with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59), tick=True):
            with ada.database.transaction() as session:
                exports.expire_archives(session)
            ada.client.sign_in()
            for _ in range(2):
                assert follow_link(ada.client, str(shown["archiveUrl"])).status_code == 200


class TestRequest:
    def test_request_while_one_is_pending_returns_the_pending_one(
        self, ada: CustomerWithHistory, mailbox: Mailbox
    ) -> None:
        first = ada.client.ok(202, ada.client.post(EXPORT))
        with database_unchanged(ada.database):
            assert ada.client.ok(202, ada.client.post(EXPORT)) == first
        run_pending_jobs(ada.database, *JOBS)
        subjects = [mail.subject for mail in mailbox.sent_to(ada.client.email)]
        assert subjects.count("Your data export is ready") == 1

    def test_new_export_replaces_the_previous_one(self, ada: CustomerWithHistory) -> None:
        first = ready(ada)
        ada.client.ok(200, ada.client.send("PATCH", "/api/me", json={"firstName": "Changed"}))
        second = ready(ada)
        assert first["id"] != second["id"]
        response = ada.client.ok(200, ada.client.get(f"{EXPORT}/{first['id']}"))
        assert (response["status"], response["archiveUrl"]) == ("expired", None)
        assert_problem(follow_link(ada.client, str(first["archiveUrl"])), 404, "not_found")
        with ada.database.reading() as session:
            [(archives,)] = session.rows(
                "SELECT count(file_id) FROM exports WHERE user_id = %s",
                (ada.client.user_id,),
            )
        assert archives == 1

    def test_sixth_request_within_a_day_is_refused(self, ada: CustomerWithHistory) -> None:
        for _ in range(exports.REQUESTS_PER_DAY_MAX):
            ready(ada)
        with database_unchanged(ada.database):
            assert_problem(ada.client.post(EXPORT), 429, "rate_limited")
        later = clock.now() + timedelta(hours=20)
        with time_machine.travel(later, tick=False):
            ada.client.sign_in()
            refused = ada.client.post(EXPORT)
            wait = timedelta(seconds=int(refused.headers["Retry-After"]))
            assert timedelta(hours=3, minutes=59) < wait <= timedelta(hours=4)
        with time_machine.travel(later + wait, tick=False):
            ada.client.sign_in()
            ada.client.ok(202, ada.client.post(EXPORT))

    def test_request_by_api_key_is_refused(self, ada: CustomerWithHistory) -> None:
        ada.client.token = ada.key
        with database_unchanged(ada.database):
            assert_problem(ada.client.post(EXPORT), 403, "permission_denied")

    def test_request_and_fetch_are_recorded_in_the_audit_trail(
        self, ada: CustomerWithHistory
    ) -> None:
        shown = ready(ada)
        follow_link(ada.client, str(shown["archiveUrl"]))
        with ada.database.reading() as session:
            rows = session.rows(
                "SELECT action, actor_id FROM audit_records WHERE subject = %s ORDER BY id",
                (shown["id"],),
            )
        owner = ada.client.user_id
        assert rows == [("export.requested", owner), ("export.fetched", owner)]

    def test_request_without_a_result_is_cancelled(self, ada: CustomerWithHistory) -> None:
        requested = ada.client.ok(202, ada.client.post(EXPORT))
        with time_machine.travel(clock.now() + timedelta(days=1, seconds=1), tick=True):
            with ada.database.transaction() as session:
                exports.expire_archives(session)
            ada.client.sign_in()
            response = ada.client.ok(200, ada.client.get(f"{EXPORT}/{requested['id']}"))
            assert response["status"] == "cancelled"
            with database_unchanged(ada.database):
                exports.build_archive(ada.database, inside(requested))
            ada.client.ok(202, ada.client.post(EXPORT))


def inside(requested: dict[str, str]) -> UUID:
    return ids.decode("exp", requested["id"])


class Killed(BaseException):
    """Simulates the end of the worker process."""


class TestJob:
    @pytest.mark.parametrize("step", ["write", "seal", "_offer_archive"])
    def test_interrupted_job_has_one_effect(
        self, ada: CustomerWithHistory, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        requested = ada.client.ok(202, ada.client.post(EXPORT))
        owner = {"write": exports.archive, "seal": exports.keys, "_offer_archive": exports}[step]

        def end(*_arguments: object, **_named: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, step, end)
            # The parts that were written stay unread until they expire.
            unchanged = database_unchanged(ada.database, apart_from={"file_parts"})
            with unchanged, pytest.raises(Killed):
                exports.build_archive(ada.database, inside(requested))
        run_pending_jobs(ada.database, *JOBS)
        with database_unchanged(ada.database):
            exports.build_archive(ada.database, inside(requested))
        run_pending_jobs(ada.database, *JOBS)
        subjects = [mail.subject for mail in mailbox.sent_to(ada.client.email)]
        assert subjects.count("Your data export is ready") == 1

    def test_two_concurrent_jobs_have_one_effect(
        self, ada: CustomerWithHistory, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        requested = ada.client.ok(202, ada.client.post(EXPORT))
        offer, superseded = exports._offer_archive, list[UUID]()

        def late(session: Session, export: DataExport, key: FileKey, *, size_bytes: int) -> None:
            """Let another worker offer the archive before this job does."""
            monkeypatch.setattr(exports, "_offer_archive", offer)
            exports.build_archive(ada.database, inside(requested))
            superseded.append(key.id)
            with database_unchanged(ada.database):
                offer(session, export, key, size_bytes=size_bytes)
                session.flush()

        monkeypatch.setattr(exports, "_offer_archive", late)
        exports.build_archive(ada.database, inside(requested))
        with ada.database.reading() as session:
            assert count_rows(session, FilePart, FilePart.file_id.in_(superseded)) == 0
        run_pending_jobs(ada.database, *JOBS)
        subjects = [mail.subject for mail in mailbox.sent_to(ada.client.email)]
        assert subjects.count("Your data export is ready") == 1

    def test_archive_is_read_on_one_snapshot(
        self, ada: CustomerWithHistory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A change while the rooms are read one after another appears in none of them."""
        ledger = next(room for room in personal_data_tables.ROOMS if room.name == "ledger")

        def meanwhile(session: object, person: UUID) -> object:
            monkeypatch.setattr(personal_data_tables, "ROOMS", rooms)
            ada.client.credit(USD="77")
            return ledger.export_sections(session, person)

        rooms = personal_data_tables.ROOMS
        patched = tuple(
            replace(room, export_sections=meanwhile) if room is ledger else room for room in rooms
        )
        monkeypatch.setattr(personal_data_tables, "ROOMS", patched)
        balances = {
            record["asset"]: record["total"]
            for record in ada.download_archive()["ledger.json"]["balances"]
        }
        assert balances["USD"] == "900.00"


def test_table_is_exported_or_states_a_reason() -> None:
    for room in personal_data_tables.ROOMS:
        for name, table in room.tables.items():
            assert bool(table.export_sections) != bool(table.not_exported), name
            assert table.reason, name
            assert isinstance(table.on_erasure, ErasureEffect)


def test_exports_of_other_people_are_not_found(
    ada: CustomerWithHistory, bob: CustomerWithHistory, open_app: Flask, database: Database
) -> None:
    requested = ada.client.ok(202, ada.client.post(EXPORT))
    assert isinstance(bob.client, ApiClient)
    assert_problem(bob.client.get(f"{EXPORT}/{requested['id']}"), 404, "not_found")
    assert_problem(bob.client.get(f"{EXPORT}/exp_{'0' * 26}"), 404, "not_found")
