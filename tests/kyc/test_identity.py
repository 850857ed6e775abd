"""The way of a person from nothing to tier 2, and what stops it."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.datastructures import FileStorage

from app.access import Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.queries import CaseFilter
from app.identity.accounts import account_status
from app.kit import clock, ids
from app.kit.db import Database
from app.kyc.evidence import documents, file_sanitizer
from app.kyc.rules import ReasonCode, ReviewFlag, VerificationStatus
from app.kyc.submission import provider_verification
from app.kyc.submission import queries as submission_queries
from app.kyc.submission import service as submission
from app.kyc.submission.ports import ProviderVerification, VerificationOutcome
from app.screening.decisions import case_decisions
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from sandbox.faults import FaultMode
from tests.api_client import ApiClient, problem, wrong_fields
from tests.kyc.applicant import ADDRESS, DOCUMENTS, Applicant, make_picture, verification_id
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.privacy.customer_history import find_in_all_tables
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged


def test_who_submitted_nothing_has_nothing(ada: Applicant) -> None:
    assert ada.status == {
        "id": None,
        "status": "none",
        "tier": 0,
        "limits": {"daily": {"asset": "USD", "amount": "0.00"}, "redemption": False},
        "submittedAt": None,
        "decidedAt": None,
        "expiresAt": None,
        "reasons": [],
        "missing": ["identity"],
        "verificationUrl": None,
        "documents": [],
        "renewal": None,
        "upgrade": None,
        "business": None,
    }


def test_data_give_tier_1_and_the_provider_tier_2(ada: Applicant, sandbox: Sandbox) -> None:
    shown = ada.submit_ok(idNumber="123-45-6789", idType="SSN")
    assert (shown["status"], shown["tier"]) == ("pending", 1)
    assert shown["limits"]["daily"]["amount"] == "1000.00"
    ada.run_jobs()
    waiting = ada.status
    assert (waiting["status"], waiting["tier"]) == ("pending", 1)
    assert waiting["verificationUrl"].startswith("https://verify.plaid.com/verify/idv_")
    ada.run_jobs(sandbox)
    done = ada.status
    assert (done["status"], done["tier"]) == ("approved", 2)
    assert done["limits"] == {"daily": {"asset": "USD", "amount": "10000.00"}, "redemption": True}
    assert done["missing"] == ["document:identity", "document:address", "document:funds"]
    assert done["verificationUrl"] is None
    assert ada.message_subjects == ["You are verified: tier 2"]


def test_the_verified_name_is_that_of_the_identity_that_counts(
    ada: Applicant, sandbox: Sandbox
) -> None:
    def name() -> tuple[str, str] | None:
        with ada.database.reading() as session:
            return submission_queries.verified_name(session, ada.actor.user_id)

    assert name() is None
    ada.submit_ok(lastName="Failed")
    assert name() == ("Ada", "Failed")
    ada.run_jobs(sandbox)
    assert name() is None
    ada.submit_ok()
    ada.run_jobs(sandbox)
    assert name() == ("Ada", "Lovelace")
    # What is not decided yet does not count before what is.
    ada.submit_ok(firstName="Augusta", lastName="Waiting")
    ada.run_jobs(sandbox)
    assert name() == ("Ada", "Lovelace")


def test_an_address_that_is_not_confirmed_has_tier_0(house: Flask, sandbox: Sandbox) -> None:
    client = ApiClient(house)
    client.register()
    nobody = Applicant(client)
    nobody.submit_ok()
    nobody.run_jobs(sandbox)
    shown = nobody.status
    assert (shown["status"], shown["tier"], shown["missing"]) == ("approved", 0, ["email"])
    assert nobody.tier_status.daily_limit.units == 0


def test_what_was_said_lies_sealed(ada: Applicant, database: Database) -> None:
    word = f"Q{ids.new().hex[-12:]}"
    ada.submit_ok(
        firstName=word,
        address={**ADDRESS, "street": f"{word} Street"},
        idNumber=f"{word}P",
        idType="passport",
    )
    assert find_in_all_tables(database, [word]) == []


class TestWrong:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"dateOfBirth": "2099-01-01"}, "dateOfBirth"),
            ({"dateOfBirth": "2015-06-01"}, "dateOfBirth"),
            ({"dateOfBirth": "1850-01-01"}, "dateOfBirth"),
            ({"dateOfBirth": "1990-02-30"}, "dateOfBirth"),
            ({"dateOfBirth": "12.4.1985"}, "dateOfBirth"),
            ({"firstName": "  "}, "firstName"),
            ({"firstName": "Иван"}, "firstName"),
            ({"lastName": "L\u043evelace"}, "lastName"),
            ({"lastName": "Lɨvelace"}, "lastName"),
            ({"address": {**ADDRESS, "state": "ZZ"}}, "address.state"),
            ({"address": {**ADDRESS, "state": None}}, "address.state"),
            ({"address": {**ADDRESS, "zipCode": "10001"}}, "address.zipCode"),
            ({"address": {**ADDRESS, "zipCode": "9404"}}, "address.zipCode"),
            ({"address": {**ADDRESS, "city": None}}, "address.city"),
            ({"address": {**ADDRESS, "country": "XX"}}, "address.country"),
            ({"idNumber": "123456789"}, "idType"),
            ({"idType": "ssn"}, "idNumber"),
            ({"idType": "library_card", "idNumber": "1"}, "idType"),
            ({"idType": "ssn", "idNumber": "000-12-3456"}, "idNumber"),
            ({"idType": "ssn", "idNumber": "12345678"}, "idNumber"),
            ({"idType": "itin", "idNumber": "123456789"}, "idNumber"),
            ({"idType": "passport", "idNumber": "a#b"}, "idNumber"),
            ({"tier": 3}, "tier"),
        ],
    )
    def test_data_are_refused_by_field(
        self, ada: Applicant, database: Database, changes: dict[str, Any], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.submit(**changes)) == [field]

    @pytest.mark.parametrize(
        ("born", "taken"),
        [("2008-11-22", True), ("2008-11-23", False), ("2008-02-29", True)],
    )
    def test_of_age_on_the_very_day(self, house: Flask, born: str, *, taken: bool) -> None:
        with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=True):
            answer = Applicant.with_confirmed_email(house).submit(dateOfBirth=born)
        assert answer.status_code == (201 if taken else 422)

    def test_born_on_a_leap_day(self, house: Flask) -> None:
        for day, taken in ((28, False), (1, True)):
            month = 2 if day == 28 else 3
            with time_machine.travel(datetime(2026, month, day, 12, tzinfo=UTC), tick=True):
                answer = Applicant.with_confirmed_email(house).submit(dateOfBirth="2008-02-29")
            assert answer.status_code == (201 if taken else 422)

    def test_while_one_waits_there_is_no_other(self, ada: Applicant, database: Database) -> None:
        ada.submit_ok()
        with database_unchanged(database):
            problem(ada.submit(), 409, "verification_open")

    def test_not_more_often_than_five_times(self, ada: Applicant, sandbox: Sandbox) -> None:
        for _ in range(5):
            ada.submit_ok(lastName="Failed")
            ada.run_jobs(sandbox)
        with database_unchanged(ada.database):
            answer = ada.submit()
            problem(answer, 429, "rate_limited")
        assert 29 * 86_400 < int(answer.headers["Retry-After"]) <= 30 * 86_400


class TestProvider:
    @pytest.mark.parametrize(
        ("name", "status", "tier", "reasons"),
        [
            ("Failed", "rejected", 0, ["identity_not_verified"]),
            ("Expired", "more_needed", 1, ["verification_not_finished"]),
            ("Canceled", "more_needed", 1, ["verification_not_finished"]),
            ("Review", "in_review", 1, []),
            ("Waiting", "pending", 1, []),
        ],
    )
    def test_says_otherwise(
        self,
        ada: Applicant,
        sandbox: Sandbox,
        name: str,
        status: str,
        tier: int,
        reasons: list[str],
    ) -> None:
        ada.submit_ok(lastName=name)
        ada.run_jobs(sandbox)
        shown = ada.status
        assert (shown["status"], shown["tier"]) == (status, tier)
        assert [each["code"] for each in shown["reasons"]] == reasons

    def test_may_be_asked_anew_after_it_said_no(self, ada: Applicant, sandbox: Sandbox) -> None:
        ada.submit_ok(lastName="Failed")
        ada.run_jobs(sandbox)
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert (ada.tier_status.tier, ada.status["renewal"]) == (2, None)

    def test_is_believed_by_the_poll_when_the_webhook_is_lost(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("plaid", "webhook", FaultMode.LOST)
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert ada.tier_status.tier == 1
        with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
            with ada.database.transaction() as session:
                provider_verification.poll_provider(session)
            run_pending_jobs(ada.database, "kyc.verify")
        assert ada.tier_status.tier == 2

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
    def test_is_not_heard_through_another_mouth(
        self, ada: Applicant, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        ada.submit_ok()
        sandbox.schedule_fault("plaid", "webhook", mode)
        ada.run_jobs()
        with database_unchanged(ada.database):
            assert sandbox.deliver_webhooks(ada.client.app.test_client()) == [403]

    @pytest.mark.parametrize(
        "mode",
        [
            FaultMode.ERROR_AFTER,
            FaultMode.HANG_UP_AFTER,
            FaultMode.GARBAGE,
            FaultMode.DOWN,
            FaultMode.HANG_UP_BEFORE,
        ],
    )
    def test_is_asked_once_however_the_call_ends(
        self, ada: Applicant, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("plaid", "identity_verification.create", mode)
        shown = ada.submit_ok()
        ada.run_jobs(sandbox)
        assert ada.tier_status.tier == 2
        known = sandbox.store.find("plaid", "verification", client_user_id=shown["id"])
        assert len(known) == 1

    def test_that_will_not_leaves_it_to_staff(self, ada: Applicant, sandbox: Sandbox) -> None:
        sandbox.schedule_fault("plaid", "identity_verification.create", FaultMode.REFUSED)
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert (ada.latest.status, ada.latest.flags) == (
            VerificationStatus.IN_REVIEW,
            {ReviewFlag.PROVIDER},
        )

    def test_comes_too_late(self, ada: Applicant, sandbox: Sandbox) -> None:
        """What is decided stays decided, whatever the provider says of it later."""
        shown = ada.submit_ok()
        ada.run_jobs(sandbox)
        late = ProviderVerification("idv_other", verification_id(shown), VerificationOutcome.FAILED)
        with database_unchanged(ada.database), ada.database.transaction() as session:
            provider_verification.apply_provider_result(session, verification_id(shown), late)
        assert ada.tier_status.tier == 2

    def test_by_another_name_is_left(self, ada: Applicant, sandbox: Sandbox) -> None:
        shown = ada.submit_ok(lastName="Waiting")
        ada.run_jobs(sandbox)
        other = ProviderVerification(
            "idv_other", verification_id(shown), VerificationOutcome.SUCCESS
        )
        with database_unchanged(ada.database), ada.database.transaction() as session:
            provider_verification.apply_provider_result(session, verification_id(shown), other)


def dispose(database: Database, disposition: str) -> None:
    """Compliance decides every open hit."""
    officer = People(database).staff(Role.COMPLIANCE)
    with database.reading() as session:
        found = cases_queries.search(
            session, officer, CaseFilter(case_decisions.CASE_KIND, None, None, False)
        )
    with database.transaction() as session:
        for each in found.data:
            if each.state == "open":
                cases.close(
                    session, officer, each.id, disposition=disposition, reason="Looked at it"
                )


#: Who is on the sample's list.
LISTED = {
    "firstName": "Dragomir Casimir",
    "lastName": "Esperpento Villanova",
    "dateOfBirth": "1960-06-14",
}


NAME_LISTED = f"{LISTED['firstName']} {LISTED['lastName']}"
#: What a request says, read.
SAID = {
    "date_of_birth": "1985-04-12",
    "address": {
        "street": "1600 Amphitheatre Pkwy",
        "city": "Mountain View",
        "state": "CA",
        "zip_code": "94043",
        "country": "US",
    },
}


class TestScreening:
    def submit_listed(self, ada: Applicant, sandbox: Sandbox) -> None:
        ada.submit_ok(**LISTED)
        ada.run_jobs(sandbox)
        assert (ada.latest.status, ada.latest.tier) == (VerificationStatus.IN_REVIEW, 0)
        assert ada.latest.flags == {ReviewFlag.SCREENING}
        # What the lists say is not for the person.
        assert "screening" not in str(ada.status)

    def test_a_hit_waits_for_compliance_and_then_goes_on(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        self.submit_listed(ada, sandbox)
        assert ada.latest.provider_status == VerificationOutcome.SUCCESS
        dispose(ada.database, case_decisions.NOT_A_MATCH)
        ada.run_jobs()
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.APPROVED, 2)

    def test_a_match_ends_it(self, ada: Applicant, sandbox: Sandbox) -> None:
        self.submit_listed(ada, sandbox)
        dispose(ada.database, case_decisions.TRUE_MATCH)
        ada.run_jobs()
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.REJECTED, 0)
        assert ada.latest.reasons == (ReasonCode.CANNOT_SERVE,)
        problem(ada.submit(), 401, "token_invalid")
        # Nor would anything new be taken, were they let back in.
        with ada.database.transaction() as session:
            told = {**SAID, "first_name": "Grace", "last_name": "Hopper"}
            assert submission.submit(session, ada.actor, told).status is VerificationStatus.REJECTED

    def test_a_match_found_elsewhere_takes_the_tier(self, ada: Applicant, sandbox: Sandbox) -> None:
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert ada.tier_status.tier == 2
        with ada.database.transaction() as session:
            screening.screen(
                session, ScreeningSubject((NAME_LISTED,)), about="wdr_of_a_test", purpose="payout",
                person_id=ada.actor.user_id,
            )  # fmt: skip
        dispose(ada.database, case_decisions.TRUE_MATCH)
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.APPROVED, 0)
        assert ada.tier_status.daily_limit.units == 0


def test_the_same_number_twice_is_looked_at(ada: Applicant, house: Flask, sandbox: Sandbox) -> None:
    number = ids.new().hex[-12:].upper()
    ada.submit_ok(idType="passport", idNumber=number)
    bob = Applicant.with_confirmed_email(house)
    shown = bob.submit_ok(idType="PASSPORT", idNumber=f"{number[:3].lower()} {number[3:]}")
    bob.run_jobs(sandbox)
    assert (bob.latest.status, bob.latest.flags) == (
        VerificationStatus.IN_REVIEW,
        {ReviewFlag.DUPLICATE},
    )
    assert (shown["tier"], bob.tier_status.tier) == (0, 0)
    assert "duplicate" not in str(bob.status)


#: Stands for one.
FILE = object()


class TestDocuments:
    def test_are_taken_and_told(self, ada: Applicant) -> None:
        [sent] = ada.send_documents("identity")
        assert sent == {
            "id": sent["id"],
            "type": "identity",
            "contentType": "image/jpeg",
            "sizeBytes": sent["sizeBytes"],
            "uploadedAt": sent["uploadedAt"],
        }
        assert ada.status["documents"] == [sent]

    def test_are_looked_at_outside_of_a_transaction(
        self, ada: Applicant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A connection that waits for seconds is missing elsewhere, and so are its locks."""
        looked, open_ones = file_sanitizer.sanitize, []

        def slowly(*args: Any, **options: Any) -> file_sanitizer.SanitizedFile:
            with ada.database.reading() as session:
                open_ones.extend(
                    session.rows(
                        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
                    )
                )
            return looked(*args, **options)

        monkeypatch.setattr(file_sanitizer, "sanitize", slowly)
        ada.send_documents("identity")
        assert open_ones == []

    def test_of_somebody_suspended_meanwhile_are_not_taken(
        self, ada: Applicant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked = file_sanitizer.sanitize

        def slowly(*args: Any, **options: Any) -> file_sanitizer.SanitizedFile:
            with ada.database.transaction() as session:
                account_status.suspend_customer(
                    session, None, ada.actor.user_id, reason="because of a test"
                )
            return looked(*args, **options)

        monkeypatch.setattr(file_sanitizer, "sanitize", slowly)
        problem(ada.send(make_picture()), 403, "permission_denied")
        with ada.database.reading() as session:
            assert documents.documents_of(session, ada.actor.user_id) == []

    def test_sent_again_are_kept_once(self, ada: Applicant) -> None:
        [sent] = ada.send_documents("identity")
        assert ada.client.ok(200, ada.send(make_picture(shade=1))) == sent
        assert ada.client.ok(201, ada.send(make_picture(shade=1), "address"))["id"] != sent["id"]
        assert len(ada.status["documents"]) == 2

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"type": "identity"}, "file"),
            ({"file": FILE}, "type"),
            ({"type": "selfie", "file": FILE}, "type"),
            ({"type": "identity", "file": "text"}, "file"),
            ({"type": "identity", "file": FILE, "more": "x"}, "more"),
            ({"type": "identity", "other": FILE}, "other"),
        ],
    )
    def test_forms_are_read_strictly(
        self, ada: Applicant, database: Database, form: dict[str, Any], field: str
    ) -> None:
        sent = {
            name: FileStorage(BytesIO(make_picture()), "a.jpg") if value is FILE else value
            for name, value in form.items()
        }
        with database_unchanged(database):
            assert field in wrong_fields(ada.send_form(**sent))

    def test_what_is_none_changes_nothing(self, ada: Applicant, database: Database) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.send(b"GIF89a")) == ["file"]
            problem(ada.send(b"\xff\xd8\xff" + b"x" * (8 * 1024 * 1024)), 413, "body_too_large")
            problem(ada.client.post(DOCUMENTS, {"type": "identity"}), 415, "unsupported_media_type")
            broken = ada.client.send(
                "POST", DOCUMENTS, data=b"--x\r\nno", content_type="multipart/form-data"
            )
            assert broken.status_code in {400, 422}

    def test_there_is_a_limit(self, ada: Applicant) -> None:
        ada.send_documents(*["identity"] * 20)
        with database_unchanged(ada.database):
            problem(ada.send(make_picture(shade=99)), 409, "documents_full")

    def test_they_lie_encrypted(self, ada: Applicant, database: Database) -> None:
        ada.send_documents("identity")
        with database.reading() as session:
            [(content, sealed)] = session.rows(
                "SELECT content, key_sealed FROM kyc_documents WHERE user_id = %s",
                (ada.client.user_id,),
            )
        assert b"JFIF" not in bytes(content)
        assert len(sealed) < 200
