"""Verification of an identity from submission to tier 2, and what stops it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.models import Case
from app.identity.models import User
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.list_query import ListQuery, fetch_page
from app.kyc.rules import ReasonCode, ReviewFlag, VerificationStatus
from app.kyc.submission import provider_verification
from app.kyc.submission import queries as submission_queries
from app.kyc.submission import service as submission
from app.kyc.submission.ports import ProviderVerification, VerificationOutcome
from app.screening.decisions import case_outcomes
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from sandbox.faults import FaultMode
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.kyc.applicant import ADDRESS, Applicant
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.privacy.customer_history import find_in_all_tables
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows, read_values
from tests.unchanged_database import database_unchanged


def test_status_without_submission_is_none(ada: Applicant) -> None:
    assert ada.status == {
        "id": None,
        "status": "none",
        "tier": 0,
        "limits": {
            "daily": {"asset": "USD", "amount": "0.00"},
            "depositsLeft": {"asset": "USD", "amount": "0.00"},
            "withdrawalsLeft": {"asset": "USD", "amount": "0.00"},
            "redemption": False,
        },
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


def test_details_give_tier_1_and_the_provider_tier_2(ada: Applicant, sandbox: Sandbox) -> None:
    # Pages use another number in the same database; a second person with one is reviewed.
    status = ada.submit_ok(idNumber="123-45-6798", idType="SSN")
    assert (status["status"], status["tier"]) == ("pending", 1)
    assert status["limits"]["daily"]["amount"] == "1000.00"
    ada.run_jobs()
    waiting = ada.status
    assert (waiting["status"], waiting["tier"]) == ("pending", 1)
    assert waiting["verificationUrl"].startswith("https://verify.plaid.com/verify/idv_")
    ada.run_jobs(sandbox)
    approved = ada.status
    assert (approved["status"], approved["tier"]) == ("approved", 2)
    assert approved["limits"] == {
        "daily": {"asset": "USD", "amount": "10000.00"},
        "depositsLeft": {"asset": "USD", "amount": "10000.00"},
        "withdrawalsLeft": {"asset": "USD", "amount": "10000.00"},
        "redemption": True,
    }
    assert approved["missing"] == ["document:identity", "document:address", "document:funds"]
    assert approved["verificationUrl"] is None
    assert ada.message_subjects == ["You are verified: tier 2"]


def test_name_of_a_customer_comes_from_the_effective_identity(
    ada: Applicant, sandbox: Sandbox
) -> None:
    def name() -> str:
        with ada.database.reading() as session:
            return submission_queries.get_customer(session, ada.actor.user_id).name

    with ada.database.transaction() as session:
        change_rows(session, User, User.id == ada.actor.user_id, last_name="of the Profile")
    assert name() == "Ada of the Profile"
    ada.submit_ok(lastName="Failed")
    assert name() == "Ada Failed"
    ada.run_jobs(sandbox)
    assert name() == "Ada of the Profile"
    ada.submit_ok()
    ada.run_jobs(sandbox)
    assert name() == "Ada Lovelace"
    # An undecided verification does not replace an approved one.
    ada.submit_ok(firstName="Augusta", lastName="Waiting")
    ada.run_jobs(sandbox)
    assert name() == "Ada Lovelace"


def test_unconfirmed_email_gives_tier_0(app_with_list: Flask, sandbox: Sandbox) -> None:
    client = ApiClient(app_with_list)
    client.register()
    applicant = Applicant(client)
    applicant.submit_ok()
    applicant.run_jobs(sandbox)
    status = applicant.status
    assert (status["status"], status["tier"], status["missing"]) == ("approved", 0, ["email"])
    assert applicant.tier_status.daily_limit.units == 0


def test_submitted_details_are_sealed(ada: Applicant, database: Database) -> None:
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
            ({"firstName": "Ив\x61н"}, "firstName"),
            ({"lastName": "L\u043evelace"}, "lastName"),
            ({"lastName": "L\U0001f170velace"}, "lastName"),
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
    def test_invalid_details_are_refused_by_field(
        self, ada: Applicant, database: Database, changes: dict[str, Any], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.submit(**changes)) == [field]

    @pytest.mark.parametrize(
        ("born", "is_accepted"),
        [("2008-11-22", True), ("2008-11-23", False), ("2008-02-29", True)],
    )
    def test_person_may_submit_from_their_18th_birthday(
        self, app_with_list: Flask, born: str, *, is_accepted: bool
    ) -> None:
        with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=True):
            answer = Applicant.with_confirmed_email(app_with_list).submit(dateOfBirth=born)
        assert answer.status_code == (201 if is_accepted else 422)

    def test_person_born_on_29_february_is_18_on_1_march(self, app_with_list: Flask) -> None:
        for day, is_accepted in ((28, False), (1, True)):
            month = 2 if day == 28 else 3
            with time_machine.travel(datetime(2026, month, day, 12, tzinfo=UTC), tick=True):
                answer = Applicant.with_confirmed_email(app_with_list).submit(
                    dateOfBirth="2008-02-29"
                )
            assert answer.status_code == (201 if is_accepted else 422)

    def test_second_submission_while_one_waits_is_refused(
        self, ada: Applicant, database: Database
    ) -> None:
        ada.submit_ok()
        with database_unchanged(database):
            assert_problem(ada.submit(), 409, "verification_open")

    def test_sixth_submission_in_30_days_is_rate_limited(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        for _ in range(5):
            ada.submit_ok(lastName="Failed")
            ada.run_jobs(sandbox)
        with database_unchanged(ada.database):
            answer = ada.submit()
            assert_problem(answer, 429, "rate_limited")
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
    def test_provider_outcome_sets_status_and_tier(
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
        assert [reason["code"] for reason in shown["reasons"]] == reasons

    def test_customer_may_submit_again_after_rejection(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        ada.submit_ok(lastName="Failed")
        ada.run_jobs(sandbox)
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert (ada.tier_status.tier, ada.status["renewal"]) == (2, None)

    def test_poll_fetches_the_result_when_the_webhook_is_lost(
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
    def test_webhook_with_invalid_signature_is_refused(
        self, ada: Applicant, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        ada.submit_ok()
        sandbox.schedule_fault("plaid", "webhook", mode)
        ada.run_jobs()
        # The key of Plaid may have to be fetched first.
        with database_unchanged(ada.database, apart_from={"provider_calls", "throttle_counts"}):
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
    def test_failed_call_creates_one_verification_at_the_provider(
        self, ada: Applicant, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("plaid", "identity_verification.create", mode)
        status = ada.submit_ok()
        ada.run_jobs(sandbox)
        assert ada.tier_status.tier == 2
        at_provider = sandbox.store.find("plaid", "verification", client_user_id=status["id"])
        assert len(at_provider) == 1

    def test_provider_refusal_leaves_the_review_to_staff(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("plaid", "identity_verification.create", FaultMode.REFUSED)
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert (ada.latest.status, ada.latest.flags) == (
            VerificationStatus.IN_REVIEW,
            {ReviewFlag.PROVIDER},
        )

    @pytest.mark.parametrize(
        ("name", "tier", "reference", "outcome", "is_case"),
        [
            ("Lovelace", 2, None, VerificationOutcome.FAILED, True),
            ("Lovelace", 2, None, VerificationOutcome.REVIEW, True),
            ("Lovelace", 2, None, VerificationOutcome.SUCCESS, False),
            ("Failed", 0, None, VerificationOutcome.SUCCESS, True),
            ("Failed", 0, None, VerificationOutcome.FAILED, False),
            ("Canceled", 1, None, VerificationOutcome.SUCCESS, True),
            ("Lovelace", 2, "idv_second", VerificationOutcome.FAILED, True),
            ("Lovelace", 2, "idv_second", VerificationOutcome.ACTIVE, False),
            ("Waiting", 1, "idv_second", VerificationOutcome.SUCCESS, True),
        ],
    )
    def test_late_word_of_the_provider_opens_a_case_and_decides_nothing(
        self,
        ada: Applicant,
        sandbox: Sandbox,
        name: str,
        tier: int,
        reference: str | None,
        outcome: VerificationOutcome,
        is_case: bool,
    ) -> None:
        """A decision stands until a person changes it."""
        public_id = ada.submit_ok(lastName=name)["id"]
        ada.run_jobs(sandbox)
        before = ada.latest
        late = ProviderVerification(
            reference or before.provider_reference or "", before.id, outcome
        )
        for _ in range(2):
            with ada.database.transaction() as session:
                provider_verification.apply_provider_result(session, before.id, late)
        assert (ada.latest, ada.tier_status.tier) == (before, tier)
        with ada.database.reading() as session:
            keys = read_values(
                session,
                Case.key,
                Case.kind == provider_verification.CASE_KIND,
                Case.subject == public_id,
            )
        assert keys == [f"{before.id}:{late.reference}:{outcome}"] * is_case


def close_hit_cases(database: Database, disposition: str) -> list[UUID]:
    """Close every open case of hits with this disposition. Return their ids."""
    officer = People(database).staff(Role.COMPLIANCE)
    with database.reading() as session:
        query = ListQuery({"kind": case_outcomes.CASE_KIND}, "-opened")
        page = fetch_page(session, cases_queries.visible_cases(officer), query)
    with database.transaction() as session:
        open_ids = [case.id for case in page.rows if case.state == "open"]
        for case_id in open_ids:
            cases.close(
                session, officer, case_id, disposition=disposition, reason="Checked the hit"
            )
    return open_ids


#: A person on the sample list.
LISTED = {
    "firstName": "Dragomir Casimir",
    "lastName": "Esperpento Villanova",
    "dateOfBirth": "1960-06-14",
}


NAME_LISTED = f"{LISTED['firstName']} {LISTED['lastName']}"
#: The rest of a parsed request.
PARSED_DETAILS = {
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
        # The customer does not see sanctions flags.
        assert "screening" not in str(ada.status)

    def test_verification_with_a_hit_continues_after_a_false_positive(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        self.submit_listed(ada, sandbox)
        assert ada.latest.provider_status == VerificationOutcome.SUCCESS
        close_hit_cases(ada.database, case_outcomes.NOT_A_MATCH)
        ada.run_jobs()
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.APPROVED, 2)

    def test_true_match_rejects_the_verification(self, ada: Applicant, sandbox: Sandbox) -> None:
        self.submit_listed(ada, sandbox)
        verification_id = ids.encode("kyc", ada.latest.id)
        case_ids = close_hit_cases(ada.database, case_outcomes.TRUE_MATCH)
        ada.run_jobs()
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.REJECTED, 0)
        with ada.database.reading() as session:
            followed = [
                event.text
                for case_id in case_ids
                for event in cases_queries.events(session, case_id)
            ]
        assert f"Verification, In review → Rejected: {verification_id}" in followed
        assert ada.latest.reasons == (ReasonCode.CANNOT_SERVE,)
        assert_problem(ada.submit(), 401, "token_invalid")
        # A new submission would be rejected even without the suspension.
        with ada.database.transaction() as session:
            payload = {**PARSED_DETAILS, "first_name": "Grace", "last_name": "Hopper"}
            assert (
                submission.submit(session, ada.actor, payload).status is VerificationStatus.REJECTED
            )

    def test_true_match_from_a_payout_removes_the_tier(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert ada.tier_status.tier == 2
        with ada.database.transaction() as session:
            screening.screen(
                session, ScreeningSubject((NAME_LISTED,)), about="wdr_of_a_test", purpose="payout",
                person_id=ada.actor.user_id,
            )  # fmt: skip
        close_hit_cases(ada.database, case_outcomes.TRUE_MATCH)
        assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.APPROVED, 0)
        assert ada.tier_status.daily_limit.units == 0


def test_duplicate_id_number_is_flagged_for_review(
    ada: Applicant, app_with_list: Flask, sandbox: Sandbox
) -> None:
    number = ids.new().hex[-12:].upper()
    ada.submit_ok(idType="passport", idNumber=number)
    bob = Applicant.with_confirmed_email(app_with_list)
    status = bob.submit_ok(idType="PASSPORT", idNumber=f"{number[:3].lower()} {number[3:]}")
    bob.run_jobs(sandbox)
    assert (bob.latest.status, bob.latest.flags) == (
        VerificationStatus.IN_REVIEW,
        {ReviewFlag.DUPLICATE},
    )
    assert (status["tier"], bob.tier_status.tier) == (0, 0)
    assert "duplicate" not in str(bob.status)
