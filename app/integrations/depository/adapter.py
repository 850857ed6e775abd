"""The depository as a keeper of goods."""

from collections.abc import Mapping
from typing import Any, Protocol

from app.integrations.depot_lines import read_depot_line
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import read_rows, required_instant
from app.vault.depots.ports import DepotStatement

NAME = "depository"


class DepositoryApi(Protocol):
    """The method of the client that the adapter uses."""

    def get_statement(self, account: str) -> tuple[Mapping[str, Any], list[object]]: ...


class Depository:
    """A `DepotKeeper`."""

    name = NAME
    #: All depots that no partner keeps.
    account = ""

    def __init__(self, client: DepositoryApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def statement(self, account: str) -> DepotStatement:
        """Return the latest statement of a depot."""

        def fetch() -> DepotStatement:
            head, items = self._client.get_statement(account)
            return DepotStatement(
                required_instant(head, "as_of"), read_rows(items, read_depot_line, id_name="sku")
            )

        return self._caller.call("inventory.get", fetch, reference=account, idempotent=True)
