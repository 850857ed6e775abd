"""The refusals of restock."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class SupplierExists(Conflict):
    """There is a supplier with this name, or for this provider."""

    code = "supplier_exists"
    title = "There is a supplier with this name, or for this provider. Change that one."
    field = "name"


class SupplierCodeTaken(Conflict):
    """The supplier has another product under this code."""

    code = "supplier_code_taken"
    title = "This supplier has another product under this code. Check it."
    field = "code"


class NeedEnded(Conflict):
    """The need was ordered, or is none any more."""

    code = "need_ended"
    title = "This was ordered already, or is not needed any more."


class ShelfFull(Conflict):
    """More units were wanted than the shelf takes, with what is on order."""

    code = "shelf_full"
    title = "The shelf does not take so many units."
    field = "quantity"


class NoSupplier(Conflict):
    """The product has no supplier."""

    code = "no_supplier"
    title = "This product has no supplier. Add it to the products of one."
    field = "sku"


class BelowMinimum(Conflict):
    """The order is smaller than its supplier takes."""

    code = "below_supplier_minimum"
    title = "The supplier does not take so small an order. Order more, or wait."


class PurchaseMovedOn(Conflict):
    """The purchase order is in another status than the act needs."""

    code = "wrong_purchase_status"
    title = "The purchase order has moved on. Look at it again."


class PurchaseNotApproved(Conflict):
    """The order costs more than is ordered without a second person."""

    code = "purchase_needs_approval"
    title = "This costs more than is ordered without a second person. Request an approval."
    field = "cost"


class MoreThanOrdered(Conflict):
    """More units arrived than were ordered, and the surplus was not accepted."""

    code = "more_than_ordered"
    title = "More units arrived than were ordered. Choose to keep the surplus, or send it back."
    field = "units"


class NothingToInvoice(Conflict):
    """Everything that was received of the order has its invoice."""

    code = "nothing_to_invoice"
    title = "Everything that was received of this order has its invoice."


class InvoiceRecorded(Conflict):
    """The supplier's invoice was recorded before."""

    code = "invoice_recorded"
    title = "This invoice of the supplier was recorded before. Check its number."
    field = "number"


class WrongInvoiceStatus(Conflict):
    """The invoice is in another status than the act needs."""

    code = "wrong_invoice_status"
    title = "The invoice has moved on. Look at it again."


register_refusal("suppliers_name_key", lambda _detail: SupplierExists())
register_refusal("suppliers_provider_key", lambda _detail: SupplierExists())
register_refusal("supplier_products_code_key", lambda _detail: SupplierCodeTaken())
register_refusal("need_is_ordered_once", lambda _detail: NeedEnded())
register_refusal("supplier_invoices_number_key", lambda _detail: InvoiceRecorded())
