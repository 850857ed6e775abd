"""Webhooks arrive repeatedly, late, in any order, and forged: only the genuine ones have an effect,
each once."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from time import time
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.catalog.rules import USD, PaymentMethod
from app.funding.deposits import service as deposits
from app.funding.fees import PaymentDirection, PaymentFees
from app.funding.limits import PaymentLimits
from app.funding.ports import IncomingTransferChanged
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import provide, resolve
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.models import WebhookEvent
from app.providers.ports import ProviderEvent, WebhookDelivery, WebhookVerifiers
from sandbox.app import PROVIDERS
from tests import sanctions
from tests.drill import choose_size, rounds, seeded_random
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import usd, verify_without_evidence
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import count_rows

_JOBS = (
    "funding.advance_deposit", "funding.look_for_arrivals", "funding.payment_changed",
    "funding.account_changed", "funding.dispute_changed", "funding.send_withdrawal",
    "funding.payout_changed",
)  # fmt: skip
_PEOPLE = 4
_OFTEN_MAX = 5
_CARDS = ("pm_card_visa", "pm_card_authenticationRequired")
_FORGED_SHARE = 0.1
_FEES = PaymentFees()
_BANK = {
    "accountHolder": "Ada Lovelace",
    "accountNumber": "000123456789",
    "routingNumber": "110000000",
}

Sent = tuple[str, bytes, dict[str, str]]


@dataclass
class ProviderWebhooks:
    """Genuine and forged webhooks of all providers."""

    app: Flask
    sandbox: Sandbox
    chance: Random
    people: list[UUID] = field(default_factory=list)
    accepted_forgeries: int = 0

    @property
    def database(self) -> Database:
        database: Database = self.app.extensions["database"]
        return database

    def make_payments(self, arrivals: int, cards: int, payouts: int) -> None:
        """Let customers pay in and out, with the providers' webhooks undelivered."""
        self.sandbox.store.clear()
        many = PaymentLimits(
            card_payments_per_day=10**6, card_failures_per_hour=10**6, withdrawals_per_day=10**6
        )
        with fixed_settings(many):
            self._make_payments(arrivals, cards, payouts)

    def _make_payments(self, arrivals: int, cards: int, payouts: int) -> None:
        new_people = People(self.database)
        for _ in range(_PEOPLE):
            actor = new_people.customer(USD="20000")
            verify_without_evidence(self.database, actor.user_id)
            self.people.append(actor.user_id)
            with self.database.transaction() as session:
                deposits.request(session, actor, method=PaymentMethod.BANK, amount=usd("1.00"))
                for _ in range(cards // _PEOPLE):
                    deposits.request(
                        session, actor, method=PaymentMethod.CARD, amount=usd("3.00"),
                        source=self.chance.choice(_CARDS),
                    )  # fmt: skip
                for _ in range(payouts // _PEOPLE):
                    withdrawals.request(
                        session,
                        actor,
                        method=PaymentMethod.BANK,
                        amount=usd("2.00"),
                        destination=_BANK,
                    )
        run_pending_jobs(self.database, *_JOBS)
        accounts = self.sandbox.store.find("bank", "account")
        for _ in range(arrivals):
            account = self.chance.choice(accounts)
            amount = f"{self.chance.randrange(1, 500) / Decimal(100):.2f}"
            came = self._control("bank", "/arrivals", account_ref=account["id"], amount=amount)
            if self.chance.random() < 0.1:
                self._control("bank", f"/arrivals/{came['id']}/return")
        for payout in self.sandbox.store.find("bank", "payout"):
            for status in self.chance.choice([["settled"], ["failed"], ["settled", "returned"]]):
                self._control("bank", f"/payouts/{payout['id']}/{status}")
        for intent in self.sandbox.store.find("stripe", "payment_intent"):
            if intent["status"] == "requires_action":
                path = f"/payments/{intent['id']}/authenticate"
                self._control("stripe", path, success=self.chance.random() < 0.7)

    def _control(self, provider: str, path: str, **document: object) -> dict[str, str]:
        client = self.sandbox.app.test_client()
        answer = client.post(f"/{provider}/_control{path}", json=document)
        assert answer.status_code < 300, answer.text
        document: dict[str, str] = answer.get_json()
        return document

    def build_deliveries(self, count: int) -> list[tuple[bool, Callable[[], Sent]]]:
        """Yield `count` deliveries, genuine or forged, each signed when it is sent."""
        due = [event for event in self.sandbox.webhooks.all() if event.state == "due"]
        genuine = count - int(count * _FORGED_SHARE)
        times_by_id = {event.id: 1 for event in due}
        left = genuine - len(due)
        assert left >= 0, f"{len(due)} events are more than {genuine} deliveries"
        assert genuine <= _OFTEN_MAX * len(due), f"{len(due)} events are too few for {genuine}"
        while left:
            repeated = self.chance.choice(due).id
            if times_by_id[repeated] < _OFTEN_MAX:
                times_by_id[repeated], left = times_by_id[repeated] + 1, left - 1
        deliveries: list[tuple[bool, Callable[[], Sent]]] = [
            (True, lambda event=event: self._signed(event.provider, event.body.encode()))
            for event in due
            for _ in range(times_by_id[event.id])
        ]
        deliveries += [(False, self._forgery(due)) for _ in range(count - genuine)]
        self.chance.shuffle(deliveries)
        return deliveries

    def _signed(self, provider: str, body: bytes, *, at: float = 0, forged: bool = False) -> Sent:
        sign = PROVIDERS[provider].sign
        assert sign is not None
        url = f"http://localhost/webhooks/{provider}"
        return f"/webhooks/{provider}", body, sign(url, body, at=at or time(), forged=forged)

    def _forgery(self, due: list) -> Callable[[], Sent]:
        """Return a forged delivery. It has an event id of its own, so that it is noticed if it was
        accepted."""
        event, kind = self.chance.choice(due), self.chance.randrange(4)
        document = json.loads(event.body)
        document["id"] = f"forged_{ids.new()}"
        body = json.dumps(document).encode()
        match kind:
            case 0:
                return lambda: self._signed(event.provider, body, forged=True)
            case 1:
                return lambda: self._signed(event.provider, body, at=time() - 3600)
            case 2:
                path, _, headers = self._signed(event.provider, event.body.encode())
                return lambda: (path, body, headers)
            case _:
                path, _, headers = self._signed(event.provider, body)
                return lambda: (path, json.dumps(document, indent=1).encode(), headers)

    def deliver(self, client: FlaskClient, count: int) -> None:
        """Deliver everything, and execute jobs now and then."""
        build_deliveries = self.build_deliveries(count)
        for number in rounds(len(build_deliveries), "webhooks"):
            is_genuine, write = build_deliveries[number]
            path, body, headers = write()
            status = client.post(
                path, data=body, headers={"Content-Type": "application/json", **headers}
            ).status_code
            if is_genuine:
                assert status == 204
            elif status != 403:
                self.accepted_forgeries += 1
            if self.chance.random() < 0.01:
                run_pending_jobs(self.database, *_JOBS)
        run_pending_jobs(self.database, *_JOBS)

    def problems(self) -> list[str]:
        """Return the differences between our books and the providers' books."""
        differences = [f"{self.accepted_forgeries} forgeries"] if self.accepted_forgeries else []
        for user_id in self.people:
            with self.database.reading() as session:
                has = ledger_queries.account_balance(session, chart.customer(user_id, USD))
                owes = ledger_queries.account_balance(session, chart.receivable(user_id, USD))
            expected = self._expected(user_id)
            if has - owes != expected:
                differences.append(
                    f"{Amount(USD, has)} and owes {Amount(USD, owes)}, not {expected}"
                )
        with self.database.reading() as session:
            [(kept, forged)] = session.rows(
                "SELECT count(*), count(*) FILTER (WHERE event_id LIKE 'forged%%')"
                " FROM webhook_events"
            )
        if forged:
            differences.append(f"{forged} of {kept} events were forged")
        return differences

    def _expected(self, user_id: UUID) -> int:
        """Return the expected balance in cents, from the providers' books."""
        cents, store = 2_000_000, self.sandbox.store
        with self.database.reading() as session:
            mine = {
                ids.encode(prefix, each)
                for prefix, table in (("dep", "deposits"), ("wdr", "withdrawals"))
                for (each,) in session.rows(
                    f"SELECT id FROM {table} WHERE user_id = %s", (user_id,)
                )
            }
        [account] = store.find("bank", "account", reference=ids.encode("usr", user_id))
        for came in store.find("bank", "arrival", account_id=account["id"]):
            cents += 0 if came["returned_at"] else int(Decimal(came["amount"]) * 100)
        for payout in store.find("bank", "payout"):
            if payout["reference"] in mine and payout["status"] != "failed":
                paid = int(Decimal(payout["amount"]) * 100)
                cents -= _FEES.bank_withdrawal_fee.units
                cents -= paid if payout["status"] == "settled" else 0
        for intent in store.find("stripe", "payment_intent"):
            if intent["metadata"].get("reference") in mine and intent["status"] == "succeeded":
                received = Amount(USD, intent["amount_received"])
                rate = _FEES.rate(PaymentDirection.DEPOSIT, PaymentMethod.CARD, USD)
                cents += (received - rate.fee_on(received)).units
        return cents


@pytest.fixture
def post(lone_app: Flask, sandbox: Sandbox) -> ProviderWebhooks:
    sanctions.import_sample_list(lone_app.extensions["database"])
    return ProviderWebhooks(lone_app, sandbox, seeded_random("webhooks"))


@pytest.mark.timeout(7200)
@pytest.mark.drill(name="webhooks")
def test_state_follows_the_genuine_webhooks(
    post: ProviderWebhooks, record_property: Callable[[str, object], None]
) -> None:
    count = choose_size(2_000, 20_000)
    post.make_payments(count // 6, count // 50, count // 50)
    post.deliver(post.app.test_client(), count)
    assert post.problems() == []
    with post.database.reading() as session:
        events = count_rows(session, WebhookEvent)
    record_property(
        "evidence",
        f"{count:,} deliveries of {events:,} events, each one to five times and shuffled, a tenth"
        " of them forged, stale, altered or re-encoded: the books match the providers' books,"
        " and no forgery was accepted.",
    )


class TrustingVerifier:
    """A verifier that accepts every webhook: the negative control."""

    def __init__(self, genuine: object) -> None:
        self._genuine = genuine

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        document = json.loads(delivery.body)
        return [ProviderEvent(document["id"], document["type"], "arr_x", IncomingTransferChanged)]


@pytest.mark.drill(name="webhooks")
def test_control_unverified_webhooks_are_caught(
    post: ProviderWebhooks, record_property: Callable[[str, object], None]
) -> None:
    verifiers = resolve(WebhookVerifiers)
    provide(
        WebhookVerifiers,
        WebhookVerifiers(
            {name: TrustingVerifier(verifier) for name, verifier in verifiers.items()}
        ),
    )
    post.make_payments(12, 0, 0)
    build_deliveries = post.build_deliveries(60)
    client = post.app.test_client()
    for is_genuine, write in build_deliveries:
        path, body, headers = write()
        status = client.post(path, data=body, headers=headers).status_code
        post.accepted_forgeries += not is_genuine and status != 403
    assert any("forg" in problem for problem in post.problems())
    record_property("evidence", "Control: a verifier that accepts everything was caught.")
