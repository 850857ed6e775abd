"""What pricing refuses."""

from app.kit.errors import Conflict


class PriceStale(Conflict):
    """The last price is too old to act on, or there never was one."""

    code = "price_stale"
    title = "There is no fresh price for this metal. Try again in a moment"


class MarketHalted(Conflict):
    """The metal does not trade now: halted by staff, or outside market hours."""

    code = "market_halted"
    title = "This metal does not trade at the moment"
