"""Price rules: what products cost above their metal, and from when to when."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin.price_changes import read_days, say_outcome
from app.blueprints.forms import (
    Done,
    Form,
    FormSchema,
    choice_field,
    date_field,
    reason_field,
    text_field,
)
from app.blueprints.lists import (
    BulkStart,
    ChoiceFilter,
    Column,
    EnumFilter,
    Filter,
    ListForm,
    ListPage,
    PersonCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.categories import queries as categories_queries
from app.catalog.products.rules import ProductForm
from app.catalog.rules import PRICED_NAMES, Metal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.prices import changes, listed_rules, rules, service
from app.shop.prices.rules import RULE_PREFIX, PriceRuleStatus, PriceScope
from app.shop.prices.versions import NewPriceRule

blp = PageBlueprint("prices", "/admin/prices")
_EDIT = Permission.PRICES_EDIT
_METALS = [(metal.value, PRICED_NAMES[metal].capitalize()) for metal in Metal]


class PremiumSchema(FormSchema):
    """What a version of a rule says, and from when to when."""

    tiers = text_field(
        "Tiers",
        "Enter at least one tier.",
        control="textarea",
        hint="A line for each: first quantity, percent, US dollars per ounce, US dollars per unit."
        " Like 1, 5.5, 0, 2 and then 10, 4.25",
        check=rules.parse_tiers,
    )
    first_day = date_field("First day", None, hint="From midnight UTC. Empty: from now on")
    last_day = date_field("Last day", None, hint="Of a sale: the lasting rule counts again then")
    reason = reason_field()


class ProductsSchema(FormSchema):
    """The products of a rule: one, those of a category, or those of a metal."""

    sku = text_field("SKU", None, hint="Of a rule for one product")
    category = choice_field("Category", None, none="No category", hint="With what is below it")
    metal = choice_field("Metal", None, _METALS, none="No metal")
    metal_form = choice_field("Form of the metal", None, ProductForm.options(), none="Every form")


class PriceRuleSchema(PremiumSchema, ProductsSchema):
    """A rule: its products, then what it says."""


RECORD = Form(
    "record",
    title="Record a rule",
    about="Enter a SKU, or choose a category or a metal. The most specific rule of a product"
    " decides its price alone. Price locks that are open keep theirs. If it moves a price far, a"
    " second person has to approve it.",
    schema=PriceRuleSchema,
    button="Record rule",
    failure="The rule was not recorded",
)
CHANGE = Form(
    "change",
    title="Record a new version",
    about="It replaces this one from its first day on; with a last day, only until then. If it"
    " moves a price far, a second person has to approve it.",
    schema=PremiumSchema,
    button="Record version",
    failure="The version was not recorded",
)


class PriceRuleEndSchema(FormSchema):
    """Why a rule ends."""

    reason = reason_field()


END = Form(
    "end",
    title="End this rule",
    about="The next less specific rule decides from now on. Products without one are not for sale.",
    schema=PriceRuleEndSchema,
    button="End rule",
    failure="The rule was not ended",
    is_dangerous=True,
    confirm="End this price rule now?",
)


def _categories(session: Session) -> Sequence[tuple[str, str]]:
    categories = categories_queries.list_categories(session)
    return [(category.public_id, category.full_name) for category in categories]


def _start_change(session: Session, actor: Actor, rule_ids: Sequence[UUID]) -> str:
    change_id = ids.encode(changes.PREFIX, service.start_change(session, actor, rule_ids))
    return url_for("price_changes_pages.show_change", change_id=change_id)


RULES = ListPage(
    name="price_rules",
    title="Price rules",
    about="What products cost above their metal. A product without a rule is not for sale.",
    source=lambda _session, _actor: listed_rules.every_rule(clock.now()),
    columns=(
        Column("products", "Products", lambda listed: listed.products, sort="products"),
        Column("terms", "Premium", lambda listed: listed.terms),
        Column("status", "Status", lambda listed: listed.status),
        Column("from", "From", lambda listed: listed.valid_from, sort="from"),
        Column("until", "Until", lambda listed: listed.ends_at),
        Column(
            "maker",
            "Recorded by",
            lambda listed: PersonCell(listed.maker_id, "Command line"),
            is_hidden=True,
        ),
        Column(
            "recorded",
            "Recorded",
            lambda listed: listed.recorded_at,
            sort="recorded",
            is_hidden=True,
        ),
    ),
    row_url=lambda listed: url_for("prices_pages.show_rule", rule_id=listed.public_id),
    default_sort="products",
    filters=(
        Filter("sku", "SKU"),
        ChoiceFilter("metal", "Metal", choices=lambda _session, _actor: _METALS),
        EnumFilter("status", "Status", PriceRuleStatus, default=PriceRuleStatus.IN_EFFECT),
    ),
    bulk_actions=(
        BulkStart(
            "change",
            "Change selected",
            "Change all found",
            _EDIT,
            RULE_PREFIX,
            service.CHOSEN_MAX,
            _start_change,
        ),
    ),
    empty=("No price rules yet", "Nothing is for sale until a rule is recorded."),
)
list_price_rules = blp.add_list(
    "",
    RULES,
    permission=Permission.PRICES_READ,
    form=ListForm(RECORD, _EDIT, lambda session, _actor: {"category": _categories(session)}),
)


@blp.form("", RECORD, shown_on=list_price_rules, permission=_EDIT)
def record_rule(session: Session, actor: Actor, fields: Mapping[str, Any]) -> Done:
    """Record a rule, which counts from its first day, or request it where it moves a price far."""
    chosen = [name for name in ("sku", "category", "metal") if fields[name]]
    if len(chosen) != 1:
        field = chosen[1] if chosen else "sku"
        raise Invalid(field, "Enter a SKU, or choose a category or a metal: one of the three.")
    if fields["metal_form"] and not fields["metal"]:
        raise Invalid("metal_form", "Choose the metal of the form.")
    category_id = ids.try_decode(categories_queries.PREFIX, fields["category"])
    if fields["category"] and category_id is None:
        raise Invalid("category", "Choose a category from the list.")
    scope = PriceScope(
        fields["sku"].upper() or None,
        category_id,
        Metal(fields["metal"]) if fields["metal"] else None,
        ProductForm.with_value(fields["metal_form"]),
    )
    return _record(session, actor, scope, fields)


def _record(session: Session, actor: Actor, scope: PriceScope, fields: Mapping[str, Any]) -> Done:
    rule = NewPriceRule(scope, rules.parse_tiers(fields["tiers"]), *read_days(fields))
    outcome = service.record_rule(session, actor, rule, reason=fields["reason"])
    recorded = [ids.encode(RULE_PREFIX, rule_id) for rule_id in outcome.rule_ids]
    page = url_for("prices_pages.show_rule", rule_id=recorded[0]) if recorded else None
    return say_outcome(outcome, page, "Price rule recorded.")


@blp.view("GET", "/<rule_id>", permission=Permission.PRICES_READ, shows=RULE_PREFIX)
def show_rule(session: Session, actor: Actor, rule_id: str) -> Response:
    """Show a version of a rule, and the forms for a new one and for its end."""
    rule = listed_rules.get_listed(session, ids.decode(RULE_PREFIX, rule_id))
    return render_page(
        "admin/prices/rule.html",
        rule=rule,
        change_form=CHANGE,
        end_form=END,
        may_edit=_EDIT in actor.permissions,
        values={"tiers": "\n".join(map(rules.write_tier, rule.tiers))},
    )


@blp.form("/<rule_id>", CHANGE, shown_on=show_rule, permission=_EDIT)
def change_rule(session: Session, actor: Actor, fields: Mapping[str, Any], rule_id: str) -> Done:
    """Record another version of a rule, or request it where it moves a price far."""
    rule = listed_rules.get_listed(session, ids.decode(RULE_PREFIX, rule_id))
    return _record(session, actor, rule.scope, fields)


@blp.form("/<rule_id>/end", END, shown_on=show_rule, permission=_EDIT)
def end_rule(session: Session, actor: Actor, fields: Mapping[str, str], rule_id: str) -> Done:
    """End a version of a rule now, or request it where that moves a price far."""
    rule = ids.decode(RULE_PREFIX, rule_id)
    outcome = service.end_rule(session, actor, rule, reason=fields["reason"])
    return say_outcome(outcome, None, "Price rule ended.")
