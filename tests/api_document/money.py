"""Exchanges about deposits, trades, transfers and withdrawals."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from app.access import Role
from app.cases import service as cases
from app.cases.models import Case
from app.catalog.rules import Metal
from app.funding.card_money import CardMoneyRules
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentRails, PayoutRails
from app.kit import clock
from app.kit.ports import provide, resolve
from app.kyc.rules import KycRules
from app.pricing import service as pricing
from app.pricing.gate import TransferLimits
from app.pricing.rules import HaltReason
from app.screening.decisions.case_outcomes import TRUE_MATCH
from app.storage_fees import charging
from app.storage_fees.rules import day_end
from tests import sanctions
from tests.api_client import assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import CARD, CONVERSION, MINT, WITHDRAWAL, Play
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import NO_WAIT, verify_without_evidence
from tests.people import People, set_prices
from tests.rows import read_values
from tests.storage_fees.customers import Vault, book

_DEPOSIT, _WITHDRAW = "/api/wallet/deposit", "/api/wallet/withdraw"
_QUOTE, _ORDER, _TRANSFER = "/api/trade/quote", "/api/trade/order", "/api/wallet/transfer"
_FEE = {"direction": "deposit", "method": "card", "asset": "USD", "amount": "500.00"}
_TOKENS = {"method": "crypto", "asset": "PAXG", "amount": "0.5"}


def pay_in(play: Play, ada: RecordingClient) -> None:
    """Pay into Ada's account by card, and announce two transfers."""
    for method in ("methods", "limits"):
        ada.ok(200, ada.get(f"/api/wallet/{method}"))
    ada.ok(200, ada.get("/api/wallet/fee", **_FEE))
    assert_problem(ada.post(_DEPOSIT, {**CARD, "maxFee": "0"}), 409, "fee_changed")
    transfer = {"method": "bank", "asset": "USD", "amount": "250.00"}
    [arriving, cancelled, card] = [
        ada.ok(201, ada.post(_DEPOSIT, body))["deposit"]["id"]
        for body in (transfer, transfer, CARD)
    ]
    play.world.run_jobs_and_webhooks()
    pending = ada.ok(200, ada.get(f"/api/wallet/deposits/{arriving}"))["deposit"]
    account = pending["instructions"]["accountNumber"]
    play.world.sandbox.call_control("bank", "/arrivals", account_number=account, amount="250.00")
    play.world.run_jobs_and_webhooks()
    ada.ok(200, ada.post(f"/api/wallet/deposits/{cancelled}/cancel"))
    again = ada.post(f"/api/wallet/deposits/{card}/cancel")
    assert_problem(again, 409, "not_cancellable")
    assert ada.ok(200, ada.get(f"/api/wallet/deposits/{card}"))["deposit"]["status"] == "credited"
    ada.ok(200, ada.get("/api/wallet/deposits"))
    of_the_card = {**WITHDRAWAL, "amount": "600.00"}
    assert_problem(ada.post(_WITHDRAW, of_the_card), 409, "card_money_unsettled")
    tokens = ada.ok(201, ada.post(_DEPOSIT, {**_TOKENS, "amount": "1.5"}))["deposit"]["id"]
    play.world.run_jobs_and_webhooks(1)
    play.world.poll_a_minute_later()
    pending = ada.ok(200, ada.get(f"/api/wallet/deposits/{tokens}"))["deposit"]
    play.world.arrive(pending["instructions"]["address"], "1.5")


def refuse_payments(play: Play, ada: RecordingClient) -> None:
    """Refuse payments of people without verification, above limits and without a price."""
    bob = RecordingClient(ada.app, ada.recorder, "bob")
    bob.join()
    bob.credit(USD="500.00")
    assert_problem(bob.post(_DEPOSIT, CARD), 409, "kyc_required")
    assert_problem(bob.post(_WITHDRAW, WITHDRAWAL), 409, "kyc_required")
    with fixed_settings(KycRules(daily_tier_2=KycRules().daily_tier_1)):
        assert_problem(
            ada.post(_DEPOSIT, {**CARD, "amount": "501.00"}), 409, "daily_limit_exceeded"
        )
        large = {**WITHDRAWAL, "amount": "1001.00"}
        assert_problem(ada.post(_WITHDRAW, large), 409, "daily_limit_exceeded")
    with fixed_settings(PaymentLimits(card_payments_per_day=1, withdrawals_per_day=1)):
        assert_problem(ada.post(_DEPOSIT, CARD), 409, "limit_exceeded")
    with play.without_prices():
        assert_problem(ada.post(_DEPOSIT, _TOKENS), 409, "price_stale")
    with without_rails():
        for disabled in (
            ada.send_unchecked("GET", "/api/wallet/fee", query_string=_FEE),
            ada.send_unchecked("POST", _DEPOSIT, json=CARD),
            ada.send_unchecked("POST", _WITHDRAW, json=WITHDRAWAL),
        ):
            assert_problem(disabled, 501, "feature_disabled")
    for _ in range(3):
        declined = {**CARD, "amount": "20.00", "paymentMethod": "pm_card_chargeDeclined"}
        assert ada.plain().post(_DEPOSIT, declined).status_code == 201
        play.world.run_jobs_and_webhooks()
    assert_problem(ada.post(_DEPOSIT, CARD), 409, "too_many_card_failures")


@contextmanager
def without_rails() -> Iterator[None]:
    """Offer no way to pay in or out."""
    before = resolve(PaymentRails), resolve(PayoutRails)
    provide(PaymentRails, PaymentRails({}))
    provide(PayoutRails, PayoutRails({}))
    try:
        yield
    finally:
        provide(PaymentRails, before[0])
        provide(PayoutRails, before[1])


def trade(play: Play, ada: RecordingClient) -> None:
    """Quote, fill, convert and transfer."""
    ada.ok(200, ada.get("/api/trade/prices", asset="AU"))
    expired = ada.ok(201, ada.post(_QUOTE, CONVERSION))["id"]
    play.pass_time(minutes=5)
    assert_problem(ada.post(_ORDER, {"quoteId": expired}), 409, "quote_expired")
    quote = ada.ok(201, ada.post(_QUOTE, CONVERSION))["id"]
    ada.ok(201, ada.post(_ORDER, {"quoteId": quote}, key="5f0c7c1e"))
    assert_problem(ada.post(_ORDER, {"quoteId": quote}), 409, "quote_used")
    reused = ada.post(_ORDER, CONVERSION, key="5f0c7c1e")
    assert_problem(reused, 422, "idempotency_key_reused")
    unknown = quote[:-4] + "0000"
    assert_problem(ada.post(_ORDER, {"quoteId": unknown}), 404, "not_found")
    tight = {**CONVERSION, "maxSlippageBps": 5}
    assert_problem(ada.post(_ORDER, tight), 409, "slippage_exceeded")
    large = {**CONVERSION, "fromAmount": "90000.00"}
    assert_problem(ada.post(_ORDER, large), 409, "insufficient_funds")
    assert_problem(ada.post(_TRANSFER, {**MINT, "amount": "9"}), 409, "insufficient_funds")
    swap = {"fromAsset": "PAXG", "toAsset": "XAU-s", "fromAmount": "0.25"}
    _refuse_everywhere(play, ada, swap)
    ada.ok(201, ada.post(_TRANSFER, MINT))
    for path in ("/api/trade/history", "/api/wallet/balances", "/api/wallet/transactions"):
        ada.ok(200, ada.get(path))


def _refuse_everywhere(play: Play, ada: RecordingClient, swap: dict[str, Any]) -> None:
    """Refuse a quote, an order and a transfer for each reason that lies in the market."""

    def refuse(code: str) -> None:
        for path, body in ((_QUOTE, swap), (_ORDER, swap), (_TRANSFER, MINT)):
            assert_problem(ada.post(path, body), 409, code)

    with play.without_prices():
        refuse("price_stale")
    set_prices(play.database, PAXG="4100")
    refuse("gate_closed")
    with play.database.transaction() as session:
        pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="an election")
    refuse("market_halted")
    play.pass_time(seconds=1)
    with fixed_settings(TransferLimits(ounces_per_day=TransferLimits().ounces_min)):
        refuse("transfer_limit_exceeded")


def pay_out(play: Play, ada: RecordingClient) -> None:
    """Withdraw from Ada's account, once her card payment has settled."""
    with fixed_settings(CardMoneyRules(withheld_days=1), NO_WAIT):
        play.pass_time(days=2)
        ada.sign_in()
        play.pass_time(minutes=11)
        proof = ada.post(_WITHDRAW, WITHDRAWAL)
        assert_problem(proof, 401, "reauthentication_required")
        ada.sign_in()
        large = {**WITHDRAWAL, "amount": "9000.00"}
        assert_problem(ada.post(_WITHDRAW, large), 409, "insufficient_funds")
        assert_problem(ada.post(_WITHDRAW, {**WITHDRAWAL, "maxFee": "0"}), 409, "fee_changed")
        first = ada.ok(201, ada.post(_WITHDRAW, WITHDRAWAL))["withdrawal"]["id"]
        ada.ok(200, ada.post(f"/api/wallet/withdrawals/{first}/cancel"))
        cancelled = ada.post(f"/api/wallet/withdrawals/{first}/cancel")
        assert_problem(cancelled, 409, "not_cancellable")
        second = ada.ok(201, ada.post(_WITHDRAW, WITHDRAWAL))["withdrawal"]["id"]
        with fixed_settings(PaymentLimits(withdrawals_per_day=1)):
            assert_problem(ada.post(_WITHDRAW, WITHDRAWAL), 409, "limit_exceeded")
        play.world.run_jobs_and_webhooks()
        [payout] = play.world.sandbox.store.find("bank", "payout", reference=second)
        play.world.sandbox.call_control("bank", f"/payouts/{payout['id']}/settled")
        play.world.run_jobs_and_webhooks()
        shown = ada.ok(200, ada.get(f"/api/wallet/withdrawals/{second}"))
        assert shown["withdrawal"]["status"] == "completed"
        ada.ok(200, ada.get("/api/wallet/withdrawals"))
        ada.ok(200, ada.get("/api/messages"))
        period = {"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"}
        ada.ok(200, ada.get("/api/wallet/statements", account="funding", asset="USD", **period))


def store_metal(play: Play) -> None:
    """Charge Mary for the gold that she kept last month, and show what this month costs."""
    mary = create_verified(play, "mary", USD="5.00")
    vault = Vault(play.database, People(play.database))
    this_month = clock.now().date().replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    with play.database.transaction() as session:
        book(session, mary.user_id, day_end(last_month - timedelta(days=2)), "XAU-s", "12.5")
    day = last_month
    while day < clock.now().date():
        vault.accrue([day])
        day += timedelta(days=1)
    vault.close(last_month)
    with play.database.transaction() as session:
        charging.stage_due(session)
    run_pending_jobs(play.database, "storage_fees.charge")
    [charge] = mary.ok(200, mary.get("/api/wallet/storage-fees"))["charges"]
    assert (charge["status"], charge["fee"], charge["owed"]) == ("charged", "4.54", "0.00")


def owe(play: Play) -> None:
    """Refuse a withdrawal of a customer whose card payment is disputed."""
    dave = create_verified(play, "dave", USD="5.00")
    created = dave.plain().post(_DEPOSIT, CARD)
    deposit = dave.ok(201, created)["deposit"]["id"]
    play.world.run_jobs_and_webhooks()
    [intent] = [
        each
        for each in play.world.sandbox.store.find("stripe", "payment_intent")
        if deposit in str(each)
    ]
    play.world.sandbox.call_control("stripe", "/disputes", payment=intent["id"])
    play.world.run_jobs_and_webhooks()
    assert_problem(dave.post(_WITHDRAW, WITHDRAWAL), 409, "account_owes")


def pay_a_listed_wallet(play: Play) -> None:
    """Refuse a wallet that compliance found on the sanctions list, and a price that is missing."""
    paul = create_verified(play, "paul", PAXG="2")
    destination = {"address": sanctions.LISTED_WALLET, "network": "ETHEREUM"}
    body = {**_TOKENS, "destination": destination}
    assert paul.plain().post(_WITHDRAW, body).status_code == 201
    officer = People(play.database).staff(Role.COMPLIANCE)
    with play.database.transaction() as session:
        [case_id] = read_values(session, Case.id, Case.kind == "screening.hit")
        cases.close(session, officer, case_id, disposition=TRUE_MATCH, reason="It is theirs")
    peter = create_verified(play, "peter", PAXG="2")
    assert_problem(peter.post(_WITHDRAW, body), 409, "recipient_blocked")
    with play.without_prices():
        assert_problem(peter.post(_WITHDRAW, body), 409, "price_stale")


def create_verified(play: Play, name: str, **amounts: str) -> RecordingClient:
    client = play.client(name)
    client.join().credit(**amounts)
    verify_without_evidence(play.database, client.user_id)
    return client
