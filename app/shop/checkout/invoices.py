"""What an order costs: the goods of a price lock, at their destination."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from uuid import UUID

from app.access import Actor
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductDetails
from app.catalog.rules import USD
from app.fulfillment.restrictions import service as restrictions
from app.fulfillment.shipping_prices.rules import ShippingRules
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.settings.queries import current
from app.shop.checkout.rules import Charges, RequestedPayment
from app.shop.locks.queries import LockedLine, LockedPart, PriceLock
from app.shop.orders.service import NewOrderLine, NewOrderPart
from app.tax import queries as tax_queries
from app.tax.assessment import Delivery, TaxableLine, TaxDestination, sum_amounts
from app.tax.errors import TaxUnknown
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots.rules import share_out

_NOTHING = Amount(USD, 0)


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What a customer wants to buy at promised prices, where it goes, and how they pay."""

    lock_id: UUID
    delivery: Delivery
    payments: Sequence[RequestedPayment]
    shipping_address: PostalAddress | None = None
    billing_address: PostalAddress | None = None
    pickup_branch_id: UUID | None = None


@dataclass(frozen=True)
class Invoice:
    """What an order costs. The parts of its lines say where each unit is."""

    lines: Sequence[NewOrderLine]
    shipping: Amount
    insurance: Amount
    products: Mapping[str, ProductDetails]
    locations: Mapping[UUID, LocationSummary]

    @cached_property
    def goods(self) -> Amount:
        """The price of all lines."""
        return sum_amounts(line.price for line in self.lines)

    @cached_property
    def charges(self) -> Charges:
        """What is added to the price of the goods."""
        tax = sum_amounts(line.tax for line in self.lines)
        return Charges(tax, self.shipping, self.insurance)

    @property
    def total(self) -> Amount:
        """What the customer pays."""
        return self.goods + self.charges.total


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the goods of an order are taxed and, if they leave, delivered."""

    request: CheckoutRequest
    #: Those that have the goods; of goods that are collected, all of their branch.
    locations: Mapping[UUID, LocationSummary]

    def of(self, location_id: UUID) -> TaxDestination:
        """Return the place of tax of goods at a location. Raises `TaxUnknown`."""
        delivery, address = self.request.delivery, self.request.shipping_address
        if delivery is not Delivery.SHIP:
            address = self.locations[location_id].postal
        if address is None:
            raise TaxUnknown
        return TaxDestination.at_address(delivery, address)

    @property
    def is_abroad(self) -> bool:
        """Whether goods are shipped to another country than that of a branch that has them."""
        address = self.request.shipping_address
        origins = (location.postal for location in self.locations.values())
        return address is not None and any(
            origin is not None and origin.country != address.country for origin in origins
        )


def draw_up(
    session: Session, actor: Actor, lock: PriceLock, request: CheckoutRequest, *, at: datetime
) -> Invoice:
    """Return the invoice of the goods of a lock at their destination.

    Raises `RegionRestricted`, `AgeRestricted` and `VerificationRequired` of the goods, `TaxUnknown`
    of their destination, and `Invalid` for a branch where they are not reserved.
    """
    found, places = session.select_together(
        (ProductDetails, products_queries.OF_SKUS),
        (LocationSummary, locations_queries.BY_ID),
        skus=[line.sku for line in lock.lines],
        location_ids=[part.location_id for line in lock.lines for part in line.parts],
    )
    products: dict[str, ProductDetails] = {each.sku: each for each in found}
    locations: dict[UUID, LocationSummary] = {each.id: each for each in places}
    restrictions.check_destination(products.values(), request.shipping_address)
    restrictions.check_age(session, actor.user_id, products.values(), at)
    _check_pickup(lock, request)
    place = _Place(request, locations)
    pieces = [piece for line in lock.lines for piece in _cut(line, place)]
    taxes, reasons = _assess(session, actor, pieces, at)
    lines = [
        _order_line(line, products[line.sku].name, reasons[line.position], own)
        for line, own in zip(lock.lines, _by_line(pieces, taxes), strict=True)
    ]
    shipping = insurance = _NOTHING
    if request.delivery is Delivery.SHIP:
        settings = current(session, ShippingRules)
        gross_units = sum(products[line.sku].gross_units * line.quantity for line in lock.lines)
        shipping = settings.shipping_fee(gross_units, lock.total, is_abroad=place.is_abroad)
        insurance = settings.insurance_fee(lock.total)
    return Invoice(lines, shipping, insurance, products, locations)


def _check_pickup(lock: PriceLock, request: CheckoutRequest) -> None:
    if request.delivery is not Delivery.PICKUP:
        return
    if lock.pickup_branch_id is None or lock.pickup_branch_id != request.pickup_branch_id:
        raise Invalid(
            "pickupBranchId",
            "The goods are not reserved at this branch. Lock their prices with its pickupBranchId.",
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a line with its share of the price, and the place whose tax it is."""

    line: LockedLine
    part: LockedPart
    price: Amount
    taxed_at: TaxDestination


def _cut(line: LockedLine, place: _Place) -> list[_Piece]:
    prices = share_out(line.total.units, [part.units for part in line.parts])
    return [
        _Piece(line, part, Amount(USD, price), place.of(part.location_id))
        for part, price in zip(line.parts, prices, strict=True)
    ]


def _assess(
    session: Session, actor: Actor, pieces: Sequence[_Piece], at: datetime
) -> tuple[Mapping[UUID, Amount], Mapping[int, str]]:
    """Return the tax of each piece by its hold, and the reasons by line. Goods that stay in several
    states are as many invoices."""
    taxes: dict[UUID, Amount] = {}
    reasons: defaultdict[int, list[str]] = defaultdict(list)
    for destination in dict.fromkeys(piece.taxed_at for piece in pieces):
        here = (piece for piece in pieces if piece.taxed_at == destination)
        lines = [list(own) for _, own in groupby(here, key=lambda piece: piece.line.position)]
        assessment = tax_queries.assess_invoice(
            session, [_taxable(own) for own in lines], destination,
            customer_id=actor.user_id, at=at,
        )  # fmt: skip
        for own, assessed in zip(lines, assessment.lines, strict=True):
            reasons[own[0].line.position].append(assessed.reason)
            shares = share_out(assessed.tax.units, [piece.price.units for piece in own])
            for piece, share in zip(own, shares, strict=True):
                taxes[piece.part.hold_id] = Amount(USD, share)
    return taxes, {position: " ".join(each) for position, each in reasons.items()}


def _taxable(own: Sequence[_Piece]) -> TaxableLine:
    line, price = own[0].line, sum_amounts(piece.price for piece in own)
    return TaxableLine(str(line.position), price, line.tax_class, line.metal, line.fineness)


def _by_line(pieces: Sequence[_Piece], taxes: Mapping[UUID, Amount]) -> list[list[NewOrderPart]]:
    return [
        [
            NewOrderPart(
                piece.part.location_id,
                piece.part.units,
                piece.price,
                taxes[piece.part.hold_id],
                piece.part.hold_id,
                piece.part.lot_id,
                piece.taxed_at,
            )
            for piece in own
        ]
        for _, own in groupby(pieces, key=lambda piece: piece.line.position)
    ]


def _order_line(
    line: LockedLine, name: str, tax_reason: str, parts: Sequence[NewOrderPart]
) -> NewOrderLine:
    return NewOrderLine(
        line.sku,
        name,
        line.quantity,
        line.unit_price,
        line.total,
        line.spot,
        line.tax_class,
        sum_amounts(part.tax for part in parts),
        tax_reason,
        parts,
    )
