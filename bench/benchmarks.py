"""The benchmarks. Each interleaves its measurement with the yardstick and reports medians."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

from app.factory import create_app
from bench import audit as trail
from bench import desk, load, market_setup, parallel, past_orders, shop, web_server
from bench import screening as lists
from bench import stock as goods
from bench.load import LoadResult
from bench.server import CLIENTS, BenchServer

CUSTOMERS = 200
SPREAD_HOUSE_ACCOUNTS = 2000
SERVICE_PROCESSES = 4
#: Rounds of at most this length only check that a benchmark works.
QUICK_SECONDS_MAX = 5
SIZES = (10_000, 1_000_000)
PRODUCTS, PRODUCTS_QUICK = 100_000, 10_000
PEOPLE, PEOPLE_QUICK, ACTS_PER_PERSON = (10_000, 100_000), (1_000, 10_000), 10
ORDERS, ORDERS_QUICK = (10_000, 1_000_000), (1_000, 10_000)


@dataclass(frozen=True)
class BenchmarkPace:
    """The number of rounds and the length of each."""

    rounds: int
    seconds: int


@dataclass
class BenchmarkResult:
    """Ratios of medians, and the figures behind them."""

    ratios: dict[str, float] = field(default_factory=dict)
    raw: dict[str, list[float]] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)

    def ratio(self, name: str, above: str, below: str) -> None:
        """Add the ratio of the medians of two series."""
        self.ratios[name] = round(median(self.raw[above]) / median(self.raw[below]), 3)

    def add(self, name: str, figure: float) -> None:
        """Add a figure to a series."""
        self.raw.setdefault(name, []).append(round(figure, 1))


# A conversion as the ledger sees it: two guarded balances of a customer, two house accounts.
_POST = """
\\set customer random(1, 10000)
\\set house random(1, {houses})
\\set reference random(1, 9000000000000000000)
SELECT ledger_post(
    'bench:' || :reference, 'trade', now(),
    ARRAY['USD', 'USD', 'XAU-s', 'XAU-s'],
    ARRAY['customer.funding', 'position', 'customer.trading', 'position'],
    ARRAY[bench_owner(:customer), bench_house(:house), bench_owner(:customer), bench_house(:house)],
    ARRAY[100, -100, -5, 5]);
"""
_SETUP = """
CREATE OR REPLACE FUNCTION bench_owner(bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-7000-8000-' || lpad(to_hex($1), 12, '0'))::uuid $$;
CREATE OR REPLACE FUNCTION bench_house(bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-0000-0000-' || lpad(to_hex($1 - 1), 12, '0'))::uuid $$;
SELECT count(ledger_post('fund:' || n || asset, 'fund', now(), ARRAY[asset, asset],
    ARRAY['capital', class],
    ARRAY['00000000-0000-0000-0000-000000000000', bench_owner(n)], ARRAY[1000000000, -1000000000]))
FROM generate_series(1, 10000) n,
    (VALUES ('USD', 'customer.funding'), ('XAU-s', 'customer.trading')) AS side (asset, class);
"""
_GROW = """
INSERT INTO entries (cause, reference, posted_at)
SELECT 'trade', 'grown:' || gen_random_uuid(), now() FROM generate_series(1, %(count)s);
INSERT INTO postings (entry_id, account_id, units)
SELECT e.id, a.id, side.units * a.normal * CASE WHEN a.guarded THEN 1 ELSE -1 END
FROM (SELECT id, bench_owner(1 + id %% 10000) AS owner FROM entries WHERE reference LIKE 'grown:%%'
      AND NOT EXISTS (SELECT FROM postings p WHERE p.entry_id = entries.id)) e
CROSS JOIN (VALUES ('USD', 'customer.funding', -1), ('XAU-s', 'customer.trading', 1))
    AS side (asset, class, units)
JOIN accounts a ON a.asset = side.asset AND (
    (a.class = side.class AND a.owner_id = e.owner)
    OR (a.class = 'position' AND a.owner_id = '00000000-0000-0000-0000-000000000000'));
UPDATE balances b SET posted = s.units
FROM (SELECT a.id, sum(a.normal * p.units) AS units FROM accounts a
      JOIN postings p ON p.account_id = a.id WHERE a.guarded GROUP BY a.id) s
WHERE s.id = b.account_id;
"""


def posting(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Entries of four postings, all through the same house accounts, against the yardstick."""
    with _pgbench_scripts(bench) as scripts:
        for _ in range(pace.rounds):
            result.add("yardstick_tps", bench.yardstick(pace.seconds))
            result.add("posting_tps", _measure_postings(bench, scripts["hot"], pace))
    result.ratio("posting", "posting_tps", "yardstick_tps")


def hot(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """The same entries through one pair of house accounts, and spread over two thousand."""
    with _pgbench_scripts(bench) as scripts:
        for _ in range(pace.rounds):
            result.add("hot_tps", _measure_postings(bench, scripts["hot"], pace))
            result.add("spread_tps", _measure_postings(bench, scripts["spread"], pace))
    result.ratio("hot", "hot_tps", "spread_tps")
    result.settings["spread_house_accounts"] = SPREAD_HOUSE_ACCOUNTS


def size(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """The same entries in books of a million entries and of ten thousand."""
    with _pgbench_scripts(bench) as scripts:
        for entries in SIZES:
            _fill_books(bench, entries)
            _measure_postings(bench, scripts["hot"], BenchmarkPace(1, 2))
            for _ in range(pace.rounds):
                result.add(f"entries_{entries}_tps", _measure_postings(bench, scripts["hot"], pace))
    small, large = (f"entries_{entries}_tps" for entries in SIZES)
    result.ratio("size", large, small)


def service(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Whole orders without HTTP from four processes, against the yardstick."""
    app = create_app(bench.settings)
    customers = market_setup.add_customers(app, CUSTOMERS)
    for _ in range(pace.rounds):
        result.add("yardstick_tps", bench.yardstick(pace.seconds))
        market_setup.set_prices(app)
        result.add("orders_per_second", _measure_orders(bench, customers, pace))
    result.ratio("service", "orders_per_second", "yardstick_tps")
    result.settings["processes"] = SERVICE_PROCESSES
    market_setup.database_of(app).engine.dispose()


def http(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Whole orders over HTTP, limiter and token check on, against the yardstick."""
    app = create_app(bench.settings)
    customers = market_setup.add_customers(app, CUSTOMERS)
    bodies = [_order_request(customer.token) for customer in customers]

    def request(number: int) -> bytes:
        return bodies[number % len(bodies)].replace(b"KEY", uuid4().hex.encode())

    with web_server.run(bench) as port:
        market_setup.set_prices(app)
        load.run_load(port, CLIENTS, 2, request)
        for _ in range(pace.rounds):
            result.add("yardstick_tps", bench.yardstick(pace.seconds))
            market_setup.set_prices(app)
            result_of_load = load.run_load(port, CLIENTS, pace.seconds, request)
            if set(result_of_load.statuses) != {201}:
                raise RuntimeError(f"not every order was placed: {result_of_load.statuses}")
            result.add("orders_per_second", result_of_load.rate)
            result.add("p50_ms", result_of_load.percentile_ms(50))
            result.add("p95_ms", result_of_load.percentile_ms(95))
            result.add("p99_ms", result_of_load.percentile_ms(99))
    result.ratio("http", "orders_per_second", "yardstick_tps")
    result.settings |= {
        "connections": CLIENTS,
        "web_workers": web_server.WORKERS,
        "rate_limit": bench.settings.rate_limit,
        "market_hours": bench.settings.market_hours or "always_open",
    }
    market_setup.database_of(app).engine.dispose()


def audit(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Verifying an audit trail of a million records (quick: fewer), against a minute a million."""
    records = trail.RECORDS if pace.seconds > QUICK_SECONDS_MAX else trail.RECORDS_QUICK
    trail.measure(bench, records, pace.rounds, result.add)
    result.ratio("audit", "verify_seconds", "allowed_seconds")
    result.settings["records"] = records


def screening(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Import of the whole real list, and screenings against it, stored, by a process a core."""
    lists.measure(bench, pace.rounds, pace.seconds, result.add)
    result.ratio("import", "import_seconds", "allowed_import_seconds")
    result.ratio("screening", "screenings_per_second", "wanted_per_second")


def stock(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Balances of money and exposure with 100,000 products at three locations, against 100."""
    goods.measure(bench, pace.rounds, pace.seconds / 4, result.add)
    few, many = goods.PRODUCTS
    for name in ("balances", "exposure"):
        result.ratio(name, f"{name}_{many}_ms", f"{name}_{few}_ms")


def search(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Searches over HTTP among 100,000 products (quick: fewer), and with facets, against the
    yardstick."""
    count = PRODUCTS if pace.seconds > QUICK_SECONDS_MAX else PRODUCTS_QUICK
    shop.fill_catalogue(bench, count)
    app = create_app(bench.settings)
    with web_server.run(bench) as port:
        market_setup.set_prices(app)
        load.run_load(port, CLIENTS, 2, shop.searches(facets=True))
        for _ in range(pace.rounds):
            result.add("yardstick_tps", bench.yardstick(pace.seconds))
            for name, facets in (("search", False), ("facets", True)):
                market_setup.set_prices(app)
                request = shop.searches(facets=facets)
                _add_load(result, name, load.run_load(port, CLIENTS, pace.seconds, request), 200)
    for name in ("search", "facets"):
        result.ratio(name, f"{name}_per_second", "yardstick_tps")
    result.settings |= {
        "products": count,
        "connections": CLIENTS,
        "web_workers": web_server.WORKERS,
    }
    market_setup.database_of(app).engine.dispose()


def checkout(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Goods locked and bought over HTTP after 10,000 orders and after a million (quick: fewer),
    against the yardstick."""
    sizes = ORDERS if pace.seconds > QUICK_SECONDS_MAX else ORDERS_QUICK
    app = create_app(bench.settings)
    market_setup.set_prices(app)
    skus = shop.stock_goods(market_setup.database_of(app))
    customers = market_setup.add_customers(app, CUSTOMERS)
    with (
        psycopg.connect(bench.superuser("pbcex"), autocommit=True) as connection,
        web_server.run(bench) as port,
    ):
        # Foreign keys of millions of rows need not be checked one by one.
        connection.execute("SET session_replication_role = replica")
        past_orders.prepare(connection, [customer.user_id for customer in customers], skus)
        for count in sizes:
            past_orders.add_orders(connection, count)
            _settle(connection)
            market_setup.set_prices(app)
            load.run_conversations(port, 2, shop.buyers(CLIENTS, customers, skus))
            for _ in range(pace.rounds):
                result.add(f"yardstick_{count}_tps", bench.yardstick(pace.seconds))
                market_setup.set_prices(app)
                buying = shop.buyers(CLIENTS, customers, skus)
                done = load.run_conversations(port, pace.seconds, buying)
                _add_load(result, f"orders_{count}_requests", done, 201)
                # One locks prices, one buys.
                result.add(f"orders_{count}_per_second", done.rate / 2)
    few, many = sizes
    result.ratio("checkout", f"orders_{few}_per_second", f"yardstick_{few}_tps")
    result.ratio("size", f"orders_{many}_per_second", f"orders_{few}_per_second")
    result.settings |= {"orders": sizes, "connections": CLIENTS, "web_workers": web_server.WORKERS}
    market_setup.database_of(app).engine.dispose()


def pages(bench: BenchServer, pace: BenchmarkPace, result: BenchmarkResult) -> None:
    """Lists, searches and customers on the pages of staff, for one of them, among 10,000 people and
    among 100,000 with a million transactions (quick: fewer), against an empty page."""
    sizes = PEOPLE if pace.seconds > QUICK_SECONDS_MAX else PEOPLE_QUICK
    app = create_app(bench.settings)
    with (
        psycopg.connect(bench.superuser("pbcex"), autocommit=True) as connection,
        web_server.run(bench) as port,
    ):
        desk.prepare(connection)
        visitor = desk.sign_in(app, connection)
        for people in sizes:
            desk.fill(connection, people, people * ACTS_PER_PERSON)
            _settle(connection)
            pages = desk.list_requests(connection, visitor)
            for name, requests in pages.items():
                result.add(f"{name}_statements", desk.count_statements(app, requests))
                load.run_load(port, 2, 1, desk.in_turn(requests))
            for _ in range(pace.rounds):
                for name, requests in pages.items():
                    done = load.run_load(port, 1, pace.seconds / 4, desk.in_turn(requests))
                    _add_load(result, f"{name}_{people}", done, 200)
    few, many = sizes
    for name in pages:
        result.ratio(name, f"{name}_{many}_p95_ms", f"{desk.EMPTY}_{many}_p95_ms")
        result.ratio(f"{name}_size", f"{name}_{many}_p95_ms", f"{name}_{few}_p95_ms")
    result.settings |= {"people": sizes, "transactions": [n * ACTS_PER_PERSON for n in sizes]}
    market_setup.database_of(app).engine.dispose()


def _add_load(result: BenchmarkResult, name: str, done: LoadResult, status: int) -> None:
    if set(done.statuses) != {status}:
        raise RuntimeError(f"not every request of {name} succeeded: {done.statuses}")
    result.add(f"{name}_per_second", done.rate)
    for percent in (50, 95, 99):
        result.add(f"{name}_p{percent}_ms", done.percentile_ms(percent))


BENCHMARKS: dict[str, Callable[[BenchServer, BenchmarkPace, BenchmarkResult], None]] = {
    "posting": posting,
    "hot": hot,
    "service": service,
    "http": http,
    "size": size,
    "audit": audit,
    "screening": screening,
    "stock": stock,
    "search": search,
    "checkout": checkout,
    "pages": pages,
}


@contextmanager
def _pgbench_scripts(bench: BenchServer) -> Iterator[dict[str, Path]]:
    """Yield the pgbench scripts, with ten thousand customers set up."""
    with psycopg.connect(bench.superuser("pbcex"), autocommit=True) as connection:
        connection.execute(_SETUP)
        connection.execute("VACUUM ANALYZE")
    with tempfile.TemporaryDirectory() as folder:
        scripts = {}
        for name, houses in (("hot", 1), ("spread", SPREAD_HOUSE_ACCOUNTS)):
            scripts[name] = Path(folder) / f"{name}.sql"
            scripts[name].write_text(_POST.format(houses=houses), encoding="utf-8")
        bench.pgbench("pbcex", 1, script=scripts["spread"])
        yield scripts


def _measure_postings(bench: BenchServer, script: Path, pace: BenchmarkPace) -> float:
    return bench.pgbench("pbcex", pace.seconds, script=script)


def _fill_books(bench: BenchServer, entries: int) -> None:
    """Fill the books up to `entries` entries, set-based, balances included."""
    with psycopg.connect(bench.superuser("pbcex")) as connection:
        [(present,)] = connection.execute("SELECT count(*) FROM entries")
        missing = max(0, entries - present)
        for statement in _GROW.split(";\n"):
            if statement.strip():
                connection.execute(statement, {"count": missing})
        connection.commit()
        _settle(connection)


def _settle(connection: psycopg.Connection) -> None:
    """Do what happens in time after rows were added: roll-ups, statistics, a checkpoint."""
    connection.autocommit = True
    for statement in ("SELECT ledger_roll_up()", "VACUUM ANALYZE", "CHECKPOINT"):
        connection.execute(statement)


def _measure_orders(
    bench: BenchServer, customers: list[market_setup.SignedInCustomer], pace: BenchmarkPace
) -> float:
    names = [str(customer.user_id) for customer in customers]
    share = len(names) // SERVICE_PROCESSES
    shares = [
        [str(pace.seconds), *names[number * share : (number + 1) * share]]
        for number in range(SERVICE_PROCESSES)
    ]
    return (
        parallel.run_and_sum("bench.service", shares, parallel.process_environment(bench))
        / pace.seconds
    )


def _order_request(token: str) -> bytes:
    body = b'{"fromAsset":"USD","toAsset":"XAU-s","fromAmount":"10.00"}'
    head = (
        "POST /api/trade/order HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: KEY\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def server_version(bench: BenchServer) -> str:
    """Return the version of the measured PostgreSQL."""
    url = make_url(bench.urls.superuser_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        [(version,)] = connection.execute("SHOW server_version")
        return str(version)
