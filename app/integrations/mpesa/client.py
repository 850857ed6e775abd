"""The protocol of Daraja: a token for an hour, JSON requests, and its ways to say no."""

import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

from app.integrations.transport import (
    AUTH_FAILURE_STATUSES,
    HttpResponse,
    Transport,
    parsing_response,
)
from app.kit import clock
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

Document = dict[str, Any]

#: East Africa Time, in which Daraja reads and writes moments.
EAT = timezone(timedelta(hours=3))
_TOKEN_INVALID = "404.001.03"  # noqa: S105 - a code
#: A prompt is on that phone already, and no other is sent; or this one is not answered yet.
_STILL_PROMPTING = "500.001.1001"
_LISTED = "1000"
_RENEWED_SECONDS_BEFORE = 60
_PAGE = 100


@dataclass(frozen=True, slots=True)
class DarajaAccount:
    """What a business has at Daraja. `credential` is the initiator's password, sealed for M-Pesa
    with its certificate as its portal does it."""

    consumer_key: str
    consumer_secret: str = field(repr=False)
    shortcode: str
    passkey: str = field(repr=False)
    initiator: str
    credential: str = field(repr=False)


class DarajaClient:
    """Asks Daraja. Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or
    `ProviderRefused`."""

    def __init__(self, base_url: str, account: DarajaAccount, *, timeout_seconds: float) -> None:
        self._account = account
        self._transport = Transport(
            base_url,
            timeout_seconds=timeout_seconds,
            expected_error_statuses={HTTPStatus.INTERNAL_SERVER_ERROR},
        )
        self._lock = threading.Lock()
        self._token, self._token_until = "", 0.0

    def send_prompt(self, *, phone: str, shillings: int, name: str, callback: str) -> str:
        """Have a phone ask its holder to pay; answers the id of the prompt. The holder sees
        `name`, of at most twelve characters."""
        answer = self._post(
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
        document = _accepted(answer)
        with parsing_response():
            return str(document["CheckoutRequestID"])

    def query_prompt(self, identifier: str) -> str | None:
        """The result code of a prompt; None while nobody answered it."""
        answer = self._post(
            "/mpesa/stkpushquery/v1/query",
            {**self._password(), "CheckoutRequestID": identifier},
        )
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and (
            _error_code(answer) == _STILL_PROMPTING
        ):
            return None
        document = _accepted(answer)
        with parsing_response():
            return str(document["ResultCode"])

    def list_payments(self, since: datetime) -> list[Document]:
        """Every payment that came in since then, oldest first."""
        found: list[Document] = []
        while True:
            answer = self._post(
                "/pulltransactions/v1/query",
                {
                    "ShortCode": self._account.shortcode,
                    "StartDate": _local(since),
                    "EndDate": _local(clock.now() + timedelta(minutes=1)),
                    "OffSetValue": str(len(found)),
                },
            )
            document = _read(answer)
            with parsing_response():
                if document["ResponseCode"] != _LISTED:
                    raise ProviderRefused(str(document["ResponseCode"]))
                page = [each for part in document["Response"] for each in part]
            found += page
            if len(page) < _PAGE:
                return found

    def send_payout(self, *, reference: str, phone: str, shillings: int, callback: str) -> str:
        """Send money to a phone; answers the response code. `reference` is how Daraja knows a
        repetition."""
        answer = self._post(
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
                "QueueTimeOutURL": callback,
                "ResultURL": callback,
                "Occasion": "",
            },
        )
        document = _read(answer)
        with parsing_response():
            return str(document["ResponseCode"])

    def query_payout(self, reference: str, *, callback: str) -> None:
        """Have Daraja tell how a payout stands. It answers at `callback`, later."""
        answer = self._post(
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
                "QueueTimeOutURL": callback,
                "Remarks": "Status",
            },
        )
        _accepted(answer)

    def _password(self) -> Mapping[str, str]:
        at = clock.now().astimezone(EAT).strftime("%Y%m%d%H%M%S")
        sealed = f"{self._account.shortcode}{self._account.passkey}{at}".encode()
        return {
            "BusinessShortCode": self._account.shortcode,
            "Password": b64encode(sealed).decode(),
            "Timestamp": at,
        }

    def _post(self, path: str, document: Document) -> HttpResponse:
        """What it answers, with a token that it takes."""
        answer = self._with_token(path, document)
        if _is_about_token(answer):
            with self._lock:
                self._token_until = 0
            answer = self._with_token(path, document)
        return answer

    def _with_token(self, path: str, document: Document) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self._current_token()}"}
        return self._transport.request("POST", path, json=document, headers=headers)

    def _current_token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._token_until:
                self._token, seconds = self._new_token()
                self._token_until = time.monotonic() + seconds - _RENEWED_SECONDS_BEFORE
            return self._token

    def _new_token(self) -> tuple[str, int]:
        account = self._account
        try:
            document = _read(
                self._transport.request(
                    "GET",
                    "/oauth/v1/generate",
                    params={"grant_type": "client_credentials"},
                    auth=(account.consumer_key, account.consumer_secret),
                )
            )
            with parsing_response():
                return str(document["access_token"]), int(document["expires_in"])
        except (ProviderOutcomeUnknown, ProviderRefused) as error:
            # Whatever the token was for was not asked yet.
            raise ProviderUnavailable(f"no token: {error}") from None


def _accepted(answer: HttpResponse) -> Document:
    document = _read(answer)
    with parsing_response():
        code = str(document["ResponseCode"])
    if code != "0":
        raise ProviderRefused(code)
    return document


def _read(answer: HttpResponse) -> Document:
    if answer.is_success:
        return answer.json()
    code = _error_code(answer)
    if answer.status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(f"our token is not taken: {code}")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and code != _STILL_PROMPTING:
        raise ProviderOutcomeUnknown(code)
    raise ProviderRefused(code)


def _error_code(answer: HttpResponse) -> str:
    """What it calls its error."""
    with parsing_response():
        return str(answer.json()["errorCode"])


def _is_about_token(answer: HttpResponse) -> bool:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return True
    return answer.status == HTTPStatus.NOT_FOUND and _error_code(answer) == _TOKEN_INVALID


def _local(instant: datetime) -> str:
    return instant.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S")
