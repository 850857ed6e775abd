"""The pages of verification, in a browser without script."""

from io import BytesIO

import pytest
import time_machine
from flask import Flask
from PIL import Image

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.kit import clock, ids
from app.kyc.rules import VerificationStatus
from tests.kyc.applicant import Applicant, make_pdf, make_picture
from tests.kyc.test_review import make_company
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.provider_sandbox import Sandbox
from tests.rows import read_values
from tests.unchanged_database import database_unchanged

QUEUE, REASON = "/support/kyc", "The passport is theirs"


@pytest.fixture
def applicant_in_review(open_app: Flask, sanctions_list: None, sandbox: Sandbox) -> Applicant:
    """Return an applicant whom the provider left to us, with a picture and a PDF uploaded."""
    made = Applicant.with_confirmed_email(open_app)
    made.submit_ok(lastName="Review", idType="ssn", idNumber="123-45-6789")
    made.run_jobs(sandbox)
    made.send_documents("identity")
    made.client.ok(201, made.send(make_pdf(2), "address", "bill.pdf", "application/pdf"))
    made.run_jobs()
    return made


def signed_in(app: Flask, person: Actor) -> Browser:
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    return browser


def sign_in_as(app: Flask, role: Role) -> Browser:
    people = People(app.extensions["database"])
    return signed_in(app, people.staff(role, people.branch() if role is Role.TELLER else None))


def path_of(applicant: Applicant) -> str:
    return f"{QUEUE}/{applicant.latest.public_id}"


def test_queue_links_to_the_verifications_that_match_its_filters(
    open_app: Flask, applicant_in_review: Applicant
) -> None:
    browser = sign_in_as(open_app, Role.SUPPORT)
    page = browser.get_page(f"{QUEUE}?q={applicant_in_review.client.email}")
    assert path_of(applicant_in_review) in [link["href"] for link in page.all("a")]
    assert "Provider undecided" in page.visible_text
    browser.get_fragment(QUEUE, "list")
    business = browser.get_page(f"{QUEUE}?q={applicant_in_review.client.email}&kind=business")
    assert "No verification matches these filters." in business.visible_text
    unknown = browser.get_page(f"{QUEUE}?q=unknown@example.com")
    assert "No person has this email or ID." in unknown.visible_text
    every = browser.get_page(
        f"{QUEUE}?q={ids.encode('usr', applicant_in_review.client.user_id)}&status="
    )
    assert path_of(applicant_in_review) in [link["href"] for link in every.all("a")]


def test_submission_is_shown_with_details_and_documents(
    open_app: Flask, applicant_in_review: Applicant
) -> None:
    browser = sign_in_as(open_app, Role.SUPPORT)
    page = browser.get_page(path_of(applicant_in_review))
    assert "Ada Review" in page.visible_text
    assert "94043" in page.visible_text
    assert "ends in 6789" in page.visible_text
    assert "123456789" not in page.visible_text
    assert "the provider leaves the decision to us" in page.visible_text
    browser.get_fragment(path_of(applicant_in_review), "verification")
    shown, _pdf = page.all("img")
    response = browser.client.get(shown["src"])
    assert response.content_type == "image/jpeg"
    assert response.headers["Content-Security-Policy"].endswith("; sandbox")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert Image.open(BytesIO(response.data)).size == (60, 40)
    # The pages of a PDF are pictures too.
    [second] = {a["href"] for a in page.all("a") if "page=2" in a["href"]}
    assert Image.open(BytesIO(browser.client.get(second).data)).size == (556, 556)
    assert browser.client.get(second.replace("=2", "=3")).status_code == 404


def test_document_that_is_checked_or_refused_is_not_opened(
    open_app: Flask, applicant_in_review: Applicant
) -> None:
    applicant_in_review.client.ok(
        201, applicant_in_review.send(b"\xff\xd8\xff\xe0 damaged", "funds")
    )
    browser = sign_in_as(open_app, Role.SUPPORT)
    assert (
        "Its pages appear here within seconds."
        in browser.get_page(path_of(applicant_in_review)).visible_text
    )
    applicant_in_review.run_jobs()
    page = browser.get_page(path_of(applicant_in_review))
    assert "The file is damaged or incomplete." in page.visible_text
    assert len(page.all("img")) == 2


def test_teller_cannot_open_verifications(open_app: Flask, applicant_in_review: Applicant) -> None:
    teller = sign_in_as(open_app, Role.TELLER)
    for path in (QUEUE, path_of(applicant_in_review)):
        assert teller.client.get(path).status_code == 403


def test_viewing_a_document_is_recorded(open_app: Flask, applicant_in_review: Applicant) -> None:
    browser = sign_in_as(open_app, Role.AUDITOR)
    shown, _pdf = browser.get_page(path_of(applicant_in_review)).all("img")
    browser.client.get(shown["src"])
    with applicant_in_review.database.reading() as session:
        rows = session.rows(
            "SELECT actor_role, action FROM audit_records WHERE subject = %s ORDER BY id",
            (shown["src"].rpartition("/")[2],),
        )
    assert rows == [
        ("USER", "document.sent"),
        (None, "document.accepted"),
        ("AUDITOR", "document.viewed"),
    ]


def test_viewing_what_was_submitted_is_recorded_once_an_hour(
    open_app: Flask, applicant_in_review: Applicant
) -> None:
    verification = path_of(applicant_in_review).rpartition("/")[2]
    with time_machine.travel(clock.now().replace(minute=5)):
        browser = sign_in_as(open_app, Role.AUDITOR)
        for _ in range(2):
            browser.get_page(path_of(applicant_in_review))
        found = browser.client.get(f"/go?q={verification}").location
    assert found == path_of(applicant_in_review)
    with applicant_in_review.database.reading() as session:
        viewed = (
            AuditRecord.subject == verification,
            AuditRecord.action == AuditAction.VERIFICATION_VIEWED,
        )
        [role] = read_values(session, AuditRecord.actor_role, *viewed)
        [customer] = read_values(session, AuditRecord.on_behalf_of, *viewed)
    assert (role, customer) == ("AUDITOR", applicant_in_review.client.user_id)


class TestDecisions:
    def test_approving_an_identity_gives_tier_2(
        self, open_app: Flask, applicant_in_review: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        response = browser.submit_form(path_of(applicant_in_review), "approve", reason=REASON)
        assert (response.status_code, response.location) == (303, path_of(applicant_in_review))
        assert applicant_in_review.tier_status.tier == 2
        text = browser.get_page(path_of(applicant_in_review)).visible_text
        assert "Verification approved." in text
        assert REASON in text

    def test_requesting_information_and_rejecting_tell_the_customer_why(
        self, open_app: Flask, applicant_in_review: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.COMPLIANCE)
        path = path_of(applicant_in_review)
        browser.submit_form(path, "more", reason=REASON, customer_message="document_unreadable")
        assert applicant_in_review.latest.status is VerificationStatus.MORE_NEEDED
        browser.submit_form(path, "reject", reason=REASON, customer_message="document_mismatch")
        assert applicant_in_review.latest.status is VerificationStatus.REJECTED
        assert "A document does not match your details." in browser.get_page(path).visible_text

    def test_all_invalid_fields_are_problems_of_the_form_and_change_nothing(
        self, open_app: Flask, applicant_in_review: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        with database_unchanged(applicant_in_review.database, apart_from={"login_sessions"}):
            response = browser.submit_form(path_of(applicant_in_review), "reject", reason="no")
            assert response.status_code == 422
            assert "Choose a message for the customer." in response.text
            assert "Enter a reason (5 to 500 characters)." in response.text
            assert 'value="no"' in response.text
            response = browser.submit_form(
                path_of(applicant_in_review), "approve", reason="ada@example.com"
            )
            assert response.status_code == 422
            assert "Name people by their ID" in response.text

    def test_decision_after_another_one_is_refused_on_the_page(
        self, open_app: Flask, applicant_in_review: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        path = path_of(applicant_in_review)
        fields = browser.get_page(path).hidden_fields["approve"]
        browser.submit_form(path, "reject", reason=REASON, customer_message="document_mismatch")
        refused = browser.client.post(f"{path}/approve", data={**fields, "reason": REASON})
        assert refused.status_code == 409
        assert "The verification was not approved" in check_page(refused).visible_text
        assert applicant_in_review.latest.status is VerificationStatus.REJECTED

    def test_tier_3_takes_two_people_and_is_revoked_by_compliance(
        self, open_app: Flask, applicant_in_review: Applicant, sandbox: Sandbox
    ) -> None:
        support, officer = sign_in_as(open_app, Role.SUPPORT), sign_in_as(open_app, Role.COMPLIANCE)
        support.submit_form(path_of(applicant_in_review), "approve", reason=REASON)
        applicant_in_review.send_documents("funds")
        path = path_of(applicant_in_review)
        # The documents are compared with what the customer submitted before.
        claims = support.get_page(path).visible_text
        for claim in ("Ada Review", "Birth date", "94043"):
            assert claim in claims
        # So does what matters of the customer, and what each decision leads to.
        for fact in ("The customer now", "2, up to 10,000.00 USD", "Then the customer has tier 3"):
            assert fact in claims
        assert support.submit_form(path, "approve", reason=REASON).status_code == 303
        assert "Approval requested by Grace Hopper" in support.get_page(path).visible_text
        assert not support.get_page(path).all("form", id="approve")
        [link] = [
            a["href"] for a in officer.get_page(path).all("a") if "approvals/apr_" in a["href"]
        ]
        page = officer.get_page(link)
        for text in ("Ada Lovelace", "Birth date", "Source of funds", "2, up to 10,000.00 USD"):
            assert text in page.visible_text
        assert "Tier 3 has its limits at once" in page.visible_text
        # The pictures are beside the claims.
        shown = {picture["src"] for picture in page.all("img")}
        assert shown == {picture["src"] for picture in officer.get_page(path).all("img")}
        assert shown
        assert officer.submit_form(link, "approve").status_code == 303
        assert applicant_in_review.tier_status.tier == 3
        response = officer.submit_form(
            path, "take-back", reason=REASON, customer_message="funds_not_shown"
        )
        assert (response.status_code, applicant_in_review.tier_status.tier) == (303, 2)

    def test_company_is_shown_with_owners_and_licences(
        self, open_app: Flask, applicant_in_review: Applicant
    ) -> None:
        applicant_in_review.client.ok(
            201, applicant_in_review.client.post("/api/kyc/kyb/submit", make_company())
        )
        page = sign_in_as(open_app, Role.SUPPORT).get_page(path_of(applicant_in_review))
        for text in ("Analytical Engines LLC", "60.00 %", "controls", "MT-1", "Request approval"):
            assert text in page.visible_text

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
    def test_auditor_reads_and_administrator_decides(
        self, open_app: Flask, applicant_in_review: Applicant, role: Role
    ) -> None:
        page = sign_in_as(open_app, role).get_page(path_of(applicant_in_review))
        assert bool(page.all("form", id="approve")) == (role is Role.ADMIN)


def test_file_name_of_an_upload_is_not_stored(
    open_app: Flask, applicant_in_review: Applicant
) -> None:
    applicant_in_review.client.ok(
        201, applicant_in_review.send(make_picture(shade=77), "funds", "../../../../tmp/x.jpg")
    )
    with applicant_in_review.database.reading() as session:
        [(found,)] = session.rows("SELECT count(*) FROM kyc_documents t WHERE t::text ~ 'tmp/x'")
    assert found == 0
