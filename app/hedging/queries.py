"""Reads of hedging."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.catalog.rules import USD, Metal, Token
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.hedging import rules
from app.hedging.rules import OUNCES, BandStatus, ExposureRules, MetalExposure
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.pricing import queries as pricing_queries
from app.settings.queries import current
from app.shop.locks import queries as locks_queries
from app.shop.orders import waiting as waiting_orders
from app.trading import queries as trading_queries

#: How far back the history goes.
HISTORY_SPAN = timedelta(hours=6)

_HISTORY = """
SELECT DISTINCT ON (date_trunc('minute', taken_at), metal) taken_at, metal, net_units, net_usd
FROM exposures WHERE taken_at > %s AND taken_at <= %s
ORDER BY date_trunc('minute', taken_at), metal, taken_at DESC
"""


@dataclass(frozen=True, slots=True)
class Exposure:
    """The exposure in every metal at one moment, in the catalogue's order."""

    as_of: datetime
    metals: list[MetalExposure]

    @property
    def total_net_usd(self) -> Amount | None:
        """The net exposure of all metals; None if one that is not zero has no price."""
        return rules.total_usd([metal.net_usd for metal in self.metals])

    @property
    def total_owed_usd(self) -> Amount | None:
        """What we owe customers in all metals; None if one that is not zero has no price."""
        return rules.total_usd([metal.liabilities_usd for metal in self.metals])

    @property
    def out_of_band(self) -> list[MetalExposure]:
        """The metals whose net exposure is outside its band."""
        return [metal for metal in self.metals if metal.status is not BandStatus.IN_BAND]


@dataclass(frozen=True, slots=True)
class PastExposure:
    """The recorded net exposure of one metal at a past moment."""

    taken_at: datetime
    net: Amount
    net_usd: Amount | None


def current_exposure(session: Session) -> Exposure:
    """Return what PBCEx owes and holds now in each metal.

    Call it on a snapshot for consistent figures: an order that fills a quote moves ounces between
    the reads.
    """
    now, exposure_rules = clock.now(), current(session, ExposureRules)
    owed: dict[str, int] = {}
    positions: dict[str, int] = {}
    custody: dict[str, int] = {}
    vault: dict[str, int] = {}
    for balance in ledger_queries.house_balances(session):
        # Entries sum to zero in each asset, so the other accounts sum to what customers own.
        owed[balance.asset] = owed.get(balance.asset, 0) + balance.units
        if balance.account_class == AccountClass.POSITION:
            positions[balance.asset] = -balance.units
        elif balance.account_class == AccountClass.CUSTODY:
            custody[balance.asset] = balance.units
        elif balance.account_class == AccountClass.INVENTORY_METAL:
            vault[balance.asset] = balance.units
    in_transit = purchases_queries.units_owed(session)
    quoted = Counter(trading_queries.open_quote_units(session, now))
    quoted.update(locks_queries.open_lock_units(session, now))
    quoted.update(waiting_orders.waiting_units(session))
    prices = pricing_queries.market_prices(session, (*Metal, *Token))
    mids = {price.metal: price.mid for price in prices}
    metals = [
        rules.metal_exposure(
            metal,
            owed=owed,
            quoted=quoted,
            positions=positions,
            custody=custody,
            vault=vault,
            in_transit=in_transit,
            mids=mids,
            band=exposure_rules.band(metal),
        )
        for metal in Metal
    ]
    return Exposure(now, metals)


def exposure_history(session: Session) -> Mapping[Metal, Sequence[PastExposure]]:
    """Return the recorded nets of the last hours by metal, oldest first, one per minute."""
    history: dict[Metal, list[PastExposure]] = {metal: [] for metal in Metal}
    now = clock.now()
    for taken_at, code, units, usd in session.rows(_HISTORY, (now - HISTORY_SPAN, now)):
        metal = Metal(code)
        net_usd = None if usd is None else Amount(USD, usd)
        history[metal].append(PastExposure(taken_at, Amount(OUNCES[metal], units), net_usd))
    return history
