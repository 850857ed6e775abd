"""metalpriceapi.com, against a local server that speaks its protocol."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from app.catalog.rules import Metal
from app.integrations.metalpriceapi.adapter import MetalpriceapiFeed, observations
from app.integrations.metalpriceapi.client import MetalpriceapiClient
from app.pricing.ports import FeedFailed, Observation

KEY = "secret-key-4711"
NOW = datetime(2026, 2, 10, 15, tzinfo=UTC)
TIMESTAMP = 1770735595  # five seconds before NOW
DOCUMENT = {
    "success": True,
    "base": "USD",
    "timestamp": TIMESTAMP,
    "rates": {"XAU": 0.00025, "USDXAU": 4000.123, "XAG": 0.02, "XCU": 2.857142857},
}


class Server:
    """Responds to every GET with `answer(handler)` and records the requested paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.respond: Callable[[BaseHTTPRequestHandler], None] = json_response(DOCUMENT)
        #: Set at the end of a test, so that a slow response does not outlive it.
        self.over = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.paths.append(self.path)
                try:
                    server.respond(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"


def bytes_response(body: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def json_response(payload: object, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    return bytes_response(json.dumps(payload).encode(), status)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.thread.start()
    yield server
    server.over.set()
    server.http.shutdown()
    server.http.server_close()
    server.thread.join()


@pytest.fixture
def feed(server: Server) -> MetalpriceapiFeed:
    return MetalpriceapiFeed(MetalpriceapiClient(server.url, KEY, timeout_seconds=10))


@pytest.fixture
def impatient(server: Server) -> MetalpriceapiFeed:
    return MetalpriceapiFeed(MetalpriceapiClient(server.url, KEY, timeout_seconds=0.3))


def observation(metal: Metal, price: str) -> Observation:
    return Observation(metal, None, None, Decimal(price), NOW - timedelta(seconds=5))


def test_rates_are_converted_to_dollars_per_ounce(server: Server, feed: MetalpriceapiFeed) -> None:
    assert feed.fetch(NOW) == [
        observation(Metal.AU, "4000.123"),  # stated directly, and more exact
        observation(Metal.AG, "50"),  # 1 / 0.02
        observation(Metal.CU, "0.35"),  # 1 / 2.857142857 = 0.350000000017…
    ]
    url = urlsplit(server.paths[0])
    assert url.path == "/v1/latest"
    assert parse_qs(url.query) == {
        "api_key": [KEY],
        "base": ["USD"],
        "currencies": ["XAU,XAG,XPT,XPD,XCU"],
    }


@pytest.mark.parametrize(
    ("rates", "prices"),
    [
        ({"XAU": Decimal("0.00025")}, {Metal.AU: "4000"}),
        ({"USDXAU": 4000}, {Metal.AU: "4000"}),
        ({"XAU": Decimal("0.000251"), "USDXAU": 4000}, {Metal.AU: "4000"}),
        ({"XPD": 3}, {Metal.PD: "0.333333"}),
        ({"EUR": Decimal("0.9"), "XPT": Decimal("0.000645161290322581")}, {Metal.PT: "1550"}),
    ],
)
def test_direct_and_inverse_rates_are_accepted(
    rates: dict[str, object], prices: dict[Metal, str]
) -> None:
    document = {"success": True, "base": "USD", "timestamp": TIMESTAMP, "rates": rates}
    assert observations(document) == [observation(metal, price) for metal, price in prices.items()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # The inversion test: whichever of the two is the wrong way round.
        ({"rates": {"XAU": 4000, "USDXAU": 4000}}, "not each other's inverse"),
        ({"rates": {"XAU": 0.00025, "USDXAU": 0.00025}}, "not each other's inverse"),
        ({"rates": {"XAU": 0}}, "XAU is not between"),
        ({"rates": {"USDXAU": 0}}, "USDXAU is not between"),
        ({"rates": {"XAU": -0.00025}}, "XAU is not between"),
        ({"rates": {"XAU": 1e300}}, "XAU is not between"),
        ({"rates": {"XAU": 1e-300}}, "XAU is not between"),
        ({"rates": {"XAU": 500_000_000}}, "not between 0.0001 and"),
        ({"rates": {"XAU": "0.00025"}}, "XAU is not a number"),
        ({"rates": {"XAU": True}}, "XAU is not a number"),
        ({"rates": {"XAU": [0.00025]}}, "XAU is not a number"),
        ({"rates": {}}, "no rate of any metal"),
        ({"rates": {"EUR": 0.9}}, "no rate of any metal"),
        ({"rates": None}, "no rates"),
        ({"rates": [1]}, "no rates"),
        ({"base": "EUR"}, "base of the rates is not USD"),
        ({"base": None}, "base of the rates is not USD"),
        ({"timestamp": None}, "timestamp is not a whole number"),
        ({"timestamp": True}, "timestamp is not a whole number"),
        ({"timestamp": "1770735595"}, "timestamp is not a whole number"),
        ({"timestamp": 1770735595.5}, "timestamp is not a whole number"),
        ({"timestamp": TIMESTAMP * 1000}, "timestamp is not in seconds"),
        ({"timestamp": 0}, "timestamp is not in seconds"),
        ({"success": False}, "refused"),
        ({"success": "true"}, "refused"),
    ],
)
def test_invalid_document_is_refused(
    server: Server, feed: MetalpriceapiFeed, change: dict[str, object], message: str
) -> None:
    server.respond = json_response(DOCUMENT | change)
    with pytest.raises(FeedFailed, match=message):
        feed.fetch(NOW)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            200,
            {"success": False, "error": {"statusCode": 101, "message": f"Bad key {KEY}"}},
            "refused with HTTP 200, error 101",
        ),
        (
            429,
            {"success": False, "error": {"statusCode": 105, "message": "Quota"}},
            "refused with HTTP 429, error 105",
        ),
        (500, b"<h1>Internal Server Error</h1>", "refused with HTTP 500"),
        (500, DOCUMENT, "refused with HTTP 500"),
        (302, b"", "refused with HTTP 302"),
        (200, b"", "the response is not a JSON document of rates"),
        (200, b'{"success": tru', "the response is not a JSON document of rates"),
        (200, b"[1]", "the response is not a JSON document of rates"),
        (200, b"\xff\xfe", "the response is not a JSON document of rates"),
        (200, b'{"success": NaN}', "the response is not a JSON document of rates"),
        (200, b"[" * 60_000, "the response is not a JSON document of rates"),
        (200, b" " * 65_537, "the response is larger than 65536 bytes"),
        (200, {"success": False, "error": "no"}, "refused"),
    ],
)
def test_invalid_response_is_refused(
    server: Server, feed: MetalpriceapiFeed, status: int, body: object, message: str
) -> None:
    answer = bytes_response if isinstance(body, bytes) else json_response
    server.respond = answer(body, status)  # type: ignore[operator]
    with pytest.raises(FeedFailed) as refused:
        feed.fetch(NOW)
    assert str(refused.value) == message


def test_silent_server_times_out(server: Server, impatient: MetalpriceapiFeed) -> None:
    server.respond = lambda _handler: server.over.wait(5) and None
    with pytest.raises(FeedFailed, match=r"no response within 0\.3 seconds"):
        impatient.fetch(NOW)


def test_slow_body_times_out(server: Server, impatient: MetalpriceapiFeed) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not server.over.wait(0.05):
            handler.wfile.write(b" ")

    server.respond = drip
    with pytest.raises(FeedFailed, match=r"no complete response within 0\.3 seconds"):
        impatient.fetch(NOW)


def test_truncated_response_fails(server: Server, feed: MetalpriceapiFeed) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    server.respond = cut
    with pytest.raises(FeedFailed, match="cannot be reached: RemoteProtocolError"):
        feed.fetch(NOW)


def test_unreachable_server_fails() -> None:
    # Port 9 (discard) has no server here.
    feed = MetalpriceapiFeed(MetalpriceapiClient("http://127.0.0.1:9", KEY, timeout_seconds=0.3))
    with pytest.raises(FeedFailed, match="cannot be reached: ConnectError"):
        feed.fetch(NOW)


def test_key_is_not_in_logs_or_errors(
    server: Server, feed: MetalpriceapiFeed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    feed.fetch(NOW)
    server.respond = json_response({"success": False, "error": {"message": KEY}}, 401)
    with pytest.raises(FeedFailed) as failure:
        feed.fetch(NOW + timedelta(seconds=30))
    assert KEY not in caplog.text
    assert KEY not in str(failure.value)
    assert failure.value.__cause__ is None


class TestPause:
    def test_result_is_repeated_within_the_pause(
        self, server: Server, feed: MetalpriceapiFeed
    ) -> None:
        first = feed.fetch(NOW)
        assert feed.fetch(NOW + timedelta(seconds=29.9)) == first
        assert len(server.paths) == 1
        feed.fetch(NOW + timedelta(seconds=30))
        assert len(server.paths) == 2

    def test_failure_also_starts_the_pause(self, server: Server, feed: MetalpriceapiFeed) -> None:
        server.respond = bytes_response(b"", 500)
        with pytest.raises(FeedFailed):
            feed.fetch(NOW)
        assert feed.fetch(NOW + timedelta(seconds=1)) == []
        assert len(server.paths) == 1
