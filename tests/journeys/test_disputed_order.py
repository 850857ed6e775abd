"""An order whose card payment its bank takes back, through Stripe's webhooks and our jobs."""

from app.access import Role
from app.funding.receivables import service as receivables
from app.kit import ids
from app.kit.formatting import format_amount
from app.ledger.chart import AccountClass
from app.shop.checkout.rules import OrderPaymentRules
from app.shop.orders import queries as orders_queries
from tests.fixed_settings import fixed_settings
from tests.journeys.test_buying_goods import income
from tests.journeys.test_buying_later import order_now
from tests.journeys.world import World
from tests.paying_customer import usd
from tests.people import People
from tests.shop.stall import Stall
from tests.shop.test_refunds import deliver
from tests.staff import sign_in

_ADDRESS = {
    "country": "US",
    "recipient": "Ada Lovelace",
    "street": "1 Beacon Street",
    "city": "Boston",
    "state": "MA",
    "zipCode": "02108",
}


def test_dispute_of_a_delivered_order_is_lost(world: World) -> None:
    """A coin of 4,208.40 is shipped for 20.47. The card is charged 4,355.48, of which 126.61 are
    our fee, and the processor keeps as much.

    Its bank takes all of it back, for 15.00 more. The coin stays the customer's, who owes 4,355.48.
    """
    people = People(world.database)
    stall, me = Stall.open(people), world.verified()
    coins = stall.coins(1)
    items = {"items": [{"sku": coins.sku, "quantity": 1}]}
    quote = me.ok(201, me.post("/api/shop/lock-quote", items))["quoteId"]
    card = {"method": "card", "paymentMethod": "pm_card_visa"}
    body = {"quoteId": quote, "shippingAddress": _ADDRESS, "payment": card}
    with fixed_settings(OrderPaymentRules(card_leaving_max=usd("5000"))):
        ordered = me.ok(201, me.post("/api/shop/checkout", body))["order"]
    world.run_jobs_and_webhooks()
    with world.database.reading() as session:
        order = orders_queries.get_order(session, ids.decode("ord", ordered["id"]))
    deliver(stall, people, order)
    [intent] = world.sandbox.store.find("stripe", "payment_intent")
    assert (intent["amount"], ordered["total"]) == (435548, "4228.87")

    dispute = world.sandbox.call_control("stripe", "/disputes", payment=intent["id"])
    world.run_jobs_and_webhooks()
    now = order_now(me, ordered)
    assert (now["status"], now["payment"]["status"]) == ("delivered", "disputed")
    world.sandbox.call_control("stripe", f"/disputes/{dispute['id']}/close", outcome="lost")
    world.run_jobs_and_webhooks()
    now = order_now(me, ordered)
    assert (now["status"], now["payment"]["status"]) == ("delivered", "charged_back")
    with world.database.reading() as session:
        owed = receivables.amount_owed(session, order.user_id)
    assert (format_amount(owed), me.available_balances()) == ("4,355.48 USD", {})
    # The debt is an asset until it is paid: what was earned with the sale stays earned.
    assert income(world.database) == {
        "Sales of goods, above their metal": "200.40",
        "Cost of goods sold, above their metal": "100.00",
        "Shipping that customers paid": "9.95",
        "Insurance of shipped goods that customers paid": "10.52",
        "Trading fees": "126.61",
        "Charged by processors, banks and networks": "141.61",
    }
    assert coins.in_state(AccountClass.STOCK_AVAILABLE) == 0
    assert stall.units(coins) == {"available": 0, "allocated": 0}
    assert world.cases("shop.order_disputed") == [("shop.order_disputed", ordered["id"], "open")]
    assert world.case_texts() == ["Lost: 4,355.48 USD. The order: delivered."]
    desk = sign_in(world.me.app, people.staff(Role.SUPPORT))
    assert "The payment of order" in desk.client.get(f"/admin/orders/{ordered['id']}").text
    world.assert_everything_agrees()
