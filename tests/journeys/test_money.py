"""Deposits, withdrawals and disputes through the providers' own protocols and webhooks."""

from decimal import Decimal

from app.ledger.verification import find_violations
from sandbox.faults import FaultMode
from tests.api_client import assert_problem
from tests.journeys.world import World
from tests.paying_customer import verify_without_evidence

IDENTITY = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "dateOfBirth": "1985-12-10",
    "address": {
        "street": "1 Main Street",
        "city": "Reno",
        "state": "NV",
        "zipCode": "89501",
        "country": "US",
    },
}
CARD = {"method": "card", "asset": "USD", "amount": "500.00", "paymentMethod": "pm_card_visa"}


def test_customer_verifies_deposits_trades_withdraws_and_gets_a_statement(world: World) -> None:
    me = world.me
    me.register(phone="+12025550123")
    me.credit()
    assert_problem(me.post("/api/wallet/deposit", CARD), 409, "kyc_required")
    me.ok(201, me.post("/api/kyc/submit", IDENTITY))
    world.run_jobs_and_webhooks()
    status = me.ok(200, me.get("/api/kyc/status"))
    assert (status["status"], status["tier"]) == ("approved", 2)

    card = world.deposit(**CARD)
    world.run_jobs_and_webhooks()
    assert world.deposit_now(card)["status"] == "credited"
    bank = world.deposit(method="bank", asset="USD", amount="250.00")
    world.run_jobs_and_webhooks()
    instructions = world.instructions(bank)
    message = me.ok(200, me.get("/api/messages"))["data"][0]
    assert message["subject"] == "How to pay in your deposit of 250.00 USD"
    assert f"Account number  {instructions['accountNumber']}\n" in message["body"]
    world.sandbox.call_control(
        "bank", "/arrivals", account_number=instructions["accountNumber"], amount="250.00"
    )
    world.run_jobs_and_webhooks()
    assert world.deposit_now(bank)["status"] == "credited"
    # The card payment less 2.9 % and 0.30.
    assert me.available_balances() == {"USD": "735.20"}

    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
    bought = me.ok(201, me.post("/api/trade/order", order))["toAmount"]
    tokens = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    world.poll_a_minute_later()
    instructions = world.instructions(tokens)
    world.arrive(instructions["address"], "0.75")
    assert world.deposit_now(tokens)["status"] == "credited"
    mint = {"asset": "PAXG", "amount": "0.25", "from": "funding", "to": "trading"}
    me.ok(201, me.post("/api/wallet/transfer", mint))

    destination = {
        "accountHolder": "Ada Lovelace",
        "accountNumber": "000123456789",
        "routingNumber": "110000000",
    }
    payload = {"method": "bank", "asset": "USD", "amount": "600.00", "destination": destination}
    # The customer changed their name after they were verified as Ada Lovelace.
    me.ok(200, me.send("PATCH", "/api/me", json={"firstName": "Mallory", "lastName": "Thief"}))
    payload_of_another_name = payload | {
        "destination": destination | {"accountHolder": "Mallory Thief"}
    }
    assert_problem(
        me.post("/api/wallet/withdraw", payload_of_another_name), 422, "validation_failed"
    )
    withdrawn = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]
    assert withdrawn["destination"] == "account ending 6789"
    assert (withdrawn["receives"], me.available_balances()["USD"]) == ("599.75", "35.20")
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawn["id"])["status"] == "sent"
    [payout] = world.sandbox.store.find("bank", "payout", reference=withdrawn["id"])
    world.sandbox.call_control("bank", f"/payouts/{payout['id']}/settled")
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawn["id"])["status"] == "completed"

    statement = me.ok(200, me.get("/api/wallet/statements", account="funding", asset="USD"))
    [dollars] = statement["assets"]
    assert (dollars["opening"], dollars["closing"]) == ("0.00", "35.20")
    assert me.available_balances() == {
        "USD": "35.20",
        "PAXG": "0.50000000",
        "XAU-s": f"{Decimal(bought) + Decimal('0.25'):.8f}",
    }
    world.assert_everything_agrees()


def test_declined_card_dispute_and_returned_payout(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    request = {"method": "card", "asset": "USD", "amount": "80.00"}
    declined = world.deposit(**request, paymentMethod="pm_card_chargeDeclined")
    paid = world.deposit(**request, paymentMethod="pm_card_visa")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(declined)["status"] == "failed"
    assert world.deposit_now(paid)["status"] == "credited"

    destination = {"accountHolder": "ADA LOVELACE", "accountNumber": "000123456789",
             "routingNumber": "110000000"}  # fmt: skip
    payload = {"method": "bank", "asset": "USD", "amount": "30.00", "destination": destination}
    assert_problem(me.post("/api/wallet/withdraw", payload), 409, "card_money_unsettled")
    balances = me.ok(200, me.get("/api/wallet/balances"))
    assert (balances["withheldUsd"], balances["withdrawableUsd"]) == ("77.38", "0.00")
    with world.database.transaction() as session:
        session.send("UPDATE deposits SET credited_at = credited_at - interval '7 days'")
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]["id"]
    world.sandbox.schedule_fault("bank", "payouts.create", FaultMode.HANG_UP_AFTER)
    world.run_jobs_and_webhooks()
    # The payout was made and the response lost: sent again, the bank knows it, and there is one.
    assert len(world.sandbox.store.find("bank", "payout", reference=withdrawal)) == 1
    [payout] = world.sandbox.store.find("bank", "payout", reference=withdrawal)
    for status in ("settled", "returned"):
        world.sandbox.call_control("bank", f"/payouts/{payout['id']}/{status}")
        world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "returned"
    # 77.38 credited of the card payment; 29.75 paid out and returned of the withdrawal.
    assert me.available_balances() == {"USD": "77.13"}

    [intent] = [
        intent for intent in world.sandbox.store.find("stripe", "payment_intent")
        if intent["metadata"].get("reference") == paid or paid in str(intent)
    ]  # fmt: skip
    dispute = world.sandbox.call_control("stripe", "/disputes", payment=intent["id"])
    world.run_jobs_and_webhooks()
    assert world.deposit_now(paid)["status"] == "disputed"
    assert_problem(me.post("/api/wallet/withdraw", payload), 409, "account_owes")
    world.sandbox.call_control("stripe", f"/disputes/{dispute['id']}/close", outcome="won")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(paid)["status"] == "credited"
    me.ok(201, me.post("/api/wallet/withdraw", payload))
    with world.database.reading() as session:
        assert find_violations(session) == []


def test_tokens_are_deposited_and_withdrawn(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    deposit = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    world.poll_a_minute_later()
    world.arrive(world.instructions(deposit)["address"], "1.25")
    assert me.available_balances() == {"PAXG": "1.25000000"}
    destination = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}
    payload = {"method": "crypto", "asset": "PAXG", "amount": "0.5", "destination": destination}
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]["id"]
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] in {"sent", "completed"}
    assert me.available_balances() == {"PAXG": "0.75000000"}
    world.complete_send(withdrawal)
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    world.assert_everything_agrees()


def test_mobile_money_is_deposited_and_withdrawn(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    phone = "+254712345677"
    me.ok(200, me.send("PATCH", "/api/me", json={"phone": phone}))
    payment = {"method": "mobile_money", "asset": "USD", "amount": "20.00", "phone": phone}
    assert_problem(me.post("/api/wallet/deposit", payment), 409, "phone_not_verified")
    payout = {"method": "mobile_money", "asset": "USD", "amount": "5.00"}
    payout_to_phone = {**payout, "destination": {"phone": phone}}
    assert_problem(me.post("/api/wallet/withdraw", payout_to_phone), 409, "phone_not_verified")
    assert me.post("/api/me/phone/verification").status_code == 202
    world.run_jobs_and_webhooks()
    [text] = world.sandbox.store.find("twilio", "messages", to=phone)
    code = {"code": text["body"].split()[1]}
    verified = me.ok(200, me.post("/api/me/phone/verification/confirm", code))
    assert verified["phoneVerified"] is True
    # As it is dialled in Kenya.
    dialled = "0712 345 677"
    deposit = world.deposit(method="mobile_money", asset="USD", amount="20.00", phone=dialled)
    world.run_jobs_and_webhooks()
    pending = world.deposit_now(deposit)
    assert (pending["status"], pending["instructions"]) == (
        "pending", {"phone": phone, "amountKes": "2600"},
    )  # fmt: skip
    [prompt] = world.sandbox.store.find("daraja", "prompt", name=deposit[-12:])
    world.sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
    world.run_jobs_and_webhooks()
    assert world.deposit_now(deposit)["status"] == "credited"
    assert me.available_balances() == {"USD": "20.00"}

    payload = {"method": "mobile_money", "asset": "USD", "amount": "5.00"}
    withdrawn = me.ok(
        201, me.post("/api/wallet/withdraw", {**payload, "destination": {"phone": dialled}})
    )
    withdrawal = withdrawn["withdrawal"]["id"]
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "sent"
    world.sandbox.call_control("daraja", f"/payouts/{withdrawal}/end", result_code=0)
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    assert me.available_balances() == {"USD": "15.00"}
    assert world.withdrawal_now(withdrawal)["receives"] == "4.90"
    world.assert_everything_agrees()
