"""Customers convert: all five metals, tokens into XAU-s and back, at market and by quote."""

from dataclasses import dataclass
from datetime import timedelta

from app.catalog.rules import TRADABLE, Wallet
from app.funding.transfers import service as transfers
from app.kit.money import Amount
from app.sample.business import Business, amount
from app.sample.timeline import Part
from app.trading import service as trading
from app.trading.service import RequestedConversion

PART = Part()


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """An order that gives `amount` of an asset, or receives it where it is metal bought by the
    ounce; by a quote first, if it says so."""

    days: int
    name: str
    from_asset: str
    amount: str
    to_asset: str
    by_quote: bool = False
    by_ounce: bool = False
    hours: int = 0

    def play(self, business: Business) -> None:
        """Place the order."""
        given, received = TRADABLE[self.from_asset], TRADABLE[self.to_asset]
        requested = (
            RequestedConversion(given, received, None, Amount.parse(received, self.amount))
            if self.by_ounce
            else RequestedConversion(given, received, Amount.parse(given, self.amount), None)
        )
        actor = business.actor(self.name)
        with business.transaction() as session:
            if not self.by_quote:
                trading.convert_at_market(session, actor, requested)
                return
            quote = trading.create_quote(session, actor, requested)
        with business.transaction() as session:
            trading.fill_quote(session, actor, quote.id)


ORDERS = (
    SampleOrder(85, "customer", "USD", "10000.00", "XAU-s"),
    SampleOrder(83, "helena", "USD", "2000", "XAG-s", by_quote=True, by_ounce=True),
    SampleOrder(80, "maria", "USD", "900.00", "XAU-s"),
    SampleOrder(79, "customer", "USD", "60", "XAG-s", by_ounce=True),
    SampleOrder(77, "james", "USD", "6000.00", "XAU-s", by_quote=True),
    SampleOrder(76, "felix", "USD", "4000.00", "XPT-s"),
    SampleOrder(73, "helena", "USD", "60000.00", "XPT-s"),
    SampleOrder(71, "customer", "USD", "2500.00", "XPD-s"),
    SampleOrder(69, "lena", "USDC", "5000", "XAU-s"),
    SampleOrder(65, "maria", "USD", "1200.00", "XAG-s"),
    SampleOrder(63, "james", "USD", "1500.00", "XCU-s"),
    SampleOrder(58, "customer", "XAG-s", "20", "USD"),
    SampleOrder(55, "george", "USD", "900.00", "XAU-s"),
    SampleOrder(50, "helena", "USD", "70000.00", "XAU-s", by_quote=True),
    SampleOrder(46, "yuki", "USD", "3500.00", "XAU-s"),
    SampleOrder(42, "felix", "USD", "2200.00", "XAU-s"),
    SampleOrder(37, "customer", "USD", "6000.00", "XCU-s", by_quote=True),
    SampleOrder(33, "maria", "XAU-s", "0.1", "USD"),
    SampleOrder(29, "james", "USD", "1800.00", "XPD-s"),
    SampleOrder(25, "lena", "USD", "7500.00", "XPT-s"),
    SampleOrder(20, "helena", "USD", "1300", "XAG-s", by_ounce=True),
    SampleOrder(16, "yuki", "USD", "1000.00", "XAG-s"),
    SampleOrder(10, "victor", "USD", "400.00", "XCU-s"),
    SampleOrder(5, "customer", "USD", "1500.00", "XAU-s", by_quote=True),
    SampleOrder(1, "maria", "USD", "750.00", "XAU-s"),
    SampleOrder(0, "lena", "XPT-s", "1", "USD", hours=7),
)
for _order in ORDERS:
    PART.add(timedelta(days=_order.days, hours=_order.hours), _order.play)


@PART.ago(days=68)
def mint_for_lena(business: Business) -> None:
    """She exchanges tokens for XAU-s."""
    _exchange(business, amount("PAXG", "2"), Wallet.FUNDING, Wallet.TRADING)


@PART.ago(days=26)
def burn_for_lena(business: Business) -> None:
    """She exchanges some of it back."""
    _exchange(business, amount("XAU-s", "0.5"), Wallet.TRADING, Wallet.FUNDING)


def _exchange(business: Business, moved: Amount, origin: Wallet, destination: Wallet) -> None:
    with business.transaction() as session:
        transfers.transfer(
            session, business.actor("lena"), amount=moved, origin=origin, destination=destination
        )
