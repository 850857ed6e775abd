"""The verbs of returns to suppliers: request one, which a second person approves and books."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.formatting import format_count
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.service import NewPosting
from app.vault.bars import service as bars
from app.vault.bars.rules import BarState, parse_named_bars
from app.vault.locations import queries as locations_queries
from app.vault.lots import service as lots
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.service import Goods, TakenGoods
from app.vault.rules import clean_text, parse_units
from app.vault.stock import service as stock
from app.vault.supplier_returns import queries, rules
from app.vault.supplier_returns.models import SupplierReturn
from app.vault.supplier_returns.queries import PREFIX

RETURN = "stock.return"
_QUARANTINE = AccountClass.STOCK_QUARANTINE


@dataclass(frozen=True, slots=True)
class NewSupplierReturn:
    """A return as staff enter it: `supplier_reference` is the number under which the supplier takes
    the goods back."""

    sku: str
    location: str
    units: str
    supplier: str
    supplier_reference: str
    #: Of bars with serials, as `bars.rules.parse_named_bars` reads them.
    serials: str = ""


@dataclass(frozen=True, slots=True)
class _Cost:
    """What returned units cost in cents, by the branch that owes it to the supplier."""

    metal: Mapping[UUID, int]
    premium: Mapping[UUID, int]


def request_return(
    session: Session, actor: Actor, wanted: NewSupplierReturn, *, reason: str
) -> UUID:
    """Request that goods in quarantine go back to their supplier, which a second person approves;
    return the request's id.

    Raises `PermissionDenied`, `Invalid` naming the field, `InsufficientStock`, and
    `ApprovalPending` while another return of the same product is requested at the same place.
    """
    payload = asdict(wanted) | {"sku": wanted.sku.upper(), "location": wanted.location.upper()}
    subject = ":".join((payload["location"], payload["sku"]))
    return approvals.request_approval(
        session, actor, RETURN, payload, subject=subject, reason=reason
    )


def _read(session: Session, payload: TextFields) -> Goods:
    """Return the goods by their lots, which are those of the supplier."""
    product = products_queries.find_product(session, payload["sku"])
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it.")
    location = locations_queries.find_location(session, payload["location"])
    if location is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    units, supplier = (
        parse_units("units", payload["units"]),
        clean_text("supplier", payload["supplier"]),
    )
    clean_text("supplier_reference", payload["supplier_reference"])
    delivered = queries.list_lots_of_supplier(session, product.sku, location.id, supplier)
    if not delivered:
        raise Invalid(
            "supplier",
            f"Nothing that {supplier} delivered of {product.sku} is left at {location.code}. Check"
            " the name on the page Deliveries.",
        )
    if units > sum(delivered.values()):
        raise Invalid(
            "units",
            f"Of what {supplier} delivered, {format_count(sum(delivered.values()))} units of"
            f" {product.sku} are left at {location.code}.",
        )
    goods = lots.name_bars(
        session,
        Goods(product, location, units),
        parse_named_bars("serials", payload["serials"]),
        BarState.QUARANTINE,
        field="serials",
    )
    if not product.is_serialized:
        return replace(goods, lot_ids=tuple(delivered))
    if not set(goods.lot_ids) <= set(delivered):
        raise Invalid(
            "serials", f"{supplier} did not deliver all of these bars. Check the serials."
        )
    return goods


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    goods = _read(session, payload)
    if _in_quarantine(session, goods) < goods.units:
        raise InsufficientStock
    return ProposedChange({}, {name: text for name, text in payload.items() if text})


def _in_quarantine(session: Session, goods: Goods) -> int:
    account = chart.stock(goods.product.asset, _QUARANTINE, goods.location.id)
    return ledger_queries.account_balance(session, account)


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _book(session: Session, approved: ApprovedRequest) -> None:
    """Book a return that two people agree on. Raises as `request_return` does."""
    goods, now, return_id = _read(session, approved.payload), clock.now(), ids.new()
    reference = ids.encode(PREFIX, return_id)
    [taken] = lots.take_from_lots(session, [goods], _QUARANTINE, reference=reference, at=now)
    for choice in goods.bars:
        bars.move(session, choice, BarState.RETURNED, reference=reference, at=now)
    lot_costs = queries.list_lot_costs(session, goods.lot_ids, reference=reference)
    cost = _divide(taken, lot_costs)
    stock.post(
        session,
        cause="goods_returned",
        reference=reference,
        posted_at=now,
        postings=[*stock.take_off_shelf(taken, _QUARANTINE), *_owe_less(cost)],
    )
    values = {
        "sku": goods.product.sku,
        "location_id": goods.location.id,
        "units": goods.units,
        "ounces_units": taken.ounces.units,
        "metal_usd": sum(cost.metal.values()),
        "premium_usd": taken.premium.units,
        # As the delivery has it.
        "supplier": lot_costs[taken.parts[0].lot_id].supplier,
        "supplier_reference": clean_text(
            "supplier_reference", approved.payload["supplier_reference"]
        ),
        "approval_id": approved.id,
        "requested_by": approved.maker_id,
        "approved_by": approved.checker.user_id,
        "returned_at": now,
    }
    session.write(sa.insert(SupplierReturn).values(id=return_id, **values))
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.GOODS_RETURNED,
        subject=reference,
        after={
            **approved.payload,
            "metal": str(Amount(USD, sum(cost.metal.values()))),
            "premium": str(taken.premium),
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


def _divide(taken: TakenGoods, costs: Mapping[UUID, queries.LotCost]) -> _Cost:
    metal: dict[UUID, int] = {}
    premium: dict[UUID, int] = {}
    for part in taken.parts:
        lot = costs[part.lot_id]
        share = rules.cost_of_metal(lot.metal_usd, lot.units, lot.returned_units, part.units)
        metal[lot.branch_id] = metal.get(lot.branch_id, 0) + share
        premium[lot.branch_id] = premium.get(lot.branch_id, 0) + part.premium_usd
    return _Cost(metal, premium)


def _owe_less(cost: _Cost) -> list[NewPosting]:
    """Return the postings by which each branch that received the goods owes that much less."""
    metal = Amount(USD, sum(cost.metal.values()))
    owed = [
        ledger.debit(
            chart.payables(USD, branch_id), Amount(USD, cost.metal[branch_id] + premium_usd)
        )
        for branch_id, premium_usd in cost.premium.items()
    ]
    return [ledger.credit(chart.position(USD), metal), *owed]


def _describe(session: Session, actor: Actor, subject: str) -> Mapping[str, str]:
    """Return how many units are in quarantine now."""
    if Permission.VAULT_READ not in actor.permissions:
        return {}
    code, sku = subject.split(":")
    product = products_queries.find_product(session, sku)
    location = locations_queries.find_location(session, code)
    if product is None or location is None:
        raise NotFound
    return {
        "Units in quarantine now": format_count(
            _in_quarantine(session, Goods(product, location, 1))
        )
    }


approvals_registry.register(
    ApprovalAction(
        RETURN,
        "Return goods to their supplier",
        Permission.VAULT_ADJUST,
        _compare,
        _check_nothing,
        _book,
        _describe,
        lambda fields: f"return {fields['units']} units of {fields['sku']} to {fields['supplier']}",
        follows="The units leave quarantine, and what they cost is taken off what we owe the"
        " supplier.",
    )
)
