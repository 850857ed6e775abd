"""What M-Pesa's payments and payouts share."""

import re
from datetime import datetime
from typing import Protocol

from app.catalog.provider_ids import MPESA
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.exchange_rate import CurrentRate
from app.integrations.mpesa.webhook import NAME, CallHistory, DarajaCallbacks
from app.providers.errors import ProviderRefused

_KENYAN = re.compile(r"254[17][0-9]{8}", re.ASCII)


class DarajaApi(Protocol):
    """The methods of the client that the rails use."""

    def send_prompt(self, *, phone: str, shillings: int, name: str, callback: str) -> str: ...
    def query_prompt(self, identifier: str) -> str | None: ...
    def list_payments(self, since: datetime) -> list[object]: ...
    def send_payout(
        self, *, reference: str, phone: str, shillings: int, callback: str, timeout_callback: str
    ) -> str: ...
    def query_payout(self, reference: str, *, callback: str, timeout_callback: str) -> None: ...


class MpesaRail:
    """What payments and payouts share."""

    name = NAME
    provider_id = MPESA

    def __init__(
        self,
        client: DarajaApi,
        caller: ProviderCaller,
        rate: CurrentRate,
        callbacks: DarajaCallbacks,
        history: CallHistory,
    ) -> None:
        self._client = client
        self._caller = caller
        self._rate = rate
        self._callbacks = callbacks
        self._history = history


def to_msisdn(phone: str) -> str:
    """Return `254712345678` for `+254712345678`. Other countries: `phone_not_kenyan`."""
    digits = phone.removeprefix("+").replace(" ", "")
    if not _KENYAN.fullmatch(digits):
        raise ProviderRefused("phone_not_kenyan")
    return digits
