"""Calls to Plaid by its own client: what went wrong, in terms of what may have happened there.

The client is 70 MB of generated code, so it is loaded by the first call that needs it: in a worker,
or in the web process that takes Plaid's first webhook.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import urllib3

from app.integrations.http_calls import ProviderCaller
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Raised before the first byte of a request is on its way.
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.EmptyPoolError,
)
#: About us and not about what was asked: whoever asks later may be answered.
_NOT_CONNECTED = frozenset({"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "INVALID_PRODUCT"})


@dataclass(frozen=True, slots=True)
class PlaidAccount:
    """Where Plaid is, who we are there, and which template says what it checks."""

    base_url: str
    client_id: str
    secret: str
    template_id: str
    environment: str
    timeout_seconds: int


class PlaidClient:
    """Plaid's operations that we use. Each answers the document that Plaid answered."""

    def __init__(self, account: PlaidAccount, caller: ProviderCaller) -> None:
        self.account = account
        self._caller = caller

    def create_verification(
        self, *, client_user_id: str, user: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Begin a verification, or answer the one that was begun for this id."""
        from plaid.model.identity_verification_create_request import (  # noqa: PLC0415 - large
            IdentityVerificationCreateRequest,
        )

        asked = IdentityVerificationCreateRequest(
            is_shareable=True,
            template_id=self.account.template_id,
            gave_consent=True,
            client_user_id=client_user_id,
            is_idempotent=True,
            user=dict(user),
            _check_type=False,
        )
        return self._call(
            "identity_verification.create",
            lambda: self._api.identity_verification_create(asked, **self._options),
            reference=client_user_id,
        )

    def get_verification(self, identifier: str) -> dict[str, Any]:
        """How a verification stands."""
        from plaid.model.identity_verification_get_request import (  # noqa: PLC0415 - large
            IdentityVerificationGetRequest,
        )

        asked = IdentityVerificationGetRequest(identity_verification_id=identifier)
        return self._call(
            "identity_verification.get",
            lambda: self._api.identity_verification_get(asked, **self._options),
            reference=identifier,
        )

    def get_webhook_key(self, key_id: str) -> dict[str, Any]:
        """The public key by which Plaid signed a webhook."""
        from plaid.model.webhook_verification_key_get_request import (  # noqa: PLC0415 - large
            WebhookVerificationKeyGetRequest,
        )

        asked = WebhookVerificationKeyGetRequest(key_id=key_id)
        return self._call(
            "webhook_verification_key.get",
            lambda: self._api.webhook_verification_key_get(asked, **self._options),
            reference=key_id,
        )

    @cached_property
    def _api(self) -> Any:
        import plaid  # noqa: PLC0415 - large
        from plaid.api.plaid_api import PlaidApi  # noqa: PLC0415 - large

        configuration = plaid.Configuration(
            host=self.account.base_url,
            api_key={"clientId": self.account.client_id, "secret": self.account.secret},
        )
        # Whether a call is repeated is decided in one place (calling.py).
        configuration.retries = False
        return PlaidApi(plaid.ApiClient(configuration))

    @property
    def _options(self) -> dict[str, Any]:
        # The body as it came: a word that the client does not know yet is no reason to fail.
        return {"_preload_content": False, "_request_timeout": self.account.timeout_seconds}

    def _call(self, operation: str, do: Callable[[], Any], *, reference: str) -> dict[str, Any]:
        # Plaid knows a repetition: of reading, and of creating by our id.
        return self._caller.call(
            operation, lambda: _answered(do), reference=reference, idempotent=True
        )


def _answered(do: Callable[[], Any]) -> dict[str, Any]:
    from plaid.exceptions import ApiException  # noqa: PLC0415 - large

    try:
        body = do().data
    except ApiException as error:
        raise _refusal(error.status, error.body) from None
    except _NOT_SENT as error:
        raise ProviderUnavailable(type(error).__name__) from None
    except urllib3.exceptions.HTTPError as error:
        raise ProviderOutcomeUnknown(type(error).__name__) from None
    return _document(body)


def _refusal(status: int, body: Any) -> Exception:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderUnavailable("it asks us to wait")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderOutcomeUnknown(f"HTTP {status}")
    try:
        code = str(_document(body).get("error_code") or status)
    except ProviderOutcomeUnknown:
        code = str(status)
    if code in _NOT_CONNECTED:
        return ProviderUnavailable(f"it does not know us: {code}")
    return ProviderRefused(code)


def _document(body: Any) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        raise ProviderOutcomeUnknown("an answer that is no JSON document") from None
    if not isinstance(document, dict):
        raise ProviderOutcomeUnknown("an answer that is no JSON object")
    return document
