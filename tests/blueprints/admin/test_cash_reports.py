"""The pages of cash reports."""

from datetime import timedelta

import time_machine
from flask import Flask

from app.access import Role
from app.kit import clock, ids
from tests.compliance.cash_at_counters import Counters
from tests.page_client import check_page
from tests.people import People
from tests.staff import sign_in

PATH = "/admin/cash-reports"


def test_compliance_completes_and_files_a_report_that_auditors_only_read(
    app: Flask, people: People
) -> None:
    counters = Counters.of_new_company(people)
    ada = counters.customer()
    with time_machine.travel(clock.now() - timedelta(days=20)):
        counters.bring(ada, "10000.01")
    [report] = counters.reports(ada)
    path, person = f"{PATH}/{report.public_id}", ids.encode("usr", ada)
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    seen = auditor.get_page(path)
    assert "10,000.01 USD" in seen.visible_text
    assert "X1234567" not in seen.visible_text
    assert not seen.all("form", id="file")

    officer = sign_in(app, people.staff(Role.COMPLIANCE))
    links = officer.get_page(f"{PATH}?sort=-drafted").all("a", href=path)
    assert links
    assert "Occupation or type of businessMissing" in officer.get_page(path).visible_text
    refused = officer.submit_form(path, "file", reference="31000123456789")
    assert refused.status_code == 409
    assert "Occupation or type of business" in check_page(refused).visible_text
    for occupation, status in (("-", 422), ("Mathematician", 303)):
        added = officer.submit_form(path, "occupation", person=person, occupation=occupation)
        assert added.status_code == status
    assert officer.submit_form(path, "file", reference="31000123456789").status_code == 303
    filed = officer.get_page(path)
    for text in ("Filed", "31000123456789", "Mathematician", "X1234567"):
        assert text in filed.visible_text, text
    officer.get_fragment(path, "cash-report")
