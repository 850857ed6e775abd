"""Price rules of the whole range: by metal and form, of small coins and bars, and a sale."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit import clock
from app.kit.list_query import fetch_all
from app.sample import product_range
from app.sample.business import Business
from app.sample.timeline import Part
from app.shop.prices import changes, listed_rules
from app.shop.prices import service as prices
from app.shop.prices.adjustments import Adjustment, PremiumPart, PremiumStep
from app.shop.prices.rules import PriceRuleStatus, PriceScope, PriceTier
from app.shop.prices.versions import NewPriceRule

PART = Part()
_COIN, _ROUND, _BAR = ProductForm.COIN, ProductForm.ROUND, ProductForm.BAR
#: Percent of the metal for one unit, for 10 and for 50; then US dollars per ounce.
_PREMIUMS = {
    (Metal.AU, _COIN): ("5.5", "4.75", "4.25", "0"),
    (Metal.AU, _BAR): ("3.5", "3", "2.6", "0"),
    (Metal.AG, _COIN): ("6", "5", "4", "3.25"),
    (Metal.AG, _ROUND): ("4", "3.5", "3", "1.6"),
    (Metal.AG, _BAR): ("3", "2.75", "2.5", "1.2"),
    (Metal.PT, None): ("7", "6.5", "6", "0"),
    (Metal.PD, None): ("8", "7.5", "7", "0"),
    (Metal.CU, None): ("40", "32", "25", "0.65"),
}
#: What small pieces cost beside, in cents for each.
_PER_PIECE = {"1-10OZ": 1_800, "1-4OZ": 2_400, "1G": 950, "3G": 1_100, "5G": 1_250}


def _tiers(first: str, ten: str, fifty: str, per_ounce: str, per_piece: int = 0) -> list[PriceTier]:
    percents = {1: first, 10: ten, 50: fifty}
    return [
        PriceTier(quantity, Decimal(percent), Decimal(per_ounce), per_piece)
        for quantity, percent in percents.items()
    ]


def _small_pieces() -> Iterator[NewPriceRule]:
    for product in product_range.list_products():
        _, _, size = product.sku.split("-", 2)
        premium = _PREMIUMS.get((product.metal, product.form)) or _PREMIUMS[product.metal, None]
        if size in _PER_PIECE:
            scope = PriceScope(sku=product.sku)
            yield NewPriceRule(scope, _tiers(*premium, per_piece=_PER_PIECE[size]))


@PART.ago(days=83)
def price_the_range(business: Business) -> None:
    """Say what every product costs above its metal."""
    actor = business.actor("inventory")
    rules = [
        # Small pieces first: one of their own would move what they cost by the rule of their metal.
        *_small_pieces(),
        *(
            NewPriceRule(PriceScope(metal=metal, form=form), _tiers(*premium))
            for (metal, form), premium in _PREMIUMS.items()
        ),
    ]
    with business.transaction() as session:
        for rule in rules:
            prices.record_rule(session, actor, rule, reason="First prices of the range")


def _change(business: Business, metal: Metal, adjustment: Adjustment, reason: str) -> None:
    """Change all rules of a metal together, as the page does: choose, see the effect, confirm."""
    actor = business.actor("inventory")
    with business.transaction() as session:
        listed = listed_rules.every_rule(clock.now())
        filters = {"metal": metal, "status": PriceRuleStatus.IN_EFFECT}
        chosen = [rule.id for rule in fetch_all(session, listed, filters, "products")]
        change_id = prices.start_change(session, actor, chosen)
        prices.preview_change(
            session, actor, change_id, adjustment, valid_from=None, valid_until=None
        )
        digest = changes.get_change(session, change_id).digest
        prices.confirm_change(session, actor, change_id, digest=digest, reason=reason)


@PART.ago(days=19)
def raise_silver(business: Business) -> None:
    """Raise the premium of all silver a little, which one person does alone."""
    by_half = Adjustment(PremiumPart.PERCENT, PremiumStep.RAISE, Decimal("0.5"))
    _change(business, Metal.AG, by_half, "Mints charge more for silver")


@PART.ago(days=1)
def lower_copper(business: Business) -> None:
    """Lower the premium of copper so much that a second person has to approve it."""
    by_twelve = Adjustment(PremiumPart.PERCENT, PremiumStep.LOWER, Decimal(12))
    _change(business, Metal.CU, by_twelve, "Stock of copper is too high")


@PART.ago(days=2)
def hold_a_sale(business: Business) -> None:
    """Sell one coin at less for nine days; the lasting rule counts again afterwards."""
    sale = NewPriceRule(
        PriceScope(sku="AU-BUFFALO-1OZ"),
        [PriceTier(1, Decimal("3.9"))],
        valid_until=clock.now() + timedelta(days=9),
    )
    with business.transaction() as session:
        prices.record_rule(session, business.actor("inventory"), sale, reason="Sale of the season")
