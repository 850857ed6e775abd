"""Changes of price rules: their effect on each product, and the second person for large ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals.errors import ApprovalOutdated, SelfApproval
from app.audit.models import AuditRecord
from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products.models import Product
from app.catalog.rules import USD, Metal
from app.imports import registry
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.money import Amount
from app.pricing.errors import PriceStale
from app.pricing.models import MarketPriceRow
from app.shop.prices import changes, queries, service
from app.shop.prices.adjustments import Adjustment, PremiumPart, PremiumStep
from app.shop.prices.changes import PriceChange
from app.shop.prices.errors import (
    PriceChangeSettled,
    PricePreviewOutdated,
    PriceRuleOver,
    PriceRuleUnchanged,
)
from app.shop.prices.guard import keep_prices
from app.shop.prices.models import PriceChangeRow
from app.shop.prices.rules import PriceScope, PriceTier
from app.shop.prices.service import ChangeOutcome
from app.shop.prices.versions import NewPriceRule
from tests.page_client import check_page
from tests.people import People, set_prices
from tests.rows import change_rows, delete_rows, read_values
from tests.second_person import approve
from tests.shop.sales_range import REASON, SalesRange, tier
from tests.staff import sign_in

RAISE, LOWER, SET = PremiumStep.RAISE, PremiumStep.LOWER, PremiumStep.SET
PERCENT, PER_OUNCE, PER_UNIT = PremiumPart.PERCENT, PremiumPart.PER_OUNCE, PremiumPart.PER_UNIT


@dataclass(frozen=True)
class Pricing:
    """A member of staff who changes prices, and the range that is changed."""

    database: Database
    goods: SalesRange
    people: People
    buyer: Actor

    def change(self, sku: str, *tiers: PriceTier, **dates: datetime) -> ChangeOutcome:
        """Record another version of the rule of one product."""
        with self.database.transaction() as session:
            rule = NewPriceRule(PriceScope(sku=sku), tiers, **dates)
            return service.record_rule(session, self.buyer, rule, reason=REASON)

    def end(self, sku: str) -> ChangeOutcome:
        """End the rule of one product."""
        with self.database.transaction() as session:
            rule = queries.find_version(session, PriceScope(sku=sku), clock.now())
            assert rule is not None
            return service.end_rule(session, self.buyer, rule.id, reason=REASON)

    def preview(self, rule_ids: list[UUID], adjustment: Adjustment) -> PriceChange:
        """Show what a change of several rules does."""
        with self.database.transaction() as session:
            change_id = service.start_change(session, self.buyer, rule_ids)
        return self.adjust(change_id, adjustment)

    def adjust(self, change_id: UUID, adjustment: Adjustment) -> PriceChange:
        """Say what changes about the chosen rules."""
        with self.database.transaction() as session:
            service.preview_change(
                session, self.buyer, change_id, adjustment, valid_from=None, valid_until=None
            )
            return changes.get_change(session, change_id)

    def confirm(self, change: PriceChange, actor: Actor | None = None) -> ChangeOutcome:
        """Confirm the effect that was shown."""
        with self.database.transaction() as session:
            return service.confirm_change(
                session, actor or self.buyer, change.id, digest=change.digest, reason=REASON
            )

    def effects(self, change_id: UUID) -> list[tuple[str, int, str, str, str]]:
        """Return what a change does: SKU, quantity, before, after, difference."""
        with self.database.reading() as session:
            return sorted(
                (each.sku, each.from_quantity, str(each.before), str(each.after), each.difference)
                for each in changes.list_largest(session, change_id, 50)
            )

    def price(self, sku: str, quantity: int = 1) -> str:
        """Return what one unit costs now."""
        return str(self.goods.price(sku, quantity).unit_price)


@pytest.fixture
def pricing(database: Database, people: People) -> Pricing:
    """Gold at an ask of 4,008 dollars."""
    set_prices(database, AU="4000", AG="50")
    return Pricing(database, SalesRange(database), people, people.staff(Role.INVENTORY))


def test_several_rules_change_together_and_the_effect_is_shown_first(pricing: Pricing) -> None:
    coin = pricing.goods.add(fine="1")
    bar, other = pricing.goods.add(fine="10", gross="10"), pricing.goods.add(tier("5"), fine="1")
    coin_rule = pricing.goods.rule(
        PriceScope(sku=coin), tier("5", per_unit=200), tier("4", from_quantity=10)
    )
    bar_rule = pricing.goods.rule(PriceScope(sku=bar), tier("2"))
    change = pricing.preview([coin_rule, bar_rule], Adjustment(PERCENT, RAISE, Decimal("0.5")))
    assert pricing.effects(change.id) == sorted(
        [
            (coin, 1, "4210.40", "4230.44", "+0.48 %"),
            (coin, 10, "4168.32", "4188.36", "+0.48 %"),
            (bar, 1, "40881.60", "41082.00", "+0.49 %"),
        ]
    )
    assert [pricing.price(sku) for sku in (coin, bar)] == ["4210.40", "40881.60"]
    outcome = pricing.confirm(change)
    assert outcome.approval_id is None
    assert [pricing.price(coin), pricing.price(coin, 10)] == ["4230.44", "4188.36"]
    assert [pricing.price(bar), pricing.price(other)] == ["41082.00", "4208.40"]
    with pytest.raises(PriceChangeSettled):
        pricing.confirm(change)
    with pricing.database.reading() as session:
        versions = queries.list_versions(session, [coin_rule, *outcome.rule_ids])
        assert versions[coin_rule].tiers[0].percent == 5, "a version is never rewritten"
        assert {versions[each].maker_id for each in outcome.rule_ids} == {pricing.buyer.user_id}
        recorded = [
            read_values(session, AuditRecord.action, AuditRecord.subject == rule_id)
            for rule_id in (versions[each].public_id for each in outcome.rule_ids)
        ]
    assert recorded == [["price_rule.recorded"]] * 2


def test_rule_of_a_category_moves_the_products_that_have_none_of_their_own(
    pricing: Pricing,
) -> None:
    top_id, _ = pricing.goods.category()
    _, below = pricing.goods.category(top_id)
    deep = pricing.goods.add(fine="1", category=below)
    own = pricing.goods.add(tier("4"), fine="1", category=below)
    rule_id = pricing.goods.rule(PriceScope(category_id=top_id), tier("5"))
    change = pricing.preview([rule_id], Adjustment(PER_UNIT, SET, Decimal(3)))
    assert pricing.effects(change.id) == [(deep, 1, "4208.40", "4211.40", "+0.07 %")]
    assert pricing.confirm(change).approval_id is None
    assert [pricing.price(deep), pricing.price(own)] == ["4211.40", "4168.32"]


@pytest.mark.parametrize(
    ("before", "after", "is_alone"),
    [(0, 120_24, True), (0, 120_25, False), (120_24, 0, True), (124_00, 0, False)],
)
def test_price_that_moves_by_more_than_the_setting_needs_a_second_person(
    pricing: Pricing, before: int, after: int, is_alone: bool
) -> None:
    """Of 4,008.00 dollars, 3 percent are 120.24: that is not more; one cent above is."""
    sku = pricing.goods.add(tier(per_unit=before), fine="1")
    outcome = pricing.change(sku, tier(per_unit=after))
    assert (outcome.approval_id is None) == is_alone
    assert pricing.price(sku) == str(Amount(USD, 4_008_00 + (after if is_alone else before)))


def test_second_person_makes_just_the_change_that_was_shown(pricing: Pricing) -> None:
    sku, checker = pricing.goods.add(tier("5"), fine="1"), pricing.people.staff(Role.ADMIN)
    outcome = pricing.change(sku, tier("15"))
    assert outcome.rule_ids == ()
    assert pricing.price(sku) == "4208.40"
    assert outcome.approval_id is not None
    with pricing.database.reading() as session:
        request = approvals_queries.get_approval(session, outcome.approval_id)
    assert request.before[sku] == "4,208.40 USD"
    assert request.after[sku] == "4,609.20 USD (+9.52 %)"
    assert (request.before[f"RULE {sku}"], request.after[f"RULE {sku}"]) == ("5 %", "15 %")
    with pytest.raises(SelfApproval):
        approve(pricing.database, pricing.buyer, outcome.approval_id)
    approve(pricing.database, checker, outcome.approval_id)
    assert pricing.price(sku) == "4609.20"
    with pricing.database.reading() as session:
        rule = queries.find_version(session, PriceScope(sku=sku), clock.now())
        assert rule is not None
        assert (rule.maker_id, rule.approval_id) == (pricing.buyer.user_id, request.id)
        made = read_values(session, PriceChangeRow.made_at, PriceChangeRow.id == outcome.change_id)
    assert None not in made


def test_request_is_outdated_once_a_rule_of_it_has_changed(pricing: Pricing) -> None:
    sku, checker = pricing.goods.add(tier("5"), fine="1"), pricing.people.staff(Role.ADMIN)
    outcome = pricing.change(sku, tier("15"))
    pricing.goods.rule(PriceScope(sku=sku), tier("5.5"))
    with pytest.raises(ApprovalOutdated):
        approve(pricing.database, checker, outcome.approval_id)
    assert pricing.price(sku) == "4228.44"


def test_market_that_moves_does_not_outdate_a_request(pricing: Pricing) -> None:
    sku, checker = pricing.goods.add(tier("5"), fine="1"), pricing.people.staff(Role.ADMIN)
    outcome = pricing.change(sku, tier("15"))
    set_prices(pricing.database, AU="4100")
    approve(pricing.database, checker, outcome.approval_id)
    assert pricing.price(sku) == "4724.43"


def test_steps_within_a_day_count_together(pricing: Pricing) -> None:
    """Each step is below the limit; from what the price was a day before, the second is not."""
    sku = pricing.goods.add(tier("5"), fine="1")
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        set_prices(pricing.database, AU="4000")
        assert pricing.change(sku, tier("7")).approval_id is None
        assert pricing.change(sku, tier("9")).approval_id is not None
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        set_prices(pricing.database, AU="4000")
        assert pricing.change(sku, tier("8.9")).approval_id is None
    set_prices(pricing.database, AU="4000")


def test_rule_that_ended_today_does_not_come_back_at_any_price(pricing: Pricing) -> None:
    """Ending a rule takes a product off sale alone; a price that it had a day before counts."""
    sku = pricing.goods.add(tier("5"), fine="1")
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        set_prices(pricing.database, AU="4000")
        assert pricing.end(sku).approval_id is None
        assert pricing.change(sku, tier("0")).approval_id is not None
        assert pricing.change(sku, tier("4.5")).approval_id is None
    set_prices(pricing.database, AU="4000")


def test_end_of_a_rule_that_moves_a_price_far_needs_a_second_person(pricing: Pricing) -> None:
    top_id, top = pricing.goods.category()
    pricing.goods.rule(PriceScope(category_id=top_id), tier("1"))
    sku = pricing.goods.add(tier("9"), fine="1", category=top)
    outcome = pricing.end(sku)
    assert pricing.price(sku) == "4368.72"
    approve(pricing.database, pricing.people.staff(Role.ADMIN), outcome.approval_id)
    assert pricing.price(sku) == "4048.08"


def test_later_version_is_compared_with_what_counts_when_it_begins(pricing: Pricing) -> None:
    sku, begins = pricing.goods.add(tier("5"), fine="1"), clock.now() + timedelta(days=5)
    with pricing.database.transaction() as session:
        next_rule = NewPriceRule(PriceScope(sku=sku), [tier("12")], begins - timedelta(days=3))
        service.set_by_operator(session, next_rule, reason=REASON)
    assert pricing.change(sku, tier("12.5"), valid_from=begins).approval_id is None
    assert pricing.change(sku, tier("5.5"), valid_from=begins).approval_id is not None


def test_effect_that_is_no_longer_what_was_shown_is_refused(pricing: Pricing) -> None:
    sku = pricing.goods.add(fine="1")
    rule_id = pricing.goods.rule(PriceScope(sku=sku), tier("5"))
    adjustment = Adjustment(PERCENT, RAISE, Decimal(1))
    changed = pricing.preview([rule_id], adjustment)
    pricing.goods.rule(PriceScope(sku=sku), tier("5.25"))
    with pytest.raises(PricePreviewOutdated):
        pricing.confirm(changed)
    shown_again = pricing.adjust(changed.id, Adjustment(PERCENT, RAISE, Decimal("0.3")))
    with pytest.raises(PricePreviewOutdated):
        pricing.confirm(changed)
    late = clock.now() + timedelta(hours=1, seconds=1)
    with pytest.raises(PricePreviewOutdated), time_machine.travel(late, tick=False):
        pricing.confirm(shown_again)
    assert pricing.effects(changed.id) == [(sku, 1, "4218.42", "4220.42", "+0.05 %")]
    pricing.confirm(shown_again)
    assert pricing.price(sku) == "4220.42"


def test_refused_change_of_several_rules_changes_none(pricing: Pricing) -> None:
    sku, other = pricing.goods.add(fine="1"), pricing.goods.add(fine="1")
    first = pricing.goods.rule(PriceScope(sku=sku), tier("5"))
    low = pricing.goods.rule(PriceScope(sku=other), tier("0.2"))
    raised = Adjustment(PERCENT, RAISE, Decimal(1))
    with pytest.raises(Invalid, match="number"):
        pricing.preview([first, low], Adjustment(PERCENT, LOWER, Decimal("0.25")))
    with pytest.raises(PriceRuleUnchanged):
        pricing.preview([first], Adjustment(PERCENT, SET, Decimal(5)))
    with pytest.raises(Invalid, match="ids"):
        pricing.preview([], raised)
    change = pricing.preview([first, low], raised)
    with pytest.raises(NotFound):
        pricing.confirm(change, pricing.people.staff(Role.ADMIN))
    with pytest.raises(PermissionDenied):
        pricing.confirm(change, pricing.people.staff(Role.COMPLIANCE))
    second = pricing.goods.rule(PriceScope(sku=sku), tier("6.5"))
    with pytest.raises(Invalid, match="ids"):
        pricing.preview([first, second], raised)
    with pytest.raises(PricePreviewOutdated):
        pricing.confirm(change)
    pricing.end(sku)
    with pytest.raises(PriceRuleOver):
        pricing.preview([second, low], raised)
    assert pricing.price(other) == "4016.02"


def test_effect_on_a_metal_without_any_price_is_not_known(pricing: Pricing) -> None:
    sku = pricing.goods.add(tier("5"), metal=Metal.PT)
    with pricing.database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal == Metal.PT)
    with pytest.raises(PriceStale, match="platinum"):
        pricing.change(sku, tier("6"))
    set_prices(pricing.database, PT="1500")


def test_change_that_was_not_confirmed_is_forgotten_after_a_week(pricing: Pricing) -> None:
    sku = pricing.goods.add(fine="1")
    rule_id = pricing.goods.rule(PriceScope(sku=sku), tier("5"))
    dropped = pricing.preview([rule_id], Adjustment(PER_OUNCE, RAISE, Decimal(1)))
    requested = pricing.change(sku, tier("15"))
    made = pricing.change(sku, tier("5.5"))
    week = clock.now() + timedelta(days=7, seconds=1)
    with pricing.database.transaction() as session, time_machine.travel(week, tick=False):
        service.forget_unconfirmed(session)
        kept = set(read_values(session, PriceChangeRow.id))
    assert kept & {dropped.id, requested.change_id, made.change_id} == {
        requested.change_id,
        made.change_id,
    }


def test_product_moves_to_no_category_whose_rule_moves_its_price_far(
    pricing: Pricing, app: Flask
) -> None:
    """One person alone would else set a price by a category of their own making."""
    near_id, near = pricing.goods.category()
    far_id, far = pricing.goods.category()
    top_id, _ = pricing.goods.category()
    for category_id, percent in ((near_id, "5"), (far_id, "9"), (top_id, "15")):
        pricing.goods.rule(PriceScope(category_id=category_id), tier(percent))
    sku = pricing.goods.add(fine="1", category=near)
    page, browser = f"/admin/products/{sku}", sign_in(app, pricing.buyer)
    texts = {"name": f"Goods {sku}", "slug": sku.lower(), "display_order": "100"}
    refused = browser.submit_form(page, "describe", **texts, category=far)
    assert refused.status_code == 422
    assert "by more than 3 %" in check_page(refused).visible_text
    row = {"sku": sku, "category": far}
    with pricing.database.transaction() as session:
        write = registry.find("products").open_batch(session, pricing.buyer, [row])
        with pytest.raises(Invalid, match="category"):
            write(row)
        change_rows(session, Product, Product.sku == sku, category_id=near_id)
    entry = CategoryEntry(near, "Category", far_id)
    with pricing.database.transaction() as session:
        categories.change_category(session, None, near_id, entry)
    assert pricing.price(sku) == "4208.40", "its nearest category has a rule"
    pricing.goods.rule(PriceScope(sku=sku), tier("5"))
    moved = browser.submit_form(page, "describe", **texts, category=far)
    assert moved.status_code == 303, check_page(moved).visible_text
    assert pricing.price(sku) == "4208.40"


def test_category_moves_below_none_whose_rule_moves_prices_far(pricing: Pricing) -> None:
    own_id, own = pricing.goods.category()
    top_id, _ = pricing.goods.category()
    low_id, _ = pricing.goods.category()
    pricing.goods.rule(PriceScope(category_id=low_id), tier("5"))
    pricing.goods.rule(PriceScope(category_id=top_id), tier("15"))
    sku = pricing.goods.add(fine="1", category=own)

    def move(parent_id: UUID) -> None:
        scope, entry = PriceScope(category_id=own_id), CategoryEntry(own, "Category", parent_id)
        with (
            pricing.database.transaction() as session,
            keep_prices(session, scope, "parent"),
        ):
            categories.change_category(session, None, own_id, entry)

    move(low_id)
    with pytest.raises(Invalid, match="parent"):
        move(top_id)
    assert pricing.price(sku) == "4208.40"
