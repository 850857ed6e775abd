"""The background tasks of the shop."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.shop.cart import service as cart
from app.shop.locks import service as locks


@task("shop.expire_locks", queue=Queue.LEDGER)
def expire_due_locks(session: Session) -> None:
    """Note which price locks have expired, and delete old ones that were never used."""
    locks.expire_due_locks(session)


@task("shop.forget_carts", queue=Queue.NIGHTLY)
def delete_expired_carts(session: Session) -> None:
    """Delete the carts that were not changed for as long as they are kept."""
    cart.delete_expired(session)
