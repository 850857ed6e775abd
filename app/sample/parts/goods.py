"""Products, locations, and what suppliers delivered to them."""

from uuid import UUID

from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import service as products
from app.catalog.rules import Metal
from app.catalog.search import service as search
from app.kit import clock
from app.sample import drawings, product_range, product_texts
from app.sample.business import Business
from app.sample.timeline import Part
from app.shop.images import service as images
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.reorder_points import service as reorder_points

PART = Part()
_LOCATIONS = (
    ("MAIN", "MAIN-VAULT", "Vault, Main Street", LocationKind.VAULT),
    ("MAIN", "MAIN-SHOP", "Shop, Main Street", LocationKind.STORE),
    ("HARBOUR", "HARBOUR-SHOP", "Shop, Harbour Quay", LocationKind.STORE),
    ("AIRPORT", "AIRPORT-SHOP", "Shop, Terminal 2", LocationKind.STORE),
    ("NEWPORT", "NEWPORT-SHOP", "Shop, Bay Street", LocationKind.STORE),
    ("MAIN", "DEPOT-WEST", "Depot of a partner, West", LocationKind.DEPOT),
)
#: Where more or fewer units should be than elsewhere.
_REORDER_POINTS = (
    ("AG-EAGLE-1OZ", "AIRPORT-SHOP", "15"),
    ("AU-EAGLE-1-10OZ", "NEWPORT-SHOP", "10"),
)
_MINT, _REFINER = "First Mint", "Northern Refiners"


@PART.ago(days=86)
def open_locations(business: Business) -> None:
    """Add the products, and open the locations."""
    with business.transaction() as session:
        for product in product_range.list_products():
            products.add_product(session, business.actor("inventory"), product)
        for branch, code, name, kind in _LOCATIONS:
            locations.open_location(
                session,
                business.actor("admin"),
                branch_id=business.things[branch],
                code=code,
                name=name,
                kind=kind,
            )


@PART.ago(days=85)
def publish_the_range(business: Business) -> None:
    """Build the tree of categories, teach the search some words, and publish every product."""
    actor = business.actor("inventory")
    with business.transaction() as session:
        added: dict[str | None, UUID | None] = {None: None}
        for category in product_texts.list_categories():
            entry = CategoryEntry(
                category.slug, category.name, added[category.parent], str(category.display_order)
            )
            added[category.slug] = categories.add_category(session, actor, entry)
        for phrase, meaning in product_texts.SYNONYMS:
            search.add_synonym(session, actor, phrase, meaning)
        for sku, details in product_range.list_details(clock.now().date()):
            products.change_product(session, actor, sku, details)
        for product in product_range.list_products():
            svg, alt = drawings.draw_product(product)
            images.add_drawing(session, actor, product.sku, svg=svg, size=drawings.SIZE, alt=alt)


def _receive(business: Business, *receipts: NewReceipt) -> None:
    with business.transaction() as session:
        for receipt in receipts:
            deliveries.receive_goods(session, business.actor("inventory"), receipt)


@PART.ago(days=84)
def receive_first_goods(business: Business) -> None:
    """Fill the vault, and the shop beside it."""
    _receive(
        business,
        NewReceipt("AU-EAGLE-1OZ", "MAIN-VAULT", "4", "16080.00", "3900", _MINT, "FM-1041"),
        NewReceipt("AU-MAPLE-1OZ", "MAIN-SHOP", "3", "12030.00", "3900", _MINT, "FM-1041"),
        NewReceipt("AG-EAGLE-1OZ", "MAIN-SHOP", "60", "3270.00", "48.5", _MINT, "FM-1041"),
        NewReceipt("AU-BAR-1OZ", "DEPOT-WEST", "2", "7860.00", "3900", _REFINER, "NR-77"),
    )


@PART.ago(days=69)
def receive_the_range(business: Business) -> None:
    """Spread a few of each product over the branches and the depots, but for silver."""
    metals = set(Metal) - {Metal.AG}
    _receive(business, *product_range.first_deliveries(metals))


@PART.ago(days=41)
def receive_goods_of_the_branches(business: Business) -> None:
    """Fill the shops of the other branches."""
    _receive(
        business,
        NewReceipt("AG-ROUND-1OZ", "HARBOUR-SHOP", "40", "2040.00", "48.9", _MINT, "FM-1107"),
        NewReceipt("PT-EAGLE-1OZ", "HARBOUR-SHOP", "4", "4180.00", "990", _MINT, "FM-1107"),
        NewReceipt("AG-EAGLE-1OZ", "AIRPORT-SHOP", "20", "1108.00", "49.2", _MINT, "FM-1108"),
        NewReceipt("PD-BAR-1OZ", "MAIN-VAULT", "3", "3690.00", "1190", _REFINER, "NR-82"),
    )


@PART.ago(days=40)
def receive_goods_of_the_franchise(business: Business) -> None:
    """The franchise begins with little gold and copper."""
    _receive(
        business,
        NewReceipt("AU-EAGLE-1-10OZ", "NEWPORT-SHOP", "6", "2480.00", "3895", _MINT, "FM-1112"),
        NewReceipt("CU-ROUND-1OZ", "NEWPORT-SHOP", "40", "64.00", "0.31", _REFINER, "NR-83"),
    )
    with business.transaction() as session:
        for sku, location, below in _REORDER_POINTS:
            reorder_points.set_reorder_point(
                session, business.actor("inventory"), sku, location=location, reorder_below=below
            )


@PART.ago(days=6)
def receive_last_goods(business: Business) -> None:
    """Receive copper, and coins below the price of their metal."""
    _receive(
        business,
        NewReceipt("CU-BAR-1KG", "MAIN-VAULT", "40", "620.00", "0.31", _REFINER, "NR-90"),
        NewReceipt("AU-EAGLE-1OZ", "AIRPORT-SHOP", "1", "3895.00", "3905", _REFINER, "NR-91"),
    )


@PART.ago(hours=2)
def receive_silver(business: Business) -> None:
    """Receive the silver of the range today: its exposure has left its band before."""
    _receive(business, *product_range.first_deliveries({Metal.AG}))
