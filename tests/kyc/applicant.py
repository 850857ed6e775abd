"""A customer who submits a verification, and the files that they send."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from PIL import Image, ImageDraw
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject
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
#: The jobs of verification, and the jobs that follow from them.
JOBS = (
    "kyc.verify",
    "kyc.read_webhook",
    "kyc.check_document",
    "kyc.screening_decided",
    "messages.deliver",
)
#: A birth date for each applicant: those who share name and birth date share limits.
_BIRTH_DATES = (date(1960, 1, 1) + timedelta(days) for days in count())


@cache
def make_picture(
    image_format: str = "JPEG", size: tuple[int, int] = (60, 40), shade: int = 120
) -> bytes:
    """Return a picture of a line on one shade of grey."""
    output = BytesIO()
    picture = Image.new("RGB", size, (shade, shade, shade))
    ImageDraw.Draw(picture).line((0, 0, *size), fill="white")
    picture.save(output, image_format)
    return output.getvalue()


def make_pdf(pages: int = 1, **options: Any) -> bytes:
    """Return a PDF with a square on each page. The option `change` is called with its writer."""
    writer = PdfWriter()
    for _ in range(pages):
        drawn = DecodedStreamObject()
        drawn.set_data(b"50 50 99 99 re f")
        page = writer.add_blank_page(200, 200)
        page[NameObject("/Contents")] = writer._add_object(drawn)
    if change := options.get("change"):
        change(writer)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


@dataclass
class Applicant:
    """A customer with their API client, and reads of their verification."""

    client: ApiClient
    birth_date: date = field(default_factory=lambda: next(_BIRTH_DATES))

    @classmethod
    def with_confirmed_email(cls, app: Flask) -> "Applicant":
        """Return a registered customer with a confirmed email address."""
        client = ApiClient(app)
        client.register()
        with app.extensions["database"].transaction() as session:
            email_verification.confirm_email(session, client.user_id)
        return cls(client)

    @classmethod
    def with_tier_2(cls, app: Flask, sandbox: Sandbox, **changes: Any) -> "Applicant":
        """Return a customer whose identity the provider verified."""
        applicant = cls.with_confirmed_email(app)
        applicant.submit_ok(**changes)
        applicant.run_jobs(sandbox)
        assert applicant.tier_status.tier == 2
        return applicant

    @property
    def database(self) -> Database:
        """The database of the application."""
        database: Database = self.client.app.extensions["database"]
        return database

    @property
    def actor(self) -> Actor:
        """The customer as an actor in services."""
        permissions = DEFAULT_PERMISSIONS[Role.USER]
        return Actor(self.client.user_id, None, self.client.email, Role.USER, permissions)

    def payload(self, **changes: Any) -> dict[str, Any]:
        """Return a valid submission with these changes."""
        return {
            "firstName": "Ada",
            "lastName": "Lovelace",
            "dateOfBirth": str(self.birth_date),
            "address": ADDRESS,
            **changes,
        }

    def submit(self, **changes: Any) -> TestResponse:
        """Submit the identity."""
        return self.client.post(SUBMIT, self.payload(**changes))

    def submit_ok(self, **changes: Any) -> dict[str, Any]:
        """Submit the identity, assert that it was accepted, and return the status."""
        return self.client.ok(201, self.submit(**changes))

    def send(
        self,
        data: bytes,
        purpose: str = "identity",
        name: str = "scan.jpg",
        declared_type: str = "image/jpeg",
    ) -> TestResponse:
        """Send a file as a document."""
        file = FileStorage(BytesIO(data), name, content_type=declared_type)
        return self.send_form(type=purpose, file=file)

    def send_form(self, **fields: str | FileStorage) -> TestResponse:
        """Send a multipart form."""
        # Encoded in memory: the test client would leave large files open on the disk.
        boundary, body = encode_multipart(fields)
        content_type = f"multipart/form-data; boundary={boundary}"
        return self.client.send("POST", DOCUMENTS, data=body, content_type=content_type)

    def send_documents(self, *kinds: str) -> list[dict[str, Any]]:
        """Send a picture for each purpose, and let the job check them. Return the answers."""
        sent = [
            self.client.ok(201, self.send(make_picture(shade=position + 1), purpose))
            for position, purpose in enumerate(kinds)
        ]
        run_pending_jobs(self.database, "kyc.check_document")
        return sent

    def run_jobs(self, sandbox: Sandbox | None = None) -> None:
        """Run the jobs of verification; with a sandbox, deliver its webhooks too."""
        run_pending_jobs(self.database, *JOBS)
        if sandbox is not None:
            sandbox.deliver_webhooks(self.client.app.test_client())
            run_pending_jobs(self.database, *JOBS)

    @property
    def status(self) -> dict[str, Any]:
        """The status as the customer sees it."""
        return self.client.ok(200, self.client.get(STATUS))

    @property
    def tier_status(self) -> TierStatus:
        """The tier status as other rooms read it."""
        with self.database.reading() as session:
            return kyc_queries.tier_status(session, self.client.user_id)

    @property
    def verifications(self) -> list[VerificationRow]:
        """The verifications that are not superseded, newest first."""
        with self.database.reading() as session:
            return kyc_queries.verifications_of(session, self.client.user_id)

    @property
    def latest(self) -> VerificationRow:
        """The newest verification."""
        return self.verifications[0]

    @property
    def message_subjects(self) -> list[str]:
        """The subjects of messages in the app, newest first."""
        messages = self.client.ok(200, self.client.get("/api/messages"))
        return [message["subject"] for message in messages["data"]]


def verification_id(status: dict[str, Any]) -> UUID:
    """Return the id in a status."""
    return ids.decode(kyc_queries.PREFIX, status["id"])
