"""Assert that response times do not reveal whether an email is registered.

Times are compared as distributions: the probability that a response for a known email takes longer
than one for an unknown email is one half if the time reveals nothing.
"""

import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

SAMPLES_PER_GROUP = 120

Request = Callable[[FlaskClient, str], TestResponse]


def assert_same_timing(
    app: Flask, ask: Request, known: Sequence[str], unknown: Sequence[str], *, status: int
) -> None:
    """Raise `AssertionError` if the response times for known and unknown emails differ."""
    # A busy machine may spoil one comparison; a leak spoils all of them.
    seen = []
    for _ in range(3):
        seen.append(_likelihood(app, ask, known, unknown, status))
        if abs(seen[-1] - 0.5) < 0.12:
            return
    raise AssertionError(f"the response time reveals which emails are known: {seen}")


def _likelihood(
    app: Flask, ask: Request, known: Sequence[str], unknown: Sequence[str], status: int
) -> float:
    client = app.test_client()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * SAMPLES_PER_GROUP):
        # Alternate, each from another network, so that drift and counters affect both alike.
        which = number % 2
        email = (known, unknown)[which][number // 2 % len(known)]
        digits = uuid4().hex
        client.environ_base["REMOTE_ADDR"] = f"2001:db8:{digits[:4]}:{digits[4:8]}::1"
        started = time.perf_counter()
        answer = ask(client, email)
        times[which].append(time.perf_counter() - started)
        assert answer.status_code == status
    longer = sum(a > b for a in times[0] for b in times[1])
    return longer / (len(times[0]) * len(times[1]))
