"""Prices of goods: which rule decides, from when to when, and when nothing is sold."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.ports import provide
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.models import MarketPriceRow
from app.pricing.rules import HaltReason, MarketHours
from app.pricing.service import halt_market
from app.shop.prices import queries, service, versions
from app.shop.prices.errors import NotForSale, PriceRuleOver, PriceRuleUnchanged
from app.shop.prices.queries import UnpricedLine
from app.shop.prices.rules import PriceScope, ShopSettings
from app.shop.prices.versions import Author, NewPriceRule
from tests.fixed_settings import fixed_settings
from tests.people import People, set_prices
from tests.rows import delete_rows
from tests.shop.sales_range import REASON, SalesRange, tier


@pytest.fixture
def goods(database: Database) -> SalesRange:
    """Products for sale, with gold at 4,000 and silver at 50 dollars."""
    set_prices(database, AU="4000", AG="50")
    return SalesRange(database)


def test_goods_are_sold_at_the_ask_and_tiers_count_by_line(goods: SalesRange) -> None:
    sku = goods.add(tier("5"), tier("4", from_quantity=10), fine="1")
    lines = [goods.price(sku, quantity) for quantity in (9, 10)]
    # Half the spread of 40 basis points above 4,000.
    assert [(str(each.spot), str(each.bid)) for each in lines] == [
        ("4008.000000", "3992.000000")
    ] * 2
    assert [str(each.unit_price) for each in lines] == ["4208.40", "4168.32"]
    assert [str(each.total) for each in lines] == ["37875.60", "41683.20"]


def test_bar_with_a_weight_of_its_own_is_priced_by_it(goods: SalesRange) -> None:
    sku = goods.add(
        tier(per_ounce="1"), form=ProductForm.BAR, gross="400", fineness="0.995", is_serialized=True
    )
    line = goods.price(sku)
    assert str(line.unit_price) == "1595582.00"
    own = line.product.accounted.asset
    assert str(line.price_of(type(line.product.accounted)(own, 39_912_300_000))) == "1600084.11"


def test_silver_is_priced_by_its_gross_ounces_and_gold_by_its_fine_ones(goods: SalesRange) -> None:
    silver = goods.add(tier(), metal=Metal.AG, gross="10", fineness="0.999")
    gold = goods.add(tier(), gross="10", fineness="0.999")
    assert str(goods.price(silver).unit_price) == "502.00"
    assert str(goods.price(gold).unit_price) == "40039.92"


def test_most_specific_rule_decides(goods: SalesRange) -> None:
    """A product's own before its category's, the deepest category before those above, a form's
    before that of all its metal. No other test has rules of palladium."""
    set_prices(goods.database, PD="1000")
    top_id, top = goods.category()
    below_id, _ = goods.category(top_id)
    _, deepest = goods.category(below_id)
    sku = goods.add(metal=Metal.PD, form=ProductForm.BAR, fine="0.999", category=deepest)
    other = goods.add(metal=Metal.PD, form=ProductForm.COIN, fine="0.999", category=top)
    with pytest.raises(NotForSale):
        goods.price(sku)
    percents = []
    for percent, scope in enumerate(
        [
            PriceScope(metal=Metal.PD),
            PriceScope(metal=Metal.PD, form=ProductForm.BAR),
            PriceScope(category_id=top_id),
            PriceScope(category_id=below_id),
            PriceScope(sku=sku),
        ],
        start=1,
    ):
        goods.rule(scope, tier(str(percent)))
        percents.append((goods.price(sku).tier.percent, goods.price(other).tier.percent))
    assert percents == [(1, 1), (2, 1), (3, 3), (4, 3), (5, 3)]


def test_version_counts_from_its_first_instant_until_its_last(goods: SalesRange) -> None:
    sku, begins = goods.add(tier("5")), clock.now() + timedelta(days=1)
    ends = begins + timedelta(days=1)
    with goods.database.transaction() as session:
        sale = NewPriceRule(PriceScope(sku=sku), [tier("2")], begins, ends)
        service.set_by_operator(session, sale, reason=REASON)

    def percent_at(at: datetime) -> Decimal:
        with time_machine.travel(at, tick=False):
            set_prices(goods.database, AU="4000")
            return goods.price(sku).tier.percent

    step = timedelta(microseconds=1)
    assert [percent_at(at) for at in (begins - step, begins, ends - step, ends)] == [5, 2, 2, 5]


def test_ended_rule_takes_what_it_replaced_with_it(goods: SalesRange) -> None:
    sku = goods.add(tier("5"))
    scope = PriceScope(sku=sku)
    second = goods.rule(scope, tier("4"))
    with goods.database.transaction() as session:
        sale = NewPriceRule(scope, [tier("2")], valid_until=clock.now() + timedelta(days=1))
        sale_id = service.set_by_operator(session, sale, reason=REASON)
    percents = [goods.price(sku).tier.percent]
    with goods.database.transaction() as session:
        versions.end_version(session, sale_id, Author(None, REASON))
    percents.append(goods.price(sku).tier.percent)
    with goods.database.transaction() as session:
        versions.end_version(session, second, Author(None, REASON))
    assert percents == [2, 4]
    with pytest.raises(NotForSale):
        goods.price(sku)
    with pytest.raises(PriceRuleOver), goods.database.transaction() as session:
        versions.end_version(session, second, Author(None, REASON))


def test_refused_rule_changes_nothing(goods: SalesRange, people: People) -> None:
    sku, admin = goods.add(tier("5")), people.staff(Role.ADMIN)
    scope = PriceScope(sku=sku)

    def record(rule: NewPriceRule, *, role: Role = Role.ADMIN, reason: str = REASON) -> None:
        actor = admin if role is Role.ADMIN else people.staff(role)
        with goods.database.transaction() as session:
            service.record_rule(session, actor, rule, reason=reason)

    past = clock.now() - timedelta(days=1)
    with pytest.raises(PriceRuleUnchanged):
        record(NewPriceRule(scope, [tier("5")]))
    with pytest.raises(Invalid, match="valid_until"):
        record(NewPriceRule(scope, [tier("4")], valid_until=past))
    with pytest.raises(Invalid, match="sku"):
        record(NewPriceRule(PriceScope(sku="NO-SUCH-SKU"), [tier("4")]))
    with pytest.raises(Invalid, match="category"):
        record(NewPriceRule(PriceScope(category_id=ids.new()), [tier("4")]))
    with pytest.raises(Invalid, match="reason"):
        record(NewPriceRule(scope, [tier("4")]), reason="")
    with pytest.raises(PermissionDenied):
        record(NewPriceRule(scope, [tier("4")]), role=Role.COMPLIANCE)
    with pytest.raises(NotFound), goods.database.transaction() as session:
        service.end_rule(session, admin, ids.new(), reason=REASON)
    assert goods.price(sku).tier.percent == 5


def test_lines_without_a_price_say_why(goods: SalesRange) -> None:
    sold, unpriced = goods.add(tier("5")), goods.add(form=ProductForm.SHEET)
    draft = goods.add(tier("5"), published_from="")
    over = goods.add(tier("5"), published_until="2026-01-31")
    wanted = [(sku, 1) for sku in (sold.lower(), unpriced, draft, over, "NO-SUCH-SKU")]
    with goods.database.reading() as session:
        lines = queries.find_prices(session, wanted, clock.now())
        with pytest.raises(NotForSale) as refused:
            queries.price_goods(session, wanted, clock.now())
    assert refused.value.field == "items.1.sku"
    assert [line.sku for line in lines if not isinstance(line, UnpricedLine)] == [sold]
    reasons = [line.refusal.field for line in lines if isinstance(line, UnpricedLine)]
    assert reasons == [f"items.{index}.sku" for index in (1, 2, 3, 4)]


def test_nothing_is_sold_at_a_halted_market_or_an_old_price(goods: SalesRange) -> None:
    sku = goods.add(tier("5"), metal=Metal.PT)
    with goods.database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal == Metal.PT)
    with pytest.raises(PriceStale):
        goods.price(sku)
    set_prices(goods.database, PT="1500")
    assert str(goods.price(sku).spot) == "1507.500000"
    later = clock.now() + timedelta(minutes=2)
    with pytest.raises(PriceStale), time_machine.travel(later, tick=False):
        goods.price(sku)
    with goods.database.transaction() as session:
        halt_market(session, None, Metal.PT, HaltReason.EVENT, note="a test of halts")
    with fixed_settings(ShopSettings(Decimal(2))), pytest.raises(MarketHalted):
        goods.price(sku)
    set_prices(goods.database, PT="1500")


#: Before the daily break of the market, and in it.
FRIDAY = datetime(2026, 11, 20, 21, 59, 30, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 15, tzinfo=UTC)


def test_closed_market_sells_at_its_last_price_with_the_premium_that_is_set(
    goods: SalesRange,
) -> None:
    provide(MarketHours, MarketHours.REAL)
    with time_machine.travel(FRIDAY, tick=False):
        sku = goods.add(tier("3"), fine="1")
        set_prices(goods.database, AU="4000")
        assert str(goods.price(sku).unit_price) == "4128.24"
    with time_machine.travel(SATURDAY, tick=False):
        with pytest.raises(MarketHalted, match="closed"):
            goods.price(sku)
        with fixed_settings(ShopSettings(Decimal(2))):
            line = goods.price(sku)
            assert (str(line.unit_price), line.after_hours_percent) == ("4208.40", 2)
            assert line.observed_at == FRIDAY
    with time_machine.travel(FRIDAY - timedelta(hours=3), tick=False):
        set_prices(goods.database, AU="4000")
    # The last price was too old when the session ended.
    with (
        time_machine.travel(SATURDAY, tick=False),
        fixed_settings(ShopSettings(Decimal(2))),
        pytest.raises(PriceStale),
    ):
        goods.price(sku)
    set_prices(goods.database, AU="4000")
