"""Personal data of verification: what is exported, and what the law keeps."""

import zipfile
from datetime import timedelta
from functools import partial
from io import BytesIO
from uuid import uuid4

import time_machine
from flask import Flask

from app.kit import clock
from app.kit.db import Database
from app.kyc.models import Document
from app.kyc.review import automatic_decisions
from app.kyc.rules import VerificationStatus
from app.privacy import archive, personal_data_tables
from tests.api_client import PASSWORD
from tests.kyc.applicant import ADDRESS, BUSINESS, Applicant, make_pdf
from tests.kyc.test_review import make_company
from tests.privacy.customer_history import find_in_all_tables
from tests.provider_sandbox import Sandbox
from tests.rows import count_rows


def create_verified_customer(app_with_list: Flask, sandbox: Sandbox, word: str) -> Applicant:
    """Return a verified customer with a company and documents."""
    applicant = Applicant.with_tier_2(
        app_with_list, sandbox, firstName=word, address={**ADDRESS, "street": f"{word} Street"}
    )
    applicant.send_documents("identity")
    applicant.client.ok(201, applicant.send(make_pdf(), "address", "bill.pdf", "application/pdf"))
    applicant.client.ok(201, applicant.client.post(BUSINESS, make_company(legalName=f"{word} LLC")))
    return applicant


def test_export_contains_details_and_documents(
    app_with_list: Flask, sandbox: Sandbox, database: Database
) -> None:
    word = f"Q{uuid4().hex[:10]}"
    ada = create_verified_customer(app_with_list, sandbox, word)
    with database.reading() as session:
        sections = personal_data_tables.export_sections(session, ada.client.user_id)
        readers = personal_data_tables.export_files(session, ada.client.user_id)
        files = {name: read() for name, read in readers.items()}
    kyc = sections["kyc"]
    assert [item["kind"] for item in kyc["verifications"]] == ["identity", "business"]
    person, firm = kyc["said"]
    assert (person["first_name"], person["address"]["street"]) == (word, f"{word} Street")
    assert firm["legal_name"] == f"{word} LLC"
    assert [item["last_name"] for item in kyc["owners"]] == ["Hopper", "Turing"]
    assert [item["to"] for item in kyc["history"]] == ["pending", "approved", "in_review"]
    assert {name for item in kyc["documents"] for name in item["files"]} == set(files)
    assert sorted(data[:4] for data in files.values()) == [b"%PDF", b"\xff\xd8\xff\xe0"]
    file = BytesIO()
    kept = {name: partial(files.get, name, b"") for name in files}
    archive.write(
        file, sections, kept, personal_data_tables.ROOMS, export="exp", person="usr", at=clock.now()
    )
    with zipfile.ZipFile(file) as opened:
        assert set(files) < set(opened.namelist())
        index = opened.read("index.html").decode()
    assert all(f'<a href="{name}">' in index for name in files)


def test_evidence_is_kept_sealed_for_five_years_after_erasure(
    app_with_list: Flask, sandbox: Sandbox, database: Database
) -> None:
    word = f"Q{uuid4().hex[:10]}"
    ada = create_verified_customer(app_with_list, sandbox, word)
    ada.client.ok(200, ada.client.post("/api/me/erasure", {"password": PASSWORD}))
    with database.reading() as session:
        rows = session.rows(
            "SELECT kind, status, kept_until FROM verifications WHERE user_id = %s ORDER BY id",
            (ada.client.user_id,),
        )
        documents = count_rows(
            session,
            Document,
            Document.user_id == ada.client.user_id,
            Document.kept_until.is_not(None),
        )
    assert [(kind, status) for kind, status, _ in rows] == [
        ("identity", VerificationStatus.APPROVED),
        ("business", VerificationStatus.WITHDRAWN),
    ]
    assert documents == 2
    assert find_in_all_tables(database, [word]) == []
    for years, left in ((5 * 365, 2), (5 * 366, 0)):
        with (
            time_machine.travel(clock.now() + timedelta(days=years), tick=True),
            database.transaction() as session,
        ):
            automatic_decisions.delete_expired_evidence(session)
        with database.reading() as session:
            counted = session.fetch(
                *(
                    (f"SELECT count(*) FROM {table} WHERE user_id = %s", (ada.client.user_id,))
                    for table in ("verifications", "kyc_documents")
                )
            )
        assert [rows[0][0] for rows in counted] == [left, left]
