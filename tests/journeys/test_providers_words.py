"""What providers say late, twice or in another form, and what our own accounts cannot cover."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.cli.reconcile import reconcile
from app.custody.ports import Custodians
from app.funding.card_money import CardMoneyRules
from app.funding.withdrawals import own_funds
from app.kit.ports import provide, resolve
from app.reconciliation import service as reconciliation
from tests.fixed_settings import fixed_settings
from tests.journeys.world import World
from tests.paying_customer import NO_WAIT

PHONE = "+254712345677"
MOBILE = {"method": "mobile_money", "asset": "USD", "phone": PHONE}
CARD = {"method": "card", "asset": "USD", "paymentMethod": "pm_card_visa"}
BANK = {
    "accountHolder": "Ada Lovelace", "accountNumber": "000123456789", "routingNumber": "110000000",
}  # fmt: skip
WALLET = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}


@pytest.fixture(autouse=True)
def nothing_waits(world: World) -> Iterator[None]:
    """Withdrawals wait neither for card money nor for a new destination."""
    with fixed_settings(NO_WAIT, CardMoneyRules(withheld_days=0)):
        yield


def answer_prompt(world: World, deposit: str, **answer: object) -> None:
    prompt = world.prompt_of(deposit)
    world.sandbox.call_control("daraja", f"/prompts/{prompt}/answer", **answer)
    world.run_jobs_and_webhooks()


def end_payout(world: World, withdrawal: str, **end: object) -> None:
    world.sandbox.call_control("daraja", f"/payouts/{withdrawal}/end", **end)
    world.run_jobs_and_webhooks()


def test_every_method_is_reconciled_clean(lone_app: Flask, world: World) -> None:
    me = world.verified(phone=PHONE)
    card = world.deposit(**CARD, amount="500.00")
    mobile = world.deposit(**MOBILE, amount="20.00")
    bank = world.deposit(method="bank", asset="USD", amount="250.00")
    tokens = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    answer_prompt(world, mobile, result_code=0)
    number = world.instructions(bank)["accountNumber"]
    world.sandbox.call_control("bank", "/arrivals", account_number=number, amount="250.00")
    world.poll_a_minute_later()
    world.arrive(world.instructions(tokens)["address"], "1.25")
    statuses = {world.deposit_now(deposit)["status"] for deposit in (card, mobile, bank, tokens)}
    assert statuses == {"credited"}
    to_bank = world.withdraw("bank", "30.00", **BANK)
    to_phone = world.withdraw("mobile_money", "5.00", phone=PHONE)
    under_way = world.withdraw("mobile_money", "6.00", phone=PHONE)
    to_wallet = world.withdraw("crypto", "0.5", asset="PAXG", **WALLET)
    world.run_jobs_and_webhooks()
    [payout] = world.sandbox.store.find("bank", "payout", reference=to_bank)
    world.sandbox.call_control("bank", f"/payouts/{payout['id']}/settled")
    end_payout(world, to_phone, result_code=0)
    world.complete_send(to_wallet)
    withdrawals = (to_bank, to_phone, to_wallet, under_way)
    statuses = [world.withdrawal_now(withdrawal)["status"] for withdrawal in withdrawals]
    assert statuses == ["completed", "completed", "completed", "sent"]
    assert me.available_balances()["PAXG"] == "0.75000000"
    with lone_app.app_context():
        result = lone_app.test_cli_runner().invoke(reconcile)
    assert (result.exit_code, world.cases()) == (0, []), result.output
    for source in ("stripe payments", "daraja payments", "bank arrivals", "daraja payouts"):
        assert f"{source}: 1 compared, 0 healed, 0 differences\n" in result.output


@pytest.mark.parametrize("way", ["by the prompt", "by hand"])
def test_money_that_arrives_after_its_prompt_failed_is_credited(world: World, way: str) -> None:
    me = world.verified(phone=PHONE)
    deposit = world.deposit(**MOBILE, amount="20.00")
    world.run_jobs_and_webhooks()
    answer_prompt(world, deposit, result_code=1037)
    assert world.deposit_now(deposit)["status"] == "failed"
    if way == "by the prompt":
        answer_prompt(world, deposit, result_code=0, again=True)
    else:
        payment = {"phone": PHONE[1:], "amount": 2600, "name": deposit[-12:]}
        world.sandbox.call_control("daraja", "/payments", **payment)
        runs = {run.source: run for run in reconciliation.reconcile_all(world.database)}
        assert runs["daraja payments"].healed == 1
    assert world.deposit_now(deposit)["status"] == "credited"
    assert me.available_balances() == {"USD": "20.00"}
    world.assert_everything_agrees()


def test_prompt_that_was_declined_says_so(world: World) -> None:
    world.verified(phone=PHONE)
    deposit = world.deposit(**MOBILE, amount="20.00")
    world.run_jobs_and_webhooks()
    answer_prompt(world, deposit, result_code=1032)
    message = world.me.ok(200, world.me.get("/api/messages"))["data"][0]
    assert "You declined the payment on your phone." in message["body"]


def test_payout_ends_once_whatever_is_said_before_and_after(world: World) -> None:
    me = world.verified(phone=PHONE)
    card = world.deposit(**CARD, amount="100.00")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(card)["status"] == "credited"
    first, second = (world.withdraw("mobile_money", "5.00", phone=PHONE) for _ in range(2))
    world.run_jobs_and_webhooks()
    world.sandbox.call_control("daraja", f"/payouts/{first}/timeout")
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(first)["status"] == "sent"
    held = me.available_balances()
    # 4.90 USD are 637 shillings.
    end_payout(world, first, result_code=0, shown_amount="637.00")
    assert world.withdrawal_now(first)["status"] == "completed"
    assert me.available_balances() == held
    # A result that cannot be read is asked for again.
    end_payout(world, second, result_code=0, shown_amount="six hundred and fifty")
    assert world.withdrawal_now(second)["status"] == "completed"
    runs = {run.source: run for run in reconciliation.reconcile_all(world.database)}
    assert [run.source for run in runs.values() if run.failure] == []
    assert (runs["daraja payouts"].compared, runs["daraja payouts"].differences) == (3, 1)
    # The opposite is said of a payout that has ended.
    end_payout(world, first, result_code=2001, again=True)
    runs = {run.source: run for run in reconciliation.reconcile_all(world.database)}
    assert runs["daraja payouts"].differences == 2
    assert [subject for _, subject, _ in world.cases("payout_end")] == [first]
    assert world.withdrawal_now(first)["status"] == "completed"


def test_money_that_leaves_after_its_payout_failed_is_a_case(world: World) -> None:
    world.verified(phone=PHONE)
    world.deposit(**CARD, amount="100.00")
    world.run_jobs_and_webhooks()
    before = world.me.available_balances()
    withdrawal = world.withdraw("mobile_money", "5.00", phone=PHONE)
    world.run_jobs_and_webhooks()
    end_payout(world, withdrawal, result_code=2001)
    assert world.withdrawal_now(withdrawal)["status"] == "failed"
    end_payout(world, withdrawal, result_code=0, again=True)
    assert [subject for _, subject, _ in world.cases()] == [withdrawal]
    assert world.me.available_balances() == before


class TestOwnFunds:
    """Withdrawals wait while our own account is empty, staff are alerted, and it resumes."""

    @pytest.fixture(autouse=True)
    def no_pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(own_funds, "PAUSE", own_funds.PAUSE * 0)

    def test_bank(self, world: World) -> None:
        world.verified()
        world.deposit(**CARD, amount="100.00")
        world.run_jobs_and_webhooks()
        world.sandbox.store.put("bank", "balance", "USD", {"amount": "5.00"})
        withdrawal = world.withdraw("bank", "30.00", **BANK)
        world.run_jobs_and_webhooks()
        assert world.withdrawal_now(withdrawal)["status"] == "approved"
        assert world.cases() == [("provider.own_funds", "bank USD", "open")]
        world.sandbox.store.put("bank", "balance", "USD", {"amount": "500.00"})
        world.poll_a_minute_later()
        assert world.withdrawal_now(withdrawal)["status"] == "sent"
        assert world.cases() == [("provider.own_funds", "bank USD", "closed")]

    def test_case_ends_with_the_last_withdrawal_that_waits_also_if_it_is_cancelled(
        self, world: World
    ) -> None:
        world.verified()
        world.deposit(**CARD, amount="100.00")
        world.run_jobs_and_webhooks()
        world.sandbox.store.put("bank", "balance", "USD", {"amount": "5.00"})
        first, second = (world.withdraw("bank", amount, **BANK) for amount in ("30.00", "20.00"))
        world.run_jobs_and_webhooks()
        for withdrawal, state in ((first, "open"), (second, "closed")):
            world.me.ok(200, world.me.post(f"/api/wallet/withdrawals/{withdrawal}/cancel"))
            assert world.cases() == [("provider.own_funds", "bank USD", state)]
        assert world.case_texts()[-1] == (
            "The last payment that waited is cancelled. The account was not topped up."
        )

    def test_mobile_money(self, world: World) -> None:
        world.verified(phone=PHONE)
        world.deposit(**CARD, amount="100.00")
        world.run_jobs_and_webhooks()
        withdrawal = world.withdraw("mobile_money", "5.00", phone=PHONE)
        world.run_jobs_and_webhooks(1)
        world.sandbox.call_control("daraja", f"/payouts/{withdrawal}/end", result_code=1)
        world.sandbox.deliver_webhooks(world.client)
        world.run_jobs_and_webhooks(0)
        assert world.withdrawal_now(withdrawal)["status"] == "approved"
        assert world.cases() == [("provider.own_funds", "daraja USD", "open")]
        world.poll_a_minute_later()
        assert world.withdrawal_now(withdrawal)["status"] == "sent"
        end_payout(world, f"{withdrawal}-2", result_code=0)
        assert world.withdrawal_now(withdrawal)["status"] == "completed"
        assert world.cases() == [("provider.own_funds", "daraja USD", "closed")]
        world.assert_everything_agrees()

    def test_custodians(self, world: World) -> None:
        world.verified()
        deposit = world.deposit(method="crypto", asset="PAXG", amount="1.5")
        world.run_jobs_and_webhooks()
        world.poll_a_minute_later()
        world.arrive(world.instructions(deposit)["address"], "1.25")
        for name in ("paxos", "anchorage", "primetrust"):
            world.sandbox.store.put(name, "balance", "PAXG", {"asset": "PAXG", "amount": "0"})
        withdrawal = world.withdraw("crypto", "0.5", asset="PAXG", **WALLET)
        world.run_jobs_and_webhooks()
        assert world.withdrawal_now(withdrawal)["status"] == "unknown"
        assert world.cases() == [("provider.own_funds", "custody PAXG", "open")]
        world.sandbox.store.put("paxos", "balance", "PAXG", {"asset": "PAXG", "amount": "9"})
        world.poll_a_minute_later()
        assert world.withdrawal_now(withdrawal)["status"] in {"sent", "completed"}
        assert world.cases() == [("provider.own_funds", "custody PAXG", "closed")]


def test_authorisation_that_was_given_up_is_released(world: World) -> None:
    world.verified()
    card = CARD | {"paymentMethod": "pm_card_authenticationRequired"}
    deposit = world.deposit(**card, amount="80.00")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(deposit)["status"] == "pending"
    with world.database.transaction() as session:
        session.send("UPDATE deposits SET requested_at = requested_at - interval '15 days'")
    world.poll_a_minute_later()
    assert world.deposit_now(deposit)["status"] == "failed"
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    assert intent["status"] == "canceled"


def test_open_authorisation_of_a_failed_deposit_is_looked_for(world: World) -> None:
    world.verified()
    card = CARD | {"paymentMethod": "pm_card_chargeDeclined"}
    deposit = world.deposit(**card, amount="80.00")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(deposit)["status"] == "failed"
    # The customer tried another card in the processor's form.
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    authorised = {**intent, "status": "requires_capture"}
    world.sandbox.store.put("stripe", "payment_intent", intent["id"], authorised)
    runs = {run.source: run for run in reconciliation.reconcile_all(world.database)}
    assert (runs["stripe payments"].healed, runs["stripe payments"].differences) == (1, 0)
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    assert intent["status"] == "canceled"


@pytest.mark.parametrize("name", ["paxos", "anchorage", "primetrust"])
def test_unsupported_token_is_a_case_and_a_message(world: World, name: str) -> None:
    me = world.verified()

    provide(Custodians, Custodians({name: resolve(Custodians)[name]}))
    deposit = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    world.poll_a_minute_later()
    address = world.instructions(deposit)["address"]
    world.sandbox.call_control(name, "/arrivals", address=address, asset="USDT", amount="25.50")
    world.run_jobs_and_webhooks()
    [(kind, subject, state)] = world.cases()
    assert (kind, state) == ("custody.unsupported", "open")
    with world.database.reading() as session:
        assert session.value("SELECT person_id FROM cases") == me.user_id
    message = me.ok(200, me.get("/api/messages"))["data"][0]
    assert message["body"].startswith("25.50 USDT arrived at one of your deposit addresses")
    [run] = [run for run in reconciliation.reconcile_all(world.database) if run.differences]
    assert (run.source, run.differences) == (f"{name} arrivals", 1)
    assert world.cases() == [(kind, subject, state)]
