"""Refusals of pricing."""

from app.kit.errors import Conflict
from app.limits.errors import LimitExceeded


class PriceStale(Conflict):
    """The last price is too old to trade at, or there is none yet."""

    code = "price_stale"
    title = "There is no current price for this metal. Try again in a moment."


class GateClosed(Conflict):
    """The price of PAXG deviates too far from gold to exchange one for the other."""

    code = "gate_closed"
    title = (
        "The prices of PAXG and gold are too far apart. "
        "You can exchange one for the other when the prices are close again."
    )


class MarketAlreadyHalted(Conflict):
    """The market is halted."""

    code = "market_already_halted"
    title = "This market is halted already."


class MarketNotHalted(Conflict):
    """The market is not halted."""

    code = "market_not_halted"
    title = "This market is not halted."


class TransferLimitExceeded(LimitExceeded):
    """The customer would exchange more ounces between PAXG and XAU-s than they may."""

    code = "transfer_limit_exceeded"
    title = "This would exceed your limit for exchanging PAXG and XAU-s."


class MarketHalted(Conflict):
    """The metal does not trade: halted by staff, or outside market hours. Its reason says why."""

    code = "market_halted"
    title = "This metal does not trade at the moment. Try again later."

    def __init__(self, detail: str | None = None, *, reason: str = "") -> None:
        self.reason_code = reason
        super().__init__(detail)
