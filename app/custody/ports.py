"""What a custodian implements.

`reference` is our public id of what a call is about, and its idempotency key. Every
call may raise `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`
(app/providers/errors.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

from app.kit.money import Amount, Asset
from app.providers.errors import ProviderRefused, ResponseUnreadable
from app.providers.ports import Listing, ProviderFact


class CustodianCannotSend(ProviderRefused):
    """The custodian refuses for a reason that another one may not have, such as our balance
    there."""


class Network(StrEnum):
    """The blockchain of a token."""

    ETHEREUM = "ETHEREUM"


class Direction(StrEnum):
    """The direction of a transfer, as seen from PBCEx."""

    IN = "in"
    OUT = "out"


class TransferState(StrEnum):
    """The state of a transfer at its custodian."""

    PENDING = "pending"
    """It waits for confirmations or for an approval, and can still fail."""
    COMPLETED = "completed"
    FAILED = "failed"
    """Nothing moved, and nothing will."""


@dataclass(frozen=True, slots=True)
class CustodyTerms:
    """An asset that a custodian supports on a network; `cost` is its fee for one send."""

    asset: Asset
    network: Network
    cost: Amount


@dataclass(frozen=True, slots=True)
class CustodianBalance:
    """The balance of an asset at a custodian. `available` can be sent now."""

    available: Amount
    total: Amount


@dataclass(frozen=True, slots=True)
class SendOrder:
    """A send that we order. `amount` is what the recipient gets."""

    reference: str
    amount: Amount
    address: str
    network: Network


@dataclass(frozen=True, slots=True)
class CustodyTransfer:
    """An incoming or outgoing transfer at a custodian, in its current state.

    `amount` is what the recipient gets; `cost` the custodian's fee on top of it. `address` is the
    recipient's: one of ours for an incoming transfer. `reference` is ours for an outgoing transfer,
    and empty for an incoming one.
    """

    provider_ref: str
    direction: Direction
    state: TransferState
    amount: Amount
    address: str
    at: datetime
    reference: str = ""
    cost: Amount | None = None
    tx_hash: str = ""
    #: Why the transfer failed.
    code: str = ""


class UnsupportedTokens(ResponseUnreadable):
    """A transfer of tokens that PBCEx does not support, so that it has no amount here.

    `quantity` and `token` are as the custodian writes them.
    """

    def __init__(self, direction: Direction, token: str, quantity: str, address: str) -> None:
        self.direction, self.token, self.quantity, self.address = (
            direction, token, quantity, address,
        )  # fmt: skip
        super().__init__("The transfer is of tokens that we do not support.")


class Custodian(Protocol):
    """Holds tokens for PBCEx."""

    @property
    def name(self) -> str:
        """Return the name in webhook URLs and in our tables. It never changes."""
        ...

    @property
    def provider_id(self) -> UUID:
        """Return the owner of the ledger accounts for its balances
        (app/catalog/provider_ids.py)."""
        ...

    @property
    def terms(self) -> Sequence[CustodyTerms]:
        """Return the supported assets and networks."""
        ...

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        """Return an address to which the asset can be sent; the same reference, the same
        address."""
        ...

    def send(self, order: SendOrder) -> CustodyTransfer:
        """Send; once for each reference, however often it is called.

        Raises `CustodianCannotSend` when another custodian may be called, which as
        `ProviderUnavailable` and every `ProviderRefused` says that nothing was done by this call.
        """
        ...

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        """Return the send with our reference, ordered at `since` or later; None if there is
        none."""
        ...

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        """Return the transfer with the custodian's id; None if it is not a token transfer.

        Raises `UnsupportedTokens`.
        """
        ...

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> Listing[CustodyTransfer]:
        """Return every transfer first seen at `since` or later, in its current state, oldest first.

        Without a direction, both directions.
        """
        ...

    def balances(self) -> Listing[CustodianBalance]:
        """Return the current balance of every supported asset. The `provider_ref` of a row that is
        set aside is the asset's code."""
        ...


@dataclass(frozen=True, slots=True)
class TransferChanged(ProviderFact):
    """A transfer changed; the event's subject is the custodian's id of it."""


#: The configured custodians by name, in order of preference.
Custodians = NewType("Custodians", dict[str, Custodian])
