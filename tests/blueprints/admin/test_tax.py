"""The pages of sales tax: rules, the example invoice, and exemption certificates."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import ids
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in

RULES, EXAMPLE, CERTIFICATES = "/admin/tax", "/admin/tax-examples", "/admin/certificates"
REASON = "decided by the legislature"
#: Bars of gold in Rhode Island, in years that no other test reaches.
RULE = {
    "state": "RI", "tax_class": "bullion", "metal": "AU", "fineness_min": "0.995",
    "postal_prefix": "", "rate": "", "exempt_from": "1000.00", "threshold": "at_or_above",
    "valid_from": "2998-01-01", "valid_until": "", "source": "R.I. Gen. Laws 44-18-30",
    "source_url": "", "source_date": "2026-11-01", "reason": REASON,
}  # fmt: skip
INVOICE = {
    "delivery": "ship", "state": "MA", "postal_code": "", "day": "2026-06-01", "customer": "",
    "tax_class_1": "bullion", "metal_1": "AU", "fineness_1": "0.9999", "price_1": "999.99",
    "tax_class_2": "accessory", "metal_2": "", "fineness_2": "", "price_2": "10.00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "root"),
    [(RULES, "tax_rules"), (EXAMPLE, "tax-example"), (CERTIFICATES, "certificates")],
)
def test_fragment_is_part_of_its_page(browser: Browser, path: str, root: str) -> None:
    browser.get_fragment(path, root)


def test_rule_is_requested_with_its_effect_and_its_versions_are_shown(
    browser: Browser, app: Flask, people: People
) -> None:
    requested = browser.submit_form(RULES, "record", **RULE)
    assert requested.status_code == 303, check_page(requested).visible_text
    checker = sign_in(app, people.staff(Role.COMPLIANCE))
    shown = checker.get_page(requested.location).visible_text
    for text in (
        "Exempt from 1,000.00 USD, else the rate of all goods",
        "999.99 USD: 70.00 USD tax",
    ):
        assert text in shown
    approved = checker.submit_form(requested.location, "approve")
    assert approved.status_code == 303, check_page(approved).visible_text
    listed = browser.get_page(f"{RULES}?state=RI&status=later")
    [link] = [each for each in listed.all("a") if "/admin/tax/rules/" in each.get("href", "")]
    rule = browser.get_page(link.get("href"))
    assert "R.I. Gen. Laws 44-18-30" in rule.visible_text
    terms = {name: RULE[name] for name in RULE if name not in {
        "state", "tax_class", "metal", "fineness_min", "postal_prefix",
    }}  # fmt: skip
    again = browser.submit_form(link.get("href"), "change", **terms)
    assert "already says this" in check_page(again).visible_text
    newer = browser.submit_form(link.get("href"), "change", **{**terms, "rate": "6.5"})
    assert newer.status_code == 303, check_page(newer).visible_text


def test_all_problems_of_a_rule_are_shown_at_once(browser: Browser) -> None:
    wrong = {
        "rate": "x", "exempt_from": "0", "fineness_min": "2", "postal_prefix": "1",
        "valid_from": "", "source": "", "source_url": "ftp", "source_date": "", "reason": "",
    }  # fmt: skip
    refused = browser.submit_form(RULES, "record", **{**RULE, **wrong})
    assert refused.status_code == 422
    page = check_page(refused)
    for field in wrong:
        assert page.all("a", href=f"#record-{field}"), field


def test_example_shows_the_tax_of_each_line_and_why(browser: Browser) -> None:
    page = check_page(browser.submit_form(EXAMPLE, "try", **INVOICE))
    text = " ".join(page.visible_text.split())
    assert "Tax63.13 USD" in text
    assert "Massachusetts exempts bullion bar or round, gold from 1,000.00 USD" in text
    assert "999.99 USD of this invoice count" in text
    # What was entered is still there.
    above = check_page(browser.submit_form(EXAMPLE, "try", **{**INVOICE, "price_1": "1000.00"}))
    assert "Tax0.63 USD" in " ".join(above.visible_text.split())


def test_example_reports_what_is_missing(browser: Browser) -> None:
    changes = {"tax_class_2": "", "customer": "", "price_2": "1"}
    refused = browser.submit_form(EXAMPLE, "try", **{**INVOICE, **changes})
    assert check_page(refused).all("a", href="#try-tax_class_2")
    unknown = browser.submit_form(EXAMPLE, "try", **{**INVOICE, "customer": "a@b.example"})
    assert check_page(unknown).all("a", href="#try-customer")


def test_certificate_is_recorded_verified_and_revoked(
    browser: Browser, app: Flask, people: People
) -> None:
    customer = people.customer()
    recorded = browser.submit_form(
        CERTIFICATES, "record", customer=customer.email, state="MA", holder="company",
        ground="resale", number="st-4 777", valid_until="2028-01-31", evidence="docs/2026/0018",
        reason="sent with the first order",
    )  # fmt: skip
    assert recorded.status_code == 303, check_page(recorded).visible_text
    checker = sign_in(app, people.staff(Role.COMPLIANCE))
    request = checker.get_page(recorded.location)
    assert "ST-4 777" in request.visible_text
    [link] = {
        each["href"] for each in request.all("a") if f"{CERTIFICATES}/txc_" in each.get("href", "")
    }
    assert checker.submit_form(recorded.location, "approve").status_code == 303
    public_id = ids.encode("usr", customer.user_id)
    exempt = browser.submit_form(EXAMPLE, "try", **{**INVOICE, "customer": public_id, "day": ""})
    assert "Tax0.00 USD" in " ".join(check_page(exempt).visible_text.split())
    assert "ST-4 777" in browser.get_page(link).visible_text
    assert link in {each.get("href") for each in browser.get_page(CERTIFICATES).all("a")}
    person = browser.get_page(f"/admin/people/{public_id}").visible_text
    assert "Exemption certificate of Massachusetts" in person
    revoked = browser.submit_form(link, "revoke", reason="withdrawn by the state")
    assert revoked.status_code == 303
    assert "withdrawn by the state" in browser.get_page(link).visible_text


def test_reader_sees_rules_and_examples_and_no_forms(sign_in_as: SignInAs) -> None:
    support = sign_in_as(Role.SUPPORT)
    assert not support.get_page(RULES).all("form", id="record")
    assert not support.get_page(CERTIFICATES).all("form", id="record")
    assert "Tax63.13 USD" in " ".join(
        check_page(support.submit_form(EXAMPLE, "try", **INVOICE)).visible_text.split()
    )
