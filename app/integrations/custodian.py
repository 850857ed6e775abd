"""What the adapters of custodians share."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic, TypeGuard, TypeVar
from uuid import UUID

from app.custody.ports import CustodyTerms, Network
from app.integrations.http_calls import ProviderCaller
from app.kit.money import Amount
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookVerificationUnavailable,
)

Client = TypeVar("Client")
T = TypeVar("T")

_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)


class BaseCustodian(Generic[Client]):
    """The part of a `Custodian` that does not depend on its protocol.

    `account_id` names what holds our tokens there: an account, a profile or a vault.
    """

    name: ClassVar[str]
    provider_id: ClassVar[UUID]
    #: The fee of one send of each supported asset, as contracted. A transfer has its actual cost.
    send_fees: ClassVar[Sequence[Amount]]

    def __init__(self, client: Client, caller: ProviderCaller, *, account_id: str) -> None:
        self._client, self._caller, self._account_id = client, caller, account_id

    @property
    def terms(self) -> Sequence[CustodyTerms]:
        """The supported assets, all on Ethereum."""
        return [CustodyTerms(fee.asset, Network.ETHEREUM, fee) for fee in self.send_fees]

    def _call(self, operation: str, send: Callable[[], T], reference: str) -> T:
        """Return the result of a call that is safe to repeat."""
        return self._caller.call(operation, send, reference=reference, idempotent=True)

    def _require(self, operation: str, send: Callable[[], T | None], reference: str) -> T:
        """Return the result of a read of something that exists. Raises `ProviderOutcomeUnknown`."""
        result = self._call(operation, send, reference)
        if result is None:
            raise ProviderOutcomeUnknown(f"{self.name} has nothing to read for {operation}.")
        return result

    def _order(self, operation: str, send: Callable[[], T], reference: str) -> T:
        """Return the result of an order to send, which is not repeated if its outcome is
        unknown."""
        return self._caller.call(operation, send, reference=reference, idempotent=False)


def is_identifier(value: object) -> TypeGuard[str]:
    """Return whether a value of a webhook that is not yet verified may go into a URL."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


@contextmanager
def verifying_with_provider() -> Iterator[None]:
    """Raise `WebhookVerificationUnavailable` where a call that verifies a webhook fails."""
    try:
        yield
    except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as failure:
        raise WebhookVerificationUnavailable from failure
