"""The refusals of partners' shipments."""

from app.kit.errors import Conflict


class PartnerNotAnswered(Conflict):
    """Whether the partner has an order of the shipment is not known."""

    code = "partner_not_answered"
    title = "The partner has not said yet whether it has this order. Try again in some minutes."
