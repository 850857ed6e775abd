"""A customer who has used every feature, with unique words (canaries) in all their data."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import psycopg
import pyotp
from flask import Flask

from app.catalog.rules import TRADABLE
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.api_client import ACCEPTED_POLICIES, PASSWORD, ApiClient
from tests.mailbox import run_pending_jobs
from tests.people import set_prices

CONSENTS, EXPORT, ERASURE = "/api/me/consents", "/api/me/export", "/api/me/erasure"
JOBS = ("privacy.build_archive", "messages.deliver", "messages.send_mail")

#: Insert a text message as if it had been sent, without a carrier.
_TEXT = """
INSERT INTO texts (id, user_id, event_key, kind, state, staged_at, sent_at)
VALUES (%s, %s, 'trade_confirmed:0', 'trade_confirmed', 'sent', now(), now())
"""


@dataclass
class CustomerWithHistory:
    """A customer with a history, and the canaries by which their data can be found."""

    client: ApiClient
    canaries: dict[str, str]

    @classmethod
    def register(cls, app: Flask, *, second_factor: bool = False) -> "CustomerWithHistory":
        """Register a customer who has funds, trades, transfers, postal addresses and API keys."""
        word = f"Q{uuid4().hex[:10]}"
        number = str(int(uuid4().hex[:12], 16))[:7].rjust(7, "2")
        canaries = {
            "email": f"{word}@example.com".lower(),
            "first": f"First{word}",
            "last": f"Last{word}",
            "phone": f"+1202{number}",
            "street": f"{word} Street",
            "label": f"Label{word}",
            "key name": f"Key{word}",
        }
        client = ApiClient(app)
        client.email = canaries["email"]
        client.register(
            firstName=canaries["first"],
            lastName=canaries["last"],
            phone=canaries["phone"],
            acceptedPolicies=ACCEPTED_POLICIES,
        )
        client.verify_phone(canaries["phone"])
        customer = cls(client, canaries)
        customer._make_history()
        if second_factor:
            customer.secret = customer._add_second_factor()
        return customer

    secret: str = ""

    def _make_history(self) -> None:
        client = self.client
        database: Database = client.app.extensions["database"]
        client.credit(USD="1000", PAXG="2")
        set_prices(database, AU="4000", PAXG="4000")
        home = {"country": "US", "street": self.canaries["street"], "city": "Reno"}
        home |= {"state": "NV", "zipCode": "89501", "label": self.canaries["label"]}
        home |= {"recipient": self.canaries["last"], "phone": self.canaries["phone"]}
        client.ok(201, client.post("/api/me/addresses", home))
        self.key = client.ok(
            201,
            client.post(
                "/api/me/api-keys",
                {"name": self.canaries["key name"], "scopes": ["own:balances:read"]},
            ),
        )["key"]
        wish = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
        quote = client.ok(201, client.post("/api/trade/quote", wish))
        self.order = client.ok(201, client.post("/api/trade/order", {"quoteId": quote["id"]}))
        move = {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"}
        self.transfer = client.ok(201, client.post("/api/wallet/transfer", move))
        sanctions.import_sample_list(database)
        names = f"{self.canaries['first']} {self.canaries['last']}"
        with database.transaction() as session:
            screening.screen(
                session,
                ScreeningSubject((names,)),
                about=client.user["id"],
                purpose="onboarding",
                person_id=client.user_id,
            )
        choices = [{"topic": "trades", "channel": "sms", "wanted": True}]
        client.ok(200, client.send("PUT", "/api/me/notifications", json={"choices": choices}))
        with database.transaction() as session:
            session.send(_TEXT, (uuid4(), client.user_id))
        run_pending_jobs(database)

    def _add_second_factor(self) -> str:
        client = self.client
        secret = client.ok(200, client.post("/api/auth/2fa/setup"))["secret"]
        code = pyotp.TOTP(secret).now()
        client.ok(200, client.post("/api/auth/2fa/confirm", {"code": code}))
        return str(secret)

    @property
    def database(self) -> Database:
        """The customer's database."""
        database: Database = self.client.app.extensions["database"]
        return database

    def empty_accounts(self) -> None:
        """Empty every account of the customer."""
        owner = self.client.user_id
        with self.database.transaction() as session:
            for balance in ledger_queries.customer_balances(session, owner):
                if balance.posted:
                    amount = Amount(TRADABLE[balance.asset], balance.posted)
                    ledger.post(
                        session,
                        cause="test_debit",
                        reference=f"debit:{uuid4()}",
                        posted_at=clock.now(),
                        postings=[
                            ledger.credit(chart.capital(amount.asset), amount),
                            ledger.debit(chart.customer(owner, amount.asset), amount),
                        ],
                    )

    def request_erasure(self, password: str = PASSWORD, **more: str) -> Any:
        """Request the erasure of the customer."""
        return self.client.post(ERASURE, {"password": password, **more})

    def download_archive(self) -> dict[str, Any]:
        """Request an export, run its job, and return the files of the archive."""
        client = self.client
        export = client.ok(202, client.post(EXPORT))
        run_pending_jobs(self.database, *JOBS)
        shown = client.ok(200, client.get(f"{EXPORT}/{export['id']}"))
        return read_archive(follow_link(client, shown["archiveUrl"]).data)


def follow_link(client: ApiClient, url: str) -> Any:
    """Request a signed link."""
    path, _, token = url.partition("?token=")
    return client.get(path, token=token)


def read_archive(data: bytes) -> dict[str, Any]:
    """Return the files of an archive; JSON files are parsed."""
    with ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name))
            if name.endswith(".json")
            else archive.read(name).decode()
            for name in archive.namelist()
        }


def find_in_all_tables(database: Database, words: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return each table and column that contains one of the words, read as superuser.

    The search ignores case and covers texts, JSON, arrays and bytes.
    """
    url = os.environ["PBCEX_TEST_SUPERUSER_URL"].replace("+psycopg", "")
    base = url.rpartition("/")[0]
    matches = []
    columns = """
        SELECT c.relname, a.attname, a.atttypid = 'bytea'::regtype
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND NOT a.attisdropped
    """
    with psycopg.connect(f"{base}/{database.engine.url.database}") as superuser:
        for table, column, is_bytes in superuser.execute(columns).fetchall():
            shown = f'"{column}"::text' if not is_bytes else f"encode(\"{column}\", 'escape')"
            for word in words:
                statement = f'SELECT FROM "{table}" WHERE strpos(lower({shown}), lower(%s)) > 0'
                if superuser.execute(statement, (word,)).fetchone() is not None:
                    matches.append((table, column, word))
    return matches
