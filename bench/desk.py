"""Pages of staff: many people and what they did, and the requests of one member of staff."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch
from urllib.parse import urlencode

import flask
import psycopg
from flask import Flask
from flask_wtf.csrf import generate_csrf

from app.access import Role
from app.blueprints import staff_session_cookie
from app.identity.sign_in import staff_sessions
from app.identity.sign_in.sessions import Device
from app.kit import ids
from app.kit.pipeline import Pipeline, Row, Statement
from bench.market_setup import database_of

#: No page takes more statements than this.
STATEMENTS_MAX = 12
#: A page on which nothing is listed: every other one has its sidebar and its counts as well.
EMPTY = "empty"

_FIRST = (
    "Amina Achieng Baraka Chebet Daniel Edith Farouk Grace Hassan Irene James Kamau Leila Moses"
    " Naomi Otieno Peter Rashid Salma Tabitha Umar Violet Wanjiru Yusuf Zainab Anna Boris Carmen"
)
_SYLLABLES = "Ki Mu Wa Nja Che Oti Ka Ndu Ro Ru Lan Ber Mar Sil Tor Gar Fer San Pe Lo"
_ENDINGS = "ngo mau riu kemboi eno nde gari oki ma thi son mann ez ov ski ley ton ard ini ault"
# Ids carry their time, as those of the application do.
_SETUP = """
CREATE FUNCTION pg_temp.bench_id(kind integer, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1735689600000 + number * 31), 12, '0') || '7000800' || to_hex(kind)
        || lpad(to_hex(number), 12, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.bench_at(number bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT '2025-01-01 00:00:00+00'::timestamptz + number * interval '31 milliseconds'
$$;
CREATE FUNCTION pg_temp.pick(names text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (string_to_array(names, ' '))[1 + number %% array_length(string_to_array(names, ' '), 1)]
$$
"""
_GROW = """
INSERT INTO users (id, email, email_key, password_hash, first_name, last_name, phone, role,
    email_confirmed_at, created_at)
SELECT pg_temp.bench_id(1, n), email, email, '', first, last, '+25471' || lpad(n::text, 7, '0'),
    'USER', pg_temp.bench_at(n), pg_temp.bench_at(n)
FROM (SELECT n, first, last, lower(first || '.' || last) || n || '@example.com' AS email
    FROM (SELECT n, pg_temp.pick(%(first)s, n) AS first,
            pg_temp.pick(%(syllables)s, n / 7) || pg_temp.pick(%(endings)s, n / 131) AS last
        FROM generate_series(%(people_from)s::bigint, %(people)s::bigint) AS n) AS named) AS known;
INSERT INTO deposits (id, user_id, method, asset, asked_units, credited_units, usd_units, status,
    provider, provider_ref, requested_at, looked_at, credited_at)
SELECT pg_temp.bench_id(2, n), pg_temp.bench_id(1, 1 + n %% %(people)s), 'bank', 'USD', 10000,
    10000, 10000, 'credited', 'bench', 'bench_in_' || n, at, at, at
FROM generate_series(%(acts_from)s::bigint, %(acts)s::bigint) AS n, pg_temp.bench_at(n) AS at
WHERE n %% 4 < 2;
INSERT INTO withdrawals (id, user_id, method, asset, units, usd_units, status, destination_sealed,
    destination_index, destination_masked, provider, provider_ref, requested_at, looked_at,
    payable_from, completed_at)
SELECT pg_temp.bench_id(3, n), pg_temp.bench_id(1, 1 + n %% %(people)s), 'bank', 'USD', 5000, 5000,
    'completed', '', '', 'account ending ' || lpad((n %% 10000)::text, 4, '0'), 'bench',
    'bench_out_' || n, at, at, at, at
FROM generate_series(%(acts_from)s::bigint, %(acts)s::bigint) AS n, pg_temp.bench_at(n) AS at
WHERE n %% 4 = 2;
INSERT INTO shop_orders (id, user_id, lock_id, status, destination, goods_units, tax_units,
    shipping_units, insurance_units, total_units, placed_at, paid_at)
SELECT pg_temp.bench_id(4, n), pg_temp.bench_id(1, 1 + n %% %(people)s), pg_temp.bench_id(5, n),
    'allocated', 'vault', 5170, 0, 0, 0, 5170, at, at
FROM generate_series(%(acts_from)s::bigint, %(acts)s::bigint) AS n, pg_temp.bench_at(n) AS at
WHERE n %% 4 = 3;
INSERT INTO shop_order_lines
SELECT pg_temp.bench_id(4, n), 0, 'BENCH', 1, 5170, 5170, 50.2, 'bullion', 0, ''
FROM generate_series(%(acts_from)s::bigint, %(acts)s::bigint) AS n WHERE n %% 4 = 3
"""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member of staff in a browser: their cookie, and the token of their forms."""

    cookie: str
    token: str

    def get(self, path: str) -> bytes:
        """Return the request of a page."""
        return self._request("GET", path)

    def post(self, path: str, fields: Mapping[str, str]) -> bytes:
        """Return the request that sends a form."""
        body = urlencode({"csrf_token": self.token, **fields})
        length = (
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        )
        return self._request("POST", path, length) + body.encode()

    def _request(self, method: str, path: str, more: str = "") -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {self.cookie}\r\n"
            f"HX-Request: {'true' if method == 'POST' else 'false'}\r\n{more}\r\n"
        ).encode()


def prepare(connection: psycopg.Connection) -> None:
    """Let `fill` add rows on this connection, on which no trigger or foreign key is checked."""
    connection.execute("SET session_replication_role = replica")
    for statement in _SETUP.split(";\n"):
        connection.execute(statement.replace("%%", "%"))


def fill(connection: psycopg.Connection, people: int, acts: int) -> None:
    """Add customers until there are so many, and what they did until it is so much: of four acts
    two are deposits, one is a withdrawal and one an order of goods."""
    [(known,)] = connection.execute("SELECT count(*) FROM users WHERE role = 'USER'")
    [(done,)] = connection.execute(
        "SELECT (SELECT count(*) FROM deposits) + (SELECT count(*) FROM withdrawals)"
        " + (SELECT count(*) FROM shop_orders)"
    )
    values = {
        "first": _FIRST, "syllables": _SYLLABLES, "endings": _ENDINGS, "people": people,
        "people_from": known + 1, "acts": acts, "acts_from": done + 1,
    }  # fmt: skip
    with connection.transaction():
        for statement in _GROW.split(";\n"):
            used = {name: value for name, value in values.items() if f"%({name})s" in statement}
            connection.execute(statement, used)


def sign_in(app: Flask, connection: psycopg.Connection) -> Visitor:
    """Add an administrator, who sees every page and every count, and sign them in."""
    person_id = ids.new()
    connection.execute(
        "INSERT INTO users (id, email, email_key, password_hash, first_name, last_name, role,"
        " email_confirmed_at, created_at)"
        " VALUES (%s, %s, %s, '', 'Grace', 'Hopper', %s, now(), now())",
        (person_id, f"{person_id}@example.com", f"{person_id}@example.com", Role.ADMIN),
    )
    with database_of(app).transaction() as session:
        device = Device("127.0.0.1", "bench")
        secret = staff_sessions.open_session(session, person_id, device, replaces=None)
    with app.test_request_context("/"):
        staff_session_cookie.start_session(secret)
        token = generate_csrf()
        response = app.make_response("")
        app.session_interface.save_session(app, flask.session, response)
    return Visitor(response.headers["Set-Cookie"].partition(";")[0], token)


def list_requests(
    connection: psycopg.Connection, visitor: Visitor
) -> Mapping[str, Sequence[bytes]]:
    """Return requests of each page: of an empty one, of lists, of searches in them, of a customer,
    and what is typed into the search over everything."""
    chosen = connection.execute(
        "SELECT id, email, phone, first_name, last_name FROM users WHERE role = 'USER'"
        " ORDER BY hashtext(id::text) LIMIT 40"
    ).fetchall()
    [[number]] = connection.execute("SELECT max(number) FROM shop_orders").fetchall()
    people = [ids.encode("usr", person_id) for person_id, *_ in chosen]
    texts = [
        *(text for _, email, phone, first, last in chosen for text in (email, phone, last, first)),
        *(f"{first} {last}" for *_, first, last in chosen),
        *(email[:6] for _, email, *_ in chosen),
        *(phone[-4:] for _, _, phone, *_ in chosen),
        *(str(number - step) for step in range(40)),
        *("no one at all", "xq", "0000", "bench_in_8", "fees", "zz@example.com"),
    ]

    def found(path: str, name: str, values: Sequence[str]) -> list[bytes]:
        return [visitor.get(f"{path}?{urlencode({name: value})}") for value in values]

    return {
        EMPTY: [visitor.get("/go")],
        "people": [visitor.get("/admin/people"), visitor.get("/admin/people?sort=email")],
        "people_found": found("/admin/people", "q", texts[: len(chosen) * 6]),
        "deposits": [visitor.get("/admin/payments/deposits")],
        "deposits_found": found("/admin/payments/deposits", "customer", people),
        "withdrawals": [visitor.get("/admin/payments/withdrawals")],
        "orders": [visitor.get("/admin/orders"), visitor.get("/admin/orders?status=allocated")],
        "orders_found": found("/admin/orders", "customer", people),
        "customer": [visitor.get(f"/support/customers/{person}") for person in people],
        "customer_money": [visitor.get(f"/support/customers/{person}/money") for person in people],
        "search": [visitor.post("/go/results", {"q": text}) for text in texts],
    }


def in_turn(requests: Sequence[bytes]) -> Callable[[int], bytes]:
    """Return a function that returns the n-th request: the requests in their order, again and
    again."""
    return lambda number: requests[number % len(requests)]


@contextmanager
def counting_statements() -> Iterator[list[str]]:
    """Yield a list that grows by the statements that this process sends."""
    sent: list[str] = []
    run = Pipeline.run

    def run_counted(pipeline: Pipeline, statements: Sequence[Statement]) -> list[list[Row]]:
        sent.extend(text for text, _ in statements if text not in {"BEGIN", "COMMIT"})
        return run(pipeline, statements)

    with patch.object(Pipeline, "run", run_counted):
        yield sent


def count_statements(app: Flask, requests: Sequence[bytes]) -> int:
    """Return the most statements that one of these requests takes. Raises `RuntimeError` for a
    response that is no page."""
    counts = []
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(each.split(": ", 1) for each in lines if not each.startswith("Host"))
        with counting_statements() as sent:
            response = app.test_client(use_cookies=False).open(
                path, method=method, headers=headers, data=body
            )
        if response.status_code not in {200, 303}:
            raise RuntimeError(f"{path} returned {response.status_code}")
        counts.append(len(sent))
    return max(counts)
