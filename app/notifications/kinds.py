"""The kinds of messages, as classes whose fields are their facts; account_kinds.py, desk_kinds.py,
document_kinds.py, fee_kinds.py, order_kinds.py, refund_kinds.py, return_kinds.py and
shipment_kinds.py have more.

To add one: its class in one of the nine, its text in `messages/templates`, one in
`messages/templates/sms` if it is sent by SMS, and one in `messages/templates/bundle` if its emails
are bundled. A fact has the type that the rooms use, and `notify` writes it as a text that a program
reads: an `Amount` called `from_amount` as the values `from_amount` and `from_asset`, a time as RFC
3339. The template writes them for people (messages/rendering.py). No fact may hold a secret.

Nothing is rendered again from an old version: an inbox message is stored as rendered, the texts of
emails and SMS are not stored, and a staged job is rendered with the current template. So wording is
edited in place; a template that needs other values gets a new file and number.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.catalog.rules import PaymentMethod
from app.kit.ids import PublicId
from app.kit.labels import LabelledEnum
from app.kit.money import Amount
from app.notifications.facts import Facts, MessageFacts, email_only
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class ApprovalWaiting(MessageFacts):
    """A request waits for the second person. Its subject is not named."""

    kind = email_only("approval_waiting", Topic.DUTIES, cause="you work at PBCEx and may decide it")
    what: str
    expires_at: datetime


@dataclass(frozen=True)
class StockLow(MessageFacts):
    """Products became low at locations, or ran out. `places` names the first of them, one in each
    line."""

    kind = email_only("stock_low", Topic.DUTIES, cause="you work at PBCEx and receive goods")
    count: int
    places: str


@dataclass(frozen=True)
class FeeTerms(Facts):
    """What we take from the amount of a payment, and what is left of it."""

    fee: Amount
    receives: Amount


@dataclass(frozen=True)
class DepositTerms(Facts):
    """What every message about a deposit says."""

    deposit: PublicId
    amount: Amount
    method: PaymentMethod


@dataclass(frozen=True)
class DepositCredited(MessageFacts):
    """A deposit came."""

    kind = MessageKind("deposit_credited", Topic.DEPOSITS)
    terms: DepositTerms
    fee_terms: FeeTerms
    credited_at: datetime


@dataclass(frozen=True)
class DebtCollected(MessageFacts):
    """What came free on the customer's account went to what they owe us. `owed` is what is left."""

    kind = MessageKind("debt_collected", Topic.DEPOSITS)
    amount: Amount
    owed: Amount


@dataclass(frozen=True)
class CashReceiptRequested(MessageFacts):
    """A customer asked for a copy of the receipt of cash at a counter. `what` says what it is
    of."""

    kind = email_only("cash_receipt", Topic.DEPOSITS, cause="you asked for it at the counter")
    receipt: str
    what: str
    amount: Amount
    branch: str
    paid_at: datetime


@dataclass(frozen=True)
class DepositDisputed(MessageFacts):
    """The payment of a deposit was taken back from us. `owed` is what their balance did not
    cover."""

    kind = MessageKind("deposit_disputed", Topic.DEPOSITS)
    terms: DepositTerms
    owed: Amount


@dataclass(frozen=True)
class DepositRefunded(MessageFacts):
    """A deposit was paid back to the card. `owed` is what the customer's balance did not cover."""

    kind = MessageKind("deposit_refunded", Topic.DEPOSITS)
    terms: DepositTerms
    owed: Amount


@dataclass(frozen=True)
class DepositFailed(MessageFacts):
    """A deposit will not come. The reason is whole sentences."""

    kind = MessageKind("deposit_failed", Topic.DEPOSITS)
    terms: DepositTerms
    reason: str


@dataclass(frozen=True)
class UnsupportedTokensArrived(MessageFacts):
    """Tokens that PBCEx does not support arrived at the person's address: how many of which."""

    kind = MessageKind("unsupported_tokens", Topic.DEPOSITS)
    tokens: str


@dataclass(frozen=True)
class DepositPending(MessageFacts):
    """A payment by card or mobile money waits for the customer or their bank."""

    kind = MessageKind("deposit_pending", Topic.DEPOSITS, version=3, sms_version=2)
    terms: DepositTerms
    fee_terms: FeeTerms


@dataclass(frozen=True)
class BankInstructions(Facts):
    """The account at a bank to pay into."""

    account_number: str
    routing_number: str
    bank_name: str


@dataclass(frozen=True)
class TokenInstructions(Facts):
    """The address to send tokens to."""

    network: str
    address: str


@dataclass(frozen=True)
class TransferAwaited(DepositPending):
    """A deposit by bank or token transfer was announced: where to pay."""

    instructions: BankInstructions | TokenInstructions
    #: After how many days the deposit is closed if nothing arrives.
    closes_after_days: int


@dataclass(frozen=True)
class VerificationFacts(MessageFacts):
    """What was verified: `about` is "your identity", for example."""

    about: str


@dataclass(frozen=True)
class DocumentUnusable(MessageFacts):
    """A document that a person sent cannot be used. The problem is a sentence."""

    kind = MessageKind("document_unusable", Topic.VERIFICATION)
    document: str
    problem: str


@dataclass(frozen=True)
class KycApproved(VerificationFacts):
    """A verification was approved. `tier` and `limit` are None where it grants none."""

    kind = MessageKind("kyc_approved", Topic.VERIFICATION)
    tier: int | None
    limit: Amount | None


@dataclass(frozen=True)
class KycExpiring(VerificationFacts):
    """A verification is about to expire."""

    kind = MessageKind("kyc_expiring", Topic.VERIFICATION)
    until: date


@dataclass(frozen=True)
class KycMoreNeeded(VerificationFacts):
    """A verification needs more from the person. The labels of the reasons are sentences."""

    kind = MessageKind("kyc_more_needed", Topic.VERIFICATION)
    reasons: tuple[LabelledEnum, ...]


@dataclass(frozen=True)
class KycRejected(VerificationFacts):
    """A verification was rejected. The labels of the reasons are sentences."""

    kind = MessageKind("kyc_rejected", Topic.VERIFICATION)
    reasons: tuple[LabelledEnum, ...]


@dataclass(frozen=True)
class RedemptionSubmitted(MessageFacts):
    """A redemption waits for its approval. `pieces` has a line for each product."""

    kind = MessageKind("redemption_submitted", Topic.TRADES)
    redemption: PublicId
    redeemed: Amount
    pieces: str
    costs: Amount
    expires_at: datetime


@dataclass(frozen=True)
class RedemptionApproved(MessageFacts):
    """A redemption is approved: metal and dollars are taken. `pieces` has a line for each product,
    `next_step` says what happens to them, in a sentence."""

    kind = MessageKind("redemption_approved", Topic.TRADES)
    redemption: PublicId
    next_step: str
    pieces: str
    metal: Amount
    dollars: Amount


@dataclass(frozen=True)
class RedemptionEnded(MessageFacts):
    """A redemption ended before it was approved. The reason is one sentence or more."""

    kind = MessageKind("redemption_ended", Topic.TRADES)
    redemption: PublicId
    reason: str
    redeemed: Amount


@dataclass(frozen=True)
class TradeConfirmed(MessageFacts):
    """An order was filled."""

    kind = MessageKind("trade_confirmed", Topic.TRADES, bundled_within=timedelta(minutes=1))
    order: PublicId
    from_amount: Amount
    to_amount: Amount
    price: Decimal
    fee_amount: Amount
    executed_at: datetime


@dataclass(frozen=True)
class WithdrawalTerms(Facts):
    """What every message about a withdrawal says. The destination is masked."""

    withdrawal: PublicId
    amount: Amount
    method: PaymentMethod
    destination: str


@dataclass(frozen=True)
class WithdrawalNeedsApproval(MessageFacts):
    """A withdrawal waits for our staff."""

    kind = MessageKind("withdrawal_needs_approval", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    fee_terms: FeeTerms


@dataclass(frozen=True)
class WithdrawalCancelled(MessageFacts):
    """The customer cancelled a withdrawal."""

    kind = MessageKind("withdrawal_cancelled", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    cancelled_at: datetime


@dataclass(frozen=True)
class WithdrawalCompleted(MessageFacts):
    """A withdrawal arrived."""

    kind = MessageKind("withdrawal_completed", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    fee_terms: FeeTerms
    completed_at: datetime


@dataclass(frozen=True)
class WithdrawalFailed(MessageFacts):
    """A withdrawal was not made, or was returned. The reason is whole sentences."""

    kind = MessageKind("withdrawal_failed", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    reason: str
    #: What is back in the customer's account.
    released: Amount


@dataclass(frozen=True)
class WithdrawalRequested(MessageFacts):
    """The customer requested a withdrawal."""

    kind = MessageKind("withdrawal_requested", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    fee_terms: FeeTerms
    requested_at: datetime


@dataclass(frozen=True)
class NewDestination(MessageFacts):
    """A withdrawal to a destination that the customer had not used waits before it is sent."""

    kind = email_only("new_destination")
    terms: WithdrawalTerms
    payable_from: datetime


@dataclass(frozen=True)
class WithdrawalSent(MessageFacts):
    """A withdrawal is on its way."""

    kind = MessageKind("withdrawal_sent", Topic.WITHDRAWALS)
    terms: WithdrawalTerms
    fee_terms: FeeTerms
    sent_at: datetime
