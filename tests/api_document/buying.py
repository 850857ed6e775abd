"""Exchanges about checkout and orders of goods."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.access import Role
from app.branches import service as branches
from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD, Metal, PaymentMethod
from app.catalog.tax_classes import TaxClass
from app.documents import service as sales_documents
from app.funding.models import DepositRow
from app.funding.receivables import service as receivables
from app.funding.states import DepositStatus
from app.kit import clock, ids
from app.kit.money import Amount
from app.kyc.rules import KycRules
from app.ledger import chart
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from app.shop.checkout.rules import OrderPaymentRules
from app.shop.locks.rules import CancelTerms
from app.shop.orders import notes
from app.shop.orders.notes import NoteReader
from app.shop.prices import service as prices
from app.shop.prices.rules import PriceScope, PriceTier
from app.shop.prices.versions import NewPriceRule
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from tests.api_client import ApiClient, assert_problem
from tests.api_document import goods
from tests.api_document.examples import RecordingClient
from tests.api_document.money import create_verified, without_rails
from tests.api_document.places import DETAILS
from tests.api_document.play import CARD, Play
from tests.fixed_settings import fixed_settings
from tests.people import People, set_prices

_LOCK, CHECKOUT = "/api/shop/lock-quote", "/api/shop/checkout"
_PREVIEW, _ORDERS = f"{CHECKOUT}/preview", "/api/shop/orders"
SKU = "AU-KRUGERRAND-1OZ"
_COIN = NewProduct(
    SKU, "Krugerrand, 1 oz", Metal.AU, ProductForm.COIN, "1.0909", "0.9167", "1",
    tax_class=TaxClass.LEGAL_TENDER,
)  # fmt: skip
ADDRESS = {
    "country": "US",
    "recipient": "Ada Lovelace",
    "street": "1 Main Street",
    "city": "Concord",
    "state": "NH",
    "zipCode": "03301",
}
_DOCUMENTS = "/api/shop/documents"
STAFF_ORDERS = "/api/shop/admin/orders"
ABROAD = {"country": "SY", "street": "Straight Street 1", "city": "Damascus"}
PUERTO_RICO = {"country": "PR", "street": "1 Plaza", "city": "Ponce", "zipCode": "00730"}
_BALANCE = {"method": "balance"}
_THOUSAND = Amount.parse(USD, "1000.00")
_CARD = {"method": "card", "paymentMethod": "pm_card_visa"}
_FIVE_PERCENT = PriceTier(1, percent=Decimal(5))


def buy_goods(play: Play) -> None:
    """Buy coins into the vault and home, and be refused for each reason."""
    _stock_a_shelf(play)
    buyer = create_verified(play, "dora", XAU_s="1")
    kept = {"quoteId": lock_coin(buyer), "destination": "vault", "payment": _BALANCE}
    assert_problem(buyer.post(CHECKOUT, kept), 409, "insufficient_funds")
    buyer.credit(USD="600.00")
    pay_card_money_in(play, buyer)
    shipped = {"quoteId": lock_coin(buyer), "shippingAddress": ADDRESS, "payment": _BALANCE}
    assert_problem(buyer.post(CHECKOUT, shipped), 409, "card_money_unsettled")
    buyer.credit(USD="50000.00")
    parts = [{"method": "metal", "asset": "XAU-s", "amount": "1"}, _BALANCE]
    together = {**shipped, "payments": parts}
    del together["payment"]
    buyer.ok(200, buyer.post(_PREVIEW, together))
    order = buyer.ok(201, buyer.post(CHECKOUT, together))["order"]
    buyer.ok(200, buyer.get(_ORDERS))
    buyer.ok(200, buyer.get(f"{_ORDERS}/{order['id']}"))
    with play.database.transaction() as session:
        sales_documents.number_waiting(session)
    with play.database.transaction() as session:
        text, order_id = "Your coins are of the year 2025.", ids.decode("ord", order["id"])
        writer = People(play.database).staff(Role.SUPPORT)
        notes.add_note(session, writer, order_id, text, NoteReader.CUSTOMER)
    buyer.ok(200, buyer.get(f"{_ORDERS}/{order['id']}/notes"))
    unknown = ids.encode("ord", ids.new())
    assert_problem(buyer.get(f"{_ORDERS}/{unknown}/notes"), 404, "not_found")
    documents = f"{_ORDERS}/{order['id']}/documents"
    [invoice] = buyer.ok(200, buyer.get(documents))["data"]
    assert buyer.get(f"{_DOCUMENTS}/{invoice['id']}").status_code == 200
    assert_problem(buyer.get(f"{_DOCUMENTS}/{ids.encode('sdc', ids.new())}"), 404, "not_found")
    unknown = ids.encode("ord", ids.new())
    assert_problem(buyer.get(documents.replace(order["id"], unknown)), 404, "not_found")
    assert_problem(buyer.get(f"{_ORDERS}/{unknown}"), 404, "not_found")
    track = {"number": order["number"], "contact": buyer.email}
    visitor = play.client("visitor")
    visitor.ok(200, visitor.get(f"{_ORDERS}/track", **track))
    assert_problem(visitor.get(f"{_ORDERS}/track", **track | {"number": 1}), 404, "not_found")
    keeper = goods.sign_keeper_in(play)
    keeper.ok(200, keeper.get(STAFF_ORDERS, status="allocated"))
    keeper.ok(200, keeper.get(f"{STAFF_ORDERS}/{order['id']}"))
    assert_problem(keeper.get(f"{STAFF_ORDERS}/{unknown}"), 404, "not_found")
    _cancel(play, buyer, order["id"])
    _pay_later(play)
    _refuse_locks(play, buyer, shipped)
    _refuse_goods(play, buyer)
    _refuse_people(play, buyer)


def _cancel(play: Play, buyer: RecordingClient, order_id: str) -> None:
    """Cancel a paid order, whose metal has a price, and read what was given back."""
    path = f"{_ORDERS}/{order_id}"
    with play.without_prices():
        assert_problem(buyer.get(f"{path}/cancellation"), 409, "price_stale")
        assert_problem(buyer.post(f"{path}/cancel"), 409, "price_stale")
    with play.database.transaction() as session:
        pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="Example")
    assert_problem(buyer.get(f"{path}/cancellation"), 409, "market_halted")
    assert_problem(buyer.post(f"{path}/cancel"), 409, "market_halted")
    set_prices(play.database, AU="4000")
    buyer.ok(200, buyer.get(f"{path}/cancellation"))
    buyer.ok(200, buyer.post(f"{path}/cancel"))
    buyer.ok(200, buyer.get(f"{path}/refunds"))
    assert_problem(buyer.get(f"{path}/cancellation"), 409, "cancel_window_closed")
    with fixed_settings(CancelTerms(vault_hours=0)):
        kept = {"quoteId": lock_coin(buyer), "destination": "vault", "payment": _BALANCE}
    ordered = buyer.ok(201, buyer.post(CHECKOUT, kept))["order"]
    assert_problem(buyer.post(f"{_ORDERS}/{ordered['id']}/cancel"), 409, "cancel_window_closed")
    unknown = f"{_ORDERS}/{ids.encode('ord', ids.new())}"
    for name in ("cancellation", "refunds"):
        assert_problem(buyer.get(f"{unknown}/{name}"), 404, "not_found")


def _pay_later(play: Play) -> None:
    """Order by card and by bank transfer, cancel an order, and be refused for each reason."""
    play.provide()
    buyer = create_verified(play, "gina")
    kept: dict[str, Any] = {"quoteId": lock_coin(buyer), "destination": "vault", "payment": _CARD}
    buyer.ok(200, buyer.post(_PREVIEW, kept))
    unwanted = {**kept, "payment": {**_CARD, "maxFee": "0"}}
    _refuse(buyer, unwanted, 409, "fee_changed", shown=False)
    with fixed_settings(OrderPaymentRules(card_leaving_max=Amount(USD, 0))):
        shipped = {"quoteId": kept["quoteId"], "shippingAddress": ADDRESS, "payment": _CARD}
        _refuse(buyer, shipped, 409, "limit_exceeded", shown=False)
    with fixed_settings(KycRules(daily_tier_2=_THOUSAND, daily_tier_3=_THOUSAND)):
        _refuse(buyer, kept, 409, "daily_limit_exceeded", shown=False)
    with without_rails():
        disabled = buyer.send_unchecked("POST", CHECKOUT, json=kept)
        assert_problem(disabled, 501, "feature_disabled")
    ordered = buyer.ok(201, buyer.post(CHECKOUT, kept))["order"]
    play.world.run_jobs_and_webhooks()
    paid = buyer.ok(200, buyer.get(f"{_ORDERS}/{ordered['id']}"))["order"]
    assert (paid["status"], paid["payment"]["status"]) == ("allocated", "paid")
    by_transfer = {**kept, "quoteId": lock_coin(buyer), "payment": {"method": "bank_transfer"}}
    ordered = buyer.ok(201, buyer.post(CHECKOUT, by_transfer))["order"]
    play.world.run_jobs_and_webhooks()
    waiting = buyer.ok(200, buyer.get(f"{_ORDERS}/{ordered['id']}"))["order"]
    assert waiting["payment"]["transferTo"]
    pro_forma = f"{_ORDERS}/{ordered['id']}/pro-forma"
    assert buyer.get(pro_forma).status_code == 200
    unknown = ids.encode("ord", ids.new())
    assert_problem(buyer.get(pro_forma.replace(ordered["id"], unknown)), 404, "not_found")
    buyer.ok(200, buyer.post(f"{_ORDERS}/{ordered['id']}/cancel"))
    unknown = f"{_ORDERS}/{ids.encode('ord', ids.new())}/cancel"
    assert_problem(buyer.post(unknown), 404, "not_found")
    for _ in range(3):
        declined = {**CARD, "amount": "20.00", "paymentMethod": "pm_card_chargeDeclined"}
        assert buyer.plain().post("/api/wallet/deposit", declined).status_code == 201
        play.world.run_jobs_and_webhooks()
    again = {**kept, "quoteId": lock_coin(buyer)}
    _refuse(buyer, again, 409, "too_many_card_failures", shown=False)


def _stock_a_shelf(play: Play) -> None:
    branch_id = People(play.database).branch()
    with play.database.transaction() as session:
        branches.change_details(session, None, branch_id, DETAILS)
        products.add_product(session, None, _COIN)
        products.change_product(session, None, SKU, {"published_from": "2026-01-01"})
        rule = NewPriceRule(PriceScope(sku=SKU), (_FIVE_PERCENT,))
        prices.set_by_operator(session, rule, reason="Example of the document")
        locations.open_location(
            session,
            None,
            branch_id=branch_id,
            code="ALB-STORE",
            name="Store of Albany",
            kind=LocationKind.STORE,
        )
        receipt = NewReceipt(SKU, "ALB-STORE", "21", "86100.00", "4000", "The mint", "INV-2")
        deliveries.receive_goods(session, None, receipt)


def lock_coin(buyer: ApiClient) -> str:
    """Lock the price of a coin, and return the quote's id."""
    body = {"items": [{"sku": SKU, "quantity": 1}]}
    quote_id: str = buyer.ok(201, buyer.post(_LOCK, body))["quoteId"]
    return quote_id


def pay_card_money_in(play: Play, buyer: RecordingClient) -> None:
    """Let 500 dollars have come by card a moment ago."""
    now = clock.now()
    with play.database.transaction() as session:
        session.write(
            sa.insert(DepositRow).values(
                id=ids.new(),
                user_id=buyer.user_id,
                method=PaymentMethod.CARD,
                asset=USD.code,
                credited_units=500_00,
                usd_units=500_00,
                status=DepositStatus.CREDITED,
                provider="example",
                provider_ref=f"example {ids.new()}",
                requested_at=now,
                looked_at=now,
                credited_at=now,
            )
        )


def _refuse(
    buyer: RecordingClient, body: dict[str, Any], status: int, code: str, *, shown: bool = True
) -> None:
    """Be refused at checkout, and unless `shown` is false at its preview too."""
    for path in (_PREVIEW, CHECKOUT) if shown else (CHECKOUT,):
        assert_problem(buyer.post(path, body), status, code)


def _refuse_locks(play: Play, buyer: RecordingClient, shipped: dict[str, Any]) -> None:
    _refuse(buyer, {**shipped, "quoteId": ids.encode("lck", ids.new())}, 404, "not_found")
    _refuse(buyer, {**shipped, "quoteId": _used(buyer)}, 409, "quote_used")
    strayed = {**shipped, "quoteId": lock_coin(buyer)}
    with play.without_prices():
        _refuse(buyer, strayed, 409, "price_stale", shown=False)
    with play.database.transaction() as session:
        pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="Example")
    _refuse(buyer, strayed, 409, "market_halted", shown=False)
    set_prices(play.database, AU="4100")
    assert_problem(buyer.post(CHECKOUT, strayed), 409, "quote_voided")
    assert_problem(buyer.post(_PREVIEW, strayed), 409, "quote_voided")
    play.pass_time(seconds=0)
    late = {**shipped, "quoteId": lock_coin(buyer)}
    play.pass_time(minutes=11)
    assert_problem(buyer.post(_PREVIEW, late), 409, "quote_expired")
    assert_problem(buyer.post(CHECKOUT, late), 401, "reauthentication_required")
    buyer.token = buyer.plain().sign_in()["accessToken"]
    assert_problem(buyer.post(CHECKOUT, late), 409, "quote_expired")


def _used(buyer: RecordingClient) -> str:
    kept = {"quoteId": lock_coin(buyer), "destination": "vault", "payment": _BALANCE}
    buyer.plain().ok(201, buyer.plain().post(CHECKOUT, kept))
    return str(kept["quoteId"])


def _refuse_goods(play: Play, buyer: RecordingClient) -> None:
    body = {"quoteId": lock_coin(buyer), "payment": _BALANCE}
    _refuse(buyer, {**body, "shippingAddress": ABROAD}, 409, "region_restricted")
    _refuse(buyer, {**body, "shippingAddress": PUERTO_RICO}, 409, "tax_unknown")
    with play.database.transaction() as session:
        products.change_product(session, None, SKU, {"age_min": "120"})
    _refuse(buyer, {**body, "shippingAddress": ADDRESS}, 409, "age_restricted")


def _refuse_people(play: Play, buyer: RecordingClient) -> None:
    stranger = play.client("frank")
    stranger.join()
    stranger.credit(USD="1.00")
    body = {"quoteId": lock_coin(stranger), "payment": _BALANCE, "shippingAddress": ADDRESS}
    _refuse(stranger, body, 409, "kyc_required")
    with play.database.transaction() as session:
        products.change_product(session, None, SKU, {"age_min": ""})
        receivables.record_receivable(
            session,
            buyer.user_id,
            reference=f"example:{ids.new()}",
            owed=Amount.parse(USD, "60000.00"),
            taken_from=chart.processor(USD, STRIPE),
        )
    body = {"quoteId": lock_coin(buyer), "payment": _BALANCE, "shippingAddress": ADDRESS}
    _refuse(buyer, body, 409, "account_owes", shown=False)
