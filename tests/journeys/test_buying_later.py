"""Buying goods by card and by bank transfer over HTTP, with the jobs and webhooks that follow."""

from typing import Any

from tests.api_client import ApiClient
from tests.journeys.test_buying_goods import income
from tests.journeys.world import World
from tests.people import People, set_prices
from tests.shop.stall import Stall
from tests.vault.goods import Goods


def checkout(me: ApiClient, coins: Goods, payment: dict[str, str]) -> Any:
    """Lock a coin and check it out into the vault, with a double click; return the order."""
    items = {"items": [{"sku": coins.sku, "quantity": 1}]}
    quote = me.ok(201, me.post("/api/shop/lock-quote", items))["quoteId"]
    body = {"quoteId": quote, "destination": "vault", "payment": payment}
    first, again = (me.post("/api/shop/checkout", body, key=quote) for _ in range(2))
    assert (again.status_code, again.data) == (first.status_code, first.data)
    return me.ok(201, first)["order"]


def order_now(me: ApiClient, order: dict[str, Any]) -> dict[str, Any]:
    current: dict[str, Any] = me.ok(200, me.get(f"/api/shop/orders/{order['id']}"))["order"]
    return current


def test_customer_buys_coins_by_card_and_by_transfer(world: World) -> None:
    """Three coins of 4,208.40: one by a card that its bank wants confirmed, one by bank transfer;
    the third is ordered by a card that is declined.

    The card is charged 4,334.40, of which 126.00 are our fee; the processor keeps as much.
    """
    stall, me = Stall.open(People(world.database)), world.verified()
    coins = stall.coins(3)
    set_prices(world.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    card = {"method": "card", "paymentMethod": "pm_card_authenticationRequired"}
    ordered = checkout(me, coins, card)
    assert (ordered["status"], ordered["payment"]["status"]) == ("pending_payment", "processing")
    world.run_jobs_and_webhooks()
    waiting = order_now(me, ordered)["payment"]
    assert (waiting["status"], waiting["amount"], waiting["fee"]) == (
        "requires_action", "4334.40", "126.00",
    )  # fmt: skip
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    assert waiting["clientSecret"] == intent["client_secret"]
    world.sandbox.call_control("stripe", f"/payments/{intent['id']}/authenticate", success=True)
    world.run_jobs_and_webhooks()
    by_card = order_now(me, ordered)
    assert (by_card["status"], by_card["payment"]["status"]) == ("allocated", "paid")
    assert by_card["payment"]["clientSecret"] is None

    declined = {"method": "card", "paymentMethod": "pm_card_chargeDeclined"}
    refused = checkout(me, coins, declined)
    world.run_jobs_and_webhooks()
    refused = order_now(me, refused)
    assert (refused["status"], refused["cancelReason"]) == ("cancelled", "payment_failed")

    transfer = {"method": "bank_transfer"}
    ordered = checkout(me, coins, transfer)
    world.run_jobs_and_webhooks()
    waiting = order_now(me, ordered)["payment"]
    assert (waiting["status"], waiting["amount"]) == ("awaiting_transfer", "4208.40")
    world.sandbox.call_control(
        "bank",
        "/arrivals",
        account_number=waiting["transferTo"]["accountNumber"],
        amount=waiting["amount"],
    )
    world.run_jobs_and_webhooks()
    assert order_now(me, ordered)["status"] == "allocated"

    assert me.available_balances() == {}
    assert stall.units(coins) == {"available": 1, "allocated": 2}
    assert income(world.database) == {
        "Sales of goods, above their metal": "400.80",
        "Cost of goods sold, above their metal": "200.00",
        "Trading fees": "126.00",
        "Charged by processors, banks and networks": "126.00",
    }
    subjects = [each["subject"] for each in me.ok(200, me.get("/api/messages"))["data"]]
    for order, ending in (
        (by_card, "is paid"),
        (ordered, "is paid"),
        (refused, "has been cancelled"),
    ):
        assert subjects.count(f"Your order {order['number']} {ending}") == 1
    assert subjects.count(f"Your order {ordered['number']} waits for your bank transfer") == 1
    world.assert_everything_agrees()


def test_customer_cancels_an_order_that_a_card_paid_after_a_fall_of_the_price(world: World) -> None:
    """A coin of 4,208.40 at an ask of 4,008.00; gold falls by 100, so that the bid is 3,892.20.

    115.80 are lost with the metal, and 35.00 are the fee: 4,057.60 go back to the card, of 4,334.40
    that it was charged. Our position has what the metal lost.
    """
    stall, me = Stall.open(People(world.database)), world.verified()
    coins = stall.coins(1)
    ordered = checkout(me, coins, {"method": "card", "paymentMethod": "pm_card_visa"})
    world.run_jobs_and_webhooks()
    assert order_now(me, ordered)["status"] == "allocated"
    set_prices(world.database, AU="3900", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    path = f"/api/shop/orders/{ordered['id']}"
    quoted = me.ok(200, me.get(f"{path}/cancellation"))["cancellation"]
    assert (quoted["loss"], quoted["fee"], quoted["refund"]) == ("115.80", "35.00", "4057.60")
    first, again = (me.post(f"{path}/cancel", key=ordered["id"]) for _ in range(2))
    assert first.data == again.data
    assert order_now(me, ordered)["status"] == "cancelled"
    # It is on its way to the card, and of no other use.
    assert me.available_balances() == {}
    world.run_jobs_and_webhooks()
    [refund] = me.ok(200, me.get(f"{path}/refunds"))["data"]
    assert refund["payments"] == [{"method": "card", "destination": "card", "amount": "4057.60"}]
    assert refund["cards"] == [{"status": "refunded", "amount": "4057.60"}]
    [made] = world.sandbox.store.find("stripe", "refund")
    assert (made["amount"], made["status"]) == (405760, "succeeded")
    assert (me.available_balances(), stall.units(coins)) == (
        {}, {"available": 1, "allocated": 0},
    )  # fmt: skip
    assert income(world.database) == {
        "Trading fees": "161.00",
        "Charged by processors, banks and networks": "126.00",
    }
    subjects = [each["subject"] for each in me.ok(200, me.get("/api/messages"))["data"]]
    number = ordered["number"]
    assert subjects.count(f"We have refunded 4,057.60 USD of your order {number}") == 1
    world.assert_everything_agrees()


def test_customer_cancels_an_order_whose_card_is_not_confirmed(world: World) -> None:
    stall, me = Stall.open(People(world.database)), world.verified()
    coins = stall.coins(1)
    card = {"method": "card", "paymentMethod": "pm_card_authenticationRequired"}
    ordered = checkout(me, coins, card)
    world.run_jobs_and_webhooks()
    cancelled = me.ok(200, me.post(f"/api/shop/orders/{ordered['id']}/cancel"))["order"]
    assert (cancelled["status"], cancelled["cancelReason"]) == ("cancelled", "customer")
    world.run_jobs_and_webhooks()
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    assert intent["status"] == "canceled"
    assert (me.available_balances(), stall.units(coins)) == (
        {}, {"available": 1, "allocated": 0},
    )  # fmt: skip
    # The coin is for sale again.
    me.credit(USD="4208.40")
    assert checkout(me, coins, {"method": "balance"})["status"] == "allocated"
