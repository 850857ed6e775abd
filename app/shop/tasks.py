"""The background tasks of the shop."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.shop.cart import service as cart


@task("shop.forget_carts", queue=Queue.NIGHTLY)
def delete_expired_carts(session: Session) -> None:
    """Delete the carts that were not changed for as long as they are kept."""
    cart.delete_expired(session)
