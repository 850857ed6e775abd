"""Deposits and withdrawals."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import payments as schemas_payments
from app.blueprints.api.schemas.fields import PageQuerySchema, parse_amount
from app.blueprints.api_blueprint import ApiBlueprint
from app.funding import customer_limits, payment_methods
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.errors import (
    CardMoneyUnsettled,
    DailyLimitExceeded,
    FeeChanged,
    NotCancellable,
    PayeeBlocked,
    PaymentMethodDisabled,
    ReceivableOutstanding,
    TooManyCardFailures,
    VerificationRequired,
)
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.identity.errors import PhoneNotVerified, ReauthenticationRequired
from app.kit import ids, pagination
from app.kit.db import Session
from app.ledger.errors import InsufficientFunds
from app.limits.errors import LimitExceeded
from app.pricing.errors import PriceStale

blp = ApiBlueprint("payments", "/api/wallet", "Deposits and withdrawals")

_WIRE = {"account_holder": "accountHolder", "account_number": "accountNumber",
         "routing_number": "routingNumber"}  # fmt: skip


@blp.operation(
    "GET",
    "/methods",
    operation_id="paymentsListMethods",
    permission=Permission.BALANCES_READ,
    response_schema=schemas_payments.PaymentMethodsSchema,
)
def list_methods(session: Session, _actor: Actor) -> object:
    """List the ways to pay in and out, with their fees and limits."""
    return {"data": payment_methods.list_terms(session)}


@blp.operation(
    "GET",
    "/fee",
    operation_id="paymentsQuoteFee",
    permission=Permission.BALANCES_READ,
    query_schema=schemas_payments.FeeQuerySchema,
    response_schema=schemas_payments.FeeSchema,
    refusals=(PaymentMethodDisabled,),
)
def show_fee(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """Show the fee of a payment before it is made, and what is left of the amount."""
    amount = parse_amount("amount", query["asset"], query["amount"])
    return payment_methods.quote_fee(session, query["direction"], query["method"], amount)


@blp.operation(
    "POST",
    "/deposit",
    operation_id="paymentsDeposit",
    permission=Permission.DEPOSITS_CREATE,
    body_schema=schemas_payments.DepositRequestSchema,
    response_schema=schemas_payments.DepositAnswerSchema,
    status=201,
    idempotent=True,
    refusals=(
        PhoneNotVerified,
        PaymentMethodDisabled,
        FeeChanged,
        VerificationRequired,
        LimitExceeded,
        DailyLimitExceeded,
        TooManyCardFailures,
        PriceStale,
    ),
)
def create_deposit(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Create a deposit.

    Once the status is `pending`, `instructions` says what to do. The amount that arrives is
    credited, whatever amount was announced, less the fee; the status is then `credited`.
    """
    deposit = deposits.request(
        session,
        actor,
        method=body["method"],
        amount=parse_amount("amount", body["asset"], body["amount"]),
        source=body.get("payment_method") or body.get("phone") or "",
        fee_max=schemas_payments.fee_max(body),
    )
    return {"deposit": deposit}


@blp.operation(
    "GET",
    "/limits",
    operation_id="paymentsListLimits",
    permission=Permission.KYC_STATUS,
    response_schema=schemas_payments.LimitsSchema,
)
def list_limits(session: Session, actor: Actor) -> object:
    """List the limits on deposits and withdrawals, and what is left of each."""
    return {"data": customer_limits.list_limits(session, actor.user_id)}


@blp.operation(
    "GET",
    "/deposits",
    operation_id="paymentsListDeposits",
    permission=Permission.DEPOSITS_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_payments.DepositsSchema,
)
def list_deposits(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the deposits, newest first."""
    return deposit_queries.deposits(
        session, user_id=actor.user_id, **pagination.page_arguments(query)
    )


@blp.operation(
    "GET",
    "/deposits/<deposit_id>",
    operation_id="paymentsShowDeposit",
    permission=Permission.DEPOSITS_READ,
    response_schema=schemas_payments.DepositAnswerSchema,
)
def show_deposit(session: Session, actor: Actor, deposit_id: str) -> object:
    """Show a deposit."""
    identifier = ids.decode(deposits.PREFIX, deposit_id)
    return {"deposit": deposit_queries.deposit(session, identifier, user_id=actor.user_id)}


@blp.operation(
    "POST",
    "/deposits/<deposit_id>/cancel",
    operation_id="paymentsCancelDeposit",
    permission=Permission.DEPOSITS_CREATE,
    response_schema=schemas_payments.DepositAnswerSchema,
    idempotent=True,
    refusals=(NotCancellable,),
)
def cancel_deposit(session: Session, actor: Actor, deposit_id: str) -> object:
    """Cancel a deposit.

    One that waits for the caller: an announced bank or token transfer, or a card payment that the
    card's bank wants confirmed.
    """
    identifier = ids.decode(deposits.PREFIX, deposit_id)
    return {"deposit": deposits.cancel(session, actor, identifier)}


@blp.operation(
    "POST",
    "/withdraw",
    operation_id="paymentsWithdraw",
    permission=Permission.WITHDRAWALS_CREATE,
    body_schema=schemas_payments.WithdrawalRequestSchema,
    response_schema=schemas_payments.WithdrawalAnswerSchema,
    status=201,
    idempotent=True,
    refusals=(
        PhoneNotVerified,
        ReauthenticationRequired,
        PaymentMethodDisabled,
        FeeChanged,
        VerificationRequired,
        LimitExceeded,
        DailyLimitExceeded,
        ReceivableOutstanding,
        CardMoneyUnsettled,
        PayeeBlocked,
        InsufficientFunds,
        PriceStale,
    ),
)
def create_withdrawal(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Create a withdrawal to an account of your own.

    The amount is held at once, and released if the withdrawal cannot be paid out. The fee is taken
    from it: `receives` is paid out. A destination that you have not used before needs a sign-in of
    the last ten minutes.
    """
    destination = {_WIRE.get(name, name): text for name, text in body["destination"].items()}
    withdrawal = withdrawals.request(
        session,
        actor,
        method=body["method"],
        amount=parse_amount("amount", body["asset"], body["amount"]),
        destination=destination,
        fee_max=schemas_payments.fee_max(body),
    )
    return {"withdrawal": withdrawal}


@blp.operation(
    "GET",
    "/withdrawals",
    operation_id="paymentsListWithdrawals",
    permission=Permission.WITHDRAWALS_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_payments.WithdrawalsSchema,
)
def list_withdrawals(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the withdrawals, newest first."""
    return withdrawal_queries.withdrawals(
        session, user_id=actor.user_id, **pagination.page_arguments(query)
    )


@blp.operation(
    "GET",
    "/withdrawals/<withdrawal_id>",
    operation_id="paymentsShowWithdrawal",
    permission=Permission.WITHDRAWALS_READ,
    response_schema=schemas_payments.WithdrawalAnswerSchema,
)
def show_withdrawal(session: Session, actor: Actor, withdrawal_id: str) -> object:
    """Show a withdrawal."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    return {"withdrawal": withdrawal_queries.withdrawal(session, identifier, user_id=actor.user_id)}


@blp.operation(
    "POST",
    "/withdrawals/<withdrawal_id>/cancel",
    operation_id="paymentsCancelWithdrawal",
    permission=Permission.WITHDRAWALS_CREATE,
    response_schema=schemas_payments.WithdrawalAnswerSchema,
    idempotent=True,
    refusals=(NotCancellable,),
)
def cancel_withdrawal(session: Session, actor: Actor, withdrawal_id: str) -> object:
    """Cancel a withdrawal before it is sent, and release its amount."""
    identifier = ids.decode(withdrawals.PREFIX, withdrawal_id)
    return {"withdrawal": withdrawals.cancel(session, actor, identifier)}
