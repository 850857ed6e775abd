"""The verbs of price locks: lock prices, claim a lock for a checkout and use it, release one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.access.consents import POLICIES, PolicyName
from app.branches import queries as branches_queries
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_number_of
from app.kyc import queries as kyc_queries
from app.ledger import service as ledger
from app.limits import queries as limits_queries
from app.limits import service as limits
from app.limits.queries import Demand
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.pricing.rules import MarketPrice, PricingRules, halted, require_tradable
from app.settings.queries import current
from app.shop.locks import allocation, queries, rules
from app.shop.locks.allocation import AllocatedLine
from app.shop.locks.errors import QuoteVoided, TooFewUnits
from app.shop.locks.limit_declarations import LOCKED_PIECES, LOCKED_VALUE, UNUSED_LOCKS
from app.shop.locks.models import PriceLockLine, PriceLockMetal, PriceLockPart, PriceLockRow
from app.shop.locks.queries import LockedLine, LockedMetal, LockedPart, PriceLock
from app.shop.locks.rules import TRANSITIONS, CancelTerms, LockSettings, LockStatus, VoidReason
from app.shop.prices import queries as prices_queries
from app.shop.prices import rules as prices_rules
from app.tax.assessment import sum_amounts
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed
from app.vault.bars import queries as bars_queries
from app.vault.bars.errors import SerialMismatch
from app.vault.locations import queries as locations_queries
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.service import Goods
from app.vault.stock import service as stock

#: The cause of the holds that reserve units.
LOCK_CAUSE = "price_lock"
#: How long a lock that was never used is kept.
LOCK_RETENTION = timedelta(days=30)
#: Units that another act took since they were seen as free are looked for again so many times.
_ATTEMPTS = 3
#: In the order of SKU, so that two requests never wait for each other: who locks a product sees
#: what those before have left.
_LOCK_SKUS = """
SELECT pg_advisory_xact_lock(hashtextextended('shop ' || sku, 0))
FROM unnest(%s::text[]) AS sku
"""
_END = """
UPDATE price_locks SET status = %s, ended_at = %s, voided_reason = %s, checkout_id = %s
WHERE id = %s
"""
_EXPIRE = """
UPDATE price_locks SET status = 'expired', ended_at = expires_at WHERE id = ANY (ARRAY(
    SELECT id FROM price_locks WHERE status = 'open' AND expires_at <= %s
    ORDER BY expires_at LIMIT 500 FOR UPDATE SKIP LOCKED
))
"""
_FORGET = """
DELETE FROM price_locks WHERE id = ANY (ARRAY(
    SELECT id FROM price_locks WHERE status IN ('expired', 'voided') AND ended_at < %s LIMIT 1000
))
"""


@dataclass(frozen=True, slots=True)
class LockRequest:
    """What a customer wants to buy: SKUs with quantities, and where they collect the goods, if they
    do."""

    items: Sequence[tuple[str, int]]
    pickup_branch_id: UUID | None = None


def lock_prices(session: Session, actor: Actor, request: LockRequest) -> PriceLock:
    """Keep the prices of goods for the actor, and the goods for them, until the lock expires.

    Raises `Invalid` naming the field, `NotForSale` and `TooFewUnits` naming the
    line, `MarketHalted`, `PriceStale`, `LimitExceeded`, and `RateLimited` after many locks that the
    actor did not use.
    """
    _check_request(session, request)
    owners = kyc_queries.accounts_of_person(session, actor.user_id)
    settings = current(session, LockSettings)
    limits.lock(session, owners)
    session.send(_LOCK_SKUS, (sorted({sku.upper() for sku, _ in request.items}),))
    now = clock.now()
    priced = prices_queries.price_goods(session, request.items, now)
    expires_at = now + settings.lifetime
    for _ in range(_ATTEMPTS):
        lines = allocation.allocate(session, priced, request.pickup_branch_id)
        _check_limits(session, owners, lines, settings, is_guest=actor.is_guest)
        try:
            with session.savepoint():
                _reserve(session, lines, now, expires_at)
        except (InsufficientStock, SerialMismatch):
            continue
        terms = current(session, CancelTerms)
        lock = _build(
            actor.user_id, request, lines, cancel_terms=terms, at=now, expires_at=expires_at
        )
        _insert(session, lock)
        return lock
    raise TooFewUnits


def _check_request(session: Session, request: LockRequest) -> None:
    if not 1 <= len(request.items) <= rules.LINES_MAX:
        raise Invalid("items", f"Send 1 to {rules.LINES_MAX} items.")
    seen: set[str] = set()
    for index, (sku, quantity) in enumerate(request.items):
        if sku.upper() in seen:
            raise Invalid(f"items.{index}.sku", "This SKU is there twice. Add the quantities up.")
        seen.add(sku.upper())
        prices_rules.check_quantity(f"items.{index}.quantity", quantity)
    if request.pickup_branch_id is not None:
        branches_queries.require_pickup(session, request.pickup_branch_id)


def _check_limits(
    session: Session,
    owners: Sequence[UUID],
    lines: Sequence[AllocatedLine],
    settings: LockSettings,
    *,
    is_guest: bool,
) -> None:
    total = sum(line.total.units for line in lines)
    pieces = sum(line.quantity for line in lines)
    value_max, pieces_max = settings.caps(is_guest=is_guest)
    demands = [
        Demand(UNUSED_LOCKS, settings.unused_per_hour, 1),
        Demand(LOCKED_VALUE, value_max.units, total, settings.lifetime),
        Demand(LOCKED_PIECES, pieces_max, pieces, settings.lifetime),
    ]
    pace, *locked = limits_queries.usages(session, owners, demands)
    allowed = format_number_of(settings.unused_per_hour, "time")
    limits.require_pace(pace, detail=f"You can lock prices {allowed} an hour without buying.")
    limits.require_free(*locked)


def _reserve(
    session: Session, lines: Sequence[AllocatedLine], now: datetime, expires_at: datetime
) -> None:
    """Place a hold for each part, in the order of SKU, location and bar."""
    places = {part.location_id for line in lines for part in line.parts}
    locations = locations_queries.locations_by_id(session, places)
    parts = [(line.priced.product, part) for line in lines for part in line.parts]
    reserved = {
        part.hold_id: Goods(
            product, locations[part.location_id], part.units, (part.lot_id,) if part.lot_id else ()
        )
        for product, part in sorted(parts, key=lambda pair: (pair[0].sku, pair[1].order))
    }
    stock.reserve_all(session, reserved, cause=LOCK_CAUSE, placed_at=now, expires_at=expires_at)


def _build(
    user_id: UUID,
    request: LockRequest,
    lines: Sequence[AllocatedLine],
    *,
    cancel_terms: CancelTerms,
    at: datetime,
    expires_at: datetime,
) -> PriceLock:
    priced = {line.priced.product.metal: line.priced for line in lines}
    locked = [_lock_line(position, line) for position, line in enumerate(lines)]
    return PriceLock(
        ids.new(),
        user_id,
        LockStatus.OPEN,
        at,
        expires_at,
        ended_at=None,
        total=sum_amounts(line.total for line in locked),
        pickup_branch_id=request.pickup_branch_id,
        terms_version=POLICIES[PolicyName.TERMS].version,
        cancel_terms=cancel_terms,
        after_hours_percent=max(each.after_hours_percent for each in priced.values()),
        voided_reason=None,
        checkout_id=None,
        lines=locked,
        metals={
            metal: LockedMetal(metal, each.spot, each.bid, each.source, each.observed_at)
            for metal, each in priced.items()
        },
    )


def _lock_line(position: int, line: AllocatedLine) -> LockedLine:
    product = line.priced.product
    return LockedLine(
        position,
        product.sku,
        product.metal,
        product.fineness,
        line.quantity,
        line.unit_price,
        line.priced.spot,
        line.ounces,
        line.priced.rule_id,
        product.tax_class,
        [
            LockedPart(part.hold_id, position, part.location_id, part.units, part.lot_id)
            for part in sorted(line.parts, key=lambda part: part.order)
        ],
    )


def _insert(session: Session, lock: PriceLock) -> None:
    columns = {
        "id": lock.id,
        "user_id": lock.user_id,
        "status": lock.status,
        "locked_at": lock.locked_at,
        "expires_at": lock.expires_at,
        "total_units": lock.total.units,
        "pieces": sum(line.quantity for line in lock.lines),
        "pickup_branch_id": lock.pickup_branch_id,
        "terms_version": lock.terms_version,
        "cancel_fee_units": lock.cancel_terms.fee.units,
        "cancel_offset_percent": lock.cancel_terms.offset_percent,
        "cancel_vault_hours": lock.cancel_terms.vault_hours,
        "after_hours_percent": lock.after_hours_percent,
    }
    lines = [
        {
            "lock_id": lock.id,
            "position": line.position,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price_units": line.unit_price.units,
            "spot": line.spot,
            "ounces_units": line.ounces.units,
            "rule_id": line.rule_id,
            "tax_class": line.tax_class,
        }
        for line in lock.lines
    ]
    metals = [
        {
            "lock_id": lock.id,
            "metal": each.metal,
            "ask": each.ask,
            "bid": each.bid,
            "source": each.source,
            "observed_at": each.observed_at,
        }
        for each in lock.metals.values()
    ]
    parts = [
        {
            "hold_id": part.hold_id,
            "lock_id": lock.id,
            "position": part.position,
            "location_id": part.location_id,
            "units": part.units,
            "lot_id": part.lot_id,
        }
        for line in lock.lines
        for part in line.parts
    ]
    session.insert(
        (PriceLockRow, [columns]),
        (PriceLockMetal, metals),
        (PriceLockLine, lines),
        (PriceLockPart, parts),
    )


def claim(session: Session, actor: Actor, lock_id: UUID, now: datetime) -> PriceLock:
    """Return the actor's open lock for a checkout, its row locked until the transaction ends.

    Raises `QuoteNotFound`, `QuoteUsed`, `QuoteExpired` and `QuoteVoided`; `MarketHalted` and
    `PriceStale` if none of its metals could be locked now. A lock whose market moved further than
    the setting is voided, which stays so although the checkout is refused.
    """
    lock = queries.lock_row(session, actor.user_id, lock_id)
    if lock is None:
        raise QuoteNotFound
    require_open(lock, now)
    percent = current(session, LockSettings).move_percent_max
    prices = _current_prices(session, lock, now)
    if any(
        rules.has_moved(locked.ask, prices[metal].ask, percent)
        for metal, locked in lock.metals.items()
    ):
        _void(session, lock, VoidReason.PRICE_MOVED, now)
        raise QuoteVoided(
            f"The market moved by more than {percent.normalize():f} % since these prices were"
            " locked. Lock new ones."
        ).keeping_records()
    return lock


def require_open(lock: PriceLock, now: datetime) -> None:
    """Raise `QuoteUsed`, `QuoteVoided` or `QuoteExpired` unless the lock is open."""
    match lock.status_at(now):
        case LockStatus.USED:
            raise QuoteUsed
        case LockStatus.VOIDED:
            raise QuoteVoided
        case LockStatus.EXPIRED:
            raise QuoteExpired


def _current_prices(
    session: Session, lock: PriceLock, now: datetime
) -> Mapping[Metal, MarketPrice]:
    """Return the price of each metal of a lock, with which its own is compared: the last one, if
    the market has closed since."""
    market = {price.metal: price for price in pricing_queries.market_prices(session, lock.metals)}
    pricing_rules = pricing_queries.current_rules(session)
    return {
        metal: _comparable(market.get(metal), now, pricing_rules) for metal in sorted(lock.metals)
    }


def _comparable(price: MarketPrice | None, now: datetime, pricing: PricingRules) -> MarketPrice:
    if price is None:
        raise PriceStale
    if price.halted_reason is not None:
        raise halted(price.metal, price.halted_reason)
    return require_tradable(price, now, pricing) if pricing.is_open(now) else price


def use(session: Session, lock: PriceLock, checkout_id: UUID, *, at: datetime) -> None:
    """Note that a checkout took the lock, which `claim` returned in this transaction. Its holds are
    the checkout's now."""
    _end(session, lock, LockStatus.USED, at, checkout_id=checkout_id)


def cancel(session: Session, actor: Actor, lock_id: UUID) -> None:
    """Release a lock before its time; releasing it again changes nothing.

    Raises `QuoteNotFound`, and `QuoteUsed` for one that a checkout took.
    """
    lock, now = queries.lock_row(session, actor.user_id, lock_id), clock.now()
    if lock is None:
        raise QuoteNotFound
    match lock.status_at(now):
        case LockStatus.USED:
            raise QuoteUsed
        case LockStatus.OPEN:
            _void(session, lock, VoidReason.CANCELLED, now)


def _void(session: Session, lock: PriceLock, reason: VoidReason, at: datetime) -> None:
    pending = bars_queries.find_pending_holds(session, lock.hold_ids)
    if pending:
        ledger.void_holds(session, sorted(pending), at=at)
    _end(session, lock, LockStatus.VOIDED, at, voided_reason=reason)


def _end(
    session: Session,
    lock: PriceLock,
    status: LockStatus,
    at: datetime,
    *,
    voided_reason: VoidReason | None = None,
    checkout_id: UUID | None = None,
) -> None:
    status = TRANSITIONS.transition(lock.status, status)
    session.send(_END, (status, at, voided_reason, checkout_id, lock.id))


def expire_due_locks(session: Session) -> None:
    """Note which locks have expired, and delete those that were never used and ended long ago.
    Their holds expire by themselves."""
    now = clock.now()
    session.send(_EXPIRE, (now,))
    session.send(_FORGET, (now - LOCK_RETENTION,))
