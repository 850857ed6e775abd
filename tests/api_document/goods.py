"""Exchanges about the inventory of the vault, by staff who keep it."""

from dataclasses import replace

from app.access import Role
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.kit import clock, ids
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from tests.api_client import ApiClient
from tests.api_document.examples import RecordingClient
from tests.api_document.play import Play
from tests.api_document.refusals import refuse_invalid_input
from tests.flags.cohorts import ceiling
from tests.people import People
from tests.vault.goods import EAGLE

PATHS = ("/api/vault/", "/api/shop/admin/", "/api/support/")
_INVENTORY = "/api/vault/inventory"


def show_inventory(play: Play) -> None:
    """Receive coins, reserve most of them, and read what is there; then without the feature."""
    _stock_the_vault(play)
    keeper = sign_keeper_in(play)
    reads = (_INVENTORY, f"{_INVENTORY}/low-stock", f"{_INVENTORY}/summary")
    for path in reads:
        keeper.ok(200, keeper.get(path))
    admin = sign_staff_in(play, "admin", People(play.database).staff(Role.ADMIN).email)
    refuse_invalid_input(admin, PATHS)
    keeper.refuses_for_all = True
    with ceiling(1):
        assert keeper.send_unchecked("GET", _INVENTORY).status_code == 501


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
