"""What staff decide about people and companies, and who may not."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalPending, SelfApproval
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
from app.kyc.review import decisions
from app.kyc.review import service as review
from app.kyc.rules import ReviewFlag, VerificationKind, VerificationStatus
from app.screening.decisions import case_decisions
from app.screening.decisions.subjects import source_named
from tests.api_client import problem, wrong_fields
from tests.kyc.applicant import ADDRESS, BUSINESS, Applicant
from tests.kyc.test_identity import LISTED, dispose
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

REASON = "Looked at the documents"
TIER_3 = ("identity", "address", "funds")


@pytest.fixture
def support(database: Database) -> Actor:
    return People(database).staff(Role.SUPPORT)


@pytest.fixture
def officer(database: Database) -> Actor:
    return People(database).staff(Role.COMPLIANCE)


@pytest.fixture
def reviewed(ada: Applicant, sandbox: Sandbox) -> Applicant:
    """The provider leaves her to us, and she sent her passport."""
    ada.submit_ok(lastName="Review")
    ada.run_jobs(sandbox)
    ada.send_documents("identity")
    assert ada.latest.status is VerificationStatus.IN_REVIEW
    return ada


@pytest.fixture
def candidate(house: Flask, sandbox: Sandbox) -> Applicant:
    """Of tier 2, and sent what tier 3 needs."""
    made = Applicant.with_tier_2(house, sandbox)
    made.send_documents(*TIER_3)
    assert (made.latest.kind, made.latest.status) == (
        VerificationKind.ENHANCED,
        VerificationStatus.IN_REVIEW,
    )
    return made


def approve(database: Database, actor: Actor, applicant: Applicant, reason: str = REASON) -> Any:
    with database.transaction() as session:
        return review.approve(session, actor, applicant.latest.id, reason=reason)


def decide(database: Database, checker: Actor, approval_id: Any) -> None:
    with database.transaction() as session:
        seen = approvals_queries.get_approval(session, approval_id).hash
        assert approvals.approve(session, checker, approval_id, seen_hash=seen) is None


class TestIdentity:
    def test_is_approved_by_one(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        assert approve(database, support, reviewed) is None
        reviewed.run_jobs()
        assert (reviewed.latest.status, reviewed.tier_status.tier) == (
            VerificationStatus.APPROVED,
            2,
        )
        assert reviewed.message_subjects[0] == "You are verified: tier 2"
        with database.reading() as session:
            last = kyc_queries.events(session, reviewed.latest.id)[-1]
        assert (last.actor_id, last.note, last.tier) == (support.user_id, REASON, 2)

    def test_is_rejected_with_what_they_are_told(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        with database.transaction() as session:
            review.reject(
                session, support, reviewed.latest.id, reasons=["document_expired"], reason=REASON
            )
        reviewed.run_jobs()
        assert [each["code"] for each in reviewed.status["reasons"]] == ["document_expired"]
        assert (reviewed.tier_status.tier, reviewed.status["missing"]) == (0, ["identity"])
        assert reviewed.message_subjects[0] == "We could not verify your identity"
        assert REASON not in str(reviewed.status)

    def test_comes_back_when_more_was_sent(
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

    def test_needs_something_that_shows_it(
        self, ada: Applicant, sandbox: Sandbox, database: Database, support: Actor
    ) -> None:
        ada.submit_ok(lastName="Review")
        ada.run_jobs(sandbox)
        with database_unchanged(database), pytest.raises(EvidenceMissing):
            approve(database, support, ada)

    def test_waits_for_the_lists(
        self, ada: Applicant, sandbox: Sandbox, database: Database, officer: Actor
    ) -> None:
        ada.submit_ok(**LISTED)
        ada.run_jobs(sandbox)
        ada.send_documents("identity")
        with database_unchanged(database), pytest.raises(ScreeningOpen):
            approve(database, officer, ada)
        with (
            database_unchanged(database),
            pytest.raises(ScreeningOpen),
            database.transaction() as session,
        ):
            review.reject(session, officer, ada.latest.id, reasons=["cannot_serve"], reason=REASON)

    @pytest.mark.parametrize("role", [Role.TELLER, Role.AUDITOR, Role.INVENTORY])
    def test_is_not_for_everybody(
        self, reviewed: Applicant, database: Database, role: Role
    ) -> None:
        people = People(database)
        actor = people.staff(role, people.branch() if role is Role.TELLER else None)
        with database_unchanged(database), pytest.raises(PermissionDenied):
            approve(database, actor, reviewed)

    def test_nobody_decides_about_themselves(self, reviewed: Applicant, database: Database) -> None:
        with database.transaction() as session:
            session.send(
                "UPDATE users SET role = 'SUPPORT' WHERE id = %s", (reviewed.client.user_id,)
            )
        actor = Actor(
            reviewed.client.user_id, None, reviewed.client.email, Role.SUPPORT,
            frozenset({Permission.KYC_REVIEW}),
        )  # fmt: skip
        with database_unchanged(database), pytest.raises(OwnVerification):
            approve(database, actor, reviewed)

    @pytest.mark.parametrize(
        ("reasons", "reason", "field"),
        [
            ([], REASON, "told"),
            (["nonsense"], REASON, "told"),
            (["cannot_serve"], "no", "reason"),
            (["cannot_serve"], "write to ada@example.com", "reason"),
        ],
    )
    def test_a_decision_says_why(
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

    def test_what_is_decided_is_decided(
        self, reviewed: Applicant, database: Database, support: Actor
    ) -> None:
        approve(database, support, reviewed)
        with database_unchanged(database), pytest.raises(VerificationDecided):
            approve(database, support, reviewed)

    def test_compliance_takes_it_back(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        decide(database, officer, approve(database, support, candidate))
        [identity] = [
            each for each in candidate.verifications if each.kind is VerificationKind.IDENTITY
        ]
        told = {"reasons": ["cannot_serve"], "reason": REASON}
        with (
            database_unchanged(database),
            pytest.raises(PermissionDenied),
            database.transaction() as session,
        ):
            review.revoke(session, support, identity.id, **told)
        with database.transaction() as session:
            review.revoke(session, officer, identity.id, **told)
        assert [each.status for each in candidate.verifications] == [VerificationStatus.REJECTED]
        assert candidate.tier_status.tier == 0


class TestTier3:
    def test_takes_two(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        asked = approve(database, support, candidate)
        assert candidate.tier_status.tier == 2
        with database_unchanged(database), pytest.raises(ApprovalPending):
            approve(database, officer, candidate)
        with database.reading() as session:
            seen = approvals_queries.get_approval(session, asked).hash
        with (
            database_unchanged(database),
            pytest.raises(SelfApproval),
            database.transaction() as session,
        ):
            approvals.approve(session, support, asked, seen_hash=seen)
        decide(database, officer, asked)
        candidate.run_jobs()
        standing = candidate.tier_status
        assert (standing.tier, str(standing.daily_limit)) == (3, "250000.00")
        shown = candidate.status
        assert (shown["status"], shown["upgrade"]["status"]) == ("approved", "approved")
        assert shown["upgrade"]["expiresAt"] == shown["expiresAt"]
        assert candidate.message_subjects[0] == "You are verified: tier 3"
        assert candidate.message_subjects.count("You are verified: tier 3") == 1

    def test_is_asked_for_by_sending_before_or_after(
        self, ada: Applicant, sandbox: Sandbox
    ) -> None:
        ada.send_documents(*TIER_3)
        assert ada.verifications == []
        ada.submit_ok()
        ada.run_jobs(sandbox)
        assert [each.kind for each in ada.verifications] == [
            VerificationKind.ENHANCED,
            VerificationKind.IDENTITY,
        ]

    def test_rejected_leaves_tier_2(
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
        shown = candidate.status
        assert (shown["tier"], shown["upgrade"]["status"]) == (2, "rejected")
        candidate.send_documents("licence")
        assert candidate.status["upgrade"]["status"] == "in_review"

    def test_taken_back_leaves_tier_2(
        self, candidate: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        decide(database, officer, approve(database, support, candidate))
        with database.transaction() as session:
            review.revoke(
                session, officer, candidate.latest.id, reasons=["funds_not_shown"], reason=REASON
            )
        assert candidate.tier_status.tier == 2

    def test_a_new_submission_is_reviewed_anew(
        self,
        candidate: Applicant,
        sandbox: Sandbox,
        database: Database,
        support: Actor,
        officer: Actor,
    ) -> None:
        decide(database, officer, approve(database, support, candidate))
        candidate.submit_ok(lastName="Waiting")
        candidate.run_jobs(sandbox)
        shown = candidate.status
        assert (shown["tier"], shown["renewal"]["status"]) == (3, "pending")
        sandbox.call_control(
            "plaid", f"/verifications/{candidate.latest.provider_reference}", status="success"
        )
        candidate.run_jobs(sandbox)
        # What was sent before is looked at once more.
        shown = candidate.status
        assert (shown["tier"], shown["upgrade"]["status"]) == (2, "in_review")


class TestTime:
    def test_ends_it_after_a_warning(
        self, house: Flask, sandbox: Sandbox, database: Database
    ) -> None:
        old = Applicant.with_tier_2(house, sandbox)
        for days in (701, 702):
            with time_machine.travel(clock.now() + timedelta(days=days), tick=True):
                with database.transaction() as session:
                    decisions.expire_verifications(session)
                old.run_jobs()
        with time_machine.travel(clock.now() + timedelta(days=731), tick=True):
            # It counts no more, though nobody has come by yet.
            assert (old.tier_status.tier, old.tier_status.status) == (1, VerificationStatus.EXPIRED)
            with database.transaction() as session:
                decisions.expire_verifications(session)
            assert (old.latest.status, old.latest.tier) == (VerificationStatus.EXPIRED, 1)
            # It still gives a tier, so a new list is asked about them.
            with database.transaction() as session:
                found = source_named("verifications")(session, None, 100_000)
            assert old.latest.id in [each.id for each in found]
            old.client.log_in()
            assert old.status["missing"] == ["identity"]
            assert [each[:27] for each in old.message_subjects] == [
                "Verify your identity again ",
                "You are verified: tier 2",
            ]
            old.submit_ok()
            old.run_jobs(sandbox)
            assert old.tier_status.tier == 2


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


def company(**changes: Any) -> dict[str, Any]:
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


def owner(**changes: Any) -> dict[str, Any]:
    return {**OWNERS[0], **changes}


class TestCompanies:
    def test_take_two_and_their_documents(
        self, ada: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        shown = ada.client.ok(201, ada.client.post(BUSINESS, company()))
        assert (shown["business"]["status"], shown["status"]) == ("in_review", "none")
        assert shown["missing"] == ["identity", "document:registration", "document:ownership"]
        with database_unchanged(database), pytest.raises(EvidenceMissing):
            approve(database, support, ada)
        ada.send_documents("registration", "ownership")
        decide(database, officer, approve(database, support, ada))
        ada.run_jobs()
        assert ada.status["business"]["status"] == "approved"
        assert ada.tier_status.tier == 0
        assert ada.message_subjects[0] == "We have verified your company"

    def test_are_screened_with_their_owners_after_their_time(
        self, ada: Applicant, database: Database, support: Actor, officer: Actor
    ) -> None:
        ada.client.ok(201, ada.client.post(BUSINESS, company()))
        ada.send_documents("registration", "ownership")
        decide(database, officer, approve(database, support, ada))
        company_id = ada.latest.id
        with time_machine.travel(clock.now() + timedelta(days=731), tick=True):
            with database.transaction() as session:
                decisions.expire_verifications(session)
            assert ada.latest.status is VerificationStatus.EXPIRED
        with database.transaction() as session:
            companies = source_named("verifications")(session, None, 100_000)
            owners = source_named("beneficial_owners")(session, None, 100_000)
        assert company_id in [each.id for each in companies]
        about = ids.encode("kyc", company_id)
        assert [each.about for each in owners].count(about) == len(OWNERS)

    def test_each_owner_is_screened(
        self, ada: Applicant, database: Database, support: Actor
    ) -> None:
        listed = owner(
            **LISTED,
            country="MD",
            ownershipPercent="40",
            controls=False,
        )
        ada.client.ok(201, ada.client.post(BUSINESS, company(beneficialOwners=[OWNERS[0], listed])))
        ada.send_documents("registration", "ownership")
        assert ada.latest.flags == {ReviewFlag.SCREENING}
        with database_unchanged(database), pytest.raises(ScreeningOpen):
            approve(database, support, ada)
        dispose(database, case_decisions.NOT_A_MATCH)
        ada.run_jobs()
        assert ada.latest.flags == frozenset()
        assert approve(database, support, ada) is not None

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"legalName": "ООО Ромашка"}, "legalName"),
            ({"beneficialOwners": [owner(firstName="Ада")]}, "beneficialOwners.0.firstName"),
            ({"beneficialOwners": [owner(lastName="Ŧuring")]}, "beneficialOwners.0.lastName"),
            ({"beneficialOwners": []}, "beneficialOwners"),
            ({"beneficialOwners": [owner(controls=False)]}, "beneficialOwners"),
            (
                {"beneficialOwners": [*OWNERS, owner(lastName="Byron", ownershipPercent="25")]},
                "beneficialOwners",
            ),
            ({"beneficialOwners": [owner(ownershipPercent="40"), OWNERS[0]]}, "beneficialOwners"),
            (
                {"beneficialOwners": [*OWNERS[:1], owner(lastName="B", controls=False,
                                                         ownershipPercent="24.99")]},
                "beneficialOwners.1",
            ),
            (
                {"beneficialOwners": [owner(ownershipPercent="100.01")]},
                "beneficialOwners.0.ownershipPercent",
            ),
            (
                {"beneficialOwners": [owner(ownershipPercent="33.333")]},
                "beneficialOwners.0.ownershipPercent",
            ),
            (
                {"beneficialOwners": [owner(dateOfBirth="2015-01-01")]},
                "beneficialOwners.0.dateOfBirth",
            ),
            ({"beneficialOwners": [owner(country="1!")]}, "beneficialOwners.0.country"),
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
    def test_wrong_ones_change_nothing(
        self, ada: Applicant, database: Database, changes: dict[str, Any], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.client.post(BUSINESS, company(**changes))) == [field]

    def test_one_at_a_time(self, ada: Applicant, database: Database) -> None:
        ada.client.ok(201, ada.client.post(BUSINESS, company()))
        with database_unchanged(database):
            problem(ada.client.post(BUSINESS, company()), 409, "verification_open")
