"""The sandbox's own page and API: what the providers know, what they sent, what is to go wrong."""

import json
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox.faults import WEBHOOK_MODES, WEBHOOK_OPERATION, FaultMode
from sandbox.provider import faults, store, webhook_queue

blp = Blueprint("pages", __name__, template_folder="templates")

_SHOWN = 50


@blp.get("/")
def index() -> str:
    """Everything at a glance, with forms that order a fault and do what the world does."""
    return _page()


def _page(problem: str = "") -> str:
    return render_template(
        "sandbox.html",
        problem=problem,
        providers=current_app.extensions["providers"].values(),
        kinds=[kind for kind in store().kinds() if kind[0] != "_sandbox"],
        faults=faults().pending(),
        deliveries=webhook_queue().all()[: -_SHOWN - 1 : -1],
        modes=list(FaultMode),
        of_webhooks=WEBHOOK_MODES,
        webhook=WEBHOOK_OPERATION,
    )


@blp.post("/_sandbox/acts")
def run_control() -> Response:
    """Do what a form says the world does: `path` of a provider's control, `body` its JSON."""
    path, body = request.form.get("path", ""), request.form.get("body", "")
    if "/_control/" not in path:
        raise BadRequest("path: must be a control of a provider")
    answer = current_app.test_client().post(path, data=body, content_type="application/json")
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return _back()
    problem = f"{path} {body}: {answer.status_code} {answer.get_data(as_text=True)}"
    return Response(_page(problem), answer.status_code)


@blp.get("/_sandbox/<provider>/<kind>")
def list_documents(provider: str, kind: str) -> Response:
    """Everything of a kind that a provider knows, newest first."""
    return _json(store().find(provider, kind)[::-1])


@blp.get("/_sandbox/faults")
def list_faults() -> Response:
    """What is to go wrong."""
    return _json([asdict(fault) for fault in faults().pending()])


@blp.post("/_sandbox/faults")
def schedule_fault() -> Response:
    """Order one: {provider, operation, mode, times?, seconds?}, as JSON or as a form."""
    asked: Any = request.get_json() if request.is_json else request.form
    try:
        if asked["provider"] not in current_app.extensions["providers"]:
            raise NotFound
        faults().schedule(
            asked["provider"],
            asked["operation"],
            FaultMode(asked["mode"]),
            times=int(asked.get("times") or 1),
            seconds=float(asked.get("seconds") or 0),
        )
    except (KeyError, ValueError) as error:
        raise BadRequest(f"that is no fault: {error}") from error
    return _json({}) if request.is_json else _back()


@blp.post("/_sandbox/faults/clear")
def clear_faults() -> Response:
    """Nothing is to go wrong any more."""
    faults().clear()
    return _json({}) if request.is_json else _back()


@blp.get("/_sandbox/deliveries")
def list_webhooks() -> Response:
    """What was sent to the exchange, newest first, and what became of it."""
    return _json(store().find("_sandbox", "deliveries")[::-1])


def _back() -> Response:
    return Response(status=303, headers={"Location": "/"})


def _json(value: object) -> Response:
    return Response(json.dumps(value, indent=1), content_type="application/json")
