"""The refusals of shipments."""

from app.kit.errors import Conflict


class AlreadyPicking(Conflict):
    """The goods are being picked, or have gone further."""

    code = "already_picking"
    title = "The goods are being packed or are on their way, so this cannot be cancelled any more."


class GoodsNotScanned(Conflict):
    """Not all goods of the shipment were scanned."""

    code = "goods_not_scanned"
    title = "Scan every unit of the shipment before you pack it."


class ShipmentEntrusted(Conflict):
    """A partner sends the shipment from its depot."""

    code = "shipment_entrusted"
    title = "A partner sends this shipment from its depot: there is nothing to be done here."


class LabelsPending(Conflict):
    """The labels of the parcels are being bought, with the address of before."""

    code = "labels_pending"
    title = "The labels of this shipment are being bought. Try again once they are there."


class RecipientNotCleared(Conflict):
    """The recipient is not cleared of the sanctions list."""

    code = "recipient_not_cleared"
    title = "These goods may not leave yet: Compliance is to look at the recipient first."


class ShipmentMovedOn(Conflict):
    """The shipment is not in a status in which this is possible."""

    code = "shipment_moved_on"
    title = "This is not possible now: the shipment has another status. Reload the page."
