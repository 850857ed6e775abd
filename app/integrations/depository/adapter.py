"""The depository as a keeper of goods."""

from collections.abc import Mapping
from typing import Any, Protocol

from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import read_rows, required_instant, required_text
from app.providers.errors import ResponseUnreadable
from app.vault.depots.ports import DepotLine, DepotStatement

NAME = "depository"
_UNITS_MAX = 1_000_000


class DepositoryApi(Protocol):
    """The method of the client that the adapter uses."""

    def get_statement(self, account: str) -> tuple[Mapping[str, Any], list[object]]: ...


class Depository:
    """A `DepotKeeper`."""

    name = NAME

    def __init__(self, client: DepositoryApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def statement(self, account: str) -> DepotStatement:
        """Return the latest statement of a depot."""

        def fetch() -> DepotStatement:
            head, items = self._client.get_statement(account)
            return DepotStatement(
                required_instant(head, "as_of"), read_rows(items, _line, id_name="sku")
            )

        return self._caller.call("inventory.get", fetch, reference=account, idempotent=True)


def _line(item: dict[str, Any]) -> DepotLine:
    quantity, serials = item.get("quantity"), item.get("serials", [])
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise ResponseUnreadable("quantity is not a whole number.")
    if not 0 <= quantity <= _UNITS_MAX:
        raise ResponseUnreadable(f"quantity is not between 0 and {_UNITS_MAX}.")
    if not isinstance(serials, list) or not all(isinstance(text, str) for text in serials):
        raise ResponseUnreadable("serials is not a list of texts.")
    if serials and len(set(serials)) != quantity:
        raise ResponseUnreadable("There are not as many serials as units.")
    return DepotLine(required_text(item, "sku"), quantity, tuple(sorted(serials)))
