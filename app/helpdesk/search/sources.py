"""Where each kind of result is looked for: one statement of its room for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.access import Actor, Permission, Role
from app.access.policy import branch_scope
from app.access.roles import BRANCH_BOUND_ROLES
from app.audit import queries as audit_queries
from app.audit.models import AuditRecord
from app.audit.queries import AuditRecordRow
from app.cases import queries as cases_queries
from app.cases.models import Case
from app.cases.queries import CaseSummary
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.catalog.products.queries import ProductSummary
from app.documents import queries as documents_queries
from app.documents.models import SalesDocument
from app.documents.queries import NumberedDocument
from app.documents.rules import DocumentKind
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.labels.models import ParcelLabel
from app.fulfillment.parcels.models import ShipmentParcel
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits.queries import Deposit
from app.funding.models import DepositRow, WithdrawalRow
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals.queries import Withdrawal
from app.helpdesk.search.rules import ResultKind, SearchResult, SearchText
from app.identity.accounts import people
from app.identity.accounts.people import AccountDetails
from app.identity.models import User
from app.kit.formatting import format_amount
from app.kit.list_query import ListSource
from app.kit.statements import among, contains
from app.redemption.requests import listed
from app.redemption.requests.listed import ListedRedemption
from app.redemption.requests.models import RedemptionRow
from app.shop.orders import listed_orders
from app.shop.orders.listed_orders import ListedOrder
from app.shop.orders.models import ShopOrder
from app.tax.assessment import Delivery
from app.vault.bars import queries as bars_queries
from app.vault.bars.models import Bar
from app.vault.bars.queries import BarRow

RowT = TypeVar("RowT")
#: As withdrawals_last_four_idx has it.
_LAST_FOUR = sa.func.right(WithdrawalRow.destination_masked, sa.literal_column("4"))
Conditions = Sequence[sa.ColumnElement[bool] | None]


@dataclass(frozen=True, slots=True)
class SearchSource(Generic[RowT]):
    """The rows of a room that people with a permission may find.

    `rows` returns those that this actor may see, of any branch but another one; `matches` returns
    conditions of which any is enough, None for what the text cannot be. Without one, the room is
    not asked.
    """

    permission: Permission
    rows: Callable[[Actor], ListSource[RowT] | None]
    matches: Callable[[SearchText], Conditions]
    result: Callable[[SearchText, RowT], SearchResult]


def _of_person(text: SearchText, owner: sa.ColumnElement[Any]) -> sa.ColumnElement[bool] | None:
    """Match what is of the people with this email address or phone number."""
    condition = people.has_address(text.text)
    return None if condition is None else among(owner, sa.select(User.id).where(condition))


def _equals(column: sa.ColumnElement[Any], value: object) -> sa.ColumnElement[bool] | None:
    return None if value is None else column == value


def _contains(column: sa.ColumnElement[str], text: str | None) -> sa.ColumnElement[bool] | None:
    return None if text is None else contains(column, text)


def _person(text: SearchText, row: AccountDetails) -> SearchResult:
    is_customer = row.role is Role.USER
    return SearchResult(
        ResultKind.CUSTOMER if is_customer else ResultKind.STAFF,
        row.public_id,
        row.name,
        " · ".join(filter(None, (row.email, row.phone, "" if is_customer else row.role.label))),
        row.created_at,
        status=row.status,
        is_exact=text.lower == row.email.lower() or (text.phone or "") == row.phone,
    )


def _order(text: SearchText, row: ListedOrder) -> SearchResult:
    return SearchResult(
        ResultKind.ORDER,
        row.public_id,
        f"Order {row.number}",
        format_amount(row.total),
        row.placed_at,
        row.user_id,
        row.status,
        is_exact=text.number == row.number,
    )


def _redemption(_text: SearchText, row: ListedRedemption) -> SearchResult:
    return SearchResult(
        ResultKind.REDEMPTION,
        row.public_id,
        f"Redemption of {format_amount(row.amount)}",
        row.destination.label,
        row.submitted_at,
        row.user_id,
        row.status,
    )


def _deposit(text: SearchText, row: Deposit) -> SearchResult:
    return SearchResult(
        ResultKind.DEPOSIT,
        row.public_id,
        f"{row.method.label}, {format_amount(row.amount)}",
        row.provider_ref or "",
        row.requested_at,
        row.user_id,
        row.shown_status,
        is_exact=text.reference is not None and text.reference == row.provider_ref,
    )


def _withdrawal(text: SearchText, row: Withdrawal) -> SearchResult:
    return SearchResult(
        ResultKind.WITHDRAWAL,
        row.public_id,
        f"{row.method.label}, {format_amount(row.amount)}",
        row.destination,
        row.requested_at,
        row.user_id,
        row.status,
        is_exact=text.reference is not None and text.reference == row.provider_ref,
    )


def _has_tracking_number(text: SearchText) -> sa.ColumnElement[bool] | None:
    if text.tracking_number is None:
        return None
    return among(
        Shipment.id.expression,
        sa.select(ShipmentParcel.shipment_id)
        .join(ParcelLabel, ParcelLabel.parcel_id == ShipmentParcel.id)
        .where(
            ParcelLabel.carrier.in_(list(Carrier)),
            ParcelLabel.tracking_number == text.tracking_number,
        ),
    )


def _shipment(text: SearchText, row: ShipmentRow) -> SearchResult:
    # Found by neither of its numbers, it was found by that of a parcel.
    is_exact = text.number == row.number or (
        text.tracking_number is not None and text.lower != row.subject_number
    )
    return SearchResult(
        ResultKind.SHIPMENT,
        row.public_id,
        f"Shipment {row.number}",
        f"{row.subject_type.label} {row.subject_number}",
        row.requested_at,
        row.user_id,
        row.status,
        is_exact=is_exact,
    )


def _rows_to_collect(actor: Actor) -> ListSource[ShipmentRow] | None:
    """Return what waits at the branch of a member of staff who sees one branch."""
    if actor.role not in BRANCH_BOUND_ROLES or actor.branch_id is None:
        return None
    return shipments_queries.SHIPMENTS.where(
        Shipment.branch_id == branch_scope(actor),
        Shipment.status == ShipmentStatus.PACKED,
        Shipment.delivery == Delivery.PICKUP,
    )


def _collection(_text: SearchText, row: ShipmentRow) -> SearchResult:
    return SearchResult(
        ResultKind.COLLECTION,
        row.public_id,
        f"{row.subject_type.label} {row.subject_number}",
        f"Shipment {row.number}",
        row.requested_at,
        row.user_id,
        row.status,
        is_exact=True,
    )


def _has_document_number(text: SearchText) -> sa.ColumnElement[bool] | None:
    if text.number is None or text.goods_number is not None:
        return None
    return sa.and_(SalesDocument.kind.in_(list(DocumentKind)), SalesDocument.number == text.number)


def _invoice(text: SearchText, row: NumberedDocument) -> SearchResult:
    return SearchResult(
        ResultKind.INVOICE,
        row.public_id,
        row.title,
        format_amount(row.total),
        row.issued_at,
        row.user_id,
        is_exact=text.code == row.number,
    )


def _case(_text: SearchText, row: CaseSummary) -> SearchResult:
    return SearchResult(
        ResultKind.CASE,
        row.public_id,
        row.title,
        row.kind.title,
        row.opened_at,
        row.person_id,
        row.state,
    )


def _product(text: SearchText, row: ProductSummary) -> SearchResult:
    return SearchResult(
        ResultKind.PRODUCT, row.sku, row.name, row.sku, is_exact=text.code == row.sku
    )


def _bar(text: SearchText, row: BarRow) -> SearchResult:
    return SearchResult(
        ResultKind.BAR,
        row.public_id,
        f"{row.refiner} {row.serial}",
        f"{row.sku} at {row.location_code}",
        person_id=row.owner_id,
        status=row.state,
        is_exact=text.text.upper() == row.serial,
    )


def _record(_text: SearchText, row: AuditRecordRow) -> SearchResult:
    return SearchResult(
        ResultKind.RECORD,
        row.request_id or "",
        f"Request {row.request_id}",
        row.action.label,
        row.recorded_at,
        is_exact=True,
    )


#: In the order in which the rooms are asked; of all there are no more than twelve.
SOURCES: tuple[SearchSource[Any], ...] = (
    SearchSource(
        Permission.PEOPLE_READ,
        lambda _actor: people.PEOPLE,
        lambda text: [people.is_known_by(text.text) if text.words else None],
        _person,
    ),
    SearchSource(
        Permission.SHOP_ORDERS_READ,
        lambda _actor: listed_orders.ORDERS,
        lambda text: [
            _equals(ShopOrder.number.expression, text.goods_number),
            _of_person(text, ShopOrder.user_id.expression),
        ],
        _order,
    ),
    SearchSource(
        Permission.REDEMPTIONS_READ,
        lambda _actor: listed.REDEMPTIONS,
        lambda text: [_of_person(text, RedemptionRow.user_id.expression)],
        _redemption,
    ),
    SearchSource(
        Permission.PAYMENTS_READ,
        lambda _actor: deposit_queries.DEPOSITS,
        lambda text: [
            _equals(DepositRow.provider_ref.expression, text.reference),
            _of_person(text, DepositRow.user_id.expression),
        ],
        _deposit,
    ),
    SearchSource(
        Permission.PAYMENTS_READ,
        lambda _actor: withdrawal_queries.WITHDRAWALS,
        lambda text: [
            _equals(WithdrawalRow.provider_ref.expression, text.reference),
            _equals(_LAST_FOUR, text.last_four),
            _of_person(text, WithdrawalRow.user_id.expression),
        ],
        _withdrawal,
    ),
    SearchSource(
        Permission.SHIPMENTS_READ,
        lambda _actor: shipments_queries.SHIPMENTS,
        lambda text: [
            _equals(Shipment.number.expression, text.goods_number),
            _equals(Shipment.subject_number.expression, text.reference),
            _has_tracking_number(text),
            _of_person(text, Shipment.user_id.expression),
        ],
        _shipment,
    ),
    SearchSource(
        Permission.SHIPMENTS_HAND_OVER,
        _rows_to_collect,
        lambda text: [
            _equals(Shipment.number.expression, text.goods_number),
            _equals(Shipment.subject_number.expression, text.reference),
        ],
        _collection,
    ),
    SearchSource(
        Permission.SHOP_ORDERS_READ,
        lambda _actor: documents_queries.DOCUMENTS,
        lambda text: [_has_document_number(text)],
        _invoice,
    ),
    SearchSource(
        Permission.CASES_READ,
        cases_queries.visible_cases,
        lambda text: [
            _contains(sa.func.lower(Case.title), text.words),
            _of_person(text, Case.person_id.expression),
        ],
        _case,
    ),
    SearchSource(
        Permission.VAULT_READ,
        lambda _actor: products_queries.PRODUCTS,
        lambda text: [
            _contains(Product.sku.expression, text.words and text.text.upper()),
            _contains(sa.func.lower(Product.name), text.words),
        ],
        _product,
    ),
    SearchSource(
        Permission.VAULT_READ,
        lambda _actor: bars_queries.BARS,
        lambda text: [_contains(Bar.serial.expression, text.serial)],
        _bar,
    ),
    SearchSource(
        Permission.AUDIT_READ,
        lambda _actor: audit_queries.RECORDS,
        lambda text: [_equals(AuditRecord.request_id.expression, text.request_id)],
        _record,
    ),
)
