"""Decisions by staff about people and companies, and who may not make them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalPending, SelfApproval
from app.identity.models import User
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.kyc import queries as kyc_queries
from app.kyc.errors import (
    EvidenceMissing,
    OwnVerification,
    ScreeningOpen,
    VerificationDecided,
)
from app.kyc.review import automatic_decisions
from app.kyc.review import service as review
from app.kyc.rules import ReviewFlag, VerificationKind, VerificationStatus
from app.screening.decisions import case_outcomes
from app.screening.decisions.subjects import source_named
from tests.api_client import assert_problem, wrong_fields
from tests.kyc.applicant import ADDRESS, BUSINESS, Applicant
from tests.kyc.test_submission import LISTED, close_hit_cases
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows
from tests.unchanged_database import database_unchanged

REASON = "Checked the documents"
TIER_3 = ("identity", "address", "funds")


@pytest.fixture
def support(database: Database) -> Actor:
    return People(database).staff(Role.SUPPORT)


@pytest.fixture
def reviewed(ada: Applicant, sandbox: Sandbox) -> Applicant:
    """A customer in review: the provider left the decision to us, and a passport was sent."""
    ada.submit_ok(lastName="Review")
    ada.run_jobs(sandbox)
    ada.send_documents("identity")
    assert ada.latest.status is VerificationStatus.IN_REVIEW
    return ada


@pytest.fixture
def candidate(app_with_list: Flask, sandbox: Sandbox) -> Applicant:
    """A customer with tier 2 who sent the documents for tier 3."""
    applicant = Applicant.with_tier_2(app_with_list, sandbox)
    applicant.send_documents(*TIER_3)
    assert (applicant.latest.kind, applicant.latest.status) == (
        VerificationKind.ENHANCED,
        VerificationStatus.IN_REVIEW,
    )
    return applicant


def request_approval(
    database: Database, actor: Actor, applicant: Applicant, reason: str = REASON
) -> Any:
    with database.transaction() as session:
        return review.approve(session, actor, applicant.latest.id, reason=reason)


def approve_request(database: Database, checker: Actor, approval_id: Any) -> None:
    with database.transaction() as session:
        seen = approvals_queries.get_approval(session, approval_id).hash
        approvals.approve(session, checker, approval_id, seen_hash=seen)


class TestIdentity:
    def test_identity_is_approved_by_one_person(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        assert request_approval(database, support, reviewed) is None
        reviewed.run_jobs()
        assert (reviewed.latest.status, reviewed.tier_status.tier) == (
            VerificationStatus.APPROVED,
            2,
        )
        assert reviewed.message_subjects[0] == "You are verified: tier 2"
        with database.reading() as session:
            last = kyc_queries.events(session, reviewed.latest.id)[-1]
        assert (last.actor_id, last.note, last.tier) == (support.user_id, REASON, 2)

    def test_rejected_identity_shows_the_reasons_to_the_customer(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        with database.transaction() as session:
            review.reject(
                session, support, reviewed.latest.id, reasons=["document_expired"], reason=REASON
            )
        reviewed.run_jobs()
        assert [reason["code"] for reason in reviewed.status["reasons"]] == ["document_expired"]
        assert (reviewed.tier_status.tier, reviewed.status["missing"]) == (0, ["identity"])
        assert reviewed.message_subjects[0] == "We could not verify your identity"
        assert REASON not in str(reviewed.status)

    def test_identity_returns_to_review_when_more_documents_are_sent(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        with database.transaction() as session:
            review.request_more_information(
                session,
                support,
                reviewed.latest.id,
                reasons=["document_unreadable"],
                reason=REASON,
            )
        reviewed.run_jobs()
        assert reviewed.latest.status is VerificationStatus.MORE_NEEDED
        assert reviewed.message_subjects[0] == "We need more information to verify your identity"
        reviewed.send_documents("address")
        assert reviewed.latest.status is VerificationStatus.IN_REVIEW

    def test_identity_without_evidence_is_not_approved(
        self, ada: Applicant, sandbox: Sandbox, database: Database, support: Actor
    ) -> None:
        ada.submit_ok(lastName="Review")
        ada.run_jobs(sandbox)
        with database_unchanged(database), pytest.raises(EvidenceMissing):
            request_approval(database, support, ada)

    def test_identity_with_an_open_hit_is_not_decided(
        self, ada: Applicant, sandbox: Sandbox, database: Database, officer: Actor
    ) -> None:
        ada.submit_ok(**LISTED)
        ada.run_jobs(sandbox)
        ada.send_documents("identity")
        with database_unchanged(database), pytest.raises(ScreeningOpen):
            request_approval(database, officer, ada)
        with (
            database_unchanged(database),
            pytest.raises(ScreeningOpen),
            database.transaction() as session,
        ):
            review.reject(session, officer, ada.latest.id, reasons=["cannot_serve"], reason=REASON)

    @pytest.mark.parametrize("role", [Role.TELLER, Role.AUDITOR, Role.INVENTORY])
    def test_role_without_permission_cannot_approve(
        self, reviewed: Applicant, database: Database, role: Role
    ) -> None:
        people = People(database)
        actor = people.staff(role, people.branch() if role is Role.TELLER else None)
        with database_unchanged(database), pytest.raises(PermissionDenied):
            request_approval(database, actor, reviewed)

    def test_staff_cannot_decide_their_own_verification(
        self, reviewed: Applicant, database: Database
    ) -> None:
        with database.transaction() as session:
            change_rows(session, User, User.id == reviewed.client.user_id, role="SUPPORT")
        actor = Actor(
            reviewed.client.user_id, None, reviewed.client.email, Role.SUPPORT,
            frozenset({Permission.KYC_REVIEW}),
        )  # fmt: skip
        with database_unchanged(database), pytest.raises(OwnVerification):
            request_approval(database, actor, reviewed)

    @pytest.mark.parametrize(
        ("reasons", "reason", "field"),
        [
            ([], REASON, "customer_message"),
            (["nonsense"], REASON, "customer_message"),
            (["cannot_serve"], "no", "reason"),
            (["cannot_serve"], "write to ada@example.com", "reason"),
        ],
    )
    def test_decision_without_valid_reasons_is_refused(
        self,
        reviewed: Applicant,
        database: Database,
        support: Actor,
        reasons: list[str],
        reason: str,
        field: str,
    ) -> None:
        with (
            database_unchanged(database),
            pytest.raises(Invalid) as refused,
            database.transaction() as session,
        ):
            review.reject(session, support, reviewed.latest.id, reasons=reasons, reason=reason)
        assert refused.value.field == field

    def test_decided_verification_cannot_be_approved_again(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        request_approval(database, support, reviewed)
        with database_unchanged(database), pytest.raises(VerificationDecided):
            request_approval(database, support, reviewed)

    def test_only_compliance_revokes_an_approval(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        approve_request(database, officer, request_approval(database, support, candidate))
        [identity] = [
            verification
            for verification in candidate.verifications
            if verification.kind is VerificationKind.IDENTITY
        ]
        decision = {"reasons": ["cannot_serve"], "reason": REASON}
        with (
            database_unchanged(database),
            pytest.raises(PermissionDenied),
            database.transaction() as session,
        ):
            review.revoke(session, support, identity.id, **decision)
        with database.transaction() as session:
            review.revoke(session, officer, identity.id, **decision)
        assert [verification.status for verification in candidate.verifications] == [
            VerificationStatus.REJECTED
        ]
        assert candidate.tier_status.tier == 0


class TestTier3:
    def test_tier_3_takes_two_people(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        approval_id = request_approval(database, support, candidate)
        assert candidate.tier_status.tier == 2
        with database_unchanged(database), pytest.raises(ApprovalPending):
            request_approval(database, officer, candidate)
        with database.reading() as session:
            seen = approvals_queries.get_approval(session, approval_id).hash
        with (
            database_unchanged(database),
            pytest.raises(SelfApproval),
            database.transaction() as session,
        ):
            approvals.approve(session, support, approval_id, seen_hash=seen)
        approve_request(database, officer, approval_id)
        candidate.run_jobs()
        standing = candidate.tier_status
        assert (standing.tier, str(standing.daily_limit)) == (3, "250000.00")
        status = candidate.status
        assert (status["status"], status["upgrade"]["status"]) == ("approved", "approved")
        assert status["upgrade"]["expiresAt"] == status["expiresAt"]
        assert candidate.message_subjects[0] == "You are verified: tier 3"
        assert candidate.message_subjects.count("You are verified: tier 3") == 1

    def test_tier_3_review_starts_with_documents_sent_before_submission(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        ada.send_documents(*TIER_3)
        assert ada.verifications == []
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert [verification.kind for verification in ada.verifications] == [
            VerificationKind.ENHANCED,
            VerificationKind.IDENTITY,
        ]

    def test_rejected_tier_3_review_leaves_tier_2(
        self, candidate: Applicant, database: Database, support: Actor
    ) -> None:
        with database.transaction() as session:
            review.reject(
                session,
                support,
                candidate.latest.id,
                reasons=["funds_not_shown"],
                reason=REASON,
            )
        status = candidate.status
        assert (status["tier"], status["upgrade"]["status"]) == (2, "rejected")
        candidate.send_documents("licence")
        assert candidate.status["upgrade"]["status"] == "in_review"

    def test_revoked_tier_3_leaves_tier_2(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        approve_request(database, officer, request_approval(database, support, candidate))
        with database.transaction() as session:
            review.revoke(
                session, officer, candidate.latest.id, reasons=["funds_not_shown"], reason=REASON
            )
        assert candidate.tier_status.tier == 2

    def test_new_submission_starts_a_new_tier_3_review(
        self,
        candidate: Applicant,
        sandbox: Sandbox,
        database: Database,
        support: Actor,
        officer: Actor,
    ) -> None:
        approve_request(database, officer, request_approval(database, support, candidate))
        candidate.submit_ok(lastName="Waiting")
        candidate.run_jobs(sandbox)
        status = candidate.status
        assert (status["tier"], status["renewal"]["status"]) == (3, "pending")
        sandbox.call_control(
            "plaid", f"/verifications/{candidate.latest.provider_reference}", status="success"
        )
        candidate.run_jobs(sandbox)
        # Documents that were sent before are reviewed again.
        status = candidate.status
        assert (status["tier"], status["upgrade"]["status"]) == (2, "in_review")


class TestTime:
    def test_verification_expires_after_one_warning(
        self, app_with_list: Flask, sandbox: Sandbox, database: Database
    ) -> None:
        applicant = Applicant.with_tier_2(app_with_list, sandbox)
        for days in (701, 702):
            with time_machine.travel(clock.now() + timedelta(days=days), tick=True):
                with database.transaction() as session:
                    automatic_decisions.expire_verifications(session)
                applicant.run_jobs()
        with time_machine.travel(clock.now() + timedelta(days=731), tick=True):
            # It no longer counts, although the job has not run yet.
            assert (applicant.tier_status.tier, applicant.tier_status.status) == (
                1,
                VerificationStatus.EXPIRED,
            )
            with database.transaction() as session:
                automatic_decisions.expire_verifications(session)
            assert (applicant.latest.status, applicant.latest.tier) == (
                VerificationStatus.EXPIRED,
                1,
            )
            # It still gives a tier, so a new list is checked for the customer.
            with database.transaction() as session:
                subjects = source_named("verifications")(session, None, 100_000)
            assert applicant.latest.id in [each.id for each in subjects]
            applicant.client.sign_in()
            assert applicant.status["missing"] == ["identity"]
            assert [each[:27] for each in applicant.message_subjects] == [
                "Verify your identity again ",
                "You are verified: tier 2",
            ]
            applicant.submit_ok()
            applicant.run_jobs(sandbox)
            assert applicant.tier_status.tier == 2


OWNERS = [
    {
        "firstName": "Grace",
        "lastName": "Hopper",
        "dateOfBirth": "1960-12-09",
        "country": "US",
        "ownershipPercent": "60.00",
        "controls": True,
    },
    {
        "firstName": "Alan",
        "lastName": "Turing",
        "dateOfBirth": "1962-06-23",
        "country": "GB",
        "ownershipPercent": "40",
    },
]


def make_company(**changes: Any) -> dict[str, Any]:
    return {
        "legalName": "Analytical Engines LLC",
        "registrationNumber": "E1234567",
        "entityType": "LLC",
        "incorporatedOn": "2015-03-01",
        "taxId": "12-3456789",
        "address": ADDRESS,
        "licences": [
            {"kind": "Money transmitter", "number": "MT-1", "authority": "NV FID",
             "expiresOn": "2099-12-31"}
        ],
        "beneficialOwners": OWNERS,
        **changes,
    }  # fmt: skip


def make_owner(**changes: Any) -> dict[str, Any]:
    return {**OWNERS[0], **changes}


class TestCompanies:
    def test_company_takes_two_people_and_its_documents(
        self, ada: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        status = ada.client.ok(201, ada.client.post(BUSINESS, make_company()))
        assert (status["business"]["status"], status["status"]) == ("in_review", "none")
        assert status["missing"] == ["identity", "document:registration", "document:ownership"]
        with database_unchanged(database), pytest.raises(EvidenceMissing):
            request_approval(database, support, ada)
        ada.send_documents("registration", "ownership")
        approve_request(database, officer, request_approval(database, support, ada))
        ada.run_jobs()
        assert ada.status["business"]["status"] == "approved"
        assert ada.tier_status.tier == 0
        assert ada.message_subjects[0] == "We have verified your company"

    def test_expired_company_and_its_owners_are_still_screened(
        self, ada: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        ada.client.ok(201, ada.client.post(BUSINESS, make_company()))
        ada.send_documents("registration", "ownership")
        approve_request(database, officer, request_approval(database, support, ada))
        company_id = ada.latest.id
        with time_machine.travel(clock.now() + timedelta(days=731), tick=True):
            with database.transaction() as session:
                automatic_decisions.expire_verifications(session)
            assert ada.latest.status is VerificationStatus.EXPIRED
        with database.transaction() as session:
            companies = source_named("verifications")(session, None, 100_000)
            owners = source_named("beneficial_owners")(session, None, 100_000)
        assert company_id in [subject.id for subject in companies]
        about = ids.encode("kyc", company_id)
        assert [subject.about for subject in owners].count(about) == len(OWNERS)

    def test_owner_with_an_open_hit_blocks_the_approval(
        self, ada: Applicant, database: Database, support: Actor
    ) -> None:
        listed = make_owner(
            **LISTED,
            country="MD",
            ownershipPercent="40",
            controls=False,
        )
        ada.client.ok(
            201, ada.client.post(BUSINESS, make_company(beneficialOwners=[OWNERS[0], listed]))
        )
        ada.send_documents("registration", "ownership")
        assert ada.latest.flags == {ReviewFlag.SCREENING}
        with database_unchanged(database), pytest.raises(ScreeningOpen):
            request_approval(database, support, ada)
        close_hit_cases(database, case_outcomes.NOT_A_MATCH)
        ada.run_jobs()
        assert ada.latest.flags == frozenset()
        assert request_approval(database, support, ada) is not None

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"legalName": "ООО Ром\x61шка"}, "legalName"),
            (
                {"beneficialOwners": [make_owner(firstName="Ад\x61")]},
                "beneficialOwners.0.firstName",
            ),
            (
                {"beneficialOwners": [make_owner(lastName="T\u0443ring")]},
                "beneficialOwners.0.lastName",
            ),
            ({"beneficialOwners": []}, "beneficialOwners"),
            ({"beneficialOwners": [make_owner(controls=False)]}, "beneficialOwners"),
            (
                {"beneficialOwners": [*OWNERS, make_owner(lastName="Byron",
                                                          ownershipPercent="25")]},
                "beneficialOwners",
            ),
            (
                {"beneficialOwners": [make_owner(ownershipPercent="40"), OWNERS[0]]},
                "beneficialOwners",
            ),
            (
                {"beneficialOwners": [*OWNERS[:1], make_owner(lastName="B", controls=False,
                                                         ownershipPercent="24.99")]},
                "beneficialOwners.1",
            ),
            (
                {"beneficialOwners": [make_owner(ownershipPercent="100.01")]},
                "beneficialOwners.0.ownershipPercent",
            ),
            (
                {"beneficialOwners": [make_owner(ownershipPercent="33.333")]},
                "beneficialOwners.0.ownershipPercent",
            ),
            (
                {"beneficialOwners": [make_owner(dateOfBirth="2015-01-01")]},
                "beneficialOwners.0.dateOfBirth",
            ),
            *(
                ({"beneficialOwners": [make_owner(country=country)]}, "beneficialOwners.0.country")
                for country in ("1!", "UK", "QQ", "ZZ", "EU", "SU")
            ),
            ({"incorporatedOn": "2099-01-01"}, "incorporatedOn"),
            ({"address": {**ADDRESS, "zipCode": "1"}}, "address.zipCode"),
            (
                {"licences": [{"kind": "a", "number": "b", "authority": "c",
                               "expiresOn": "2020-01-01"}]},
                "licences.0.expiresOn",
            ),
            ({"legalName": " "}, "legalName"),
        ],
    )  # fmt: skip
    def test_invalid_company_is_refused_by_field(
        self, ada: Applicant, database: Database, changes: dict[str, Any], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.client.post(BUSINESS, make_company(**changes))) == [field]

    def test_second_company_while_one_is_open_is_refused(
        self, ada: Applicant, database: Database
    ) -> None:
        ada.client.ok(201, ada.client.post(BUSINESS, make_company()))
        with database_unchanged(database):
            assert_problem(ada.client.post(BUSINESS, make_company()), 409, "verification_open")
