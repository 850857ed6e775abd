"""Exchanges about the inventory of the vault, by staff who keep it."""

from dataclasses import replace

from app.access import Role
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.rules import Metal
from app.fulfillment.restock.suppliers import service as suppliers
from app.fulfillment.restock.suppliers.models import Supplier
from app.kit import clock, ids
from app.pricing.models import MarketPriceRow
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from tests.api_client import ApiClient, assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import Play
from tests.api_document.refusals import refuse_invalid_input
from tests.flags.cohorts import ceiling
from tests.fulfillment.restock.yard import add_supplier
from tests.people import People, set_prices
from tests.rows import change_rows, delete_rows
from tests.vault.goods import EAGLE

PATHS = ("/api/vault/", "/api/shop/admin/", "/api/support/")
_INVENTORY = "/api/vault/inventory"
_ONE = {"items": [{"sku": "AU-EAGLE-1OZ", "quantity": 1}]}


def show_inventory(play: Play) -> None:
    """Receive coins, reserve most of them, and read what is there; then without the feature."""
    _stock_the_vault(play)
    keeper = sign_keeper_in(play)
    reads = (_INVENTORY, f"{_INVENTORY}/low-stock", f"{_INVENTORY}/summary")
    for path in reads:
        keeper.ok(200, keeper.get(path))
    _restock(play, keeper)
    admin = sign_staff_in(play, "admin", People(play.database).staff(Role.ADMIN).email)
    refuse_invalid_input(admin, PATHS)
    keeper.refuses_for_all = True
    with ceiling(1):
        assert keeper.send_unchecked("GET", _INVENTORY).status_code == 501


def _restock(play: Play, keeper: RecordingClient) -> None:
    """Buy coins by hand and automatically, and be refused for each reason."""
    set_prices(play.database, AU="4000")
    wanted = {"location": "NYC-VAULT", "items": [{"sku": "AU-EAGLE-1OZ", "quantity": 5}]}
    path = f"{_INVENTORY}/restock"
    assert_problem(keeper.post(path, wanted), 409, "no_supplier")
    supplier_id = add_supplier(play.database, name="Dillon Gage")
    with play.database.transaction() as session:
        suppliers.set_product(session, None, supplier_id, sku="AU-EAGLE-1OZ", code="1EAGLE")
    keeper.ok(200, keeper.post(f"{_INVENTORY}/auto-restock"))
    keeper.ok(201, keeper.post(path, wanted))
    many = {**wanted, "items": [{"sku": "AU-EAGLE-1OZ", "quantity": 100}]}
    assert_problem(keeper.post(path, many), 409, "shelf_full")
    with play.database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal == Metal.AU)
    assert_problem(keeper.post(path, wanted | _ONE), 409, "price_stale")
    set_prices(play.database, AU="4000")
    with play.database.transaction() as session:
        change_rows(session, Supplier, Supplier.id == supplier_id, minimum_usd=10_000_000)
    assert_problem(keeper.post(path, wanted | _ONE), 409, "below_supplier_minimum")


def sign_keeper_in(play: Play) -> RecordingClient:
    """Return a client of a member of staff who keeps the vault, signed in unseen."""
    return sign_staff_in(play, "keeper", People(play.database).staff(Role.INVENTORY).email)


def sign_staff_in(play: Play, name: str, email: str) -> RecordingClient:
    """Return a client of the member of staff with this address, signed in unseen."""
    client = play.client(name)
    client.token = ApiClient.sign_in_staff(play.app, email).token
    return client


def _stock_the_vault(play: Play) -> None:
    branch_id = People(play.database).branch()
    with play.database.transaction() as session:
        sku = products.add_product(session, None, replace(EAGLE, sku="AU-EAGLE-1OZ"))
        locations.open_location(
            session,
            None,
            branch_id=branch_id,
            code="NYC-VAULT",
            name="Vault of New York",
            kind=LocationKind.VAULT,
        )
        receipt = NewReceipt(sku, "NYC-VAULT", "10", "39900.00", "3900", "The mint", "INV-1")
        deliveries.receive_goods(session, None, receipt)
        location = locations_queries.find_location(session, "NYC-VAULT")
        assert location is not None
        product = products_queries.find_product(session, sku)
        assert product is not None
        goods = Goods(product, location, 7)
        stock.reserve(
            session, goods, hold_id=ids.new(), cause="test_reservation", placed_at=clock.now()
        )
