"""A load generator: plain sockets with keep-alive, a closed loop of connections."""

import selectors
import socket
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from statistics import quantiles

_RECEIVE_BYTES = 65_536
#: The requests of one connection: it is sent the body of each response, and yields what follows.
Conversation = Generator[bytes, bytes, None]


@dataclass
class LoadResult:
    """The result of a load run."""

    seconds: float = 0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """Return the latency within which `percent` percent of requests were answered."""
        return quantiles(self.latencies_ms, n=100)[percent - 1]


class _Connection:
    def __init__(self, port: int, conversation: Conversation) -> None:
        self.conversation = conversation
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.received = b""

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def complete(self) -> tuple[int, bytes] | None:
        """Receive a part; return status and body once the whole response has arrived, else None."""
        part = self.socket.recv(_RECEIVE_BYTES)
        if not part:
            raise ConnectionError("the server closed a keep-alive connection")
        self.received += part
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        at = head.lower().index(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        return (int(head[9:12]), body) if len(body) >= length else None


def run_load(
    port: int, connections: int, seconds: float, request: Callable[[int], bytes]
) -> LoadResult:
    """Keep `connections` requests in flight for `seconds`; `request(n)` returns the n-th."""
    numbers = count()
    return run_conversations(port, seconds, [_repeat(request, numbers) for _ in range(connections)])


def _repeat(request: Callable[[int], bytes], numbers: Iterator[int]) -> Conversation:
    for number in numbers:
        yield request(number)


def run_conversations(port: int, seconds: float, conversations: list[Conversation]) -> LoadResult:
    """Hold the conversations for `seconds`, each on a connection of its own; the last responses are
    awaited."""
    load = LoadResult()
    selector = selectors.DefaultSelector()
    started = time.perf_counter()
    for conversation in conversations:
        connection = _Connection(port, conversation)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next(conversation))
    in_flight = len(conversations)
    while in_flight:
        for key, _ in selector.select():
            connection = key.data
            response = connection.complete()
            if response is None:
                continue
            status, body = response
            now = time.perf_counter()
            load.latencies_ms.append((now - connection.sent_at) * 1000)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            if now - started < seconds:
                connection.send(connection.conversation.send(body))
            else:
                in_flight -= 1
                selector.unregister(connection.socket)
                connection.socket.close()
    load.seconds = time.perf_counter() - started
    return load
