"""Tokens that PBCEx does not support, sent to the address of a customer."""

import re
from uuid import UUID

from app.cases import service as cases
from app.custody.ports import UnsupportedTokens
from app.kit import clock
from app.kit.db import Session
from app.kit.ids import PublicId
from app.notifications import service as notifications
from app.notifications.kinds import UnsupportedTokensArrived

_FIND_OWNER = "SELECT user_id FROM custody_addresses WHERE custodian = %s AND address_key = %s"
#: The maker of a token chooses its name: anything else could be an advertisement.
_TOKEN_NAME = re.compile(r"[A-Z][A-Z0-9]{1,9}", re.ASCII)
_QUANTITY = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)


def report_arrival(
    session: Session, custodian: str, provider_ref: str, tokens: UnsupportedTokens
) -> bool:
    """Open a case, once, and tell the customer whose address it is; return whether the case is
    open.

    A customer gets one such message a day, whatever is sent to their address.
    """
    owner_id: UUID | None = session.optional_value(_FIND_OWNER, (custodian, tokens.address.lower()))
    message = UnsupportedTokensArrived(_shown(tokens))
    notice = f"Sent a message: {message.tokens} arrived and cannot be credited."
    case = cases.open_once(
        session,
        kind="custody.unsupported",
        subject=f"{custodian} {provider_ref}",
        key=f"{custodian}:{provider_ref}",
        title="Tokens that we do not support arrived",
        facts={
            "Custodian": custodian,
            "Token": tokens.token,
            "Amount": tokens.quantity,
            "Wallet address": tokens.address,
            "Customer notified": notice if owner_id else "No: the address belongs to no customer.",
        },
        person_id=owner_id,
    )
    if case.is_new and owner_id is not None:
        today = PublicId(f"{custodian}-{clock.now().date().isoformat()}")
        notifications.notify(session, message, to=owner_id, event=today)
    return case.is_open


def _shown(tokens: UnsupportedTokens) -> str:
    """Return what the customer reads about the tokens."""
    if _TOKEN_NAME.fullmatch(tokens.token) and _QUANTITY.fullmatch(tokens.quantity):
        return f"{tokens.quantity} {tokens.token}"
    return "Tokens that we do not support"
