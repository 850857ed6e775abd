"""The forms of a purchase order."""

from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    date_field,
    reason_field,
    text_field,
    tick_field,
)
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.purchase_orders import approval
from app.fulfillment.restock.purchase_orders.service import AgreedCost
from app.kit.errors import Invalid
from app.vault import rules as vault_rules
from app.vault.deliveries import rules as deliveries_rules

_PARTS = 3


def read_costs(text: str) -> dict[str, AgreedCost]:
    """Return what each product costs, by SKU: one a line, with the cost of all its units and the
    price of its metal. Raises `Invalid` naming `lines`."""
    costs: dict[str, AgreedCost] = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), start=1):
        try:
            sku, agreed = _read_line(line)
        except Invalid as refusal:
            raise Invalid("lines", f"Line {number}: {refusal.message}") from refusal
        if sku in costs:
            raise Invalid("lines", f"Line {number}: {sku} is there twice.")
        costs[sku] = agreed
    return costs


def _read_line(line: str) -> tuple[str, AgreedCost]:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != _PARTS:
        raise Invalid("lines", "Enter the SKU, the cost and the price of the metal.")
    sku, cost, spot = parts
    return sku.upper(), AgreedCost(
        deliveries_rules.parse_cost(cost), deliveries_rules.parse_spot(spot)
    )


class PurchaseApprovalSchema(FormSchema):
    """Up to how much an order may cost."""

    up_to = text_field(
        "May cost up to, in US dollars",
        "Enter the sum.",
        hint="Like 75000.00",
        check=approval.parse_sum,
    )
    reason = reason_field()


class PurchaseConfirmationSchema(FormSchema):
    """That a supplier took an order."""

    confirmation = text_field(
        "Supplier's number of the order",
        "Enter the number.",
        check=lambda text: vault_rules.clean_text("confirmation", text),
    )
    lines = text_field(
        "Costs",
        "Enter what each product costs, one a line.",
        control="textarea",
        hint="SKU, cost of all its units, price of its metal in US dollars per troy ounce, like"
        " CU-BAR-1LB, 450.00, 0.31",
        check=read_costs,
    )


class EndedPurchaseSchema(FormSchema):
    """Why an order ends."""

    reason = reason_field()


class PurchaseArrivalSchema(FormSchema):
    """What arrived of one product."""

    sku = choice_field("Product", "Choose a product.")
    units = text_field("Units", None, hint="As you counted them. For bars, leave it empty.")
    bars = text_field(
        "Bars",
        None,
        control="textarea",
        hint="Of a product with serials, one a line, as on the page Bars",
    )
    delivery_note = text_field(
        "Delivery note",
        "Enter the number of the delivery note.",
        check=lambda text: vault_rules.clean_text("delivery_note", text),
    )
    keep_surplus = tick_field("Keep units that were not ordered", None)


class SupplierInvoiceSchema(FormSchema):
    """A supplier's invoice."""

    number = text_field(
        "Number of the invoice",
        "Enter the number.",
        check=lambda text: vault_rules.clean_text("number", text),
    )
    amount = text_field(
        "Sum in US dollars", "Enter the sum.", hint="Like 39900.00", check=invoices.parse_sum
    )
    invoiced_on = date_field("Date of the invoice", "Enter the date.")


APPROVE = Form(
    "approve",
    title="Request an approval",
    about="The order costs more than is ordered without a second person.",
    schema=PurchaseApprovalSchema,
    button="Request approval",
    success="Approval requested. Another person has to decide it.",
    failure="The approval was not requested",
    is_secondary=True,
)
CONFIRM = Form(
    "confirm",
    title="Record the supplier's confirmation",
    about="Order the goods from the supplier first. The costs count from now on.",
    schema=PurchaseConfirmationSchema,
    button="Record confirmation",
    success="Order confirmed.",
    failure="The confirmation was not recorded",
    confirm="Record these costs? Check the figures: they are not changed afterwards.",
)
CANCEL = Form(
    "cancel",
    title="Cancel the order",
    schema=EndedPurchaseSchema,
    button="Cancel order",
    success="Order cancelled.",
    failure="The order was not cancelled",
    is_dangerous=True,
    confirm="Cancel this order?",
)
RECEIVE = Form(
    "receive",
    title="Receive goods",
    about="Count the units before you record them. They are for sale at once, at the price that was"
    " agreed.",
    schema=PurchaseArrivalSchema,
    button="Receive goods",
    success="Goods received.",
    failure="The goods were not received",
    confirm="Receive these goods? Check the figures: a receipt is not changed afterwards.",
)
CLOSE = Form(
    "close",
    title="Close the order short",
    about="The supplier will not send the rest.",
    schema=EndedPurchaseSchema,
    button="Close order",
    success="Order closed.",
    failure="The order was not closed",
    is_dangerous=True,
    confirm="Close this order? What has not arrived is on order no more.",
)
INVOICE = Form(
    "invoice",
    title="Record an invoice",
    about="For everything that arrived and has no invoice yet.",
    schema=SupplierInvoiceSchema,
    button="Record invoice",
    success="Invoice recorded.",
    failure="The invoice was not recorded",
)
