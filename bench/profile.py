"""Profile an order, in one process and without a network."""

import cProfile
import io
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from app.factory import create_app
from bench import market_setup
from bench.server import CHECKOUT, BenchServer

ORDERS = 2000
_BODY = b'{"fromAsset":"USD","toAsset":"XAU-s","fromAmount":"10.00"}'
_SHOWN = 25


def profile_order_path(bench: BenchServer) -> str:
    """Profile orders through the WSGI application, as the web process calls it.

    The report shows how much of an order's time the process computes and how much it waits for
    PostgreSQL and Redis, measured without a profiler. Then, under cProfile, the shares of packages
    and functions; shares only, because the profiler slows down code with many calls.
    """
    app = create_app(bench.settings)
    customers = market_setup.add_customers(app, 20)
    market_setup.set_prices(app)
    wsgi: WSGIApplication = app.wsgi_app
    _place_orders(wsgi, customers, 200)
    wall, cpu = time.perf_counter(), time.process_time()
    _place_orders(wsgi, customers, ORDERS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # Prices may become stale while a busy machine places the first orders.
    market_setup.set_prices(app)
    profile = cProfile.Profile()
    profile.runcall(_place_orders, wsgi, customers, ORDERS)
    market_setup.database_of(app).engine.dispose()
    elapsed, computing = (f"{seconds / ORDERS * 1e6:.0f} µs" for seconds in (wall, cpu))
    lines = [
        f"{ORDERS} orders, one after another: {elapsed} each, of which {computing} computing here.",
        "",
        *_package_lines(profile),
        "",
        *_function_lines(profile),
    ]
    return "\n".join(lines)


def _place_orders(
    wsgi: WSGIApplication, customers: list[market_setup.SignedInCustomer], count: int
) -> None:
    for number in range(count):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/api/trade/order",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"Bearer {customers[number % len(customers)].token}",
            "HTTP_IDEMPOTENCY_KEY": uuid4().hex,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(_BODY)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(_BODY),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        statuses: list[str] = []

        def start(status: str, *_: object, seen: list[str] = statuses) -> Callable[[bytes], object]:
            seen.append(status)
            return io.BytesIO().write

        answer: Iterable[bytes] = wsgi(environ, start)
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if statuses != ["201 CREATED"]:
            raise RuntimeError(f"an order was not placed: {statuses}")


def _package_lines(profile: cProfile.Profile) -> list[str]:
    """Own time by package: ours by room, others by their distribution."""
    seconds: dict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, own, _, _) in _stats(profile).items():
        seconds[_package(file)] += own
    total = sum(seconds.values())
    first = sorted(seconds.items(), key=lambda item: -item[1])[:_SHOWN]
    return ["By package:"] + [f"  {share / total:6.1%}  {name}" for name, share in first]


def _package(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(CHECKOUT / "app"):
        return "app." + path.relative_to(CHECKOUT / "app").with_suffix("").parts[0]
    parts = path.parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "built in" if file.startswith(("~", "<")) else "standard library"


def _function_lines(profile: cProfile.Profile) -> list[str]:
    """Return the report lines of own time by function."""
    rows = sorted(_stats(profile).items(), key=lambda item: -item[1][2])
    total = sum(own for _, (_, _, own, _, _) in rows)
    return ["By function (calls for each order, share of own time):"] + [
        f"  {calls / ORDERS:7.1f}  {own / total:6.1%}  {Path(file).name}:{line} {name}"
        for (file, line, name), (_, calls, own, _, _) in rows[:_SHOWN]
    ]


def _stats(
    profile: cProfile.Profile,
) -> dict[tuple[str, int, str], tuple[int, int, float, float, object]]:
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined] # unknown to typeshed
    return stats
