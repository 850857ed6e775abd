"""Request every route as every caller, for own objects, objects of others and unknown ids."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.access import BRANCH_BOUND_ROLES, DEFAULT_PERMISSIONS, Actor, Permission, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.blueprints import form_tokens, lists
from app.blueprints.route_registry import DeclaredRoute
from app.branches.entities.rules import FIRST_ENTITY, CashReportRegime
from app.branches.licences import service as licences
from app.branches.licences.service import NewLicence
from app.cases import service as cases
from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products.rules import ProductForm
from app.catalog.rules import TRADABLE, USD, Metal
from app.compliance.cash_reports.models import CashReport
from app.compliance.cash_reports.rules import PREFIX as CASH_REPORT_PREFIX
from app.compliance.cash_reports.rules import CashDirection, CashReportStatus
from app.counter.receipts import service as receipts
from app.documents import service as sales_documents
from app.flags.rules import Feature, FulfilmentStrategy
from app.fulfillment.carriers.rules import Carrier, Speed
from app.fulfillment.labels.models import ParcelLabel
from app.fulfillment.labels.rules import LabelStatus
from app.fulfillment.parcels.models import ShipmentParcel
from app.fulfillment.shipments import requesting
from app.fulfillment.shipments.rules import (
    NewShipment,
    ShipmentSubject,
    ShippedUnits,
    SubjectType,
)
from app.funding.deposits import service as deposits
from app.identity.accounts import address_book, email_verification
from app.identity.api_keys import service as api_keys
from app.imports import service as imports
from app.keys import files
from app.keys import service as keys
from app.keys.files import FileKey
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.kyc import queries as kyc_queries
from app.kyc.evidence import checking, documents
from app.kyc.review import transitions
from app.kyc.rules import DocumentPurpose, VerificationKind, VerificationStatus
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger import service as ledger
from app.privacy import consents
from app.redemption.quotes.models import RedemptionQuoteRow
from app.redemption.requests.models import RedemptionRow
from app.redemption.requests.rules import PaidIn, RedemptionStatus
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from app.shop.cart import service as cart
from app.shop.locks import service as locks
from app.shop.locks.service import LockRequest
from app.shop.orders import service as orders
from app.shop.orders.rules import OrderPayment, OrderPaymentMethod
from app.shop.orders.service import LaterPayment, NewOrder, NewOrderLine, NewOrderPart
from app.shop.prices import service as prices
from app.shop.prices.adjustments import Adjustment, PremiumPart, PremiumStep
from app.shop.prices.rules import PriceScope
from app.shop.returns.models import ShopReturn, ShopReturnPhoto
from app.shop.returns.rules import ReturnReason, ReturnStatus, ReturnWay, ReturnWish
from app.storage_fees.models import StorageCharge, StorageChargeLine, StorageMonth
from app.storage_fees.rules import ChargeStatus
from app.tax import queries as tax_queries
from app.tax.assessment import CERTIFICATE_PREFIX, Delivery, TaxDestination
from app.tax.certificates.models import ExemptionCertificate
from app.tax.certificates.rules import CertificateGround, CertificateHolder
from app.tax.rules import RULE_PREFIX, TaxRuleKey
from app.tax.states import UsState
from app.vault.adjustments.models import StockAdjustment
from app.vault.adjustments.rules import AdjustmentKind
from app.vault.assays import service as assays
from app.vault.bars.queries import PREFIX as BAR_PREFIX
from app.vault.counts import service as counts
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.stock.rules import StockState
from app.vault.supplier_returns.models import SupplierReturn
from app.vault.transfers.models import StockTransfer, StockTransferLine
from app.vault.transfers.rules import StockTransferStatus
from tests import sanctions
from tests.catalog.test_products import add as add_product
from tests.counter.tills import Branch as CashBranch
from tests.counter.tills import cash
from tests.documents import paper
from tests.fulfillment.restock.yard import Yard
from tests.kyc.applicant import make_picture
from tests.page_client import Browser
from tests.people import PASSWORD, People, credit, set_prices
from tests.shop.sales_range import SalesRange, tier
from tests.vault.goods import GOLD_BAR, Goods

OWN, OTHERS, UNKNOWN = "own", "other's", "unknown"
RouteBody = dict[str, object]
RELATIONS = (OWN, OTHERS, UNKNOWN)
_FREE = Amount(USD, 0)
_REFUSED = frozenset({401, 403, 404, 405})
_INSERT_APPROVAL = """
INSERT INTO approvals (id, action, subject, subject_id, payload, before, after, hash, reason,
    maker_id, status, created_at, expires_at)
VALUES (%(id)s, 'person.suspend', %(subject)s, %(person)s, %(fields)s, '{}', %(fields)s,
    sha256(''), 'a test', %(maker)s, 'pending', now(), now() + interval '1 day')
"""


@dataclass
class Caller:
    """A caller: a person with a browser and an API client, or an anonymous one."""

    name: str
    app: Flask
    actor: Actor | None
    browser: Browser = field(init=False)
    #: The authentication in use: a bearer header for the API, a form token for pages.
    _bearer: dict[str, str] | None = None
    _token: str | None = None
    _is_signed_in: bool = False

    def __post_init__(self) -> None:
        self.browser = Browser(self.app)

    @property
    def is_staff(self) -> bool:
        """Return whether the caller can sign in to the pages."""
        return self.actor is not None and self.actor.role is not Role.USER

    def may(self, permission: Permission) -> bool:
        """Return whether the caller's role holds the permission by default."""
        return self.actor is not None and permission in DEFAULT_PERMISSIONS[self.actor.role]

    def send(self, route: DeclaredRoute, path: str, body: RouteBody) -> TestResponse:
        """Send the request with authentication and nothing else that the route needs."""
        send_request = self._send_to_page if route.is_page else self._send_to_api
        response = send_request(route, path, body)
        if route.method != "GET" and response.status_code < 400:
            # The act may have ended the session; a refusal cannot.
            self._bearer, self._token, self._is_signed_in = None, None, False
        return response

    def _send_to_api(self, route: DeclaredRoute, path: str, body: RouteBody) -> TestResponse:
        if self._bearer is None:
            self._bearer = self._bearer_header()
        json = None if route.method == "GET" else body
        headers = {**self._bearer, "Idempotency-Key": ids.new().hex}
        return self.browser.client.open(path, method=route.method, json=json, headers=headers)

    def _send_to_page(self, route: DeclaredRoute, path: str, body: RouteBody) -> TestResponse:
        if self.is_staff and not self._is_signed_in:
            self._sign_in()
        if route.method == "GET":
            return self.browser.client.get(path)
        if self._token is None:
            self._token = self.browser.csrf_token()
        data = {"csrf_token": self._token, form_tokens.TOKEN: form_tokens.new_token(), **body}
        return self.browser.client.open(path, method=route.method, data=data)

    def _bearer_header(self) -> dict[str, str]:
        if self.actor is None:
            return {}
        self._remove_passkeys()
        credentials = {"email": self.actor.email, "password": PASSWORD}
        response = self.browser.client.post("/api/auth/login", json=credentials)
        return {"Authorization": f"Bearer {response.json['accessToken']}"}

    def _sign_in(self) -> None:
        assert self.actor is not None
        self._remove_passkeys()
        self.browser, self._token, self._is_signed_in = Browser(self.app), None, True
        self.browser.sign_in(self.actor.email, PASSWORD)

    def _remove_passkeys(self) -> None:
        # The password alone is not enough for a person with a passkey.
        assert self.actor is not None
        with self.app.extensions["database"].transaction() as session:
            session.send("DELETE FROM passkeys WHERE user_id = %s", (self.actor.user_id,))


@dataclass(frozen=True)
class Installation:
    """All callers, and the database with their objects."""

    database: Database
    callers: tuple[Caller, ...]
    #: The owner of the objects of others; not a caller.
    other_owner: Actor

    @classmethod
    def create(cls, app: Flask) -> "Installation":
        """Create a person of every role and a caller for each."""
        people = People(app.extensions["database"])
        branch, other_branch = people.branch(), people.branch()
        cast: dict[str, Actor | None] = {
            "anonymous": None,
            "customer A": people.staff(Role.USER),
            "customer B": people.staff(Role.USER),
        }
        for role in Role:
            if role is not Role.USER:
                cast[role.value] = people.staff(
                    role, branch if role in BRANCH_BOUND_ROLES else None
                )
        cast["TELLER elsewhere"] = people.staff(Role.TELLER, other_branch)
        # No caller is the last administrator.
        people.staff(Role.ADMIN)
        # No money moves before the email address is confirmed and the policies are accepted.
        with people.database.transaction() as session:
            for actor in filter(None, cast.values()):
                email_verification.confirm_email(session, actor.user_id)
                consents.accept_required_policies(session, actor.user_id)
        visitors = tuple(Caller(name, app, actor) for name, actor in cast.items())
        stranger = people.staff(Role.TELLER, people.branch())
        return cls(people.database, visitors, stranger)


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object in a path. `create` returns the public id of an object of that owner.

    `others_scope` is the scope that decides on objects of others, where it differs from the
    permission's. `owner_status` is the status that the owner gets, where it is a refusal. Neither
    holds for the reload of a form: it leads to its page.
    """

    variable: str
    create: Callable[[Database, Actor], str]
    unknown_id: str
    others_scope: str | None = None
    owner_status: int | None = None


def _person(_database: Database, owner: Actor) -> str:
    return ids.encode("usr", owner.user_id)


def _setting(_database: Database, _owner: Actor) -> str:
    return "trading.fee_bps"


def _category(database: Database, _owner: Actor) -> str:
    """Add a new category each time, because the request may delete it."""
    entry = CategoryEntry(f"c-{ids.new().hex[-12:]}", "Category")
    with database.transaction() as session:
        return ids.encode("pct", categories.add_category(session, None, entry))


def _import(database: Database, _owner: Actor) -> str:
    """Send a new file each time, because the request may confirm it."""
    keeper, raw = People(database).staff(Role.INVENTORY), f"sku\n{add_product(database).sku}"
    with database.transaction() as session:
        import_id = imports.request_import(
            session, keeper, "products", raw=raw.encode(), file_name="a.csv"
        )
    imports.check_rows(database, import_id)
    return ids.encode("imp", import_id)


def _import_kind(_database: Database, _owner: Actor) -> str:
    return "products"


def _product(database: Database, _owner: Actor) -> str:
    return add_product(database).sku


def _tax_rule(database: Database, _owner: Actor) -> str:
    with database.reading() as session:
        rule = tax_queries.find_rule(session, TaxRuleKey(UsState.CA), clock.now())
    assert rule is not None
    return rule.public_id


def _cash_report(database: Database, owner: Actor) -> str:
    report_id, now = ids.new(), clock.now()
    with database.transaction() as session:
        session.write(
            sa.insert(CashReport).values(
                id=report_id,
                legal_entity_id=FIRST_ENTITY,
                regime=CashReportRegime.CTR,
                person_id=owner.user_id,
                direction=CashDirection.IN,
                business_day=now.date(),
                due_on=now.date(),
                status=CashReportStatus.DRAFT,
                total_units=1_000_001,
                drafted_at=now,
            )
        )
    return ids.encode(CASH_REPORT_PREFIX, report_id)


def _certificate(database: Database, owner: Actor) -> str:
    """Record a new certificate of the owner, a customer or not."""
    certificate_id, now = ids.new(), clock.now()
    place = {"table": "exemption_certificates", "column": "number_sealed", "key": certificate_id}
    with database.transaction() as session:
        session.write(
            sa.insert(ExemptionCertificate).values(
                id=certificate_id,
                user_id=owner.user_id,
                state=UsState.CA,
                holder=CertificateHolder.PERSON,
                ground=CertificateGround.RESALE,
                number_sealed=keys.seal("SR-1", **place),
                valid_until=now.date(),
                evidence="a test",
                recorded_by=owner.user_id,
                recorded_at=now,
            )
        )
    return ids.encode(CERTIFICATE_PREFIX, certificate_id)


def _bar(database: Database, _owner: Actor) -> str:
    bars = Goods.at_a_new_location(People(database), GOLD_BAR)
    [lot_id] = bars.receive_bars(f"{ids.new().hex[-12:]}, Valcambi, 400, 995.0", cost="1560000")
    return ids.encode(BAR_PREFIX, lot_id)


def _count(database: Database, _owner: Actor) -> str:
    """Start a count of a new location each time, because the request may end it."""
    people, code = People(database), f"L{ids.new().hex[-12:].upper()}"
    branch_id, counter = people.branch(), people.staff(Role.INVENTORY)
    with database.transaction() as session:
        locations.open_location(
            session, None, branch_id=branch_id, code=code, name="Vault", kind=LocationKind.VAULT
        )
        count_id = counts.start_count(session, counter, location=code)
    return ids.encode(counts.PREFIX, count_id)


def _feature(_database: Database, _owner: Actor) -> str:
    return Feature.ONCHAIN


def _adjustment(database: Database, owner: Actor) -> str:
    """Insert an adjustment that moved nothing."""
    here, adjustment_id = Goods.at_a_new_location(People(database)), ids.new()
    other = People(database).customer().user_id
    with database.transaction() as session:
        approval_id = ids.decode("apr", _approval(database, owner))
        session.write(
            sa.insert(StockAdjustment).values(
                id=adjustment_id,
                sku=here.sku,
                location_id=here.location.id,
                state=StockState.AVAILABLE,
                kind=AdjustmentKind.LOSS,
                units=1,
                spot=1,
                metal_usd=1,
                premium_usd=0,
                approval_id=approval_id,
                requested_by=owner.user_id,
                approved_by=other,
                adjusted_at=clock.now(),
            )
        )
    return ids.encode("adj", adjustment_id)


def _supplier_return(database: Database, owner: Actor) -> str:
    """Insert a return to a supplier that moved nothing."""
    here, return_id = Goods.at_a_new_location(People(database)), ids.new()
    other = People(database).customer().user_id
    with database.transaction() as session:
        approval_id = ids.decode("apr", _approval(database, owner))
        session.write(
            sa.insert(SupplierReturn).values(
                id=return_id,
                sku=here.sku,
                location_id=here.location.id,
                units=1,
                ounces_units=1,
                metal_usd=1,
                premium_usd=0,
                supplier="Mint of tests",
                supplier_reference="CN-1",
                approval_id=approval_id,
                requested_by=owner.user_id,
                approved_by=other,
                returned_at=clock.now(),
            )
        )
    return ids.encode("srt", return_id)


def _quarantine(database: Database, _owner: Actor) -> str:
    goods = Goods.at_a_new_location(People(database))
    goods.receive()
    with database.transaction() as session:
        quarantine_id = assays.quarantine(session, None, goods.units(1), reason="A test")
    return ids.encode("qua", quarantine_id)


def _stock_transfer(database: Database, owner: Actor) -> str:
    """Create a transfer whose goods are nowhere: no step succeeds."""
    here, transfer_id = Goods.at_a_new_location(People(database)), ids.new()
    there = here.at_another_location(People(database), here.location.branch_id)
    with database.transaction() as session:
        session.write(
            sa.insert(StockTransfer).values(
                id=transfer_id,
                origin_id=here.location.id,
                destination_id=there.location.id,
                status=StockTransferStatus.IN_TRANSIT,
                sent_by=owner.user_id,
                sent_at=clock.now(),
            )
        )
        session.write(
            sa.insert(StockTransferLine).values(transfer_id=transfer_id, sku=here.sku, units=1)
        )
    return ids.encode("stf", transfer_id)


def _market(_database: Database, _owner: Actor) -> str:
    return "AG"


def _role(_database: Database, owner: Actor) -> str:
    return owner.role.value


def _branch(database: Database, owner: Actor) -> str:
    """Return the owner's branch, or a new one if the person has none."""
    branch_id = owner.branch_id or People(database).branch()
    return ids.encode("brn", branch_id)


def _entity(_database: Database, _owner: Actor) -> str:
    return ids.encode("ent", FIRST_ENTITY)


def _licence(database: Database, _owner: Actor) -> str:
    """Add a new licence each time, because the request may end it."""
    licence = NewLicence("Money transmitter", ids.new().hex, "State of tests", None)
    with database.transaction() as session:
        licence_id = licences.add_entity_licence(session, None, FIRST_ENTITY, licence)
    return ids.encode("lic", licence_id)


def _approval(database: Database, owner: Actor) -> str:
    """Create a new approval request each time, because the request may end it."""
    approval_id, person_id = ids.new(), People(database).customer().user_id
    with database.transaction() as session:
        subject = ids.encode("usr", person_id)
        values = {"id": approval_id, "subject": subject, "person": person_id}
        values |= {"fields": json.dumps({"person": subject}), "maker": owner.user_id}
        session.send(_INSERT_APPROVAL, values)
    return ids.encode("apr", approval_id)


@cache
def _restocked(database: Database) -> dict[str, str]:
    """Return the ids of what restock has, by prefix. Every act on it needs fields that no caller
    sends, so that all callers can have the same."""
    set_prices(database, AU="4000")
    yard = Yard.open(People(database))
    [need] = yard.needs()
    order = yard.receive(yard.confirm(yard.order(3), "12100.00"), "DN-1", 3)
    return {
        "pur": order.public_id,
        "sup": ids.encode("sup", yard.supplier_id),
        "ned": need.public_id,
        "siv": ids.encode("siv", yard.bill(order, "12100.00")),
    }


def _of_restock(prefix: str, variable: str) -> ObjectKind:
    return ObjectKind(
        variable, lambda database, _owner: _restocked(database)[prefix], _unknown_id(prefix)
    )


def _shipment(database: Database, owner: Actor) -> str:
    goods = Goods.at_a_new_location(People(database))
    new = NewShipment(
        ShipmentSubject(SubjectType.ORDER, ids.new(), "10000001"),
        owner.user_id,
        goods.location.id,
        [ShippedUnits(goods.sku, 1, _FREE)],
        branch_id=owner.branch_id or goods.location.branch_id,
    )
    with database.transaction() as session:
        return ids.encode("shp", requesting.request(session, new))


def _parcel(database: Database, owner: Actor) -> str:
    shipment_id, parcel_id = ids.decode("shp", _shipment(database, owner)), ids.new()
    with database.transaction() as session:
        session.write(
            sa.insert(ShipmentParcel).values(
                id=parcel_id,
                shipment_id=shipment_id,
                number=1,
                value_units=1,
                grams=1,
                carrier=Carrier.FEDEX,
                speed=Speed.GROUND,
                ships_on=clock.now().date(),
            )
        )
        document = keys.seal(
            b"%PDF label", table="parcel_labels", column="document_sealed", key=parcel_id
        )
        session.write(
            sa.insert(ParcelLabel).values(
                id=parcel_id,
                parcel_id=parcel_id,
                carrier=Carrier.FEDEX,
                speed=Speed.GROUND,
                status=LabelStatus.BOUGHT,
                ordered_at=clock.now(),
                bought_at=clock.now(),
                tracking_number=str(parcel_id),
                document_sealed=document,
            )
        )
    return ids.encode("prc", parcel_id)


def _unknown_id(prefix: str) -> str:
    return ids.encode(prefix, UUID(int=7))


_BAR = ObjectKind("bar_id", _bar, _unknown_id(BAR_PREFIX))
_COUNT = ObjectKind("count_id", _count, _unknown_id("cnt"))
_CATEGORY = ObjectKind("category_id", _category, _unknown_id("pct"))
_IMPORT = ObjectKind("import_id", _import, _unknown_id("imp"))
_PRODUCT = ObjectKind("sku", _product, "NO-SUCH-SKU")
_QUARANTINE = ObjectKind("quarantine_id", _quarantine, _unknown_id("qua"))
_STOCK_TRANSFER = ObjectKind("transfer_id", _stock_transfer, _unknown_id("stf"))
_SHIPMENT = ObjectKind("shipment_id", _shipment, _unknown_id("shp"))
_PERSON = ObjectKind("person_id", _person, _unknown_id("usr"))
_CUSTOMER = ObjectKind(
    "person_id",
    lambda database, _owner: ids.encode("usr", People(database).customer().user_id),
    _unknown_id("usr"),
)
_CASH_REPORT = ObjectKind("report_id", _cash_report, _unknown_id(CASH_REPORT_PREFIX))
_CERTIFICATE = ObjectKind("certificate_id", _certificate, _unknown_id(CERTIFICATE_PREFIX))
_TAX_RULE = ObjectKind("rule_id", _tax_rule, _unknown_id(RULE_PREFIX))
_APPROVAL = ObjectKind("approval_id", _approval, _unknown_id("apr"))
_DECIDED = ObjectKind("approval_id", _approval, _unknown_id("apr"), owner_status=403)
_MAKERS = ObjectKind("approval_id", _approval, _unknown_id("apr"), others_scope="own")


def _record(database: Database, owner: Actor) -> str:
    """Record an act of the owner in the audit trail."""
    with database.transaction() as session:
        recorded = audit.record(session, actor=owner, action=AuditAction.CASE_NOTED, subject="test")
    return ids.encode("aud", recorded)


def _address(database: Database, owner: Actor) -> str:
    """Replace the owner's address book, which has a limited size, by one address."""
    address = PostalAddress(
        country="US", street="1 Main Street", city="Reno", state="NV", zip_code="89501"
    )
    with database.transaction() as session:
        session.send("DELETE FROM addresses WHERE user_id = %s", (owner.user_id,))
        added = address_book.add_address(session, owner, address, is_default=False)
    return ids.encode("adr", added.id)


def _key(database: Database, owner: Actor) -> str:
    """Create an API key with a scope that every role holds."""
    scopes = {Permission.MESSAGES_READ}
    with database.transaction() as session:
        session.send("DELETE FROM api_keys WHERE user_id = %s", (owner.user_id,))
        made = api_keys.create_key(session, owner, name="a test", scopes=scopes, expires_at=None)
    return ids.encode("key", made.id)


def _export(database: Database, owner: Actor) -> str:
    """Create a data export that is still pending."""
    export_id = ids.new()
    with database.transaction() as session:
        session.send("DELETE FROM exports WHERE user_id = %s", (owner.user_id,))
        session.send(
            "INSERT INTO exports (id, user_id, status, requested_at)"
            " VALUES (%s, %s, 'pending', now())",
            (export_id, owner.user_id),
        )
    return ids.encode("exp", export_id)


def _openable_list(owner: Actor) -> str:
    return next(
        (
            each.page.name
            for each in lists.list_registered()
            if each.permission in owner.permissions
        ),
        "",
    )


def _list_export(database: Database, owner: Actor) -> str:
    """Create an export of a list that its person may open."""
    export_id = ids.new()
    key = FileKey.generate()
    sealed = keys.seal(key.secret, table="list_exports", column="key_sealed", key=export_id)
    with database.transaction() as session:
        files.add_part(session, key, 1, b"a", expires_at=clock.now() + timedelta(days=1))
        session.send(
            "INSERT INTO list_exports (id, user_id, list_name, query, status, requested_at,"
            " expires_at, row_count, file_id, key_sealed, size_bytes)"
            " VALUES (%s, %s, %s, '', 'ready', now(), now(), 0, %s, %s, 1)",
            (export_id, owner.user_id, _openable_list(owner), key.id, sealed),
        )
    return ids.encode("lex", export_id)


def _view(database: Database, owner: Actor) -> str:
    view_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO saved_views (id, owner_id, list_name, name, query, created_at)"
            " VALUES (%s, %s, 'people', %s, '', now())",
            (view_id, owner.user_id, view_id.hex),
        )
    return ids.encode("viw", view_id)


def _passkey(database: Database, owner: Actor) -> str:
    passkey_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name,"
            " created_at) VALUES (%s, %s, %s, 'x', 0, 'a test', now())",
            (passkey_id, owner.user_id, passkey_id.bytes),
        )
    return ids.encode("pky", passkey_id)


def _session(database: Database, owner: Actor) -> str:
    session_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO login_sessions (id, user_id, created_at, expires_at, secret_hash, seen_at,"
            " proven_at)"
            " VALUES (%s, %s, now(), now() + interval '1 hour', sha256(%s::text::bytea), now(),"
            " now())",
            (session_id, owner.user_id, str(session_id)),
        )
    return ids.encode("ses", session_id)


def _case(database: Database, _owner: Actor) -> str:
    """Open a case without a person."""
    with database.transaction() as session:
        case_id = cases.open_case(
            session,
            kind="test.difference",
            subject="a test",
            key=str(ids.new()),
            title="A finding of a test",
            facts={"found": "by a test"},
        )
    return ids.encode(cases.PREFIX, case_id)


def _screening(database: Database, owner: Actor) -> str:
    """Screen a name of the sample list."""
    sanctions.import_sample_list(database)
    about = ids.encode("usr", owner.user_id)
    with database.transaction() as session:
        result = screening.screen(
            session, ScreeningSubject((sanctions.LISTED_NAME,)), about=about, purpose="onboarding"
        )
    return ids.encode(screening.PREFIX, result.id)


def _deposit(database: Database, owner: Actor) -> str:
    """Create a pending deposit."""
    deposit_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO deposits (id, user_id, method, asset, asked_units, usd_units, status,"
            " provider, requested_at, looked_at)"
            " VALUES (%s, %s, 'bank', 'USD', 100, 100, 'pending', 'a test', now(), now())",
            (deposit_id, owner.user_id),
        )
    return ids.encode("dep", deposit_id)


def _withdrawal(database: Database, owner: Actor) -> str:
    """Create a withdrawal that awaits approval, with its money held."""
    withdrawal_id = ids.new()
    usd = TRADABLE["USD"]
    sealed_destination = keys.seal(
        "{}", table="withdrawals", column="destination_sealed", key=withdrawal_id
    )
    with database.transaction() as session:
        credit(session, owner.user_id, "1.00", "USD")
        ledger.place_hold(
            session, hold_id=withdrawal_id, account=chart.customer(owner.user_id, usd),
            amount=Amount(usd, 100), cause="withdrawal", placed_at=clock.now(),
        )  # fmt: skip
        session.send(
            "INSERT INTO withdrawals (id, user_id, method, asset, units, usd_units, status,"
            " destination_sealed, destination_index, destination_masked, provider, requested_at,"
            " looked_at, payable_from) VALUES (%s, %s, 'bank', 'USD', 100, 100,"
            " 'awaiting_approval', %s, '', 'x', 'a test', now(), now(), now())",
            (withdrawal_id, owner.user_id, sealed_destination),
        )
    return ids.encode("wdr", withdrawal_id)


def _verification(database: Database, owner: Actor) -> str:
    """Replace the owner's verifications by one in review."""
    verification_id = ids.new()
    with database.transaction() as session:
        session.send("DELETE FROM verifications WHERE user_id = %s", (owner.user_id,))
        transitions.create_verification(
            session,
            owner,
            verification_id=verification_id,
            user_id=owner.user_id,
            kind=VerificationKind.ENHANCED,
            status=VerificationStatus.IN_REVIEW,
            tier=0,
            details_sealed=None,
        )
    return ids.encode(kyc_queries.PREFIX, verification_id)


def _identity(database: Database, owner: Actor) -> str:
    """Replace the owner's verifications by an approved identity with details."""
    with database.transaction() as session:
        session.send("DELETE FROM verifications WHERE user_id = %s", (owner.user_id,))
        submission.grant_tier_3(session, owner.user_id, note="a test")
        [identity] = kyc_queries.verifications_of(session, owner.user_id)
    return identity.public_id


def _document(database: Database, owner: Actor) -> str:
    """Submit a picture as the owner's document."""
    file = documents.check_upload(make_picture(), name="")
    with database.transaction() as session:
        sent, _ = documents.add_document(
            session, owner, purpose=DocumentPurpose.IDENTITY, upload=file
        )
    checking.check_document(database, sent.id)
    return sent.public_id


def _not_created(_database: Database, _owner: Actor) -> str:
    raise AssertionError("a public route is requested for unknown objects only")


def _cart(database: Database, owner: Actor) -> str:
    with database.transaction() as session:
        cart_id, _ = cart.open_own_cart(session, owner)
    return cart_id


def _price_rule(database: Database, _owner: Actor) -> str:
    goods = SalesRange(database)
    return ids.encode("prr", goods.rule(PriceScope(sku=goods.add()), tier("5")))


def _price_change(database: Database, _owner: Actor) -> str:
    """Show the effect of a change that no one who is tested prepared."""
    set_prices(database, AU="4000")
    goods, maker = SalesRange(database), People(database).staff(Role.INVENTORY)
    rule_id = goods.rule(PriceScope(sku=goods.add()), tier("5"))
    with database.transaction() as session:
        change_id = prices.start_change(session, maker, [rule_id])
        adjustment = Adjustment(PremiumPart.PERCENT, PremiumStep.RAISE, Decimal("0.5"))
        prices.preview_change(
            session, maker, change_id, adjustment, valid_from=None, valid_until=None
        )
    return ids.encode("prc", change_id)


def _lock(database: Database, owner: Actor) -> str:
    set_prices(database, AU="4000")
    goods = SalesRange(database)
    sku = goods.add(tier("5"))
    goods.stock(People(database), sku, 1)
    with database.transaction() as session:
        return locks.lock_prices(session, owner, LockRequest([(sku, 1)])).public_id


def _goods_order(database: Database, owner: Actor, *, later: LaterPayment | None = None) -> str:
    """Create an order that the balance paid, or with `later` one that waits for a transfer."""
    method = OrderPaymentMethod.BANK_TRANSFER if later else OrderPaymentMethod.BALANCE
    set_prices(database, AU="4000")
    goods, order_id = SalesRange(database), ids.new()
    sku = goods.add(tier("5"))
    goods.stock(People(database), sku, 1)
    with database.transaction() as session:
        lock = locks.lock_prices(session, owner, LockRequest([(sku, 1)]))
        line, now = lock.lines[0], clock.now()
        order = NewOrder(
            order_id, owner.user_id, lock.id, Delivery.VAULT, None, None, None,
            lock.total, _FREE, _FREE, _FREE, lock.total, now,
            [
                NewOrderLine(
                    sku, "Goods", 1, line.unit_price, line.total, line.spot, line.tax_class,
                    _FREE, "", [
                        NewOrderPart(
                            part.location_id, part.units, line.total, _FREE, part.hold_id, None,
                            TaxDestination(Delivery.VAULT, "JM"),
                        )
                        for part in line.parts
                    ],
                )
            ],
            [OrderPayment(method, lock.total, lock.total)],
            later=later,
        )  # fmt: skip
        orders.record_order(session, order)
        locks.use(session, lock, order_id, at=now)
    return ids.encode("ord", order_id)


def _return(database: Database, owner: Actor) -> str:
    """Create a return that waits for a decision, of an order that was not delivered."""
    order_id, return_id = ids.decode("ord", _goods_order(database, owner)), ids.new()
    with database.transaction() as session:
        session.write(
            sa.insert(ShopReturn).values(
                id=return_id,
                order_id=order_id,
                user_id=owner.user_id,
                status=ReturnStatus.REQUESTED,
                reason=ReturnReason.DAMAGED,
                wish=ReturnWish.REFUND,
                way=ReturnWay.BRANCH,
                requested_at=clock.now(),
            )
        )
    return ids.encode("rma", return_id)


def _return_photo(database: Database, owner: Actor) -> str:
    return_id, photo_id = ids.decode("rma", _return(database, owner)), ids.new()
    sealed = keys.seal(b"RIFF", table="shop_return_photos", column="content_sealed", key=photo_id)
    with database.transaction() as session:
        session.write(
            sa.insert(ShopReturnPhoto).values(
                id=photo_id,
                return_id=return_id,
                added_by=owner.user_id,
                added_at=clock.now(),
                is_drawn=True,
                content_sealed=sealed,
            )
        )
    return ids.encode("rph", photo_id)


def _waiting_order(database: Database, owner: Actor) -> str:
    deposit_id = ids.decode("dep", _deposit(database, owner))
    with database.transaction() as session:
        deposits.set_instructions(session, deposit_id, {"account": "1"})
    due_at = clock.now() + timedelta(days=1)
    return _goods_order(database, owner, later=LaterPayment(deposit_id, due_at))


def _redemption(database: Database, owner: Actor) -> str:
    """Create a redemption that waits, of metal that is not held: none of it can be taken."""
    quote_id, redemption_id, now = ids.new(), ids.new(), clock.now()
    later = now + timedelta(days=1)
    branch_id = People(database).branch()
    costs = (
        "fee", "shipping", "insurance", "top_up", "top_up_spread", "top_up_rounding", "total",
        "metal", "metal_spread", "metal_rounding",
    )  # fmt: skip
    quote = {
        "id": quote_id, "user_id": owner.user_id, "asset": "XAU-s", "amount_units": 1,
        "form": ProductForm.COIN, "destination": Delivery.PICKUP, "country": None,
        "pickup_branch_id": branch_id, "bid": 1, "ask": 1, "mid": 1, "goods_ounces_units": 1,
        "value_units": 0, "goods_value_units": 0, "quoted_at": now, "expires_at": later,
        "strategy": FulfilmentStrategy.JM, "strategy_reason": "It is the configured one.",
        **{f"{cost}_units": 0 for cost in costs},
    }  # fmt: skip
    redemption = {
        "id": redemption_id, "user_id": owner.user_id, "quote_id": quote_id,
        "status": RedemptionStatus.PENDING_APPROVAL, "strategy": FulfilmentStrategy.JM,
        "paid_in": PaidIn.BALANCE, "metal_hold_id": ids.new(), "submitted_at": now,
        "expires_at": later,
    }  # fmt: skip
    with database.transaction() as session:
        session.insert((RedemptionQuoteRow, [quote]), (RedemptionRow, [redemption]))
    return ids.encode("rdm", redemption_id)


_MONTHS = itertools.count()


def _storage_fee(database: Database, owner: Actor) -> str:
    """Create a charge that is due, of a month of long ago that no other one is of."""
    charge_id, now, number = ids.new(), clock.now(), next(_MONTHS)
    month = date(1000 + number // 12, 1 + number % 12, 1)
    charge = {
        "id": charge_id, "user_id": owner.user_id, "month": month, "status": ChargeStatus.DUE,
        "fee_units": 1, "try_at": now + timedelta(days=1),
    }  # fmt: skip
    line = {
        "charge_id": charge_id, "position": 0, "metal": Metal.AU, "days": 1, "ounce_days_units": 1,
        "allowance_units": 0, "rate_percent": 1, "value_days": 1, "fee_units": 1,
    }  # fmt: skip
    with database.transaction() as session:
        session.insert(
            (StorageMonth, [{"month": month, "closed_at": now}]),
            (StorageCharge, [charge]),
            (StorageChargeLine, [line]),
        )
    return ids.encode("sfe", charge_id)


def _sales_document(database: Database, owner: Actor) -> str:
    with database.transaction() as session:
        document_id = paper.request(session, FIRST_ENTITY, owner)
        sales_documents.number_waiting(session)
    return ids.encode("sdc", document_id)


def _drawer(database: Database, owner: Actor) -> str:
    """Return a drawer of another teller at the owner's branch."""
    people = People(database)
    branch = CashBranch(people, owner.branch_id or people.branch(), owner)
    drawer_id = branch.open_drawer(branch.hire(), cash())
    return ids.encode("drw", drawer_id)


def _receipt(database: Database, owner: Actor) -> str:
    """Return a receipt of the owner's branch."""
    people = People(database)
    branch = CashBranch(people, owner.branch_id or people.branch(), owner)
    teller, customer = branch.hire(), people.customer()
    branch.open_drawer(teller, cash())
    with database.transaction() as session:
        act = branch.take_in(session, teller, customer, cash(usd_100=1))
        receipt_id = receipts.write(session, branch.id, act)
    return ids.encode("rcp", receipt_id)


def _customer_at_counter(database: Database, _owner: Actor) -> str:
    return ids.encode("usr", People(database).customer().user_id)


_RECEIPT = ObjectKind("receipt_id", _receipt, _unknown_id("rcp"))
# Customers have no branch: a teller of any branch serves them.
_AT_COUNTER = ObjectKind("person_id", _customer_at_counter, _unknown_id("usr"), others_scope="all")
_DRAWER = ObjectKind("drawer_id", _drawer, _unknown_id("drw"))
_STORAGE_FEE = ObjectKind("storage_fee_id", _storage_fee, _unknown_id("sfe"))
_REDEMPTION = ObjectKind("redemption_id", _redemption, _unknown_id("rdm"))
_DECIDED_REDEMPTION = ObjectKind("redemption_id", _redemption, _unknown_id("rdm"), owner_status=403)
_SALES_DOCUMENT = ObjectKind("document_id", _sales_document, _unknown_id("sdc"))
_GOODS_ORDER = ObjectKind("order_id", _goods_order, _unknown_id("ord"))
_RETURN = ObjectKind("return_id", _return, _unknown_id("rma"))
_CART = ObjectKind("cart_id", _cart, _unknown_id("crt"))
_BRANCH = ObjectKind("branch_id", _branch, _unknown_id("brn"))
_ENTITY = ObjectKind("entity_id", _entity, _unknown_id("ent"))
_LICENCE = ObjectKind("licence_id", _licence, _unknown_id("lic"))
_PRICE_CHANGE = ObjectKind("change_id", _price_change, _unknown_id("prc"))
_CASE = ObjectKind("case_id", _case, _unknown_id("cas"))
_CUSTOMER_BY_API = replace(_CUSTOMER, variable="user_id")
_QUEUE_ITEM = ObjectKind(
    "item_id",
    lambda database, owner: _case(database, owner).replace("cas_", "que_"),
    _unknown_id("que"),
)
_DEPOSIT = ObjectKind("deposit_id", _deposit, _unknown_id("dep"))
_WITHDRAWAL = ObjectKind("withdrawal_id", _withdrawal, _unknown_id("wdr"))
_ADDRESS = ObjectKind("address_id", _address, _unknown_id("adr"))
_LIST_EXPORT = ObjectKind("export_id", _list_export, _unknown_id("lex"))
# Customers have no branch: a teller of any branch checks their documents.
_IDENTITY = ObjectKind(
    "verification_id", _identity, _unknown_id(kyc_queries.PREFIX), others_scope="all"
)
_VERIFICATION = ObjectKind("verification_id", _verification, _unknown_id(kyc_queries.PREFIX))

#: The object of each route with a variable.
OBJECT_KINDS: dict[str, ObjectKind] = {
    "/admin/approvals/<approval_id>": _APPROVAL,
    "/admin/approvals/<approval_id>/approve": _DECIDED,
    "/admin/approvals/<approval_id>/edit": _MAKERS,
    "/admin/approvals/<approval_id>/reject": _APPROVAL,
    "/admin/approvals/<approval_id>/withdraw": _MAKERS,
    "/admin/audit/<record_id>": ObjectKind("record_id", _record, _unknown_id("aud")),
    "/admin/branches/<branch_id>": _BRANCH,
    "/admin/branches/<branch_id>/days": _BRANCH,
    "/admin/branches/<branch_id>/days/remove": _BRANCH,
    "/admin/branches/<branch_id>/hours": _BRANCH,
    "/admin/branches/<branch_id>/licences": _BRANCH,
    "/admin/branches/<branch_id>/tills": _BRANCH,
    "/admin/branches/<branch_id>/tills/close": _BRANCH,
    "/admin/cases/<case_id>": _CASE,
    "/admin/cases/<case_id>/assign": _CASE,
    "/admin/cases/<case_id>/close": _CASE,
    "/admin/cases/<case_id>/note": _CASE,
    "/admin/cases/<case_id>/reopen": _CASE,
    "/admin/categories/<category_id>": _CATEGORY,
    "/admin/categories/<category_id>/remove": _CATEGORY,
    "/admin/cash-reports/<report_id>": _CASH_REPORT,
    "/admin/cash-reports/<report_id>/file": _CASH_REPORT,
    "/admin/cash-reports/<report_id>/occupation": _CASH_REPORT,
    "/admin/cash-reports/<report_id>/withdraw": _CASH_REPORT,
    "/admin/certificates/<certificate_id>": _CERTIFICATE,
    "/admin/certificates/<certificate_id>/revoke": _CERTIFICATE,
    "/admin/tax/rules/<rule_id>": _TAX_RULE,
    "/admin/entities/<entity_id>": _ENTITY,
    "/admin/entities/<entity_id>/licences": _ENTITY,
    "/admin/entities/<entity_id>/regime": _ENTITY,
    "/admin/imports/<import_id>": _IMPORT,
    "/admin/imports/<import_id>/confirm": _IMPORT,
    "/admin/imports/<import_id>/rows.csv": _IMPORT,
    "/admin/imports/export/<kind>.csv": ObjectKind("kind", _import_kind, "no-such-kind"),
    "/admin/licences/<licence_id>": _LICENCE,
    "/admin/licences/<licence_id>/end": _LICENCE,
    "/admin/licences/<licence_id>/renew": _LICENCE,
    "/admin/screening/<screening_id>": ObjectKind("screening_id", _screening, _unknown_id("scr")),
    "/admin/payments/deposits/<deposit_id>": _DEPOSIT,
    "/admin/payments/withdrawals/<withdrawal_id>": _WITHDRAWAL,
    "/admin/payments/withdrawals/<withdrawal_id>/reject": _WITHDRAWAL,
    "/admin/payments/withdrawals/<withdrawal_id>/release": _WITHDRAWAL,
    "/admin/people/<person_id>": _PERSON,
    "/admin/people/<person_id>/erase": _PERSON,
    "/admin/people/<person_id>/reactivate": _PERSON,
    "/admin/people/<person_id>/role": _PERSON,
    "/admin/people/<person_id>/second-factor": _PERSON,
    "/admin/people/<person_id>/suspend": _PERSON,
    "/api/support/audit/<user_id>": _CUSTOMER_BY_API,
    "/api/support/order/<order_id>/adjust": _GOODS_ORDER,
    "/api/support/user/<user_id>": _CUSTOMER_BY_API,
    "/api/support/user/<user_id>/note": _CUSTOMER_BY_API,
    "/api/support/user/<user_id>/reset-password": _CUSTOMER_BY_API,
    "/support/customers/<person_id>": _CUSTOMER,
    "/support/queue/<item_id>": _QUEUE_ITEM,
    **{
        f"/support/queue/<item_id>/{act}": _QUEUE_ITEM
        for act in ("claim", "end", "escalate", "hand-over", "snooze")
    },
    **{
        f"/support/customers/<person_id>/{part}": _CUSTOMER
        for part in (
            "audit",
            "cases",
            "confirmation",
            "credit",
            "end-sessions",
            "messages",
            "money",
            "note",
            "notes",
            "orders",
            "password-link",
            "redemptions",
            "security",
            "verification",
        )
    },
    "/admin/vault/counts/<count_id>": _COUNT,
    "/admin/vault/counts/<count_id>/book": _COUNT,
    "/admin/vault/counts/<count_id>/cancel": _COUNT,
    "/admin/vault/counts/<count_id>/lines": _COUNT,
    "/admin/vault/counts/<count_id>/submit": _COUNT,
    "/admin/prices/<rule_id>": ObjectKind("rule_id", _price_rule, _unknown_id("prr")),
    "/admin/prices/<rule_id>/end": ObjectKind("rule_id", _price_rule, _unknown_id("prr")),
    "/admin/price-changes/<change_id>": _PRICE_CHANGE,
    "/admin/price-changes/<change_id>/confirm": _PRICE_CHANGE,
    "/admin/price-changes/<change_id>/effect": _PRICE_CHANGE,
    "/admin/products/<sku>": _PRODUCT,
    "/admin/vault/bars/<bar_id>": _BAR,
    "/admin/products/<sku>/description": _PRODUCT,
    "/admin/products/<sku>/images": _PRODUCT,
    "/admin/products/<sku>/images/ahead": _PRODUCT,
    "/admin/products/<sku>/images/remove": _PRODUCT,
    "/admin/products/<sku>/publication": _PRODUCT,
    "/admin/products/<sku>/reorder-points": _PRODUCT,
    "/admin/products/<sku>/sale": _PRODUCT,
    "/admin/vault/adjustments/<adjustment_id>": ObjectKind(
        "adjustment_id", _adjustment, _unknown_id("adj")
    ),
    "/admin/vault/quarantine/<quarantine_id>": _QUARANTINE,
    "/admin/vault/quarantine/<quarantine_id>/assay": _QUARANTINE,
    "/admin/vault/returns/<return_id>": ObjectKind(
        "return_id", _supplier_return, _unknown_id("srt")
    ),
    **{
        f"/admin/shipments/<shipment_id>{act}": _SHIPMENT
        for act in (
            "",
            "/slip.pdf",
            "/start",
            "/scan",
            "/pack",
            "/stop",
            "/missing",
            "/ship",
            "/deliver",
            "/back",
            "/lost",
            "/again",
            "/settle",
            "/claim",
            "/claim/decision",
            "/address",
            "/take-over",
        )
    },
    "/admin/parcels/<parcel_id>/label.pdf": ObjectKind("parcel_id", _parcel, _unknown_id("prc")),
    **{
        f"/admin/purchases/<order_id>{act}": _of_restock("pur", "order_id")
        for act in (
            "",
            "/order.pdf",
            "/approve",
            "/confirm",
            "/cancel",
            "/receive",
            "/close",
            "/invoice",
        )
    },
    **{
        f"/admin/suppliers/<supplier_id>{act}": _of_restock("sup", "supplier_id")
        for act in ("", "/products", "/products/remove")
    },
    **{
        f"/admin/restock/needs/<need_id>{act}": _of_restock("ned", "need_id")
        for act in ("", "/send")
    },
    **{
        f"/admin/supplier-invoices/<invoice_id>{act}": _of_restock("siv", "invoice_id")
        for act in ("", "/accept", "/reject", "/pay")
    },
    "/teller/drawers/<drawer_id>": _DRAWER,
    "/teller/receipts/<receipt_id>": _RECEIPT,
    "/teller/receipts/<receipt_id>/copies": _RECEIPT,
    "/teller/receipts/<receipt_id>/email": _RECEIPT,
    "/teller/receipts/<receipt_id>/receipt.pdf": _RECEIPT,
    **{
        f"/teller/cash/<person_id>{path}": _AT_COUNTER
        for path in (
            "",
            "/deposit",
            "/deposit/two",
            "/withdrawal",
            "/withdrawal/count",
            "/withdrawal/two",
        )
    },
    "/teller/collection/<shipment_id>": _SHIPMENT,
    "/teller/collection/<shipment_id>/code": _SHIPMENT,
    "/admin/vault/transfers/<transfer_id>": _STOCK_TRANSFER,
    "/admin/vault/transfers/<transfer_id>/cancel": _STOCK_TRANSFER,
    "/admin/vault/transfers/<transfer_id>/receive": _STOCK_TRANSFER,
    "/admin/vault/transfers/<transfer_id>/shortage": _STOCK_TRANSFER,
    "/api/me/addresses/<address_id>": _ADDRESS,
    "/admin/storage-fees/<storage_fee_id>": _STORAGE_FEE,
    "/admin/storage-fees/<storage_fee_id>/waive": _STORAGE_FEE,
    "/admin/redemptions/<redemption_id>": _REDEMPTION,
    "/admin/redemptions/<redemption_id>/approve": _REDEMPTION,
    "/admin/redemptions/<redemption_id>/reject": _REDEMPTION,
    "/api/redeem/<redemption_id>/cancel": _REDEMPTION,
    "/api/redeem/status/<redemption_id>": _REDEMPTION,
    "/api/vault/redemptions/<redemption_id>/approve": _DECIDED_REDEMPTION,
    "/api/vault/redemptions/<redemption_id>/reject": _DECIDED_REDEMPTION,
    "/api/vault/redemptions/<redemption_id>/ship": _REDEMPTION,
    "/api/shop/orders/<order_id>": _GOODS_ORDER,
    "/api/shop/admin/orders/<order_id>": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/documents": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/pro-forma": ObjectKind(
        "order_id", _waiting_order, _unknown_id("ord")
    ),
    "/api/shop/documents/<document_id>": _SALES_DOCUMENT,
    "/admin/documents/<document_id>.pdf": _SALES_DOCUMENT,
    "/api/shop/admin/orders/<order_id>/status": _GOODS_ORDER,
    "/admin/orders/<order_id>": _GOODS_ORDER,
    "/admin/orders/<order_id>/note": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/notes": _GOODS_ORDER,
    "/admin/orders/<order_id>/cancel": _GOODS_ORDER,
    "/admin/orders/<order_id>/refund": _GOODS_ORDER,
    "/admin/orders/<order_id>/refund/preview": _GOODS_ORDER,
    "/admin/orders/<order_id>/reduction": _GOODS_ORDER,
    "/admin/orders/<order_id>/reduction/preview": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/changes": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/changes/preview": _GOODS_ORDER,
    "/api/shop/admin/orders/<order_id>/refund": _GOODS_ORDER,
    "/admin/orders/<order_id>/release": _GOODS_ORDER,
    "/admin/orders/<order_id>/reject": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/cancel": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/cancellation": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/refunds": _GOODS_ORDER,
    "/api/shop/orders/<order_id>/returns": _GOODS_ORDER,
    "/api/shop/returns/<return_id>": _RETURN,
    "/api/shop/returns/<return_id>/cancel": _RETURN,
    # It has no label: it is brought to a branch.
    "/api/shop/returns/<return_id>/label": ObjectKind(
        "return_id", _return, _unknown_id("rma"), owner_status=404
    ),
    **{
        f"/admin/returns/<return_id>{act}": _RETURN
        for act in (
            "",
            "/approve",
            "/refuse",
            "/receive",
            "/photos",
            "/inspect",
            "/refund",
            "/exchange",
            "/back",
            "/cancel",
        )
    },
    "/admin/returns/orders/<order_id>": _GOODS_ORDER,
    "/admin/returns/photos/<photo_id>": ObjectKind("photo_id", _return_photo, _unknown_id("rph")),
    "/api/shop/cart/<cart_id>": _CART,
    "/api/shop/cart/<cart_id>/items": _CART,
    "/api/shop/cart/<cart_id>/items/<sku>": _CART,
    "/api/shop/lock-quote/<quote_id>": ObjectKind("quote_id", _lock, _unknown_id("lck")),
    "/api/shop/products/<sku>": _PRODUCT,
    "/api/wallet/deposits/<deposit_id>": _DEPOSIT,
    "/api/wallet/deposits/<deposit_id>/cancel": _DEPOSIT,
    "/api/wallet/withdrawals/<withdrawal_id>": _WITHDRAWAL,
    "/api/wallet/withdrawals/<withdrawal_id>/cancel": _WITHDRAWAL,
    "/auth/account/passkeys/<identifier>/name": ObjectKind(
        "identifier", _passkey, _unknown_id("pky")
    ),
    "/auth/account/passkeys/<identifier>/remove": ObjectKind(
        "identifier", _passkey, _unknown_id("pky")
    ),
    "/auth/account/sessions/<identifier>/end": ObjectKind(
        "identifier", _session, _unknown_id("ses")
    ),
    "/images/<name>": ObjectKind("name", _not_created, "0" * 64),
    "/lists/exports/<export_id>": _LIST_EXPORT,
    "/lists/exports/<export_id>/file": _LIST_EXPORT,
    "/lists/views/<view_id>/delete": ObjectKind("view_id", _view, _unknown_id("viw")),
    "/mail/<identifier>": ObjectKind("identifier", _not_created, "0" * 32),
    "/mail/<identifier>/html": ObjectKind("identifier", _not_created, "0" * 32),
    "/api/me/export/<export_id>": ObjectKind("export_id", _export, _unknown_id("exp")),
    # Without the token of the link the owner cannot fetch it either.
    "/api/me/export/<export_id>/archive": ObjectKind(
        "export_id", _export, _unknown_id("exp"), owner_status=404
    ),
    "/policies/<policy_name>/<version>": ObjectKind("policy_name", _not_created, "nonsense"),
    "/api/me/api-keys/<key_id>": ObjectKind("key_id", _key, _unknown_id("key")),
    "/api/me/sessions/<session_id>": ObjectKind("session_id", _session, _unknown_id("ses")),
    "/admin/roles/<role_name>": ObjectKind("role_name", _role, "KING"),
    "/admin/roles/<role_name>/grants": ObjectKind("role_name", _role, "KING"),
    "/admin/roles/<role_name>/removals": ObjectKind("role_name", _role, "KING"),
    "/admin/flags/<feature>": ObjectKind("feature", _feature, "teleport"),
    "/admin/markets/<asset>": ObjectKind("asset", _market, "XX"),
    "/admin/markets/<asset>/halt": ObjectKind("asset", _market, "XX"),
    "/admin/markets/<asset>/resume": ObjectKind("asset", _market, "XX"),
    "/admin/settings/<name>": ObjectKind("name", _setting, "trading.bonus"),
    "/support/kyc/<verification_id>": _VERIFICATION,
    "/support/kyc/<verification_id>/approve": _VERIFICATION,
    "/support/kyc/<verification_id>/more": _VERIFICATION,
    "/support/kyc/<verification_id>/reject": _VERIFICATION,
    "/support/kyc/<verification_id>/take-back": _VERIFICATION,
    "/support/kyc/documents/<document_id>": ObjectKind(
        "document_id", _document, _unknown_id(documents.PREFIX)
    ),
    "/teller/counter/<verification_id>/check": _IDENTITY,
}
#: Bodies for routes that refuse an empty body before they look up the object.
BODIES: dict[tuple[str, str], RouteBody] = {
    ("POST", "/api/vault/redemptions/<redemption_id>/reject"): {"reason": "not plausible"},
    ("POST", "/api/shop/cart/<cart_id>/items"): {"sku": "NO-SUCH-COIN", "quantity": 1},
    ("PUT", "/api/shop/cart/<cart_id>/items/<sku>"): {"quantity": 0},
    ("POST", "/admin/approvals/<approval_id>/edit"): {"reason": "no"},
    ("PUT", "/api/shop/admin/orders/<order_id>/status"): {
        "status": "cancelled",
        "reason": "Unpaid",
    },
    **{
        ("POST", f"/api/shop/orders/<order_id>/changes{what}"): {
            "items": [{"line": 1, "quantity": 1}]
        }
        for what in ("", "/preview")
    },
    ("POST", "/api/shop/admin/orders/<order_id>/refund"): {
        "items": [{"line": 1, "quantity": 1}],
        "reason": "Scratched",
    },
    ("POST", "/api/support/order/<order_id>/adjust"): {
        "items": [{"line": 1, "quantity": 1}],
        "reason": "One too many",
    },
    ("POST", "/api/support/user/<user_id>/note"): {"note": "Calls again"},
    ("POST", "/auth/account/passkeys/<identifier>/name"): {"name": "another"},
    ("POST", "/api/shop/orders/<order_id>/returns"): {
        "items": [{"line": 1, "quantity": 1}],
        "reason": "damaged",
    },
}


def request_route(
    installation: Installation, route: DeclaredRoute
) -> Iterator[tuple[str, list[int], list[str]]]:
    """Yield for each relation its name, each caller's status, and the violations."""
    object_kind = OBJECT_KINDS.get(route.path)
    assert (object_kind is not None) == ("<" in route.path), (
        f"{route.path}: declare in OBJECT_KINDS the object of its variable"
    )
    # A public route has no caller, so no object is the caller's own.
    relations = RELATIONS if route.permission else (UNKNOWN,)
    for relation in relations if object_kind else ("",):
        statuses, violations = [], []
        for visitor in installation.callers:
            path = _path(installation, route, object_kind, visitor, relation)
            body = BODIES.get((route.method, route.path), {})
            response = visitor.send(route, path, body)
            statuses.append(response.status_code)
            if problem := _violation(route, object_kind, visitor, relation, response):
                label = f"{route.method} {route.path}, {relation or 'no'} object, {visitor.name}"
                violations.append(f"{label}: {problem}")
        yield relation, statuses, violations


def _path(
    installation: Installation,
    route: DeclaredRoute,
    object_kind: ObjectKind | None,
    visitor: Caller,
    relation: str,
) -> str:
    if object_kind is None:
        return route.path
    if relation == UNKNOWN:
        object_id = object_kind.unknown_id
    else:
        is_own = relation == OWN and visitor.actor is not None
        owner = visitor.actor if is_own and visitor.actor else installation.other_owner
        object_id = object_kind.create(installation.database, owner)
    return route.path.replace(f"<{object_kind.variable}>", object_id)


def _violation(
    route: DeclaredRoute,
    object_kind: ObjectKind | None,
    visitor: Caller,
    relation: str,
    response: TestResponse,
) -> str | None:
    """Return how the response violates the route's declaration, or None."""
    status = response.status_code
    expected = _expected_status(route, object_kind, visitor, relation)
    if expected is None:
        if status in _REFUSED or status >= 500:
            return f"got {status}, although the permission is held"
        return None
    if status != expected:
        return f"got {status} instead of {expected}"
    if status == 303 and "/auth/login" not in response.headers["Location"]:
        return f"redirected to {response.headers['Location']}"
    return None


def _expected_status(
    route: DeclaredRoute, object_kind: ObjectKind | None, visitor: Caller, relation: str
) -> int | None:
    """Return the expected status, or None if the caller holds the permission."""
    if route.permission is None:
        return 404 if relation == UNKNOWN else None
    is_signed_in = visitor.is_staff if route.is_page else visitor.actor is not None
    if not is_signed_in:
        # Visitors have no objects.
        served = None if object_kind is None else 404
        return served if route.visitors else 303 if route.is_page else 401
    if not visitor.may(route.permission):
        return 403
    if object_kind is None:
        return None
    is_reload = route.endpoint.partition(".")[2].startswith("reload_")
    others_scope = None if is_reload else object_kind.others_scope
    scope = others_scope or route.permission.partition(":")[0]
    assert visitor.actor is not None
    bound = scope == "own" or (scope == "branch" and visitor.actor.role in BRANCH_BOUND_ROLES)
    if relation == UNKNOWN or (relation == OTHERS and bound):
        return 404
    return object_kind.owner_status if relation == OWN and not is_reload else None


def authorization_table(
    installation: Installation, routes: Sequence[DeclaredRoute]
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return the whole matrix as rows, and every violation in it."""
    head = ("ROUTE", "METHOD", "OBJECT", *(visitor.name for visitor in installation.callers))
    rows, all_violations = [head], []
    for route in routes:
        for relation, statuses, violations in request_route(installation, route):
            rows.append((route.path, route.method, relation, *map(str, statuses)))
            all_violations += violations
    return rows, all_violations
