"""The sales tax of an example invoice, and why."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, url_for
from marshmallow.fields import String

from app.access import Actor, Permission
from app.blueprints.forms import Done, Form, FormSchema, choice_field, date_field, text_field
from app.blueprints.lists import find_person
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.tax import queries, rules
from app.tax.assessment import Delivery, TaxableLine, TaxDestination
from app.tax.states import UsState, parse_state

blp = PageBlueprint("tax_examples", "/admin/tax-examples")

_METALS = [(metal.value, PRICED_NAMES[metal].capitalize()) for metal in Metal]


class PlaceSchema(FormSchema):
    """Where an example invoice is delivered, when and to whom."""

    delivery = choice_field("Delivery", "Choose a delivery.", Delivery.options())
    state = choice_field(
        "State", "Choose a state.", UsState.options(), hint="Of the address, branch or vault"
    )
    postal_code = text_field("Postal code", None, check=rules.parse_postal_code)
    day = date_field("Day of the sale", None, hint="Empty: now")
    customer = text_field("Customer", None, hint="Email or ID, for exemption certificates")


def _class_field(number: int) -> String:
    missing = "Choose a tax class." if number == 1 else None
    return choice_field(f"Line {number}: tax class", missing, TaxClass.options())


def _metal_field(number: int) -> String:
    return choice_field(f"Line {number}: metal", None, _METALS)


def _fineness_field(number: int) -> String:
    label = f"Line {number}: fineness"
    return text_field(label, None, hint="Like 0.9999", check=rules.parse_fineness_min)


def _price_field(number: int) -> String:
    missing = "Enter a price in US dollars." if number == 1 else None
    return text_field(
        f"Line {number}: price in US dollars",
        missing,
        hint="Of all units, after discounts",
        check=lambda text: rules.parse_price(f"price_{number}", text),
    )


class ExampleSchema(PlaceSchema):
    """An example invoice of one or two lines."""

    tax_class_1 = _class_field(1)
    metal_1 = _metal_field(1)
    fineness_1 = _fineness_field(1)
    price_1 = _price_field(1)
    tax_class_2 = _class_field(2)
    metal_2 = _metal_field(2)
    fineness_2 = _fineness_field(2)
    price_2 = _price_field(2)


TRY = Form(
    "try",
    title="Example invoice",
    about="Nothing is stored. Prices are those after discounts, without shipping.",
    schema=ExampleSchema,
    button="Compute tax",
    failure="The tax was not computed",
)


@blp.view("GET", "", permission=Permission.TAX_READ)
def show_example(_session: Session, _actor: Actor) -> Response:
    """Show the form that computes the tax of an example invoice."""
    return render_page("admin/tax/example.html", try_form=TRY, values={}, assessment=None)


@blp.form("", TRY, shown_on=show_example, permission=Permission.TAX_READ)
def compute_example(session: Session, _actor: Actor, fields: Mapping[str, Any]) -> Done:
    """Compute the tax of an example invoice."""
    state = parse_state("state", fields["state"])
    place = TaxDestination(Delivery(fields["delivery"]), "US", state, fields["postal_code"])
    assessment = queries.assess_invoice(
        session,
        _read_lines(fields),
        place,
        customer_id=_find_customer(session, fields["customer"]),
        at=_read_instant(state, fields["day"]),
    )
    page = render_page(
        "admin/tax/example.html", try_form=TRY, values=_keep(fields), assessment=assessment
    )
    return Done(url_for("tax_examples_pages.show_example"), page=page)


def _keep(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return what was typed, for the form that is shown with the result."""
    return {name: str(value or "") for name, value in fields.items()}


def _read_instant(state: UsState, day: date | None) -> datetime | None:
    """Return noon of another day in the state; None for now."""
    if day is None or day == state.day_at(clock.now()):
        return None
    return datetime.combine(day, time(12), ZoneInfo(state.zone))


def _find_customer(session: Session, text: str) -> UUID | None:
    return find_person(session, "customer", text) if text else None


def _read_lines(fields: Mapping[str, Any]) -> list[TaxableLine]:
    """Return the lines with a price. Raises `Invalid` for one without a tax class."""
    lines = []
    for number in ("1", "2"):
        price, tax_class = fields[f"price_{number}"], fields[f"tax_class_{number}"]
        if not price:
            continue
        if not tax_class:
            raise Invalid(f"tax_class_{number}", "Choose a tax class.")
        metal = fields[f"metal_{number}"]
        lines.append(
            TaxableLine(
                number,
                rules.parse_price(f"price_{number}", price),
                TaxClass(tax_class),
                Metal(metal) if metal else None,
                rules.parse_fineness_min(fields[f"fineness_{number}"]),
            )
        )
    return lines
