"""What customers read about their returns."""

from app.kit.db import Session
from app.kit.ids import PublicId
from app.notifications import service as notifications
from app.notifications.return_kinds import GoodsReturnChanged
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import ReturnWay
from app.vault.locations.queries import LocationSummary

_BY_PARCEL = (
    "You can send the goods back. We send you a label for the parcel as soon as the carrier has"
    " made it. Pack the goods as you received them."
)


def notify_of_approval(session: Session, returned: GoodsReturn, place: LocationSummary) -> None:
    """Stage the message that the goods may come back, and how."""
    if returned.way is ReturnWay.PARCEL:
        notify_of_change(session, returned, _BY_PARCEL)
        return
    address = f", {place.postal.in_one_line}" if place.postal else ""
    news = f"You can bring the goods back to {place.name}{address}. Say the number of the return."
    notify_of_change(session, returned, news)


def notify_of_label(session: Session, returned: GoodsReturn) -> None:
    """Stage the message that the label of a parcel can be downloaded; once."""
    news = "The label for your parcel is ready. Download it with your return, and print it."
    notify_of_change(session, returned, news, about="label")


def notify_of_change(
    session: Session, returned: GoodsReturn, news: str, *, about: str = ""
) -> None:
    """Stage the message about what happened to a return, in whole sentences."""
    message = GoodsReturnChanged(returned.public_id, returned.number, returned.order_number, news)
    event = f"{returned.public_id}:{about or len(returned.events)}"
    notifications.notify(session, message, to=returned.user_id, event=PublicId(event))
