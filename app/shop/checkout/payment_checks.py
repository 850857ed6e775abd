"""What a customer may pay by a deposit, and which ways to pay a total they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.access import Actor
from app.catalog.rules import SYNTHETIC, USD
from app.funding import card_money, fees, limits
from app.funding.card_money import CardMoneyRules
from app.funding.deposits import service as deposits
from app.funding.fees import PaymentQuote
from app.funding.receivables import service as receivables
from app.kit.db import Session
from app.kit.errors import Invalid, Refusal
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.ledger import queries as ledger_queries
from app.limits import service as limits_service
from app.limits.queries import Demand
from app.settings.queries import current
from app.shop.checkout import rules
from app.shop.checkout.limit_declarations import CARD_LEAVING, UNPAID_ORDERS, WAITING_ORDERS
from app.shop.checkout.rules import OrderPaymentRules, RequestedPayment
from app.shop.orders.rules import DEPOSIT_METHODS, OrderPayment, OrderPaymentMethod
from app.tax.assessment import Delivery
from app.trading.rules import PricePair

_NOTHING = Amount(USD, 0)


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A way to pay the total: what it takes of an asset, the fee among it, and why it cannot be
    used, if it cannot."""

    method: OrderPaymentMethod
    amount: Amount
    fee: Amount = _NOTHING
    problem: str | None = None

    @property
    def is_covered(self) -> bool:
        """Whether it can be used."""
        return self.problem is None


def list_options(
    session: Session,
    actor: Actor,
    total: Amount,
    prices: Mapping[str, PricePair],
    delivery: Delivery,
) -> list[PaymentOption]:
    """Return what each way to pay would take to pay everything. `prices` are those promised."""
    available = {
        balance.asset: balance.posted - balance.held
        for balance in ledger_queries.customer_balances(session, actor.user_id)
    }
    metals = [asset for asset in SYNTHETIC.values() if asset.code in prices]
    options = []
    for method, asset in (
        (OrderPaymentMethod.BALANCE, USD),
        *((OrderPaymentMethod.METAL, asset) for asset in metals),
    ):
        request = RequestedPayment("payment", method, asset)
        [payment] = rules.split_total(total, [request], prices)
        is_short = available.get(asset.code, 0) < payment.given.units
        problem = f"You have less {asset.code} available." if is_short else None
        options.append(PaymentOption(method, payment.given, problem=problem))
    return options + [
        _deposit_option(session, actor, method, total, delivery) for method in DEPOSIT_METHODS
    ]


def _deposit_option(
    session: Session, actor: Actor, method: OrderPaymentMethod, total: Amount, delivery: Delivery
) -> PaymentOption:
    quote = quote_deposit(session, OrderPayment(method, total, total))
    try:
        deposits.provider_name(quote.method, USD)
        check_waiting(session, actor)
        if method is OrderPaymentMethod.CARD and delivery is not Delivery.VAULT:
            _check_leaving(session, actor, total)
        limits.check_deposit(session, actor.user_id, quote.method, quote.amount, is_for_goods=True)
    except Refusal as refusal:
        problem = refusal.message if isinstance(refusal, Invalid) else refusal.detail
        return PaymentOption(method, quote.amount, quote.fee, problem)
    return PaymentOption(method, quote.amount, quote.fee)


def quote_deposit(session: Session, payment: OrderPayment) -> PaymentQuote:
    """Return the least deposit whose credit pays a part of an order, with its fee."""
    return fees.quote_deposit_of(session, DEPOSIT_METHODS[payment.method], payment.dollars)


def check_waiting(session: Session, actor: Actor) -> None:
    """Raise `LimitExceeded` unless one more order of the person may wait for its payment."""
    settings = current(session, OrderPaymentRules)
    limits_service.check(
        session,
        kyc_queries.accounts_of_person(session, actor.user_id),
        Demand(WAITING_ORDERS, settings.waiting_max, 1),
        Demand(UNPAID_ORDERS, settings.unpaid_per_day, 1),
    )


def check_may_leave(session: Session, actor: Actor, payments: Sequence[OrderPayment]) -> None:
    """Raise what a withdrawal of what pays at once would: goods that leave are one. What a card
    pays can be taken back when they are gone, so that it has a limit of its own.

    Raises `ReceivableOutstanding`, `CardMoneyUnsettled` and `LimitExceeded`.
    """
    limits.lock_customer_payments(session, actor.user_id)
    receivables.require_nothing_owed(session, actor.user_id)
    at_once = by_card = _NOTHING
    for payment in payments:
        if payment.method not in DEPOSIT_METHODS:
            at_once += payment.dollars
        elif payment.method is OrderPaymentMethod.CARD:
            by_card += payment.dollars
    card_money.check_withdrawable(session, actor.user_id, at_once)
    if by_card:
        _check_leaving(session, actor, by_card)


def _check_leaving(session: Session, actor: Actor, by_card: Amount) -> None:
    limits_service.check(
        session,
        kyc_queries.accounts_of_person(session, actor.user_id),
        Demand(
            CARD_LEAVING,
            current(session, OrderPaymentRules).card_leaving_max.units,
            by_card.units,
            timedelta(days=current(session, CardMoneyRules).withheld_days),
        ),
    )
