"""Parcels that customers send to us: what fits into one, and its label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.branches import queries as branches_queries
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.ports import Consignment, Parcel
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.labels import service as labels
from app.fulfillment.parcels import rules
from app.fulfillment.parcels.errors import NotInsurable
from app.fulfillment.parcels.rules import PackedUnits, PlannedParcel
from app.fulfillment.parcels.service import SENDER, choose_carrier, name_person
from app.fulfillment.strategies import business_days
from app.fulfillment.strategies.rules import FulfillmentRules, StrategyTerms
from app.identity.accounts import queries as account_queries
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.settings.queries import current
from app.vault.locations import queries as locations_queries


@dataclass(frozen=True, slots=True)
class SentUnits:
    """Units of a product in a parcel, and what each of them is worth in cents."""

    sku: str
    units: int
    unit_value: int


@dataclass(frozen=True, slots=True)
class IncomingParcel:
    """A parcel from a customer's address to a location of ours."""

    id: UUID
    user_id: UUID
    address: PostalAddress
    location_id: UUID
    goods: Sequence[SentUnits]


@dataclass(frozen=True, slots=True)
class _Prepared:
    carrier: Carrier
    terms: StrategyTerms
    consignment: Consignment


def find_carrier() -> Carrier:
    """Return the carrier that brings parcels to us."""
    return choose_carrier(FulfilmentStrategy.JM)


def check_fits(session: Session, goods: Sequence[SentUnits]) -> None:
    """Raise `NotInsurable` unless all of these goods fit into one insured parcel."""
    _plan(session, goods)


def buy_label(database: Database, incoming: IncomingParcel) -> None:
    """Buy the label of a parcel, once; from then on it is tracked.

    Uses transactions of its own, and raises `NotInsurable`, `NotFound` for a branch without an
    address, and what `labels.buy_label` raises.
    """
    with database.reading() as session:
        prepared = _prepare(session, incoming)
        location = locations_queries.get_location(session, incoming.location_id)
        branch = branches_queries.get_any_branch(session, location.branch_id)
        cut_off = current(session, FulfillmentRules).cut_off_hour
        ships_on = business_days.shipping_day(clock.now(), branch.time_zone, cut_off)
    labels.buy_label(
        database,
        parcel_id=incoming.id,
        carrier=prepared.carrier,
        speed=prepared.terms.speed,
        consignment=prepared.consignment,
        ships_on=ships_on,
    )


def _plan(session: Session, goods: Sequence[SentUnits]) -> tuple[PlannedParcel, StrategyTerms]:
    """Return the one parcel of all goods, and the terms on which it is insured."""
    skus = {each.sku for each in goods}
    products = {each.sku: each for each in products_queries.list_products(session, skus)}
    packed = [
        PackedUnits(
            position,
            each.units,
            max(1, each.unit_value),
            rules.grams_of(products[each.sku].gross_units),
        )
        for position, each in enumerate(goods)
    ]
    settings = current(session, FulfillmentRules)
    for strategy in FulfilmentStrategy:
        terms = settings.terms_of(strategy)
        try:
            planned = rules.split(packed, terms.parcel_max.units)
        except ValueError:
            continue
        if len(planned) == 1:
            return planned[0], terms
    raise NotInsurable("The goods do not fit into one insured parcel. Have them brought.")


def _prepare(session: Session, incoming: IncomingParcel) -> _Prepared:
    planned, terms = _plan(session, incoming.goods)
    location = locations_queries.get_location(session, incoming.location_id)
    branch = branches_queries.get_any_branch(session, location.branch_id)
    if branch.postal is None:
        raise NotFound
    customer = account_queries.get_person(session, incoming.user_id)
    name = f"{customer.first_name} {customer.last_name}"
    length, width, height = rules.box_of(planned.grams)
    return _Prepared(
        choose_carrier(terms.strategy),
        terms,
        Consignment(
            name_person(incoming.address, name, customer.phone),
            replace(branch.postal, recipient=SENDER, company=None, phone=branch.phone),
            Parcel(planned.grams, length, width, height, Amount(USD, planned.value)),
        ),
    )
