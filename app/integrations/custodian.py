"""What the adapters of custodians share."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic, TypeGuard, TypeVar
from uuid import UUID

from app.catalog.rules import PAXG, USDC
from app.custody.ports import (
    CustodianBalance,
    CustodyTerms,
    CustodyTransfer,
    Direction,
    Network,
    UnsupportedTokens,
)
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import JsonObject, read_rows, required_text
from app.kit.money import Amount, Asset
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookVerificationUnavailable,
)
from app.providers.ports import Listing

Client = TypeVar("Client")
T = TypeVar("T")
Item = TypeVar("Item")

#: The tokens that custodians keep for us. An asset that is only a unit of account here, such as
#: USD, is none of them.
TOKENS = {token.code: token for token in (PAXG, USDC)}
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

    def _read_back(self, read: Callable[[], CustodyTransfer | None]) -> CustodyTransfer:
        """Return a transfer that the custodian has accepted.

        Raises `ProviderOutcomeUnknown` if it cannot be read: it may have been sent.
        """
        try:
            transfer = read()
        except (ProviderUnavailable, ProviderRefused) as error:
            raise ProviderOutcomeUnknown(
                f"{self.name} accepted the transfer, but it cannot be read: {error}"
            ) from error
        if transfer is None:
            raise ProviderOutcomeUnknown(f"{self.name} accepted the transfer, but has none.")
        return transfer

    def _order(self, operation: str, send: Callable[[], T], reference: str) -> T:
        """Return the result of an order to send, which is not repeated if its outcome is
        unknown."""
        return self._caller.call(operation, send, reference=reference, idempotent=False)


def read_balances(
    items: Iterable[object],
    asset_name: str,
    read: Callable[[JsonObject, Asset], CustodianBalance],
) -> Listing[CustodianBalance]:
    """Return the balances in a list that names assets in the field `asset_name`, but none of an
    asset that we do not know."""

    def read_row(item: JsonObject) -> CustodianBalance | None:
        asset = TOKENS.get(required_text(item, asset_name))
        return None if asset is None else read(item, asset)

    return read_rows(items, read_row, id_name=asset_name)


def required_token(
    payload: JsonObject, name: str, direction: Direction, quantity: str, address: str
) -> Asset:
    """Return the token that a text field names. Raises `UnsupportedTokens`."""
    token = required_text(payload, name)
    if token not in TOKENS:
        raise UnsupportedTokens(direction, token, quantity, address)
    return TOKENS[token]


def read_pages(fetch: Callable[[list[Item]], list[Item]], page_size: int) -> list[Item]:
    """Return the items of every page. `fetch` gets the items before its page; a page that is not
    full is the last."""
    items: list[Item] = []
    while True:
        page = fetch(items)
        items += page
        if len(page) < page_size:
            return items


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
