"""Checkout by balance and metal: what is posted, to the cent, and what is refused."""

from dataclasses import replace

import pytest
import time_machine

from app.access import Actor
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD, XAU, Metal
from app.fulfillment.restrictions.errors import RegionRestricted
from app.funding.card_money import CardMoneyRules
from app.funding.errors import CardMoneyUnsettled
from app.identity.errors import ReauthenticationRequired
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, Refusal
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.errors import InsufficientFunds
from app.privacy.personal_data_tables import ROOMS
from app.shop.cart import queries as cart_queries
from app.shop.cart import service as cart
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks.errors import QuoteVoided
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery
from app.tax.errors import TaxUnknown
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed
from tests.fixed_settings import fixed_settings
from tests.paying_customer import create_paying_customer
from tests.people import People, set_prices
from tests.shop.sales_range import tier
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE, Stall, proven
from tests.vault.goods import postings_of

BALANCE, METAL = OrderPaymentMethod.BALANCE, OrderPaymentMethod.METAL


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


def test_coin_into_the_vault_is_paid_from_the_balance_and_is_the_customers(
    stall: Stall, people: People
) -> None:
    """4,008.00 of metal and five percent: 4,208.40. The branch earns 200.40, less the 100.00 above
    metal that the coin cost."""
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    order = stall.buy(buyer, stall.lock(buyer, coins))
    assert (order.status, str(order.total), str(order.tax)) == ("allocated", "4208.40", "0.00")
    assert people.balances(buyer) == {"USD": "791.60"}
    assert stall.units(coins) == {"available": 9, "allocated": 1}
    assert stall.earned() == {"sales.premium": "200.40", "sales.premium_cost": "-100.00"}
    assert postings_of(stall.database, order.public_id)["customer.goods", coins.sku] == "-1"
    assert [(each.sku, each.quantity, str(each.price)) for each in order.lines] == [
        (coins.sku, 1, "4208.40")
    ]


def test_order_takes_its_units_out_of_the_cart_of_the_customer(stall: Stall) -> None:
    coins, bars, others = (stall.coins() for _ in range(3))
    buyer, another = stall.buyer(USD="50000"), stall.buyer()
    for owner in (buyer, another):
        with stall.database.transaction() as session:
            cart_id, _ = cart.open_own_cart(session, owner)
            for goods, quantity in ((coins, 5), (bars, 2), (others, 1)):
                cart.add_item(session, owner, cart_id, goods.sku, quantity)
    stall.buy(buyer, stall.lock(buyer, coins, bars, quantity=2))

    def held(owner: Actor) -> dict[str, int]:
        with stall.database.transaction() as session:
            cart_id, _ = cart.open_own_cart(session, owner)
            return dict(cart_queries.list_wanted(session, owner, cart_id))

    assert held(buyer) == {coins.sku: 3, others.sku: 1}
    assert held(another) == {coins.sku: 5, bars.sku: 2, others.sku: 1}
    # What a refused checkout would have taken stays.
    poor = stall.lock(buyer, others, quantity=9)
    with pytest.raises(InsufficientFunds):
        stall.buy(buyer, poor)
    assert held(buyer) == {coins.sku: 3, others.sku: 1}


def test_bars_that_are_lines_of_their_own_leave_the_cart_together(stall: Stall) -> None:
    sku = stall.range.add(
        tier(per_ounce="1"), metal=Metal.AG, form=ProductForm.BAR, gross="100", is_serialized=True
    )
    bars, code = stall.range.shelf(stall.people, sku, stall.branch_id), ids.new().hex[-8:].upper()
    two = f"A{code}, Rand Refinery, 100.5, 999\nB{code}, Rand Refinery, 99.5, 999"
    bars.receive_bars(two, cost="10100.00", spot="50")
    buyer = stall.buyer(USD="50000")
    with stall.database.transaction() as session:
        cart_id, _ = cart.open_own_cart(session, buyer)
        cart.add_item(session, buyer, cart_id, sku, 2)
    order = stall.buy(buyer, stall.lock(buyer, bars, quantity=2))
    assert len(order.lines) == 2
    with stall.database.reading() as session, pytest.raises(Invalid, match="empty"):
        cart_queries.list_wanted(session, buyer, cart_id)


def test_metal_and_balance_pay_together_in_the_entry_of_the_sale(
    stall: Stall, people: People
) -> None:
    """One ounce at the bid of 3,992.00 pays most; 216.40 dollars pay the rest. The metal passes at
    mid, so the ounce leaves a spread of 8.00."""
    coins, buyer = stall.coins(), stall.buyer(USD="500", XAU_s="1.5")
    payments = (
        RequestedPayment("payments.0", METAL, XAU, Amount.parse(XAU, "1")),
        RequestedPayment("payments.1", BALANCE, USD),
    )
    order = stall.buy(buyer, stall.lock(buyer, coins), payments=payments)
    assert people.balances(buyer) == {"USD": "283.60", "XAU-s": "0.50000000"}
    posted = postings_of(stall.database, order.public_id)
    # 4,008.00 for the metal of the coin, less 4,000.00 for the ounce that paid.
    assert posted["position", "USD"] == "-8.00"
    assert posted["spread", "USD"] == "-8.00"
    assert posted["customer.funding", "USD"] == "216.40"
    # The ounce of the coin leaves, and the ounce that was paid comes.
    assert ("position", "XAU-s") not in posted or posted["position", "XAU-s"] == "0.00000000"
    assert [(each.method, str(each.given), str(each.dollars)) for each in order.payments] == [
        ("metal", "1.00000000", "3992.00"),
        ("balance", "216.40", "216.40"),
    ]


def test_shipped_coins_bear_tax_shipping_and_insurance(stall: Stall, people: People) -> None:
    """A silver coin of 52.71 to Boston, below the exemption: 6.25 percent of tax, 9.95 for a light
    parcel, 0.13 for insurance."""
    coins = stall.coins(metal="AG", fine="0.999")
    buyer = proven(stall.buyer(USD="100"))
    order = stall.buy(
        buyer,
        stall.lock(buyer, coins),
        delivery=Delivery.SHIP,
        shipping_address=BOSTON,
    )
    assert [str(each) for each in (order.goods, order.tax, order.shipping, order.insurance)] == [
        "52.71",
        "3.29",
        "9.95",
        "0.13",
    ]
    assert str(order.total) == "66.08"
    earned = stall.earned()
    assert (earned["sales_tax"], earned["sales.shipping"], earned["sales.insurance"]) == (
        "3.29",
        "9.95",
        "0.13",
    )
    assert order.shipping_address == BOSTON


def test_goods_to_be_picked_up_are_taxed_at_the_branch(people: People) -> None:
    stall = Stall.open(people, BOSTON)
    coins, buyer = stall.coins(metal="AG", fine="0.999"), people.customer(USD="100")
    buyer = stall.buyer(USD="100")
    lock = stall.lock(buyer, coins, pickup_branch_id=stall.branch_id)
    with pytest.raises(Invalid, match="reserved at this branch"):
        stall.buy(
            buyer,
            lock,
            delivery=Delivery.PICKUP,
            pickup_branch_id=Stall.open(people).branch_id,
        )
    order = stall.buy(buyer, lock, delivery=Delivery.PICKUP, pickup_branch_id=stall.branch_id)
    assert (str(order.tax), str(order.total)) == ("3.29", "56.00")
    assert (order.shipping, order.insurance) == (Amount(USD, 0), Amount(USD, 0))


def test_preview_says_what_checkout_takes_and_changes_nothing(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000", XAU_s="1")
    lock = stall.lock(buyer, coins)
    with stall.database.reading() as session:
        shown = checkout.preview(session, buyer, CheckoutRequest(lock.id, Delivery.VAULT, ()))
    assert str(shown.invoice.total) == "4208.40"
    at_once = [each for each in shown.methods if each.method in {BALANCE, METAL}]
    assert [(str(each.amount), each.is_covered) for each in at_once] == [
        ("4208.40", True),
        # 4,208.40 at the bid of 3,992.00, up to the next unit.
        ("1.05420842", False),
    ]
    assert shown.expires_at == lock.expires_at
    assert people.balances(buyer) == {"USD": "5000.00", "XAU-s": "1.00000000"}
    assert stall.units(coins) == {"available": 10, "allocated": 0}


def test_goods_of_two_branches_are_one_order_and_each_branch_gets_its_part(people: People) -> None:
    """Two coins from New Hampshire, one from Boston: shipping of 95.00 abroad is shared by price,
    and the rest takes the cent."""
    here, there = Stall.open(people), Stall.open(people, BOSTON)
    coins = here.coins(2)
    coins.at_another_location(people, there.branch_id).receive(
        units="1", cost="4100.00", spot="4000"
    )
    buyer = proven(here.buyer(USD="20000"))
    kingston = PostalAddress("JM", "1 Duke Street", city="Kingston", state="Kingston")
    order = here.buy(
        buyer,
        here.lock(buyer, coins, quantity=3),
        delivery=Delivery.SHIP,
        shipping_address=kingston,
    )
    assert (str(order.goods), str(order.shipping), str(order.insurance)) == (
        "12625.20",
        "95.00",
        "31.56",
    )
    assert here.earned()["sales.shipping"] == "63.33"
    assert there.earned()["sales.shipping"] == "31.67"
    assert people.balances(buyer) == {"USD": "7248.24"}


#: What is refused, by what the request has and what is raised.
REFUSED: list[tuple[dict[str, object], type[Refusal]]] = [
    ({"payments": (RequestedPayment("payment", METAL, XAU),)}, InsufficientFunds),
    (
        {"payments": (RequestedPayment("payment", BALANCE, USD, Amount.parse(USD, "1")),)},
        Invalid,
    ),
]


@pytest.mark.parametrize(("request_", "refusal"), REFUSED)
def test_refused_checkout_leaves_lock_money_and_goods_as_they_were(
    stall: Stall, people: People, request_: dict[str, object], refusal: type[Refusal]
) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    lock = stall.lock(buyer, coins)
    with pytest.raises(refusal):
        stall.buy(buyer, lock, **request_)
    assert people.balances(buyer) == {"USD": "5000.00"}
    assert stall.units(coins) == {"available": 10, "allocated": 0}
    stall.buy(buyer, lock)
    assert people.balances(buyer) == {"USD": "791.60"}


def test_goods_leave_only_after_a_recent_sign_in_and_with_settled_money(
    database: Database, people: People
) -> None:
    """100 dollars were paid by card today: so much stays, in whatever form, or in the vault."""
    stall, payer = Stall.open(people), create_paying_customer(database, people)
    coins = stall.coins(metal="AG", fine="0.999")
    payer.advance_deposit(payer.deposit("100.00"))
    with fixed_settings(CardMoneyRules(withheld_days=7)):
        buyer = replace(stall.buyer(), user_id=payer.actor.user_id)
        lock = stall.lock(buyer, coins, quantity=10)
        shipped = {"delivery": Delivery.SHIP, "shipping_address": NEW_HAMPSHIRE}
        with pytest.raises(ReauthenticationRequired):
            stall.buy(replace(buyer, proven_at=None), lock, **shipped)
        with pytest.raises(CardMoneyUnsettled):
            stall.buy(buyer, lock, **shipped)
        order = stall.buy(buyer, lock)
    assert (str(order.total), people.balances(buyer)) == ("527.10", {"USD": "72.90"})


def test_goods_are_not_sent_where_they_may_not_go(stall: Stall) -> None:
    """Neither to a place that is not served, nor to a state where the product is restricted, nor
    where no tax rule covers them."""
    buyer = proven(stall.buyer(USD="9000"))
    coins = stall.coins(restricted_states="MA, CA")
    lock = stall.lock(buyer, coins)
    damascus = PostalAddress("SY", "Straight Street 1", city="Damascus")
    ponce = PostalAddress("PR", "1 Plaza", city="Ponce", zip_code="00730")
    for address, refusal in (
        (damascus, RegionRestricted),
        (BOSTON, RegionRestricted),
        (ponce, TaxUnknown),
    ):
        with pytest.raises(refusal):
            stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=address)
    order = stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    assert str(order.total) == "4228.87"


def test_owner_of_goods_gets_a_copy_of_their_data_and_is_not_erased(stall: Stall) -> None:
    coins, buyer = stall.coins(), proven(stall.buyer(USD="5000"))
    order = stall.buy(
        buyer, stall.lock(buyer, coins), delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE
    )
    with stall.database.reading() as session:
        copied = {
            name: records
            for room in ROOMS
            for name, records in room.export_sections(session, buyer.user_id).items()
        }
        blockers = [
            blocker.field
            for room in ROOMS
            for blocker in room.erasure_blockers(session, buyer.user_id)
        ]
    [exported] = copied["goodsOrders"]
    assert exported["id"] == order.public_id
    assert exported["shippingAddress"]["zip_code"] == "03301"
    goods = [each for each in copied["postings"] if each["asset"] == coins.sku]
    assert [each["amount"] for each in goods] in (["1"], ["-1"])
    assert blockers == ["balances.USD", f"orders.{order.public_id}"]


def test_lock_sells_once_in_time_to_its_owner_near_its_price(stall: Stall, people: People) -> None:
    coins, buyer, other = stall.coins(), stall.buyer(USD="9000"), stall.buyer(USD="9000")
    lock = stall.lock(buyer, coins)
    with pytest.raises(QuoteNotFound):
        stall.buy(other, lock)
    order = stall.buy(buyer, lock)
    with pytest.raises(QuoteUsed):
        stall.buy(buyer, lock)
    with stall.database.reading() as session, pytest.raises(NotFound):
        orders_queries.get_order(session, order.id, user_id=other.user_id)
    late = stall.lock(buyer, coins)
    with time_machine.travel(late.expires_at, tick=False), pytest.raises(QuoteExpired):
        stall.buy(buyer, late)
    strayed = stall.lock(buyer, coins)
    set_prices(stall.database, AU="4081")
    with pytest.raises(QuoteVoided):
        stall.buy(buyer, strayed)
    assert people.balances(buyer) == {"USD": "4791.60"}
    assert coins.in_state(AccountClass.STOCK_ALLOCATED) == 1


def test_sale_whose_units_were_released_meanwhile_is_refused_as_expired(stall: Stall) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    lock = stall.lock(buyer, coins)
    with stall.database.transaction() as session:
        ledger.void_holds(session, lock.hold_ids, at=clock.now())
    with pytest.raises(QuoteExpired):
        stall.buy(buyer, lock)
    assert stall.units(coins) == {"available": 10, "allocated": 0}
