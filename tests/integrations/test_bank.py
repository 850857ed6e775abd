"""Incoming transfers and payouts over the bank's protocol, against the sandbox."""

import json
import traceback
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.funding.ports import (
    IncomingTransferChanged,
    Payout,
    PayoutChanged,
    PayoutOrder,
    PayoutState,
)
from app.integrations.bank.adapter import BankRail
from app.integrations.bank.client import BankClient
from app.integrations.bank.webhook import BankWebhookVerifier
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.money import Amount
from app.providers.errors import (
    OwnFundsTooLow,
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
)
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from sandbox.keys import timed_signature
from tests.integrations.test_stripe import UNCERTAIN_FAULTS
from tests.provider_sandbox import Sandbox

HUNDRED = Amount(USD, 10_000)
ACCOUNT = {"holder": "Ada Lovelace", "account": "000123456789", "routing": "021000021"}


class BankSetup:
    """The bank's rail, with a fresh reference."""

    def __init__(
        self, database: Database, url: str, key: str = sandbox_secret("bank"), timeout: float = 5
    ) -> None:
        client = BankClient(url, key, timeout_seconds=timeout)
        self.database = database
        self.rail = BankRail(client, ProviderCaller("bank", CallLog(database)))
        self.reference = ids.encode("wdr", ids.new())

    def payout_order(self, amount: Amount = HUNDRED, **changed: str) -> PayoutOrder:
        return PayoutOrder(self.reference, amount, {**ACCOUNT, **changed})


@pytest.fixture
def bank(database: Database, sandbox: Sandbox) -> BankSetup:
    return BankSetup(database, f"{sandbox.url}/bank")


@pytest.fixture
def cents_paid(sandbox: Sandbox, bank: BankSetup) -> Callable[[], int]:
    """Return a function: how many cents left our account, all of them for the setup's reference."""
    before = balance(sandbox)

    def find() -> int:
        cents = before - balance(sandbox)
        payouts = sandbox.store.find("bank", "payout", reference=bank.reference)
        assert cents == sum(round(float(payout["amount"]) * 100) + 25 for payout in payouts)
        return cents

    return find


CentsPaid = Callable[[], int]
#: The amount of a payout and the bank's fee.
CENTS_OF_ONE_PAYOUT = 10_025


def balance(sandbox: Sandbox) -> int:
    response = httpx.get(
        f"{sandbox.url}/bank/balance", headers={"X-API-Key": sandbox_secret("bank")}
    )
    return Amount.parse(USD, response.json()["amount"]).units


class TestIncomingTransfers:
    def test_repeated_reference_returns_the_same_virtual_account(self, bank: BankSetup) -> None:
        account = bank.rail.virtual_account(bank.reference, "Ada Lovelace")
        assert bank.rail.virtual_account(bank.reference, "Ada L.") == account
        assert (
            bank.rail.virtual_account(f"{bank.reference}2", "Bob").account_ref
            != account.account_ref
        )
        assert account.details["accountHolder"] == "Ada Lovelace"
        assert account.details["routingNumber"] == "123456780"
        assert len(account.details["accountNumber"]) == 12
        assert len(bank.rail.transfers_to(account.account_ref)) == 0

    def test_incoming_transfer_is_listed_and_can_be_returned(
        self, bank: BankSetup, sandbox: Sandbox
    ) -> None:
        account = bank.rail.virtual_account(bank.reference, "Ada")
        before = balance(sandbox)
        first = sandbox.call_control(
            "bank", "/arrivals", account_ref=account.account_ref, amount="250.00"
        )
        number = account.details["accountNumber"]
        sandbox.call_control("bank", "/arrivals", account_number=number, amount="0.5")
        transfers = list(bank.rail.transfers_to(account.account_ref))
        assert [(str(transfer.amount), transfer.is_returned) for transfer in transfers] == [
            ("250.00", False),
            ("0.50", False),
        ]
        assert transfers[0] == bank.rail.transfer(first["id"])
        assert abs(transfers[0].arrived_at - clock.now()) < timedelta(minutes=1)
        assert set(transfers) <= set(bank.rail.transfers_since(clock.now() - timedelta(minutes=1)))
        assert balance(sandbox) - before == 25_050
        sandbox.call_control("bank", f"/arrivals/{first['id']}/return")
        assert bank.rail.transfer(first["id"]).is_returned
        assert balance(sandbox) - before == 50

    def test_list_contains_every_page(self, bank: BankSetup, sandbox: Sandbox) -> None:
        account = bank.rail.virtual_account(bank.reference, "Ada")
        arrived = clock.rfc3339(clock.now())
        for number in range(201):
            identifier = f"arr_{uuid4().hex}"
            sandbox.store.put(
                "bank", "arrival", identifier,
                {
                    "id": identifier, "account_id": account.account_ref, "currency": "USD",
                    "amount": f"{number + 1}.00", "arrived_at": arrived, "returned_at": None,
                },
            )  # fmt: skip
        amounts = [
            transfer.amount.units for transfer in bank.rail.transfers_to(account.account_ref)
        ]
        assert amounts == [100 * (number + 1) for number in range(201)]

    def test_unknown_transfer_is_refused(self, bank: BankSetup) -> None:
        with pytest.raises(ProviderRefused, match="arrival_not_found"):
            bank.rail.transfer("arr_0")


class TestPayouts:
    def test_payout_is_sent_and_settles(
        self, bank: BankSetup, sandbox: Sandbox, cents_paid: CentsPaid
    ) -> None:
        sent = bank.rail.send(bank.payout_order())
        assert sent == Payout(
            sent.provider_ref, bank.reference, PayoutState.SENT, HUNDRED, BANK, Amount(USD, 25)
        )
        assert bank.rail.find(bank.reference) == sent
        assert cents_paid() == CENTS_OF_ONE_PAYOUT
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/settled")
        settled = bank.rail.find(bank.reference)
        assert settled is not None
        assert (settled.state, len(settled.evidence)) == (PayoutState.COMPLETED, 15)
        assert settled in bank.rail.payouts(clock.now() - timedelta(minutes=1))

    def test_failed_payout_is_refunded_and_returned_payout_costs_the_fee(
        self, bank: BankSetup, sandbox: Sandbox
    ) -> None:
        before = balance(sandbox)
        sent = bank.rail.send(bank.payout_order())
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/failed")
        failed = bank.rail.find(bank.reference)
        assert failed is not None
        assert (failed.state, failed.code, failed.cost) == (
            PayoutState.FAILED, "account_closed", None,
        )  # fmt: skip
        assert balance(sandbox) == before
        bank.reference = f"{bank.reference}b"
        sent = bank.rail.send(bank.payout_order())
        for status in ("settled", "returned"):
            sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/{status}")
        returned = bank.rail.find(bank.reference)
        assert returned is not None
        assert (returned.state, returned.code) == (PayoutState.RETURNED, "beneficiary_unknown")
        assert before - balance(sandbox) == 25

    @pytest.mark.parametrize(
        ("account", "states"),
        [
            ("111122223333", [PayoutState.COMPLETED, PayoutState.COMPLETED]),
            ("111122220001", [PayoutState.FAILED, PayoutState.FAILED]),
            ("111122220002", [PayoutState.COMPLETED, PayoutState.RETURNED]),
        ],
    )
    def test_payout_ends_by_itself_as_its_account_number_says(
        self, bank: BankSetup, sandbox: Sandbox, account: str, states: list[PayoutState]
    ) -> None:
        bank.rail.send(bank.payout_order(account=account))
        seen = []
        for _ in states:
            run_periodic_tasks(sandbox.app)
            payout = bank.rail.find(bank.reference)
            assert payout is not None
            seen.append(payout.state)
        assert seen == states

    @pytest.mark.parametrize(
        ("amount", "changed", "code"),
        [
            (HUNDRED, {"routing": "021000022"}, "routing_number_invalid"),
            (HUNDRED, {"routing": "21000021"}, "routing_number_invalid"),
            (Amount(USD, 10**12), {}, OwnFundsTooLow.CODE),
        ],
    )
    def test_invalid_payout_is_refused_and_pays_nothing(
        self,
        bank: BankSetup,
        cents_paid: CentsPaid,
        amount: Amount,
        changed: dict[str, str],
        code: str,
    ) -> None:
        with pytest.raises(ProviderRefused) as refusal:
            bank.rail.send(bank.payout_order(amount, **changed))
        assert refusal.value.code == code
        assert refusal.value.reason in {"", "balance_too_low"}
        assert bank.rail.find(bank.reference) is None
        assert cents_paid() == 0

    def test_repeated_payout_is_paid_once_and_a_changed_one_refused(
        self, bank: BankSetup, cents_paid: CentsPaid
    ) -> None:
        first = bank.rail.send(bank.payout_order())
        assert bank.rail.send(bank.payout_order()) == first
        for other in (bank.payout_order(Amount(USD, 10_001)), bank.payout_order(account="1234")):
            with pytest.raises(ProviderRefused, match="idempotency_conflict"):
                bank.rail.send(other)
        assert cents_paid() == CENTS_OF_ONE_PAYOUT

    def test_payout_reports_the_amount_that_was_paid(
        self, bank: BankSetup, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", FaultMode.WRONG_AMOUNT)
        assert bank.rail.send(bank.payout_order()).amount == Amount(USD, 9_999)


class TestFaults:
    @pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
    def test_payout_after_one_uncertain_fault_is_paid_once(
        self, bank: BankSetup, sandbox: Sandbox, cents_paid: CentsPaid, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", mode)
        sent = bank.rail.send(bank.payout_order())
        assert bank.rail.find(bank.reference) == sent
        assert cents_paid() == CENTS_OF_ONE_PAYOUT

    @pytest.mark.parametrize(
        ("mode", "cents"),
        [(FaultMode.HANG_UP_BEFORE, 0), (FaultMode.HANG_UP_AFTER, CENTS_OF_ONE_PAYOUT)],
    )
    def test_payout_after_lasting_faults_is_unknown_until_it_is_found(
        self, bank: BankSetup, sandbox: Sandbox, cents_paid: CentsPaid, mode: FaultMode, cents: int
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", mode, times=ATTEMPTS_MAX)
        with pytest.raises(ProviderOutcomeUnknown):
            bank.rail.send(bank.payout_order())
        assert cents_paid() == cents
        payout = bank.rail.find(bank.reference)
        assert (payout is not None) == bool(cents)
        assert payout in (None, bank.rail.send(bank.payout_order()))
        assert cents_paid() == CENTS_OF_ONE_PAYOUT

    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_payout_without_response_in_time_is_retried_and_paid_once(
        self,
        database: Database,
        sandbox: Sandbox,
        bank: BankSetup,
        cents_paid: CentsPaid,
        mode: FaultMode,
    ) -> None:
        impatient = BankSetup(database, f"{sandbox.url}/bank", timeout=0.5)
        impatient.reference = bank.reference
        sandbox.schedule_fault("bank", "payouts.create", mode, seconds=0.8)
        assert impatient.rail.send(impatient.payout_order()).state is PayoutState.SENT
        assert cents_paid() == CENTS_OF_ONE_PAYOUT

    def test_refused_payout_is_not_retried(
        self, bank: BankSetup, sandbox: Sandbox, cents_paid: CentsPaid
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", FaultMode.REFUSED)
        with pytest.raises(ProviderRefused, match="not_today"):
            bank.rail.send(bank.payout_order())
        assert cents_paid() == 0

    def test_unreachable_bank_is_unavailable(self, database: Database) -> None:
        bank = BankSetup(database, "http://127.0.0.1:9/bank")
        with pytest.raises(ProviderUnavailable):
            bank.rail.send(bank.payout_order())

    def test_unreadable_payout_has_unknown_outcome(self, bank: BankSetup, sandbox: Sandbox) -> None:
        sent = bank.rail.send(bank.payout_order())
        payout = sandbox.store.get("bank", "payout", sent.provider_ref)
        assert payout is not None
        wrong = ({"status": "?"}, {"currency": "EUR"}, {"amount": 100}, {"amount": "-1"})
        for change in (*wrong, {"id": None}, {"fee": "x"}):
            sandbox.store.put("bank", "payout", sent.provider_ref, {**payout, **change})
            bank.rail._caller._breaker.close()
            with pytest.raises(ProviderOutcomeUnknown, match="cannot be read"):
                bank.rail.find(bank.reference)
        sandbox.store.put("bank", "payout", sent.provider_ref, payout)

    def test_secrets_are_not_in_errors_call_log_or_output(
        self, database: Database, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
    ) -> None:
        key, account = f"key-{uuid4().hex}", f"9{uuid4().int % 10**15:015}"
        bank = BankSetup(database, f"{sandbox.url}/bank", key)
        with pytest.raises(ProviderUnavailable, match="key_unknown") as refusal:
            bank.rail.send(bank.payout_order(account=account))
        with database.reading() as session:
            recorded_calls = session.rows(
                "SELECT * FROM provider_calls WHERE reference = %s", (bank.reference,)
            )
        texts = [
            *traceback.format_exception(refusal.value),
            str(recorded_calls),
            *capfd.readouterr(),
        ]
        assert not [text for text in texts if key in text or account in text]


SECRET = sandbox_secret("bank webhook")


def deliver(body: bytes, *, secret: str = SECRET, late: float = 0) -> list[ProviderEvent]:
    header = timed_signature(secret, body, at=clock.now().timestamp() - late)
    return BankWebhookVerifier((SECRET,)).verify(
        WebhookDelivery("", {"bank-signature": header}, body)
    )


class TestWebhooks:
    def body(self, kind: str, **data: object) -> bytes:
        return json.dumps({"id": "evt_1", "type": kind, "data": data}).encode()

    @pytest.mark.parametrize(
        ("kind", "fact", "subject"),
        [
            ("arrival.received", IncomingTransferChanged, "x_1"),
            ("arrival.returned", IncomingTransferChanged, "x_1"),
            ("payout.updated", PayoutChanged, "wdr_1"),
        ],
    )
    def test_webhook_becomes_event_with_its_fact_and_subject(
        self, kind: str, fact: type[ProviderFact], subject: str
    ) -> None:
        events = deliver(self.body(kind, id="x_1", reference="wdr_1"))
        assert events == [ProviderEvent("evt_1", kind, subject, fact)]

    def test_webhook_of_another_kind_is_ignored(self) -> None:
        assert deliver(self.body("statement.ready")) == []

    def test_webhook_without_subject_is_malformed(self) -> None:
        with pytest.raises(MalformedRequest):
            deliver(self.body("payout.updated", id="x_1"))

    def test_webhook_with_wrong_secret_or_time_is_refused(self) -> None:
        body = self.body("payout.updated", reference="wdr_1")
        for changes in ({"secret": "another"}, {"late": 301.0}, {"late": -302.0}):
            with pytest.raises(WebhookSignatureInvalid):
                deliver(body, **changes)

    def test_sandbox_webhook_is_verified(self, bank: BankSetup, sandbox: Sandbox) -> None:
        sent = bank.rail.send(bank.payout_order())
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/settled")
        webhook = sandbox.webhooks.all()[-1]
        sign = sandbox.webhooks._signers["bank"]
        headers = sign("", webhook.body.encode(), at=clock.now().timestamp(), forged=False)
        lowered = {name.lower(): value for name, value in headers.items()}
        events = BankWebhookVerifier((SECRET,)).verify(
            WebhookDelivery("", lowered, webhook.body.encode())
        )
        assert [event.subject for event in events] == [bank.reference]
