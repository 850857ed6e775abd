"""The pages of settings: changing one at once, and requesting a change where money moves."""

from app.access import Role
from app.kit.db import Database
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page

BAND, FEE = "/admin/settings/exposure.band_ag", "/admin/settings/trading.fee_bps"
REASON = "decided by the board"


def test_setting_is_changed_at_once_and_shown_as_the_next_value(
    browser: Browser, database: Database
) -> None:
    # From a day on that no other test reaches.
    fields = {"value": "4,999.5", "day": "2999-01-01", "reason": REASON}
    assert browser.submit_form(BAND, "change", **fields).location == BAND
    page = " ".join(browser.get_page(BAND).visible_text.split())
    assert "Next4,999.5 troy ounces, from 1 Jan 2999, 00:00 UTC" in page
    history = browser.get_page("/admin/settings/history?setting=exposure.band_ag").visible_text
    assert "4,999.5 troy ounces" in history
    assert REASON in history
    refused = browser.submit_form(BAND, "change", value="-1", day="tomorrow", reason="")
    assert refused.status_code == 422
    text = check_page(refused).visible_text
    for problem in ("Enter a date, like 2026-11-28.", "Enter a reason ("):
        assert problem in text
    refused = browser.submit_form(BAND, "change", value="-1", day="", reason=REASON)
    assert "Enter 0 troy ounces to 10,000,000 troy ounces." in check_page(refused).visible_text


def test_change_where_money_moves_leads_to_its_request(browser: Browser) -> None:
    response = browser.submit_form(FEE, "change", value="51", day="", reason=REASON)
    assert response.status_code == 303
    request = browser.get_page(response.location).visible_text
    for text in ("Change a setting", "Trading: Fee of a conversion", "51", REASON):
        assert text in request


def test_reader_of_settings_cannot_change_them(sign_in_as: SignInAs) -> None:
    auditor = sign_in_as(Role.AUDITOR)
    page = auditor.get_page("/admin/settings?group=Trading").visible_text
    assert "Fee of a conversion" in page
    assert "50 basis points" in page
    assert "Change setting" not in auditor.get_page(FEE).visible_text
    auditor.get_page("/admin/settings/trading.bonus", status=404)
