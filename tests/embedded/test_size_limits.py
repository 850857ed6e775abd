"""Each limit of a body over real HTTP, through the front to the application, from both sides."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.blueprints.webhooks import BODY_BYTES_MAX as WEBHOOK_MAX
from app.pictures.file_types import BYTES_MAX as DOCUMENT_MAX
from tests.api_client import ApiClient
from tests.embedded.test_front import running_front

KIB = 1024
BODY_MAX = 256 * KIB
_PARTS = "multipart/form-data; boundary=x"


def form_in_parts(name: str, content: bytes) -> bytes:
    """Return a form with this one field."""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


def form_with_file(content: bytes) -> bytes:
    """Return the form by which a customer sends a document."""
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


@dataclass(frozen=True)
class BodyLimit:
    """A limit, how a body that counts so many bytes is made, and how the application refuses the
    largest one for another reason than its size."""

    path: str
    media_type: str
    most: int
    make: Callable[[int], bytes]
    refused_for_another_reason: int


_FORM_FRAME = len(form_in_parts("email", b""))
LIMITS = {
    "json": BodyLimit("/api/auth/login", "application/json", BODY_MAX, b"{}".ljust, 422),
    "form": BodyLimit(
        "/auth/login",
        "application/x-www-form-urlencoded",
        BODY_MAX,
        lambda size: b"email=".ljust(size, b"x"),
        400,
    ),
    "form in parts": BodyLimit(
        "/auth/login",
        _PARTS,
        BODY_MAX,
        lambda size: form_in_parts("email", b"x" * (size - _FORM_FRAME)),
        400,
    ),
    "webhook": BodyLimit("/webhooks/sendgrid", "application/json", WEBHOOK_MAX, b"[]".ljust, 403),
    "document": BodyLimit(
        "/api/kyc/documents",
        _PARTS,
        DOCUMENT_MAX,
        lambda size: form_with_file(b"\xff\xd8\xff\xe0".ljust(size, b"x")),
        422,
    ),
}


@pytest.fixture(scope="module")
def port(open_app: Flask) -> Iterator[int]:
    """The port of the front before the application."""
    server = make_server("127.0.0.1", 0, open_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with running_front(server) as port:
            yield port
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def authorization(open_app: Flask) -> str:
    return f"Bearer {ApiClient.create_customer(open_app).token}"


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("name", LIMITS)
def test_largest_body_is_read_and_a_byte_more_is_refused(
    port: int, authorization: str, name: str, announced: bool
) -> None:
    limit = LIMITS[name]
    headers = {"Content-Type": limit.media_type, "Authorization": authorization}

    def send(size: int) -> int:
        """Send a body of this size, with or without its length. Return the status."""
        body = limit.make(size)
        pieces = (body[at : at + 64 * KIB] for at in range(0, len(body), 64 * KIB))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            # A refusal may arrive before the body was sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", limit.path, body if announced else pieces, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    assert send(limit.most) == limit.refused_for_another_reason
    assert send(limit.most + 1) == 413
