"""What the modules of providers are made of."""

import socket
import time
from collections.abc import Callable
from inspect import getdoc
from typing import Any

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import BadRequest

from sandbox.faults import Fault, FaultMode, FaultSchedule
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue, WebhookSigner

Handler = Callable[..., Response]

_BEFORE = {
    FaultMode.DOWN,
    FaultMode.ERROR_BEFORE,
    FaultMode.HANG_UP_BEFORE,
    FaultMode.TIMEOUT_BEFORE,
}


class SandboxProvider:
    """A provider at `/{name}`, with its operations by name and its signer."""

    def __init__(self, name: str, title: str, *, sign: WebhookSigner | None = None) -> None:
        self.name = name
        self.title = title
        self.sign = sign
        self.operations: list[str] = []
        #: What the outside world can do here: a path with what is to be filled in, and how.
        self.controls: list[tuple[str, str]] = []
        self.periodic_tasks: list[Callable[[], None]] = []
        self.blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")

    def operation(self, method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
        """Declare a call of the provider's protocol. Faults are ordered by `name`; the function
        runs in one transaction of the store and answers a response."""

        def declare(handler: Handler) -> Handler:
            def view(**path: Any) -> Response:
                return _with_fault(handler, path, faults().take(self.name, name))

            self.operations.append(name)
            self.blueprint.add_url_rule(rule, name.replace(".", "_"), view, methods=[method])
            return handler

        return declare

    def control(self, method: str, rule: str) -> Callable[[Handler], Handler]:
        """Declare what only the sandbox has: what the outside world does at this provider, such as
        a customer's transfer that arrives. Stands under `/_control`; has no faults."""

        def declare(handler: Handler) -> Handler:
            def view(**path: Any) -> Response:
                try:
                    with store().transaction():
                        return handler(**path)
                except KeyError as missing:
                    raise BadRequest(f"{missing.args[0]}: is missing") from missing

            if method == "POST":
                self.controls.append((f"/{self.name}/_control{rule}", getdoc(handler) or ""))
            self.blueprint.add_url_rule(
                f"/_control{rule}", f"control_{handler.__name__}", view, methods=[method]
            )
            return handler

        return declare

    def periodic_task(self, work: Callable[[], None]) -> Callable[[], None]:
        """Declare what happens at this provider as time passes: it is called every now and then,
        in one transaction of the store."""
        self.periodic_tasks.append(work)
        return work


def settlement_seconds() -> float:
    """How many seconds what was accepted takes to settle by itself."""
    seconds: float = current_app.config["SETTLED_AFTER_SECONDS"]
    return seconds


def store() -> Store:
    """The documents of the sandbox that serves this request."""
    found: Store = current_app.extensions["store"]
    return found


def faults() -> FaultSchedule:
    """Its faults."""
    found: FaultSchedule = current_app.extensions["faults"]
    return found


def webhook_queue() -> WebhookQueue:
    """Its webhooks."""
    found: WebhookQueue = current_app.extensions["deliveries"]
    return found


def has_fault(mode: FaultMode) -> bool:
    """Whether the current call is to go wrong in this way, which its own function plays."""
    fault: Fault | None = g.get("fault")
    return fault is not None and fault.mode is mode


def _with_fault(handler: Handler, path: dict[str, Any], fault: Fault | None) -> Response:
    g.fault = fault
    if fault and fault.mode in _BEFORE:
        return _spoiled(Response(status=500), fault)
    with store().transaction():
        response = handler(**path)
    return _spoiled(response, fault) if fault else response


def _spoiled(response: Response, fault: Fault) -> Response:
    """What arrives of a response. Nobody waits with the store in hand."""
    if fault.seconds:
        time.sleep(fault.seconds)
    match fault.mode:
        case FaultMode.DOWN:
            return Response("the service is down", 503, {"Retry-After": "1"})
        case FaultMode.ERROR_BEFORE | FaultMode.ERROR_AFTER:
            return Response("internal error", 500)
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
