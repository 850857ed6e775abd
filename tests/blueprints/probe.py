"""Routes that only tests serve: one of each kind of operation, with an effect to count."""

import threading
from typing import Any

import marshmallow as ma

from app.access import Actor, Permission
from app.blueprints.api.schemas import fields
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit
from app.blueprints.api_operation import RouteReply
from app.flags.rules import Feature
from app.kit.db import Database, Session
from app.kit.errors import Conflict
from tests.people import credit


class Line(fields.ApiSchema):
    """A nested object."""

    sku = fields.TextField(20, required=True)
    quantity = ma.fields.Integer(strict=True, required=True)


class Gift(fields.ApiSchema):
    """The body of a request for a gift."""

    asset_code = fields.AssetCodeField(required=True)
    amount = fields.AmountField(required=True)
    note = fields.TextField(10)
    quote_id = fields.PublicIdField("qt")
    not_before = fields.TimestampField()
    lines = ma.fields.List(ma.fields.Nested(Line))

    @ma.validates_schema
    def _amount(self, data: dict[str, Any], **_options: Any) -> None:
        fields.parse_amount("amount", data["asset_code"], data["amount"])


class GiftView(fields.ApiSchema):
    """The body of the response."""

    owner_id = fields.PublicIdField("usr")
    amount = fields.AmountField()
    note = ma.fields.String()


class Search(fields.PageQuerySchema):
    """A query with a page and a filter."""

    metal = fields.MetalCodeField()


class Declined(Conflict):
    """The probe declines the gift after it credited the customer."""

    code = "probe_declined"
    title = "Declined, and noted"


class Broken(Exception):
    """An exception that no handler knows."""


#: A test clears it to keep a gift's transaction open while another request arrives.
gate = threading.Event()
gate.set()
entered = threading.Event()

blp = ApiBlueprint("probe", "/api/probe", "Only in tests")


@blp.operation(
    "POST",
    "/gifts",
    operation_id="probeGive",
    permission=Permission.ORDERS_PLACE,
    body_schema=Gift,
    response_schema=GiftView,
    status=201,
    idempotent=True,
)
def give(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Credit the caller."""
    entered.set()
    credit(session, actor.user_id, body["amount"], body["asset_code"])
    gate.wait(10)
    note = body.get("note", "")
    if note == "break":
        raise Broken("canary-in-an-exception")
    if note == "decline":
        raise Declined
    view = {"owner_id": actor.user_id, "amount": body["amount"], "note": note}
    return RouteReply(view, headers={"Location": "/api/probe/gifts/1"}) if note == "found" else view


@blp.operation(
    "POST",
    "/support/gifts",
    operation_id="probeSupportGive",
    permission=Permission.ORDERS_PLACE,
    feature=Feature.SUPPORT,
    body_schema=Gift,
    status=204,
    idempotent=True,
    fresh=True,
)
def give_as_support(session: Session, actor: Actor, body: dict[str, Any]) -> None:
    """Credit the caller, where the feature is switched on."""
    credit(session, actor.user_id, body["amount"], body["asset_code"])


@blp.operation(
    "POST",
    "/declined",
    operation_id="probeDecline",
    permission=Permission.ORDERS_PLACE,
    idempotent=True,
)
def decline(session: Session, actor: Actor) -> None:
    """Credit the caller and raise a refusal that keeps the credit."""
    credit(session, actor.user_id, "1.00", "USD")
    raise Declined().keeping_records()


@blp.operation(
    "GET",
    "/things/<thing_id>",
    operation_id="probeThing",
    permission=Permission.ORDERS_READ,
    query_schema=Search,
    response_schema=GiftView,
)
def thing(_session: Session, actor: Actor, query: dict[str, Any], thing_id: str) -> object:
    """Read one thing."""
    return {"owner_id": actor.user_id, "amount": "1.00", "note": f"{thing_id} {query}"}


@blp.operation(
    "DELETE",
    "/things/<thing_id>",
    operation_id="probeRemove",
    permission=Permission.ORDERS_PLACE,
    status=204,
)
def remove(_session: Session, _actor: Actor, thing_id: str) -> None:
    """Remove one thing."""
    assert thing_id


@blp.operation(
    "POST",
    "/echo",
    operation_id="probeEcho",
    public=True,
    body_schema=Gift,
    response_schema=GiftView,
)
def echo(_session: Session, body: dict[str, Any]) -> object:
    """Return what was sent."""
    return {"owner_id": body.get("quote_id"), "amount": body["amount"], "note": repr(body)}


@blp.operation(
    "POST",
    "/guess",
    operation_id="probeGuess",
    public=True,
    own_transactions=True,
    rate_limit=RateLimit.SIGN_IN,
    status=204,
)
def guess(database: Database) -> None:
    """Stand for an operation where a secret could be guessed: it has the sign-in limit."""
    assert isinstance(database, Database)
