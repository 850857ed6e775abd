"""The pages of feature flags."""

from app.access import Role
from app.flags.rules import Feature
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.admin.conftest import SignInAs
from tests.flags.cohorts import store_cohort
from tests.page_client import Browser, check_page
from tests.people import People

PAGE = "/admin/flags/onchain"
REASON = "decided by the board"


def test_administrator_narrows_a_feature_and_requests_to_widen_it(
    browser: Browser, database: Database, people: People
) -> None:
    store_cohort(database, Feature.ONCHAIN)
    person = ids.encode("usr", people.customer().user_id)
    narrowed = browser.submit_form(PAGE, "change", share="25", people=person, reason=REASON)
    assert narrowed.location == PAGE
    page = " ".join(browser.get_page(PAGE).visible_text.split())
    for text in ("On forSome people", "PHASE 3 or later and ENABLE_ONCHAIN", "25 %, since"):
        assert text in page
    assert "Some people" in browser.get_page("/admin/flags").visible_text
    history = browser.get_page("/admin/flags/history?feature=onchain").visible_text
    assert REASON in history
    widened = browser.submit_form(PAGE, "change", share="100", people="", reason=REASON)
    request = browser.get_page(widened.location).visible_text
    for text in ("Widen a feature", "25 %", "100 %", REASON):
        assert text in request


def test_each_wrong_field_is_named(browser: Browser) -> None:
    refused = browser.submit_form(PAGE, "change", share="101", people="ada", reason="")
    assert refused.status_code == 422
    text = check_page(refused).visible_text
    for problem in ("Enter a whole number from 0 to 100.", "'ada' is not the ID", "Enter a reason"):
        assert problem in text


def test_reader_of_flags_cannot_change_them(sign_in_as: SignInAs) -> None:
    auditor = sign_in_as(Role.AUDITOR)
    assert "Vault and redemption" in auditor.get_page("/admin/flags").visible_text
    assert "Change feature" not in auditor.get_page(PAGE).visible_text
    auditor.get_page("/admin/flags/teleport", status=404)
