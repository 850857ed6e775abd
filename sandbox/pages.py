"""The sandbox's own page and API: provider documents, webhooks and scheduled faults."""

import json
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox import clock
from sandbox.faults import WEBHOOK_MODES, WEBHOOK_OPERATION, FaultMode
from sandbox.provider import faults, store, webhook_queue

blp = Blueprint("pages", __name__, template_folder="templates")

_WEBHOOKS_SHOWN = 50


@blp.get("/")
def index() -> str:
    """Show everything, with forms that schedule a fault and run a control."""
    return _page()


def _page(problem: str = "") -> str:
    return render_template(
        "sandbox.html",
        problem=problem,
        providers=current_app.extensions["providers"].values(),
        kinds=[kind for kind in store().kinds() if kind[0] != "_sandbox"],
        faults=faults().pending(),
        webhooks=webhook_queue().all()[: -_WEBHOOKS_SHOWN - 1 : -1],
        now=clock.text("seconds"),
        modes=list(FaultMode),
        webhook_modes=WEBHOOK_MODES,
        webhook_operation=WEBHOOK_OPERATION,
    )


@blp.post("/_sandbox/acts")
def run_control() -> Response:
    """Run a provider's control from a form: `path`, and `body` as JSON."""
    path, body = request.form.get("path", ""), request.form.get("body", "")
    if "/_control/" not in path:
        raise BadRequest("The path must be a control of a provider.")
    response = current_app.test_client().post(path, data=body, content_type="application/json")
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return _redirect_to_index()
    problem = f"{path} {body}: {response.status_code} {response.get_data(as_text=True)}"
    return Response(_page(problem), response.status_code)


@blp.get("/_sandbox/<provider>/<kind>")
def list_documents(provider: str, kind: str) -> Response:
    """Return a provider's documents of a kind, newest first."""
    return _json(store().find(provider, kind)[::-1])


@blp.get("/_sandbox/faults")
def list_faults() -> Response:
    """Return the scheduled faults."""
    return _json([asdict(fault) for fault in faults().pending()])


@blp.post("/_sandbox/faults")
def schedule_fault() -> Response:
    """Schedule a fault: {provider, operation, mode, times?, seconds?}, as JSON or as a form."""
    payload: Any = request.get_json() if request.is_json else request.form
    try:
        if payload["provider"] not in current_app.extensions["providers"]:
            raise NotFound
        faults().schedule(
            payload["provider"],
            payload["operation"],
            FaultMode(payload["mode"]),
            times=int(payload.get("times") or 1),
            seconds=float(payload.get("seconds") or 0),
        )
    except (KeyError, ValueError) as error:
        raise BadRequest(f"The fault is not valid: {error}") from error
    return _json({}) if request.is_json else _redirect_to_index()


@blp.post("/_sandbox/faults/clear")
def clear_faults() -> Response:
    """Delete every scheduled fault."""
    faults().clear()
    return _json({}) if request.is_json else _redirect_to_index()


@blp.post("/_sandbox/clock")
def set_clock() -> Response:
    """Set the clock, which runs on from there: {"at": "2026-11-29T12:00:00Z"}; {} sets it right."""
    payload: Any = request.get_json() if request.is_json else request.form
    try:
        at = datetime.fromisoformat(payload["at"]) if payload.get("at") else None
    except (TypeError, ValueError) as error:
        raise BadRequest(f"The time is not valid: {error}") from error
    if at is not None and at.tzinfo is None:
        raise BadRequest("The time has no zone. Write it like 2026-11-29T12:00:00Z.")
    clock.set_to(at)
    return _json({"now": clock.text()}) if request.is_json else _redirect_to_index()


@blp.get("/_sandbox/deliveries")
def list_webhooks() -> Response:
    """Return the webhooks to PBCEx, newest first, with their state."""
    return _json(store().find("_sandbox", "deliveries")[::-1])


def _redirect_to_index() -> Response:
    return Response(status=303, headers={"Location": "/"})


def _json(value: object) -> Response:
    return Response(json.dumps(value, indent=1), content_type="application/json")
