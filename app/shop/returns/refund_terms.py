"""What is refunded for goods that came back.

Where PBCEx is at fault, everything goes back, with shipping and insurance. Otherwise the customer
gets the lower of what they paid and what the metal is worth now.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from app.catalog.rules import USD
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.pricing import queries as pricing_queries
from app.pricing.rules import require_tradable
from app.settings.queries import current
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds import reassessment
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import MarketLoss, PartRefund, RefundTerms
from app.shop.returns import rules
from app.shop.returns.errors import NotAsSold, ReturnMovedOn
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import Finding, ReturnRules, ReturnStatus
from app.tax.assessment import sum_amounts

_NOTHING = Amount(USD, 0)
_AS_SOLD = frozenset({Finding.AS_SOLD, Finding.AS_CLAIMED})


def require_keepable(returned: GoodsReturn) -> None:
    """Raise `ReturnMovedOn` unless a return is inspected and not decided, and `NotAsSold` unless
    PBCEx can take its goods."""
    if returned.status is not ReturnStatus.INSPECTED:
        raise ReturnMovedOn
    if returned.finding not in _AS_SOLD:
        raise NotAsSold


def draw_up(
    session: Session, order: RefundableOrder, parts: Sequence[SoldPart], returned: GoodsReturn
) -> RefundTerms:
    """Return what is refunded for the goods of a return.

    Raises what `require_keepable` raises; where PBCEx is not at fault, `MarketHalted` and
    `PriceStale`.
    """
    require_keepable(returned)
    units = returned.units
    if all(part.units == units.get(part.position, 0) for part in parts):
        changed, borne = reassessment.return_everything(parts), _NOTHING
    else:
        changed, borne = reassessment.reassess_parts(session, order, parts, units)
    if returned.reason.is_fault and returned.finding is Finding.AS_CLAIMED:
        shipping, insurance = _charges_left(session, order)
        return RefundTerms(changed, shipping, insurance, borne)
    percent = returned.bid_percent
    if percent is None:
        percent = current(session, ReturnRules).bid_percent
    losses, fee = _keep_to_market(session, parts, changed, percent)
    whole = RefundTerms(changed, borne=borne, losses=losses, fee=fee)
    # What is due in tax after all is not asked of the customer.
    return RefundTerms(changed, borne=borne + whole.owed, losses=losses, fee=fee)


def _charges_left(session: Session, order: RefundableOrder) -> tuple[Amount, Amount]:
    """Return what is left of the prices of shipping and insurance."""
    earlier = refunds_queries.list_refunds(session, [order.id])
    shipping = sum_amounts(Amount(USD, each.shipping_units) for each in earlier)
    insurance = sum_amounts(Amount(USD, each.insurance_units) for each in earlier)
    return order.shipping - shipping, order.insurance - insurance


def _keep_to_market(
    session: Session, parts: Sequence[SoldPart], changed: Sequence[PartRefund], percent: Decimal
) -> tuple[list[MarketLoss], Amount]:
    """Return what the metal of each line lost, and what else is kept. Raises `MarketHalted` and
    `PriceStale`."""
    by_position = {part.position: part for part in parts}
    units: Counter[int] = Counter()
    lines: dict[int, SoldPart] = {}
    for each in changed:
        if each.units:
            part = by_position[each.position]
            units[part.line_position] += each.units
            lines[part.line_position] = part
    now, pricing_rules = clock.now(), pricing_queries.current_rules(session)
    metals = {line.metal for line in lines.values()}
    found = {each.metal: each for each in pricing_queries.market_prices(session, metals)}
    losses, fees = [], []
    for position, line in lines.items():
        price = require_tradable(found.get(line.metal), now, pricing_rules)
        count = units[position]
        kept = rules.keep_to_market(
            position,
            line.price_of(count),
            line.ounces_of(count),
            line.spot,
            rules.offset_price(price.bid, percent),
        )
        losses.append(kept.loss)
        fees.append(kept.fee)
    return losses, sum_amounts(fees)
