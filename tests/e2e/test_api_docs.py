"""The pages of the API document in a browser, without a session."""

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.api_client import ApiClient
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, OPPOSITES, Shoot, assert_fits_and_accessible


@pytest.mark.parametrize("path", ["", "/payments", "/trade", "/errors"])
def test_pages_of_the_api_document_fit_and_are_accessible(
    open_desk: OpenDesk, shoot: Shoot, path: str
) -> None:
    desk = open_desk()
    page = desk.open(f"/api/docs{path}")
    looks = ALL if path in {"", "/trade"} else OPPOSITES
    assert_fits_and_accessible(page, shoot, f"api-docs{path.replace('/', '-')}", looks)
    desk.check(page)


def test_theme_is_chosen_and_an_operation_is_tried(app: Flask, open_desk: OpenDesk) -> None:
    customer = ApiClient.create_customer(app, USD="12.00")
    desk = open_desk()
    page = desk.open("/api/docs/wallet")
    page.get_by_role("button", name="Change theme").click()
    assert "theme=dark" in page.evaluate("document.cookie")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    operation = page.locator("#walletBalances")
    operation.get_by_text("Try it").click()
    page.get_by_label("Access token or API key").fill(customer.token or "")
    operation.get_by_role("button", name="Send").click()
    expect(operation.get_by_role("status")).to_contain_text('"available": "12.00"')
    page.locator("#walletTransfer").get_by_text("Try it").click()
    page.locator("#walletTransfer").get_by_role("button", name="Send").click()
    expect(page.locator("#walletTransfer").get_by_role("status")).to_contain_text("409")
    # The refusal is a failed request in the console, as in any browser.
    assert page.evaluate("window.violations") == []
