"""Changes of price rules: what is changed together, what that does to each product, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.queries import ApprovalRequest
from app.blueprints.forms import (
    Done,
    Form,
    FormSchema,
    choice_field,
    date_field,
    hidden_field,
    reason_field,
    text_field,
)
from app.blueprints.list_view import seal_query
from app.blueprints.lists import Column, Filter, ListPage, PersonCell, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.prices import adjustments, change_texts, changes, listed_rules, rules, service
from app.shop.prices import queries as prices_queries
from app.shop.prices.adjustments import PremiumPart, PremiumStep
from app.shop.prices.changes import EFFECTS, PREFIX, PriceChange
from app.shop.prices.plans import PricePlan
from app.shop.prices.service import ChangeOutcome

blp = PageBlueprint("price_changes", "/admin/price-changes")
REQUESTED = "The change moves a price so far that a second person has to approve it."
#: How many prices the page of a change shows; the list has all.
_SHOWN_MAX = 20


class PremiumChangeSchema(FormSchema):
    """What changes about each rule, and from when to when."""

    part = choice_field("Part of the premium", "Choose a part.", PremiumPart.options())
    step = choice_field("Change", "Choose how it changes.", PremiumStep.options())
    number = text_field("Number", "Enter a number.", hint="In every tier of each rule, like 0.5")
    first_day = date_field("First day", None, hint="From midnight UTC. Empty: from now on")
    last_day = date_field("Last day", None, hint="The rules of now count again afterwards")


ADJUST = Form(
    "adjust",
    title="What changes",
    about="Nothing changes yet: the effect on each product is shown first.",
    schema=PremiumChangeSchema,
    button="Show the effect",
    success="This is the effect. Confirm it, or change what you entered.",
    failure="The effect is not known",
    is_secondary=True,
)


class ConfirmationSchema(FormSchema):
    """The effect that the person saw, and why prices change."""

    digest = hidden_field()
    reason = reason_field()


CONFIRM = Form(
    "confirm",
    title="Confirm",
    about="All rules change, or none. A change that moves a price far waits for a second person.",
    schema=ConfirmationSchema,
    button="Change prices",
    failure="No price was changed",
    confirm="Change these prices?",
)

PRICE_EFFECTS = ListPage(
    name="price_effects",
    title="Price changes",
    about="What changes of price rules do to the price of each product, at the asks of that time.",
    source=lambda _session, _actor: EFFECTS,
    columns=(
        Column("sku", "Product", lambda effect: effect.sku, sort="sku", is_code=True),
        Column("name", "Name", lambda effect: effect.name, is_hidden=True),
        Column("from", "From units", lambda effect: effect.from_quantity),
        Column("before", "Before", lambda effect: effect.before),
        Column("after", "After", lambda effect: effect.after),
        Column(
            "difference",
            "Difference",
            lambda effect: effect.difference,
            sort="difference",
            is_figure=True,
        ),
        Column("made", "Made", lambda effect: effect.made_at, sort="newest"),
        Column("maker", "Prepared by", lambda effect: PersonCell(effect.maker_id)),
        Column(
            "change",
            "Change",
            lambda effect: ReferenceCell(effect.change_public_id),
            is_hidden=True,
        ),
    ),
    row_url=lambda effect: url_for(
        "price_changes_pages.show_change", change_id=effect.change_public_id
    ),
    default_sort="-newest",
    filters=(Filter("sku", "SKU"), Filter("change", "Change", hint="Its ID")),
    empty=("No price changes yet", "Choose price rules, and change them together."),
)
list_price_effects = blp.add_list("", PRICE_EFFECTS, permission=Permission.PRICES_READ)


@dataclass(frozen=True, slots=True)
class _ShownRule:
    """What a rule says before a change, and afterwards."""

    products: str
    before: str
    after: str


@blp.view("GET", "/<change_id>", permission=Permission.PRICES_READ, shows=PREFIX)
def show_change(session: Session, actor: Actor, change_id: str) -> Response:
    """Show a change: its rules, its effect on each product, and what became of it."""
    change = changes.get_change(session, ids.decode(PREFIX, change_id))
    may_edit = Permission.PRICES_EDIT in actor.permissions and change.maker_id == actor.user_id
    is_open = may_edit and not change.is_settled
    query = seal_query(PRICE_EFFECTS, {"change": change.public_id, "sort": "-difference"})
    return render_page(
        "admin/prices/change.html",
        change=change,
        rules=_list_rules(session, change),
        asks=change_texts.write_asks(change),
        effects=changes.list_largest(session, change.id, _SHOWN_MAX),
        totals=changes.count_effects(session, change.id),
        all_url=f"{url_for('price_changes_pages.list_price_effects')}?{query}",
        request_made=_find_request(session, change),
        names=people.get_names(session, [change.maker_id]),
        # Each form, and whether it is open.
        adjust_form=(ADJUST, bool(is_open and change.chosen)),
        confirm_form=(CONFIRM, is_open and change.plan is not None),
    )


def _find_request(session: Session, change: PriceChange) -> ApprovalRequest | None:
    requests = approvals_queries.list_requests_about(session, change.public_id)
    return requests[-1] if requests else None


def _list_rules(session: Session, change: PriceChange) -> Sequence[_ShownRule]:
    """Return the rules that were chosen, or the one that is recorded or ends."""
    plan = change.plan or PricePlan()
    planned = {version.scope: rules.summarize_tiers(version.tiers) for version in plan.versions}
    if plan.ends is not None:
        ended = listed_rules.get_listed(session, plan.ends)
        return [_ShownRule(ended.products, ended.terms, "Ended")]
    if change.chosen:
        chosen = listed_rules.list_listed(session, change.chosen)
        return [
            _ShownRule(rule.products, rule.terms, planned.get(rule.scope, "Unchanged"))
            for rule in chosen
        ]
    at = change.previewed_at or change.created_at
    shown = []
    for scope, terms in planned.items():
        before = prices_queries.find_version(session, scope, at)
        said = rules.summarize_tiers(before.tiers) if before is not None else "No rule of its own"
        shown.append(_ShownRule(prices_queries.name_products(session, scope), said, terms))
    return shown


@blp.form("/<change_id>/effect", ADJUST, shown_on=show_change, permission=Permission.PRICES_EDIT)
def preview_change(
    session: Session, actor: Actor, fields: Mapping[str, Any], change_id: str
) -> None:
    """Show what a change of the chosen rules does to the price of each product."""
    adjustment = adjustments.parse_adjustment(
        PremiumPart(fields["part"]), PremiumStep(fields["step"]), fields["number"]
    )
    valid_from, valid_until = read_days(fields)
    service.preview_change(
        session,
        actor,
        ids.decode(PREFIX, change_id),
        adjustment,
        valid_from=valid_from,
        valid_until=valid_until,
    )


@blp.form("/<change_id>/confirm", CONFIRM, shown_on=show_change, permission=Permission.PRICES_EDIT)
def confirm_change(
    session: Session, actor: Actor, fields: Mapping[str, str], change_id: str
) -> Done:
    """Change the rules, or request it where it moves a price far."""
    outcome = service.confirm_change(
        session,
        actor,
        ids.decode(PREFIX, change_id),
        digest=fields["digest"],
        reason=fields["reason"],
    )
    return say_outcome(outcome, None, "Prices changed.")


def say_outcome(outcome: ChangeOutcome, location: str | None, made: str) -> Done:
    """Return where a change leads: to this page once it is made, and else to the page of the change
    that waits."""
    if outcome.approval_id is None:
        return Done(location, made)
    change_id = ids.encode(PREFIX, outcome.change_id)
    return Done(url_for("price_changes_pages.show_change", change_id=change_id), REQUESTED)


def read_days(fields: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return the first instant and the end of the days that were entered. Raises `Invalid` for days
    that have passed."""
    first, last = fields["first_day"], fields["last_day"]
    if first is not None and first < clock.now().date():
        raise Invalid("first_day", "Enter a day that has not passed, or leave it empty.")
    if last is not None and last < (first or clock.now().date()):
        raise Invalid("last_day", "Enter a last day that is not before the first, nor has passed.")
    return (
        _midnight(first) if first else None,
        _midnight(last + timedelta(days=1)) if last else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
