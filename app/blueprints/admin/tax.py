"""The rules of sales tax, with their versions."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    date_field,
    reason_field,
    text_field,
)
from app.blueprints.lists import ChoiceFilter, Column, EnumFilter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_date
from app.tax import queries, rules, service
from app.tax.queries import ListedTaxRule
from app.tax.rules import RULE_PREFIX, TaxRuleKey, TaxRuleStatus, ThresholdDirection
from app.tax.service import NewTaxRule
from app.tax.states import UsState, parse_state

blp = PageBlueprint("tax", "/admin/tax")

_METALS = [(metal.value, PRICED_NAMES[metal].capitalize()) for metal in Metal]


class GoodsSchema(FormSchema):
    """The goods and the place of a rule."""

    state = choice_field("State", "Choose a state.", UsState.options())
    tax_class = choice_field("Tax class", None, TaxClass.options(), none="All goods")
    metal = choice_field("Metal", None, _METALS, none="Every metal")
    fineness_min = text_field(
        "Least fineness", None, hint="Like 0.995", check=rules.parse_fineness_min
    )
    postal_prefix = text_field(
        "Postal codes that begin with",
        None,
        hint="3 to 5 digits, for the rate of a place. Empty: the whole state",
        check=rules.parse_postal_prefix,
    )


class TermsSchema(FormSchema):
    """What a version of a rule says, from when on, and who says so."""

    rate = text_field(
        "Rate in percent",
        None,
        hint="0 exempts every invoice. Empty: the rate of all goods there",
        check=rules.parse_rate,
    )
    exempt_from = text_field(
        "Threshold in US dollars",
        None,
        hint="The total of the invoice from which the goods are exempt",
        check=rules.parse_threshold,
    )
    threshold = choice_field("The invoice is exempt", None, ThresholdDirection.options())
    valid_from = date_field(
        "First day", "Enter the first day.", hint="Not before the day of the approval"
    )
    valid_until = date_field("Last day", None, hint="Of a rule that ends by itself")
    source = text_field(
        "Source", "Enter the law or the page that says so.", check=rules.clean_source
    )
    source_url = text_field("Address of the source", None, check=rules.clean_url)
    source_date = date_field("Source read on", "Enter the day on which you read the source.")
    reason = reason_field()


class TaxRuleSchema(TermsSchema, GoodsSchema):
    """A rule: the goods and the place, then what it says."""


_REQUESTED = "Rule requested. A second person has to approve it."
RECORD_RULE = Form(
    "record",
    title="Record a rule",
    about="Once a second person approves, it counts from its first day on. The request shows what"
    " it changes for example invoices.",
    schema=TaxRuleSchema,
    button="Request rule",
    success=_REQUESTED,
    failure="The rule was not requested",
)
CHANGE_RULE = Form(
    "change",
    title="Record a new version",
    about="The versions before it stay: earlier invoices keep their tax. To confirm a rule that is"
    " to be verified, compare it with its law, and request it again with that source.",
    schema=TermsSchema,
    button="Request new version",
    success=_REQUESTED,
    failure="The version was not requested",
)


def _write_goods(listed: ListedTaxRule) -> str:
    goods = listed.rule.key.goods
    return goods[:1].upper() + goods[1:]


def _write_check(listed: ListedTaxRule) -> str:
    return "Verified" if listed.rule.is_verified else "To be verified"


RULES = ListPage(
    name="tax_rules",
    title="Sales tax",
    about="What each state taxes and exempts, with dates and sources. The rule that names the goods"
    " most closely decides.",
    source=lambda _session, _actor: queries.every_rule(clock.now().date()),
    columns=(
        Column("state", "State", lambda listed: listed.rule.key.place, sort="goods"),
        Column("goods", "Goods", _write_goods),
        Column("terms", "Rule", lambda listed: listed.rule.terms),
        Column("status", "Status", lambda listed: listed.status),
        Column("from", "First day", lambda listed: format_date(listed.rule.valid_from)),
        Column(
            "until",
            "Last day",
            lambda listed: listed.rule.valid_until and format_date(listed.rule.valid_until),
        ),
        Column("check", "Source", _write_check),
        Column("source", "Text of the source", lambda listed: listed.rule.source, is_hidden=True),
        Column(
            "maker",
            "Requested by",
            lambda listed: PersonCell(listed.rule.maker_id, "Installation"),
            is_hidden=True,
        ),
        Column(
            "recorded",
            "Recorded",
            lambda listed: listed.rule.recorded_at,
            sort="recorded",
            is_hidden=True,
        ),
    ),
    row_url=lambda listed: url_for("tax_pages.show_rule", rule_id=listed.rule.public_id),
    default_sort="goods",
    filters=(
        EnumFilter("state", "State", UsState),
        EnumFilter("class", "Tax class", TaxClass),
        EnumFilter("status", "Status", TaxRuleStatus, default=TaxRuleStatus.IN_EFFECT),
        ChoiceFilter(
            "check",
            "Source",
            choices=lambda _session, _actor: [("no", "To be verified"), ("yes", "Verified")],
            convert=lambda text: text == "yes",
        ),
    ),
    empty=("No rules", "The installation brings rules for every state."),
)
list_tax_rules = blp.add_list(
    "",
    RULES,
    permission=Permission.TAX_READ,
    form=ListForm(RECORD_RULE, Permission.TAX_EDIT),
)


@blp.form("", RECORD_RULE, shown_on=list_tax_rules, permission=Permission.TAX_EDIT, fresh=True)
def record_rule(session: Session, actor: Actor, fields: Mapping[str, Any]) -> str:
    """Request a rule of sales tax, which a second person approves."""
    key = TaxRuleKey(
        parse_state("state", fields["state"]),
        TaxClass.with_value(fields["tax_class"]),
        Metal(fields["metal"]) if fields["metal"] else None,
        rules.parse_fineness_min(fields["fineness_min"]),
        fields["postal_prefix"],
    )
    return _request(session, actor, key, fields)


def _request(session: Session, actor: Actor, key: TaxRuleKey, fields: Mapping[str, Any]) -> str:
    rule = NewTaxRule(
        key,
        rate=fields["rate"],
        exempt_from=fields["exempt_from"],
        threshold=ThresholdDirection.with_value(fields["threshold"]),
        valid_from=fields["valid_from"],
        valid_until=fields["valid_until"],
        source=fields["source"],
        source_url=fields["source_url"],
        source_date=fields["source_date"],
    )
    approval_id = service.request_rule(session, actor, rule, reason=fields["reason"])
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))


@blp.view("GET", "/rules/<rule_id>", permission=Permission.TAX_READ, shows=RULE_PREFIX)
def show_rule(session: Session, actor: Actor, rule_id: str) -> Response:
    """Show a version of a rule, the other versions, and the form for a new one."""
    rule = queries.get_rule(session, ids.decode(RULE_PREFIX, rule_id))
    versions = [each for each in queries.list_rules(session, rule.state) if each.key == rule.key]
    return render_page(
        "admin/tax/rule.html",
        rule=rule,
        current=queries.find_rule(session, rule.key, clock.now()),
        versions=sorted(versions, key=lambda each: (each.valid_from, each.recorded_at)),
        change_form=CHANGE_RULE,
        approval_id=ids.encode("apr", rule.approval_id) if rule.approval_id else "",
        may_edit=Permission.TAX_EDIT in actor.permissions,
        values={
            "rate": "" if rule.rate_percent is None else f"{rule.rate_percent.normalize():f}",
            "exempt_from": str(rule.exempt_from or ""),
            "threshold": rule.threshold or "",
            "valid_from": rule.state.day_at(clock.now()).isoformat(),
            "source_url": rule.source_url,
        },
    )


@blp.form(
    "/rules/<rule_id>",
    CHANGE_RULE,
    shown_on=show_rule,
    permission=Permission.TAX_EDIT,
    fresh=True,
)
def change_rule(session: Session, actor: Actor, fields: Mapping[str, Any], rule_id: str) -> str:
    """Request a new version of a rule of sales tax, which a second person approves."""
    rule = queries.get_rule(session, ids.decode(RULE_PREFIX, rule_id))
    return _request(session, actor, rule.key, fields)
