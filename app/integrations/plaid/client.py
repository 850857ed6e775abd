"""Calls to Plaid through its own client library; errors say what Plaid may have done.

The library is 70 MB of generated code, so it is loaded by the first call that needs it: in a
worker, or in the web process that receives Plaid's first webhook.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import urllib3

from app.integrations.http_calls import ProviderCaller
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ResponseUnreadable,
)

#: Raised before the first byte of a request is sent.
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.EmptyPoolError,
)
#: Errors about our account rather than the request: a later request may succeed.
_ACCOUNT_ERRORS = frozenset({"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "INVALID_PRODUCT"})


@dataclass(frozen=True, slots=True)
class PlaidAccount:
    """Plaid's URL, our credentials there, and the template that says what to check."""

    base_url: str
    client_id: str
    secret: str
    template_id: str
    environment: str
    timeout_seconds: int


class PlaidClient:
    """The operations of Plaid that we use. Each returns the document of Plaid's response."""

    def __init__(self, account: PlaidAccount, caller: ProviderCaller) -> None:
        self.account = account
        self._caller = caller

    def create_verification(
        self, *, client_user_id: str, user: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Begin a verification, or return the one begun with this ID."""
        from plaid.model.identity_verification_create_request import (  # noqa: PLC0415 - large
            IdentityVerificationCreateRequest,
        )

        request = IdentityVerificationCreateRequest(
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
            lambda: self._api.identity_verification_create(request, **self._options),
            reference=client_user_id,
        )

    def get_verification(self, identifier: str) -> dict[str, Any]:
        """Return a verification's current state."""
        from plaid.model.identity_verification_get_request import (  # noqa: PLC0415 - large
            IdentityVerificationGetRequest,
        )

        request = IdentityVerificationGetRequest(identity_verification_id=identifier)
        return self._call(
            "identity_verification.get",
            lambda: self._api.identity_verification_get(request, **self._options),
            reference=identifier,
        )

    def get_webhook_key(self, key_id: str) -> dict[str, Any]:
        """Return the public key with which Plaid signed a webhook."""
        from plaid.model.webhook_verification_key_get_request import (  # noqa: PLC0415 - large
            WebhookVerificationKeyGetRequest,
        )

        request = WebhookVerificationKeyGetRequest(key_id=key_id)
        return self._call(
            "webhook_verification_key.get",
            lambda: self._api.webhook_verification_key_get(request, **self._options),
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
        # Retries are decided in one place (http_calls.py).
        configuration.retries = False
        return PlaidApi(plaid.ApiClient(configuration))

    @property
    def _options(self) -> dict[str, Any]:
        # Read the raw body: a value unknown to the library must not fail the call.
        return {"_preload_content": False, "_request_timeout": self.account.timeout_seconds}

    def _call(self, operation: str, send: Callable[[], Any], *, reference: str) -> dict[str, Any]:
        # Repetitions are safe: reads, and creations with our ID.
        return self._caller.call(
            operation, lambda: _send(send), reference=reference, idempotent=True
        )


def _send(send: Callable[[], Any]) -> dict[str, Any]:
    from plaid.exceptions import ApiException  # noqa: PLC0415 - large

    try:
        body = send().data
    except ApiException as error:
        raise _refusal(error.status, error.body) from None
    except _NOT_SENT as error:
        raise ProviderUnavailable(type(error).__name__) from None
    except urllib3.exceptions.HTTPError as error:
        raise ProviderOutcomeUnknown(type(error).__name__) from None
    return _document(body)


def _refusal(status: int, body: Any) -> Exception:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderUnavailable("Plaid limits our request rate.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderOutcomeUnknown(f"HTTP {status}")
    try:
        code = str(_document(body).get("error_code") or status)
    except ProviderOutcomeUnknown:
        code = str(status)
    if code in _ACCOUNT_ERRORS:
        return ProviderUnavailable(f"Plaid rejected our account: {code}.")
    return ProviderRefused(code)


def _document(body: Any) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        raise ResponseUnreadable("The response is not a JSON document.") from None
    if not isinstance(payload, dict):
        raise ResponseUnreadable("The response is not a JSON object.")
    return payload
