"""The refusals of deliveries."""

from app.kit.errors import Conflict


class DeliveryReceived(Conflict):
    """This delivery of the supplier was received before."""

    code = "delivery_received"
    title = "This product of this delivery was received before. Check the supplier's reference."
    field = "supplier_reference"
