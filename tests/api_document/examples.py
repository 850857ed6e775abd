"""Examples of the API document: real answers, with fixed values in place of random ones.

`app/blueprints/api/examples.json` holds them: for each operation the last successful exchange by
status, and the first refusal by code.
"""

import json
import re
from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from app.kit import ids
from tests.api_client import JSON, PROBLEM, ApiClient

#: What is random or secret, by the name of its field, and what the document shows in its place.
_SHOWN_INSTEAD: dict[str, Any] = {
    "accessToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…",
    "refreshToken": "kJ1xQ2vYt6…",
    "token": "otk_06df3mk7g0y8x2…",
    "key": "pbk_x8Tq1z…9k_A",
    "prefix": "pbk_x8Tq1z",
    "lastFour": "9k_A",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauthUri": "otpauth://totp/PBCEx:ada%40example.com?secret=…&issuer=PBCEx",
    "qrSvg": "<svg …>",
    "recoveryCodes": "MFRGGZ-DFMZTW-Q2LKNN-WG23TP",
    "clientSecret": "pi_3Qx…_secret_…",
    "cursor": "WzE3NjQ2…",
    "nextCursor": "WzE3NjQ2…",
    "requestId": "01a228d56a70771d84e053cb84b6fd1e",
    # Tests open locations under codes of their own.
    "vaultLocation": "NYC-VAULT",
    # Of compressed ids.
    "sizeBytes": 24_000,
}
#: Of a list that grows with the product, an example shows so many items.
_SHOWN_ITEMS = {"kept": 3, "recoveryCodes": 2}
#: The name under which refusals are kept that every operation may give.
ALL = "*"
_PUBLIC_ID = re.compile(r"\b([a-z]{2,4})_([0-9a-hjkmnp-tv-z]{26})\b")
_CART_SECRET = re.compile(r"crt_[a-z2-7]{32}")
_WALLET_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_ARCHIVE_TOKEN = re.compile(r"(\?token=)[\w.-]+")
_FIRST_ID = UUID("019a9f3c-7d00-7abc-8def-012345670000").int


class Recorder:
    """The examples of one run."""

    def __init__(self) -> None:
        self.operations: dict[str, dict[str, Any]] = {}

    def record(self, operation_id: str, sent: Mapping[str, Any], response: TestResponse) -> None:
        """Keep a success in place of the previous one, and of each refusal the first."""
        examples = self.operations.setdefault(operation_id, {"responses": {}, "problems": {}})
        if response.mimetype == PROBLEM:
            examples["problems"].setdefault(response.json["code"], response.json)
            return
        received = response.json if response.mimetype == JSON else None
        examples["responses"][str(response.status_code)] = {**sent, "received": received}

    def lines(self) -> list[str]:
        """Return the examples as JSON, the same in each run."""
        known: dict[str, str] = {}
        numbers = count(1)

        def fixed_id(found: re.Match[str]) -> str:
            if found[0] not in known:
                known[found[0]] = ids.encode(found[1], UUID(int=_FIRST_ID + next(numbers)))
            return known[found[0]]

        ordered = {
            operation: {part: dict(sorted(found.items())) for part, found in examples.items()}
            for operation, examples in sorted(self.operations.items())
        }
        text = json.dumps(_without_chance(ordered), indent=1, ensure_ascii=False)
        text = _PUBLIC_ID.sub(fixed_id, text)
        text = _CART_SECRET.sub("crt_mfrggzdfmztwq2lknnwg23tpobyxe43u", text)
        text = _WALLET_ADDRESS.sub("0x52908400098527886E0F7030069857D2E4169EE7", text)
        return _ARCHIVE_TOKEN.sub(r"\g<1>1764…", text).splitlines()


def _without_chance(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_chance(below, key) for key, below in value.items()}
    if isinstance(value, list):
        return [_without_chance(below, name) for below in value[: _SHOWN_ITEMS.get(name)]]
    if name == "code" and re.fullmatch(r"\d{6}", value or ""):
        return "123456"
    if name == "vaultLocation" and re.fullmatch(r"L[0-9A-F]{12}", value or ""):
        return "NYC-STORE"
    return value if value is None else _SHOWN_INSTEAD.get(name, value)


class RecordingClient(ApiClient):
    """A customer whose exchanges are kept as examples."""

    def __init__(self, app: Flask, recorder: Recorder, name: str) -> None:
        super().__init__(app)
        self.recorder = recorder
        #: Whether refusals are examples for every operation that documents their code.
        self.refuses_for_all = False
        self.email = f"{name}@example.com"
        self._client.environ_base |= {
            "REMOTE_ADDR": "203.0.113.7",
            "HTTP_USER_AGENT": "PBCEx/4.2 (Android 15)",
        }

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send a request, check its response and keep both."""
        response = super().send(method, path, headers=headers, **options)
        self.keep(method, path, response, **options)
        return response

    def join(self, **changes: Any) -> ApiClient:
        """Register without an example, and return the plain client."""
        other = self.plain()
        other.register(**changes)
        self.token, self.user = other.token, other.user
        return other

    def plain(self) -> ApiClient:
        """Return a client of the same person whose exchanges are not kept."""
        client = ApiClient(self.app)
        client.email, client.token = self.email, self.token
        client.user, client._client = self.user, self._client
        return client

    def send_unchecked(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request whose response may have a status of 500 or above, and keep both."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": "k"}
        response = self._client.open(path, method=method, headers=headers, **options)
        self.keep(method, path, response, **options)
        return response

    def keep(self, method: str, path: str, response: TestResponse, **options: Any) -> None:
        """Keep an exchange as an example."""
        found = self.document.find_operation(method, path.partition("?")[0])
        assert found is not None, path
        sent: dict[str, Any] = {}
        if options.get("query_string"):
            sent["query"] = options["query_string"]
        if options.get("json") is not None:
            sent["body"] = options["json"]
        elif isinstance(options.get("data"), dict):
            sent["body"] = {
                name: value.filename if isinstance(value, FileStorage) else value
                for name, value in options["data"].items()
            }
        operation_id = ALL if self.refuses_for_all else found[1]["operationId"]
        self.recorder.record(operation_id, sent, response)
