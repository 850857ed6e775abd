"""The base of the provider modules."""

import socket
import time
from collections.abc import Callable
from inspect import getdoc
from typing import Any

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox.faults import Fault, FaultMode, FaultSchedule
from sandbox.odd_rows import add_row, has_lists, with_odd_rows
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue, WebhookSigner

Handler = Callable[..., Response]

_BEFORE = {
    FaultMode.DOWN,
    FaultMode.ERROR_BEFORE,
    FaultMode.HANG_UP_BEFORE,
    FaultMode.TIMEOUT_BEFORE,
    FaultMode.LIMITED,
    FaultMode.UNAUTHORIZED,
}


class SandboxProvider:
    """A provider at `/{name}`, with its named operations and its signer."""

    def __init__(self, name: str, title: str, *, sign: WebhookSigner | None = None) -> None:
        self.name = name
        self.title = title
        self.sign = sign
        self.operations: list[str] = []
        #: The controls: path with placeholders, and description.
        self.controls: list[tuple[str, str]] = []
        self.periodic_tasks: list[Callable[[], None]] = []
        self.blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
        if has_lists(name):
            self._declare_odd_rows()

    def operation(self, method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
        """Declare an operation of the provider's protocol.

        Faults are scheduled by `name`. The function runs in one transaction of the store and
        returns a response.
        """

        def declare(handler: Handler) -> Handler:
            def view(**path: Any) -> Response:
                response = _with_fault(handler, path, faults().take(self.name, name))
                return with_odd_rows(store(), self.name, name, response)

            self.operations.append(name)
            self.blueprint.add_url_rule(rule, name.replace(".", "_"), view, methods=[method])
            return handler

        return declare

    def control(self, method: str, rule: str) -> Callable[[Handler], Handler]:
        """Declare a control: an event of the outside world, such as a customer's incoming transfer.

        Its route is under `/_control`. It has no faults.
        """

        def declare(handler: Handler) -> Handler:
            def view(**path: Any) -> Response:
                try:
                    with store().transaction():
                        return handler(**path)
                except KeyError as error:
                    raise BadRequest(f"The field {error.args[0]} is missing.") from error

            if method == "POST":
                self.controls.append((f"/{self.name}/_control{rule}", getdoc(handler) or ""))
            self.blueprint.add_url_rule(
                f"/_control{rule}", f"control_{handler.__name__}", view, methods=[method]
            )
            return handler

        return declare

    def _declare_odd_rows(self) -> None:
        @self.control("POST", "/rows/<operation>")
        def add_odd_row(operation: str) -> Response:
            """A list such as `payments.list` has one more row, shown as it is: any JSON value."""
            try:
                add_row(store(), self.name, operation, request.get_json())
            except ValueError as error:
                raise NotFound(str(error)) from error
            return Response("{}", content_type="application/json")

    def periodic_task(self, task: Callable[[], None]) -> Callable[[], None]:
        """Declare a task that runs periodically, in one transaction of the store."""
        self.periodic_tasks.append(task)
        return task


def settlement_seconds() -> float:
    """Return how many seconds an accepted payout or prompt takes to settle."""
    seconds: float = current_app.config["SETTLED_AFTER_SECONDS"]
    return seconds


def store() -> Store:
    """Return the documents of the sandbox that serves this request."""
    documents: Store = current_app.extensions["store"]
    return documents


def faults() -> FaultSchedule:
    """Return the fault schedule of the sandbox that serves this request."""
    schedule: FaultSchedule = current_app.extensions["faults"]
    return schedule


def webhook_queue() -> WebhookQueue:
    """Return the webhook queue of the sandbox that serves this request."""
    queue: WebhookQueue = current_app.extensions["webhooks"]
    return queue


def has_fault(mode: FaultMode) -> bool:
    """Return whether the current call has this fault, which its own function simulates."""
    fault: Fault | None = g.get("fault")
    return fault is not None and fault.mode is mode


def _with_fault(handler: Handler, path: dict[str, Any], fault: Fault | None) -> Response:
    g.fault = fault
    if fault and fault.mode in _BEFORE:
        return _apply_fault(Response(status=500), fault)
    with store().transaction():
        response = handler(**path)
    return _apply_fault(response, fault) if fault else response


def _apply_fault(response: Response, fault: Fault) -> Response:
    """Return the response as it arrives with the fault. Waits outside the store's transaction."""
    if fault.seconds:
        time.sleep(fault.seconds)
    match fault.mode:
        case FaultMode.DOWN:
            return Response("the service is down", 503, {"Retry-After": "1"})
        case FaultMode.ERROR_BEFORE | FaultMode.ERROR_AFTER:
            return Response("internal error", 500)
        case FaultMode.LIMITED:
            return Response("too many requests", 429)
        case FaultMode.UNAUTHORIZED:
            return Response("unauthorized", 401)
        case FaultMode.GARBAGE:
            return Response(b"\xff{not json", 200, content_type="application/json")
        case (
            FaultMode.HANG_UP_BEFORE
            | FaultMode.HANG_UP_AFTER
            | FaultMode.TIMEOUT_BEFORE
            | FaultMode.TIMEOUT_AFTER
        ):
            connection: socket.socket = request.environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
    return response
