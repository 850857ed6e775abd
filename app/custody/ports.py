"""What a custodian does for us.

`reference` is our public id of what a call is about: the custodian knows a repetition by it. Every
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
from app.providers.errors import ProviderRefused


class CustodianCannotSend(ProviderRefused):
    """It will not, for a reason of its own that another custodian need not have: too little of the
    asset is there, or it does not keep it."""


class Network(StrEnum):
    """Where a token lives."""

    ETHEREUM = "ETHEREUM"


class Direction(StrEnum):
    """Which way a transfer went."""

    IN = "in"
    OUT = "out"


class TransferState(StrEnum):
    """How far a transfer is, as its custodian sees it."""

    PENDING = "pending"
    """It waits for confirmations, or for an approval there: it can still fail."""
    COMPLETED = "completed"
    FAILED = "failed"
    """Nothing moved, and nothing will."""


@dataclass(frozen=True, slots=True)
class CustodyTerms:
    """An asset that a custodian keeps on a network; `cost` is what it takes for sending once."""

    asset: Asset
    network: Network
    cost: Amount


@dataclass(frozen=True, slots=True)
class CustodianBalance:
    """What a custodian keeps for us. `available` can be sent now."""

    available: Amount
    total: Amount


@dataclass(frozen=True, slots=True)
class SendOrder:
    """A send that we ask for. `amount` is what is to arrive."""

    reference: str
    amount: Amount
    address: str
    network: Network


@dataclass(frozen=True, slots=True)
class CustodyTransfer:
    """Something that came in or goes out at a custodian, as it says now.

    `amount` is what arrives where it goes to; `cost` what the custodian takes on top of it.
    `address` is where it goes to: one of ours, of what comes in. `reference` is ours, of what we
    sent, and empty of what came in.
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
    #: Why it failed.
    code: str = ""


class Custodian(Protocol):
    """Keeps tokens for us."""

    @property
    def name(self) -> str:
        """As webhooks and our tables name it; never changes."""
        ...

    @property
    def provider_id(self) -> UUID:
        """The owner of the accounts that stand for what it keeps (app/catalog/provider_ids.py)."""
        ...

    @property
    def terms(self) -> Sequence[CustodyTerms]:
        """What it keeps."""
        ...

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        """An address of our own to which the asset can be sent; the same one for the same
        reference, however often."""
        ...

    def send(self, order: SendOrder) -> CustodyTransfer:
        """Send; once for each reference, however often.

        Raises `CustodianCannotSend` where another custodian may be asked, which as
        `ProviderUnavailable` and every `ProviderRefused` says that nothing was done by this call.
        """
        ...

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        """The send with our reference, which was not asked for before `since`; None if the
        custodian knows none."""
        ...

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        """One transfer by the custodian's id of it; None for one that is no token's."""
        ...

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        """Every transfer that was first seen at `since` or later, in its present state, in one
        direction or both, oldest first."""
        ...

    def balances(self) -> list[CustodianBalance]:
        """What it keeps now, of every asset of its terms."""
        ...


#: The custodians that this exchange has, by name, in the order in which they are preferred.
Custodians = NewType("Custodians", dict[str, Custodian])
