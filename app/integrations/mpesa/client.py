"""The Daraja protocol: a token for an hour, JSON requests, and several forms of errors."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from itertools import count
from typing import Any

from app.integrations.bearer_token import BearerToken
from app.integrations.transport import (
    AUTH_FAILURE_STATUSES,
    HttpResponse,
    Transport,
    parsing_response,
)
from app.kit import clock
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

Document = dict[str, Any]

#: East Africa Time, in which Daraja reads and writes times.
EAT = timezone(timedelta(hours=3))
_TOKEN_INVALID = "404.001.03"  # noqa: S105 - a code
#: Another prompt is on that phone, so none is sent; or this prompt has no response yet.
_STILL_PROMPTING = "500.001.1001"
_LIST_SUCCEEDED = "1000"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class DarajaAccount:
    """Our business account at Daraja.

    `credential` is the initiator's password, encrypted with M-Pesa's certificate on its portal.
    """

    consumer_key: str
    consumer_secret: str = field(repr=False)
    shortcode: str
    passkey: str = field(repr=False)
    initiator: str
    credential: str = field(repr=False)


class DarajaClient:
    """Requests to Daraja.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, account: DarajaAccount, *, timeout_seconds: float) -> None:
        self._account = account
        self._transport = Transport(
            base_url,
            timeout_seconds=timeout_seconds,
            expected_error_statuses={HTTPStatus.INTERNAL_SERVER_ERROR},
        )
        self._token = BearerToken(self._fetch_token, is_rejected=_is_about_token)

    def send_prompt(self, *, phone: str, shillings: int, name: str, callback: str) -> str:
        """Send a payment prompt to a phone and return the prompt's ID.

        The phone shows `name`, of at most twelve characters.
        """
        response = self._post(
            "/mpesa/stkpush/v1/processrequest",
            {
                **self._password(),
                "TransactionType": "CustomerPayBillOnline",
                "Amount": shillings,
                "PartyA": phone,
                "PartyB": self._account.shortcode,
                "PhoneNumber": phone,
                "CallBackURL": callback,
                "AccountReference": name,
                "TransactionDesc": "Deposit",
            },
        )
        payload = _accepted(response)
        with parsing_response():
            return str(payload["CheckoutRequestID"])

    def query_prompt(self, identifier: str) -> str | None:
        """Return the result code of a prompt; None while it has no response."""
        response = self._post(
            "/mpesa/stkpushquery/v1/query",
            {**self._password(), "CheckoutRequestID": identifier},
        )
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR and (
            _error_code(response) == _STILL_PROMPTING
        ):
            return None
        payload = _accepted(response)
        with parsing_response():
            return str(payload["ResultCode"])

    def list_payments(self, since: datetime) -> list[object]:
        """Return every payment received since an instant, oldest first."""
        payments: list[object] = []
        for offset in count(0, _PAGE):
            response = self._post(
                "/pulltransactions/v1/query",
                {
                    "ShortCode": self._account.shortcode,
                    "StartDate": _local(since),
                    "EndDate": _local(clock.now() + timedelta(minutes=1)),
                    "OffSetValue": str(offset),
                },
            )
            payload = _read(response)
            with parsing_response():
                if payload["ResponseCode"] != _LIST_SUCCEEDED:
                    raise ProviderRefused(str(payload["ResponseCode"]))
                page = [payment for part in payload["Response"] for payment in part]
            payments += page
            if len(page) < _PAGE:
                break
        return payments

    def send_payout(
        self, *, reference: str, phone: str, shillings: int, callback: str, timeout_callback: str
    ) -> str:
        """Send money to a phone and return the response code.

        Daraja recognises a repetition by `reference`, and calls `timeout_callback` for an order
        that waited too long in its queue.
        """
        response = self._post(
            "/mpesa/b2c/v3/paymentrequest",
            {
                "OriginatorConversationID": reference,
                "InitiatorName": self._account.initiator,
                "SecurityCredential": self._account.credential,
                "CommandID": "BusinessPayment",
                "Amount": shillings,
                "PartyA": self._account.shortcode,
                "PartyB": phone,
                "Remarks": "Withdrawal",
                "QueueTimeOutURL": timeout_callback,
                "ResultURL": callback,
                "Occasion": "",
            },
        )
        payload = _read(response)
        with parsing_response():
            return str(payload["ResponseCode"])

    def query_payout(self, reference: str, *, callback: str, timeout_callback: str) -> None:
        """Ask Daraja for the status of a payout. The reply comes later, to `callback`."""
        response = self._post(
            "/mpesa/transactionstatus/v1/query",
            {
                "Initiator": self._account.initiator,
                "SecurityCredential": self._account.credential,
                "CommandID": "TransactionStatusQuery",
                "TransactionID": "",
                "OriginatorConversationID": reference,
                "PartyA": self._account.shortcode,
                "IdentifierType": "4",
                "ResultURL": callback,
                "QueueTimeOutURL": timeout_callback,
                "Remarks": "Status",
            },
        )
        _accepted(response)

    def _password(self) -> Mapping[str, str]:
        timestamp = clock.now().astimezone(EAT).strftime("%Y%m%d%H%M%S")
        encoded = f"{self._account.shortcode}{self._account.passkey}{timestamp}".encode()
        return {
            "BusinessShortCode": self._account.shortcode,
            "Password": b64encode(encoded).decode(),
            "Timestamp": timestamp,
        }

    def _post(self, path: str, payload: Document) -> HttpResponse:
        """Return the response to a request with a token that Daraja accepts."""
        return self._token.send(
            lambda token: self._transport.request("POST", path, json=payload, headers=token)
        )

    def _fetch_token(self) -> tuple[str, float]:
        account = self._account
        payload = _read(
            self._transport.request(
                "GET",
                "/oauth/v1/generate",
                params={"grant_type": "client_credentials"},
                auth=(account.consumer_key, account.consumer_secret),
            )
        )
        with parsing_response():
            return str(payload["access_token"]), int(payload["expires_in"])


def _accepted(response: HttpResponse) -> Document:
    payload = _read(response)
    with parsing_response():
        code = str(payload["ResponseCode"])
    if code != "0":
        raise ProviderRefused(code)
    return payload


def _read(response: HttpResponse) -> Document:
    if response.is_success:
        return response.json()
    code = _error_code(response)
    if response.status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(f"Daraja rejected our token: {code}.")
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR and code != _STILL_PROMPTING:
        raise ProviderOutcomeUnknown(code)
    raise ProviderRefused(code)


def _error_code(response: HttpResponse) -> str:
    """Return Daraja's error code."""
    with parsing_response():
        return str(response.json()["errorCode"])


def _is_about_token(response: HttpResponse) -> bool:
    if response.status == HTTPStatus.UNAUTHORIZED:
        return True
    return response.status == HTTPStatus.NOT_FOUND and _error_code(response) == _TOKEN_INVALID


def _local(instant: datetime) -> str:
    return instant.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S")
