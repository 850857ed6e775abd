"""What support staff do through the API: their queue, customers, and orders of customers."""

from typing import Any

from app.access import Actor, Permission, Role
from app.approvals.errors import ApprovalPending
from app.audit import queries as audit_queries
from app.blueprints.api.schemas import shop_refunds as schemas_refunds
from app.blueprints.api.schemas import support as schemas_support
from app.blueprints.api.schemas.fields import PageQuerySchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import RouteReply
from app.flags.rules import Feature
from app.helpdesk.customers import summaries, timeline
from app.helpdesk.notes import service as notes
from app.helpdesk.queue import workload
from app.helpdesk.search.queries import search as search_everything
from app.identity.accounts import assistance, people
from app.identity.errors import NotActive, PersonErased
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import ListQuery, fetch_following
from app.shop.orders.errors import OwnOrder
from app.shop.orders.rules import PREFIX as ORDER_PREFIX
from app.shop.refunds import approval
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.by_staff import RefundRequest
from app.shop.refunds.errors import OrderNotRefundable

blp = ApiBlueprint("support", "/api/support", "Support, for staff")

_EVENTS = 20


@blp.operation(
    "GET",
    "/dashboard",
    operation_id="supportDashboard",
    permission=Permission.QUEUE_WORK,
    feature=Feature.SUPPORT,
    response_schema=schemas_support.SupportDashboardSchema,
)
def show_dashboard(session: Session, actor: Actor) -> object:
    """Show how much waits for support, and how much of it too long.

    The list has the kinds of work that one may decide.
    """
    return {"queue": workload.list_backlogs(session, actor)}


@blp.operation(
    "GET",
    "/search",
    operation_id="supportSearch",
    permission=Permission.PEOPLE_READ,
    feature=Feature.SUPPORT,
    query_schema=schemas_support.SupportSearchQuerySchema,
    response_schema=schemas_support.SupportSearchSchema,
)
def search(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """Search customers, orders, payments and everything else that one may open.

    The kinds with exact results come first.
    """
    return {"data": search_everything(session, actor, query["q"])}


@blp.operation(
    "GET",
    "/user/<user_id>",
    operation_id="supportUser",
    permission=Permission.PEOPLE_READ,
    feature=Feature.SUPPORT,
    response_schema=schemas_support.SupportUserAnswerSchema,
    refusals=(NotFound,),
)
def show_user(session: Session, actor: Actor, user_id: str) -> object:
    """Show a customer at a glance, with what happened last."""
    person = people.get_account(session, ids.decode("usr", user_id))
    if person.role is not Role.USER:
        raise NotFound
    summary = summaries.summarize_customer(session, actor, person)
    kinds = timeline.list_kinds(actor)
    return {
        "user": person,
        "tier": summary.limits.tier,
        "daily_limit": summary.limits.daily_limit,
        "flags": summary.flags,
        "events": timeline.list_entries(session, actor, person.id, kinds=kinds, limit=_EVENTS).data,
    }


@blp.operation(
    "POST",
    "/user/<user_id>/reset-password",
    operation_id="supportResetPassword",
    permission=Permission.PEOPLE_ASSIST,
    feature=Feature.SUPPORT,
    status=204,
    fresh=True,
    refusals=(NotFound, NotActive, PersonErased),
)
def reset_password(session: Session, actor: Actor, user_id: str) -> None:
    """Email a customer a link with which they choose a new password.

    A few times an hour at most. The old password works until they choose another one.
    """
    assistance.send_password_link(session, actor, ids.decode("usr", user_id))


@blp.operation(
    "POST",
    "/user/<user_id>/note",
    operation_id="supportAddNote",
    permission=Permission.PEOPLE_NOTE,
    feature=Feature.SUPPORT,
    body_schema=schemas_support.SupportNoteRequestSchema,
    response_schema=schemas_support.SupportNoteAnswerSchema,
    status=201,
    idempotent=True,
    refusals=(NotFound, PersonErased),
)
def add_note(session: Session, actor: Actor, body: dict[str, Any], user_id: str) -> object:
    """Add a note on a customer, for staff alone. It stays as it is."""
    note_id = notes.add_note(session, actor, ids.decode("usr", user_id), body["note"])
    return {"note": {"id": note_id}}


@blp.operation(
    "POST",
    "/order/<order_id>/adjust",
    operation_id="supportAdjustOrder",
    permission=Permission.SHOP_ORDERS_REFUND,
    feature=Feature.SUPPORT,
    body_schema=schemas_refunds.RefundRequestSchema,
    response_schema=schemas_refunds.RefundsSchema,
    other_responses={202: schemas_refunds.RefundRequestedSchema},
    idempotent=True,
    fresh=True,
    refusals=(NotFound, OwnOrder, OrderNotRefundable, ApprovalPending),
)
def adjust_order(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Reduce an order by units of its lines, and give their price and tax back.

    A large adjustment takes two people: then the answer is 202 with the request that another one
    approves.
    """
    identifier = ids.decode(ORDER_PREFIX, order_id)
    units = {item["line"] - 1: item["quantity"] for item in body["items"]}
    if len(units) < len(body["items"]):
        raise Invalid("items", "Send each line once.")
    request = RefundRequest(units, body["with_shipping"])
    if approval_id := approval.refund(session, actor, identifier, request, reason=body["reason"]):
        return RouteReply({"approval": {"id": approval_id}}, 202)
    return {"data": refunds_queries.list_refunds(session, [identifier])}


@blp.operation(
    "GET",
    "/audit/<user_id>",
    operation_id="supportAudit",
    permission=Permission.AUDIT_READ,
    feature=Feature.SUPPORT,
    query_schema=PageQuerySchema,
    response_schema=schemas_support.SupportAuditSchema,
    refusals=(NotFound,),
)
def list_audit_records(
    session: Session, _actor: Actor, query: dict[str, Any], user_id: str
) -> object:
    """List the acts on a customer and on what is theirs, newest first."""
    person = people.get_account(session, ids.decode("usr", user_id))
    wanted = ListQuery({"what": person.public_id}, "-recorded", query.get("cursor"), query["limit"])
    page, _ = fetch_following(session, audit_queries.RECORDS, wanted)
    return page


@blp.operation(
    "GET",
    "/stats",
    operation_id="supportStats",
    permission=Permission.QUEUE_STATS,
    feature=Feature.SUPPORT,
    query_schema=schemas_support.SupportStatsQuerySchema,
    response_schema=schemas_support.SupportStatsSchema,
)
def show_stats(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """Show how fast support is: all together, and each colleague.

    All together come first, then the busiest.
    """
    return {"data": workload.measure(session, days=query["days"])}
