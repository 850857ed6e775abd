"""The front (deploy/haproxy.cfg) before a stand-in that says what it was sent."""

import http.client
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.blueprints.webhooks import BODY_BYTES_MAX
from app.embedded.front import CONFIGURATION, front, front_environment
from app.embedded.network_ports import free_port, is_free
from tests.embedded.certificates import write_certificate
from tests.embedded.server_processes import wait_for

KIB = 1024
BODY_MAX, WEBHOOK_MAX, DOCUMENT_MAX = 256 * KIB, BODY_BYTES_MAX, 8 * KIB * KIB + 64 * KIB
DOCUMENTS, WEBHOOKS = "/api/kyc/documents", "/webhooks/sendgrid"
DOCUMENTS_AT_ONCE = 8
ADDRESS_MAX, HEADERS_MAX = 16 * KIB, 32 * KIB


class _Echo(BaseHTTPRequestHandler):
    """Tells the path, the length of the body and the forwarded headers of each request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/api/stream/"):
            self._stream()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        names = ("X-Forwarded-For", "X-Forwarded-Proto")
        received = {name: self.headers.get_all(name) for name in names}
        answer = json.dumps({"path": self.path, "length": len(body), **received}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.server.may_end.wait(10)  # type: ignore[attr-defined] # set below

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def behind() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    server.may_end = threading.Event()  # type: ignore[attr-defined] # for streams
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def running_front(
    behind: ThreadingHTTPServer | None, configuration: Path = CONFIGURATION, **environ: str
) -> Iterator[int]:
    """Run the front until the block ends, and yield its port."""
    port = free_port()
    web_port = behind.server_port if behind else free_port()
    argv = [*front().argv[:-1], configuration]
    environ = {**front_environment(port, web_port=web_port), **environ}
    environ["PBCEX_FRONT_BIND"] = environ["PBCEX_FRONT_BIND"].replace("PORT", str(port))
    process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: process.poll() is not None or not is_free(port), 10)
        assert process.poll() is None, process.communicate()[0]
        yield port
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def port(behind: ThreadingHTTPServer) -> Iterator[int]:
    with running_front(behind) as port:
        yield port


def send(
    port: int, path: str = "/", body: Any = None, **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return the status, the JSON body and the headers of a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        method = "GET" if body is None else "POST"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        # As clients do: a refusal that arrives before the body was sent is read.
        with suppress(BrokenPipeError):
            connection.request(method, path, body, sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), dict(response.getheaders())
    finally:
        connection.close()


def in_pieces(length: int) -> Iterator[bytes]:
    """Yield a body without an announced length."""
    piece = 64 * KIB
    for start in range(0, length, piece):
        yield b"x" * min(piece, length - start)


def test_client_cannot_choose_its_forwarded_address(port: int) -> None:
    claims = {"X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "https"}
    _, answer, _ = send(port, **claims)
    assert answer["X-Forwarded-For"] == ["127.0.0.1"]
    assert answer["X-Forwarded-Proto"] == ["http"]


def test_tls_is_served_and_named_to_the_application(
    behind: ThreadingHTTPServer, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path / "tls.pem")
    bind = f"127.0.0.1:PORT ssl crt {certificate} alpn h2,http/1.1"
    with running_front(behind, PBCEX_FRONT_BIND=bind) as port:
        context = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
        connection.request("GET", "/")
        assert json.loads(connection.getresponse().read())["X-Forwarded-Proto"] == ["https"]
        connection.close()


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("path", "most"),
    [("/api/x", BODY_MAX), (WEBHOOKS, WEBHOOK_MAX), (DOCUMENTS, DOCUMENT_MAX)],
)
def test_largest_body_passes_and_a_byte_more_is_refused(
    port: int, path: str, most: int, announced: bool
) -> None:
    if announced:
        status, answer, _ = send(port, path, b"x" * most)
        assert (status, answer["length"]) == (200, most)
    more = b"x" * (most + 1) if announced else in_pieces(most + 1)
    status, answer, headers = send(port, path, more)
    assert (status, answer["code"]) == (413, "body_too_large")
    assert headers["content-type"] == "application/problem+json"


def exchange(port: int, request: bytes) -> bytes:
    """Send these bytes and return the response."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("part", ["address", "headers"])
def test_longest_address_and_headers_pass_and_a_byte_more_is_refused(
    port: int, part: str, excess: int
) -> None:
    address, headers = b"/health/live", b"Host: x\r\nX-Long: \r\n\r\n"
    if part == "address":
        address = address.ljust(ADDRESS_MAX + excess, b"x")
    else:
        padding = b"x" * (HEADERS_MAX + excess - len(headers))
        headers = headers.replace(b"X-Long: ", b"X-Long: " + padding)
    # With HTTP/1.0 the connection ends after the response, without a header about it.
    response = exchange(port, b"GET %s HTTP/1.0\r\n%s" % (address, headers))
    head, _, answer = response.partition(b"\r\n\r\n")
    assert head[9:12] == (b"400" if excess else b"200")
    if excess:
        assert json.loads(answer)["code"] == "bad_request"
    else:
        assert json.loads(answer)["path"] == address.decode()


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b"x" * 50_000,
        b"POST /api/kyc/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n{",
    ],
    ids=["nothing", "headers", "body", "large body", "document"],
)
def test_client_that_sends_slowly_is_told_so_at_its_deadline(
    behind: ThreadingHTTPServer, tmp_path: Path, start: bytes
) -> None:
    faster = tmp_path / "haproxy.cfg"
    text = CONFIGURATION.read_text()
    assert text.count(" 10s") == 5
    faster.write_text(text.replace(" 10s", " 400ms").replace(" 120s", " 400ms"))
    with running_front(behind, faster) as port, socket.create_connection(("127.0.0.1", port)) as it:
        it.settimeout(0.1)
        it.sendall(start)
        began, answer = time.monotonic(), b""
        while time.monotonic() - began < 5:
            try:
                if start:
                    it.sendall(b"x" if start.endswith(b"{") else b"")
                got = it.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            answer += got
            if not got:
                break
        assert 0.3 < time.monotonic() - began < 3
        assert b" 408 " in answer.partition(b"\r\n")[0]
        assert b'"code":"request_timeout"' in answer or not start.count(b"\r\n\r\n")


def test_connections_of_one_address_are_limited_and_others_are_served(
    behind: ThreadingHTTPServer,
) -> None:
    most = 5
    with running_front(behind, PBCEX_FRONT_CONNECTIONS=str(most)) as port:
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(most)]
        held[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held[0].recv(100).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port)) as refused:
            refused.settimeout(5)
            with pytest.raises(OSError, match="reset"):
                refused.recv(1)
        address = ("127.0.0.2", 0)
        with socket.create_connection(("127.0.0.1", port), source_address=address) as other:
            other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 200")
        for connection in held:
            connection.close()


def test_addresses_that_a_balancer_names_are_limited_by_their_network_of_ipv6(
    behind: ThreadingHTTPServer,
) -> None:
    bind = "127.0.0.1:PORT accept-proxy"
    with (
        running_front(behind, PBCEX_FRONT_BIND=bind, PBCEX_FRONT_CONNECTIONS="2") as port,
        ExitStack() as held,
    ):

        def request_from(address: str) -> bytes:
            client = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.settimeout(5)
            header = f"PROXY TCP6 {address} 2001:db8:ffff::1 1000 443\r\n"
            with suppress(ConnectionResetError, BrokenPipeError):
                client.sendall(f"{header}GET / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                return client.recv(1000)
            return b""

        for address in ("2001:db8::1", "2001:db8::2"):
            assert f'"{address}"'.encode() in request_from(address)
        assert request_from("2001:db8::3") == b""
        assert b'"2001:db8:0:1::1"' in request_from("2001:db8:0:1::1")


@pytest.mark.parametrize(("path", "most"), [("/api/x", KIB * KIB), (WEBHOOKS, WEBHOOK_MAX)])
def test_body_without_a_length_is_refused_once_it_is_too_long(
    port: int, path: str, most: int
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(5)
        client.sendall(head.encode() + b"7fffff\r\n" + b"x" * (most + 1))
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_requests_of_one_address_are_limited_on_one_connection_of_http_2_too(
    behind: ThreadingHTTPServer,
) -> None:
    most, sent = 3, 10
    # Each stream has the headers POST, http and the path / of HPACK's table, and waits for a body.
    streams = [_frame(1, b"\x83\x86\x84", flags=4, stream=1 + 2 * each) for each in range(sent)]
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4)
    with (
        running_front(behind, PBCEX_FRONT_CONNECTIONS=str(most)) as port,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.settimeout(5)
        client.sendall(preface + b"".join(streams))
        received = b""
        while received.count(b'"code":"rate_limited"') < sent - most:
            received += client.recv(65_536)
        assert received.count(b'"code":"rate_limited"') == sent - most
        address = ("127.0.0.2", 0)
        with socket.create_connection(("127.0.0.1", port), source_address=address) as other:
            other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 200")


def _frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """Return a frame of HTTP/2."""
    return struct.pack(">I", len(payload) << 8 | kind) + struct.pack(">BI", flags, stream) + payload


def test_documents_that_one_address_sends_at_once_are_limited(port: int) -> None:
    start = f"POST {DOCUMENTS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
    refusals = []
    with ExitStack() as held:

        def begin_one() -> None:
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(start)

        def is_refused() -> bool:
            status, answer, headers = send(port, DOCUMENTS, b"x")
            if status == 429:
                refusals.append((answer["code"], headers["retry-after"]))
            else:
                # One of the first was refused beside a request that was still ending.
                begin_one()
            return bool(refusals)

        for _ in range(DOCUMENTS_AT_ONCE):
            begin_one()
        wait_for(is_refused, 5)
        assert refusals == [("rate_limited", "10")]
        assert send(port, "/api/x", b"x")[0] == 200
    wait_for(lambda: send(port, DOCUMENTS, b"x")[0] == 200, 5)


def test_missing_web_process_is_a_documented_refusal() -> None:
    with running_front(None) as port:
        status, answer, headers = send(port, "/api/x")
    assert (status, answer["code"], headers["retry-after"]) == (503, "unavailable", "1")


def test_broken_response_is_a_documented_refusal(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as breaking:

        def break_once() -> None:
            connection, _ = breaking.accept()
            connection.recv(1000)
            connection.close()

        threading.Thread(target=break_once, daemon=True).start()
        web = f"127.0.0.1:{breaking.getsockname()[1]}"
        with running_front(None, PBCEX_FRONT_WEB=web) as port:
            status, answer, _ = send(port, "/api/x", b"{}")
    assert (status, answer["code"]) == (503, "unavailable")
    assert "unknown" in answer["detail"]


def test_stream_passes_each_event_as_it_is_sent(behind: ThreadingHTTPServer) -> None:
    stream = f"127.0.0.1:{behind.server_port}"
    with (
        running_front(behind, PBCEX_FRONT_STREAM=stream) as port,
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.settimeout(5)
        connection.sendall(b"GET /api/stream/prices HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while b"data: first" not in received:
            received += connection.recv(4096)
    behind.may_end.set()  # type: ignore[attr-defined] # set above
