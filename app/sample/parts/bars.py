"""Bars with serials: gold in the vault, of which a bar goes to a shop and one is on its way; silver
in a partner's depot, of which a bar failed its assay."""

from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock
from app.sample import drawings, product_texts
from app.sample.business import Business
from app.sample.timeline import Part
from app.shop.images import service as images
from app.vault.assays import service as assays
from app.vault.assays.service import NewAssay
from app.vault.bars.rules import NamedBar
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewBarReceipt
from app.vault.transfers import service as stock_transfers

PART = Part()
#: Behind the other sizes of its series.
_LAST = 9
_BAR, _BULLION = ProductForm.BAR, TaxClass.BULLION
_PRODUCTS = (
    NewProduct(
        "AU-MINTED-100G", "Numbered gold bar, 100 g", Metal.AU, _BAR, "3.2151", "0.9999", None, 1,
        tax_class=_BULLION, is_serialized=True,
    ),
    NewProduct(
        "AG-BAR-1000OZ", "Silver bar, 1,000 oz", Metal.AG, _BAR, "1000", "0.999", None, 2,
        tax_class=_BULLION, is_serialized=True,
    ),
)  # fmt: skip
_GOLD = """Serial, refiner, gross weight, fineness, year, assay reference
RR 4471, Northern Refiners, 3.2151, 999.9, 2023, NR-A-1187
RR 4472, Northern Refiners, 3.2151, 999.9, 2023, NR-A-1187"""
_SILVER = """Serial, refiner, gross weight, fineness, year
S20917, Northern Refiners, 1004.5, 999.0, 2022
S20918, Northern Refiners, 996.2, 999.0, 2022
S20919, Northern Refiners, 1011.8, 999.0, 2022
S20922, Northern Refiners, 989.4, 999.9, 2022
S20923, Northern Refiners, 1002.1, 999.9, 2022"""


@PART.ago(hours=2)
def receive_bars(business: Business) -> None:
    """Add the products, and receive two bars of gold and five of silver."""
    inventory, refiner = business.actor("inventory"), "Northern Refiners"
    with business.transaction() as session:
        for product in _PRODUCTS:
            products.add_product(session, inventory, product)
            today = clock.now().date()
            details = product_texts.describe(product, _LAST, today)
            first_day = {"published_from": today.isoformat()}
            products.change_product(session, inventory, product.sku, {**details, **first_day})
            svg, alt = drawings.draw_product(product)
            images.add_drawing(
                session, inventory, product.sku, svg=svg, size=drawings.SIZE, alt=alt
            )
        for receipt in (
            NewBarReceipt(
                "AU-MINTED-100G", "MAIN-VAULT", _GOLD, "25190.00", "3902.5", refiner, "NR-84"
            ),
            NewBarReceipt(
                "AG-BAR-1000OZ", "DEPOT-WEST", _SILVER, "246300.00", "48.95", refiner, "NR-85"
            ),
        ):
            deliveries.receive_bars(session, inventory, receipt)


def _send_gold(business: Business, serial: str) -> None:
    with business.transaction() as session:
        business.things[serial] = stock_transfers.send_goods(
            session,
            business.actor("inventory"),
            origin="MAIN-VAULT",
            destination="HARBOUR-SHOP",
            units_by_sku={"AU-MINTED-100G": (NamedBar(serial),)},
        )


@PART.ago(minutes=100)
def send_a_bar(business: Business) -> None:
    """A bar of gold goes to a shop."""
    _send_gold(business, "RR 4471")


@PART.ago(minutes=70)
def receive_a_bar(business: Business) -> None:
    """It arrives, and the other one is sent."""
    with business.transaction() as session:
        stock_transfers.receive(
            session,
            business.actor("inventory2"),
            business.things["RR 4471"],
            {"AU-MINTED-100G": (NamedBar("RR 4471"),)},
        )
    _send_gold(business, "RR 4472")


@PART.ago(minutes=95)
def put_a_bar_aside(business: Business) -> None:
    """A bar of silver sounds hollow."""
    with business.transaction() as session:
        business.things["hollow bar"] = assays.put_into_quarantine(
            session,
            business.actor("inventory"),
            sku="AG-BAR-1000OZ",
            location="DEPOT-WEST",
            units="1",
            serials="S20922",
            reason="It sounds dull where it is struck",
        )


@PART.ago(minutes=60)
def fail_a_bar(business: Business) -> None:
    """It is not what it should be, and stays in quarantine."""
    with business.transaction() as session:
        assays.record_assay(
            session,
            business.actor("inventory2"),
            business.things["hollow bar"],
            NewAssay("1", "failed", "ultrasound", "Echo at 38 mm of 83 mm", "S20922"),
        )
