"""The pages of verification, in a browser without script."""

from io import BytesIO

import pytest
from flask import Flask
from PIL import Image

from app.access import Actor, Role
from app.kit import ids
from app.kyc.rules import VerificationStatus
from tests.kyc.applicant import Applicant, make_pdf, make_picture
from tests.kyc.test_review import make_company
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

QUEUE, REASON = "/support/kyc", "The passport is theirs"


@pytest.fixture
def ada(open_app: Flask, sanctions_list: None, sandbox: Sandbox) -> Applicant:
    """Return an applicant whom the provider left to us, with a picture and a PDF uploaded."""
    made = Applicant.with_confirmed_email(open_app)
    made.submit_ok(lastName="Review", idType="ssn", idNumber="123-45-6789")
    made.run_jobs(sandbox)
    made.send_documents("identity")
    made.client.ok(201, made.send(make_pdf(), "address", "bill.pdf", "application/pdf"))
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
    open_app: Flask, ada: Applicant
) -> None:
    browser = sign_in_as(open_app, Role.SUPPORT)
    page = browser.get_page(f"{QUEUE}?q={ada.client.email}")
    assert path_of(ada) in [link["href"] for link in page.all("a")]
    assert "Provider undecided" in page.visible_text
    browser.get_fragment(QUEUE, "list")
    business = browser.get_page(f"{QUEUE}?q={ada.client.email}&kind=business")
    assert "No verification matches these filters." in business.visible_text
    unknown = browser.get_page(f"{QUEUE}?q=unknown@example.com")
    assert "No person has this email or ID." in unknown.visible_text
    every = browser.get_page(f"{QUEUE}?q={ids.encode('usr', ada.client.user_id)}&status=")
    assert path_of(ada) in [link["href"] for link in every.all("a")]


def test_submission_is_shown_with_details_and_documents(open_app: Flask, ada: Applicant) -> None:
    browser = sign_in_as(open_app, Role.SUPPORT)
    page = browser.get_page(path_of(ada))
    assert "Ada Review" in page.visible_text
    assert "94043" in page.visible_text
    assert "ends in 6789" in page.visible_text
    assert "123456789" not in page.visible_text
    assert "the provider leaves the decision to us" in page.visible_text
    browser.get_fragment(path_of(ada), "verification")
    [shown] = page.all("img")
    response = browser.client.get(shown["src"])
    assert response.content_type == "image/jpeg"
    assert response.headers["Content-Security-Policy"].endswith("; sandbox")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert Image.open(BytesIO(response.data)).size == (60, 40)
    [link] = {a["href"] for a in page.all("a") if "documents" in a["href"]} - {shown["src"]}
    pdf_response = browser.client.get(link)
    assert (pdf_response.content_type, pdf_response.data) == ("application/pdf", make_pdf())
    assert "default-src 'none'" in pdf_response.headers["Content-Security-Policy"]


def test_teller_cannot_open_verifications(open_app: Flask, ada: Applicant) -> None:
    teller = sign_in_as(open_app, Role.TELLER)
    for path in (QUEUE, path_of(ada)):
        assert teller.client.get(path).status_code == 403


def test_viewing_a_document_is_recorded(open_app: Flask, ada: Applicant) -> None:
    browser = sign_in_as(open_app, Role.AUDITOR)
    [shown] = browser.get_page(path_of(ada)).all("img")
    browser.client.get(shown["src"])
    with ada.database.reading() as session:
        rows = session.rows(
            "SELECT actor_role, action FROM audit_records WHERE subject = %s ORDER BY id",
            (shown["src"].rpartition("/")[2],),
        )
    assert rows == [("USER", "document.sent"), ("AUDITOR", "document.viewed")]


class TestDecisions:
    def test_approving_an_identity_gives_tier_2(self, open_app: Flask, ada: Applicant) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        response = browser.submit_form(path_of(ada), "approve", reason=REASON)
        assert (response.status_code, response.location) == (303, path_of(ada))
        assert ada.tier_status.tier == 2
        text = browser.get_page(path_of(ada)).visible_text
        assert "Verification approved." in text
        assert REASON in text

    def test_requesting_information_and_rejecting_tell_the_customer_why(
        self, open_app: Flask, ada: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.COMPLIANCE)
        path = path_of(ada)
        browser.submit_form(path, "more", reason=REASON, told="document_unreadable")
        assert ada.latest.status is VerificationStatus.MORE_NEEDED
        browser.submit_form(path, "reject", reason=REASON, told="document_mismatch")
        assert ada.latest.status is VerificationStatus.REJECTED
        assert "A document does not match your details." in browser.get_page(path).visible_text

    def test_all_invalid_fields_are_problems_of_the_form_and_change_nothing(
        self, open_app: Flask, ada: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        with database_unchanged(ada.database, apart_from={"login_sessions"}):
            response = browser.submit_form(path_of(ada), "reject", reason="no")
            assert response.status_code == 422
            assert "Choose a message for the customer." in response.text
            assert "Enter a reason (5 to 500 characters)." in response.text
            assert 'value="no"' in response.text
            response = browser.submit_form(path_of(ada), "approve", reason="ada@example.com")
            assert response.status_code == 422
            assert "Name people by their ID" in response.text

    def test_decision_after_another_one_is_refused_on_the_page(
        self, open_app: Flask, ada: Applicant
    ) -> None:
        browser = sign_in_as(open_app, Role.SUPPORT)
        path = path_of(ada)
        fields = browser.get_page(path).hidden_fields["approve"]
        browser.submit_form(path, "reject", reason=REASON, told="document_mismatch")
        refused = browser.client.post(f"{path}/approve", data={**fields, "reason": REASON})
        assert refused.status_code == 409
        assert "The verification was not approved" in check_page(refused).visible_text
        assert ada.latest.status is VerificationStatus.REJECTED

    def test_tier_3_takes_two_people_and_is_revoked_by_compliance(
        self, open_app: Flask, ada: Applicant, sandbox: Sandbox
    ) -> None:
        support, officer = sign_in_as(open_app, Role.SUPPORT), sign_in_as(open_app, Role.COMPLIANCE)
        support.submit_form(path_of(ada), "approve", reason=REASON)
        ada.send_documents("funds")
        path = path_of(ada)
        # The documents are compared with what the customer submitted before.
        claims = support.get_page(path).visible_text
        for claim in ("Ada Review", "Birth date", "94043"):
            assert claim in claims
        assert support.submit_form(path, "approve", reason=REASON).status_code == 303
        assert "Approval requested by Grace Hopper" in support.get_page(path).visible_text
        assert not support.get_page(path).all("form", id="approve")
        [link] = [
            a["href"] for a in officer.get_page(path).all("a") if "approvals/apr_" in a["href"]
        ]
        page = officer.get_page(link)
        for text in ("Ada Lovelace", "Birth date", "Source of funds"):
            assert text in page.visible_text
        assert officer.submit_form(link, "approve").status_code == 303
        assert ada.tier_status.tier == 3
        response = officer.submit_form(path, "take-back", reason=REASON, told="funds_not_shown")
        assert (response.status_code, ada.tier_status.tier) == (303, 2)

    def test_company_is_shown_with_owners_and_licences(
        self, open_app: Flask, ada: Applicant
    ) -> None:
        ada.client.ok(201, ada.client.post("/api/kyc/kyb/submit", make_company()))
        page = sign_in_as(open_app, Role.SUPPORT).get_page(path_of(ada))
        for text in ("Analytical Engines LLC", "60.00 %", "controls", "MT-1", "Request approval"):
            assert text in page.visible_text

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
    def test_auditor_reads_and_administrator_decides(
        self, open_app: Flask, ada: Applicant, role: Role
    ) -> None:
        page = sign_in_as(open_app, role).get_page(path_of(ada))
        assert bool(page.all("form", id="approve")) == (role is Role.ADMIN)


def test_file_name_of_an_upload_is_not_stored(open_app: Flask, ada: Applicant) -> None:
    ada.client.ok(201, ada.send(make_picture(shade=77), "funds", "../../../../tmp/x.jpg"))
    with ada.database.reading() as session:
        [(found,)] = session.rows("SELECT count(*) FROM kyc_documents t WHERE t::text ~ 'tmp/x'")
    assert found == 0
