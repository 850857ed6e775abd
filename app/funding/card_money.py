"""Money paid in by card: it can be traded at once, and withdrawn once the payment has settled.

A card payment can be taken back long after its money was credited. What is withheld is worth, not
an asset: bought gold and tokens stand for it too. So a customer may withdraw what their available
balances are worth, less what they paid in by card within the last days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.catalog.rules import TRADABLE, USD, Priced
from app.funding.errors import CardMoneyUnsettled
from app.funding.rules import value_at_bid
from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger.queries import CustomerBalance
from app.pricing import queries as pricing_queries
from app.settings.queries import current
from app.settings.rules import setting, settings_group

# What was taken back since is owed or collected already.
_UNSETTLED = """
SELECT coalesce(sum(greatest(credited_units - fee_units - coalesce((
    SELECT sum(units) FROM disputes WHERE deposit_id = deposits.id AND status <> 'won'
), 0), 0)), 0), max(credited_at)
FROM deposits WHERE user_id = %s AND method = 'card' AND credited_at > %s
"""


@settings_group("card_money", "Money paid in by card")
@dataclass(frozen=True, slots=True)
class CardMoneyRules:
    """When money that was paid in by card can be withdrawn."""

    withheld_days: int = setting(
        "Withheld",
        7,
        minimum=1,
        maximum=180,
        unit="days",
        about="For so long, money paid in by card can be traded and not withdrawn, nor what was"
        " bought with it.",
    )


@dataclass(frozen=True, slots=True)
class WithheldMoney:
    """What a customer paid in by card lately. `until` is when all of it is settled."""

    amount: Amount
    until: datetime | None

    def withdrawable(self, worth: Amount) -> Amount:
        """Return what may be withdrawn of balances that are worth so much."""
        return max(worth - self.amount, Amount(USD, 0))


def withheld_money(session: Session, user_id: UUID) -> WithheldMoney:
    """Return what the customer paid in by card and may not withdraw yet, in dollars."""
    days = timedelta(days=current(session, CardMoneyRules).withheld_days)
    [(units, last)] = session.rows(_UNSETTLED, (user_id, clock.now() - days))
    return WithheldMoney(Amount(USD, int(units)), last + days if units else None)


def check_withdrawable(session: Session, user_id: UUID, value: Amount) -> None:
    """Raise `CardMoneyUnsettled` unless the customer may withdraw this worth of dollars.

    The caller has serialized the customer's payments, and holds nothing yet for this one.
    """
    withheld = withheld_money(session, user_id)
    if not withheld.amount:
        return
    bids = pricing_queries.sale_bids(session)
    worth = available_worth(ledger_queries.customer_balances(session, user_id), bids)
    allowed = withheld.withdrawable(worth)
    if allowed < value:
        raise CardMoneyUnsettled(
            f"You paid in {format_amount(withheld.amount)} by card lately. "
            f"Until it has settled, you can withdraw up to {format_amount(allowed)} in worth."
        )


def available_worth(balances: Iterable[CustomerBalance], bids: Mapping[Priced, Decimal]) -> Amount:
    """Return what a customer's available balances would sell for, in dollars.

    What cannot be sold counts as nothing: it never had a price, or its market is halted.
    """
    values = (
        value_at_bid(Amount(TRADABLE[balance.asset], balance.posted - balance.held), bids)
        for balance in balances
    )
    return Amount(USD, sum(value.units for value in values if value is not None))
