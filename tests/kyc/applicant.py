"""Somebody who verifies themselves, and the files that they send."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Flask
from PIL import Image
from pypdf import PdfWriter
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.identity.accounts import email_verification
from app.kit import ids
from app.kit.db import Database
from app.kyc import queries as kyc_queries
from app.kyc.queries import TierStatus, VerificationRow
from tests.api_client import ApiClient
from tests.mailbox import run_pending_jobs
from tests.provider_sandbox import Sandbox

SUBMIT, DOCUMENTS, BUSINESS, STATUS = (
    "/api/kyc/submit",
    "/api/kyc/documents",
    "/api/kyc/kyb/submit",
    "/api/kyc/status",
)
ADDRESS = {
    "street": "1600 Amphitheatre Pkwy",
    "city": "Mountain View",
    "state": "CA",
    "zipCode": "94043",
    "country": "US",
}
#: The jobs of this room, and those that they lead to.
JOBS = ("kyc.verify", "kyc.read_webhook", "kyc.screening_decided", "messages.deliver")


@cache
def make_picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), shade: int = 120) -> bytes:
    """A picture of one shade of grey."""
    written = BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(written, kind)
    return written.getvalue()


def make_pdf(pages: int = 1, **options: Any) -> bytes:
    """A PDF with empty pages. `change` is called with its writer."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if change := options.get("change"):
        change(writer)
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


@dataclass
class Applicant:
    """A customer's program, and what the house knows of them."""

    client: ApiClient

    @classmethod
    def with_confirmed_email(cls, app: Flask) -> "Applicant":
        """Registered, with a confirmed address."""
        client = ApiClient(app)
        client.register()
        with app.extensions["database"].transaction() as session:
            email_verification.confirm_email(session, client.user_id)
        return cls(client)

    @classmethod
    def with_tier_2(cls, app: Flask, sandbox: Sandbox, **changes: Any) -> "Applicant":
        """With tier 2."""
        made = cls.with_confirmed_email(app)
        made.submit_ok(**changes)
        made.run_jobs(sandbox)
        assert made.tier_status.tier == 2
        return made

    @property
    def database(self) -> Database:
        """Where they are known."""
        database: Database = self.client.app.extensions["database"]
        return database

    @property
    def actor(self) -> Actor:
        """The same person, inside."""
        permissions = DEFAULT_PERMISSIONS[Role.USER]
        return Actor(self.client.user_id, None, self.client.email, Role.USER, permissions)

    def payload(self, **changes: Any) -> dict[str, Any]:
        """What they say of themselves."""
        return {
            "firstName": "Ada",
            "lastName": "Lovelace",
            "dateOfBirth": "1985-04-12",
            "address": ADDRESS,
            **changes,
        }

    def submit(self, **changes: Any) -> TestResponse:
        """Say who they are."""
        return self.client.post(SUBMIT, self.payload(**changes))

    def submit_ok(self, **changes: Any) -> dict[str, Any]:
        """The same, and it was taken."""
        return self.client.ok(201, self.submit(**changes))

    def send(
        self,
        data: bytes,
        purpose: str = "identity",
        name: str = "scan.jpg",
        declared_type: str = "image/jpeg",
    ) -> TestResponse:
        """Send a file."""
        file = FileStorage(BytesIO(data), name, content_type=declared_type)
        return self.send_form(type=purpose, file=file)

    def send_form(self, **fields: str | FileStorage) -> TestResponse:
        """Send a form."""
        # In memory: the client itself would leave large ones open on the disk.
        border, body = encode_multipart(fields)
        kind = f"multipart/form-data; boundary={border}"
        return self.client.send("POST", DOCUMENTS, data=body, content_type=kind)

    def send_documents(self, *kinds: str) -> list[dict[str, Any]]:
        """A picture for each of these."""
        return [
            self.client.ok(201, self.send(make_picture(shade=place + 1), kind))
            for place, kind in enumerate(kinds)
        ]

    def run_jobs(self, sandbox: Sandbox | None = None) -> None:
        """Do every job of theirs; with the sandbox, its webhooks are taken."""
        run_pending_jobs(self.database, *JOBS)
        if sandbox is not None:
            sandbox.deliver_webhooks(self.client.app.test_client())
            run_pending_jobs(self.database, *JOBS)

    @property
    def status(self) -> dict[str, Any]:
        """What they are told."""
        return self.client.ok(200, self.client.get(STATUS))

    @property
    def tier_status(self) -> TierStatus:
        """What other rooms are told."""
        with self.database.reading() as session:
            return kyc_queries.tier_status(session, self.client.user_id)

    @property
    def verifications(self) -> list[VerificationRow]:
        """What still counts, newest first."""
        with self.database.reading() as session:
            return kyc_queries.verifications_of(session, self.client.user_id)

    @property
    def latest(self) -> VerificationRow:
        """The newest one."""
        return self.verifications[0]

    @property
    def message_subjects(self) -> list[str]:
        """The subjects of what they were told in the app, newest first."""
        told = self.client.ok(200, self.client.get("/api/messages"))
        return [each["subject"] for each in told["data"]]


def verification_id(shown: dict[str, Any]) -> UUID:
    """The id behind what was answered."""
    return ids.decode(kyc_queries.PREFIX, shown["id"])
