"""A message of every class with its facts, each fact different from the others."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from app.access import Role
from app.catalog.rules import USD, XAU, PaymentMethod
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kyc.rules import ReasonCode
from app.notifications import (
    account_kinds,
    desk_kinds,
    document_kinds,
    fee_kinds,
    kinds,
    order_kinds,
    refund_kinds,
    return_kinds,
    shipment_kinds,
)
from app.notifications.facts import MessageFacts
from app.notifications.service import write_values
from app.pictures.rules import FileProblem

AT = datetime(2026, 11, 28, 23, 21, 45, 123000, tzinfo=UTC)
LINK_ID = UUID(int=7)
DEPOSIT = kinds.DepositTerms(
    PublicId("dep_01"), Amount.parse(USD, "15000.00"), PaymentMethod.MOBILE_MONEY
)
BANK_DEPOSIT = kinds.DepositTerms(
    PublicId("dep_02"), Amount.parse(USD, "15000.00"), PaymentMethod.BANK
)
WITHDRAWAL = kinds.WithdrawalTerms(
    PublicId("wdr_01"), Amount.parse(USD, "15000.00"), PaymentMethod.BANK, "account ending 6789"
)
FEE = kinds.FeeTerms(fee=Amount.parse(USD, "12.10"), receives=Amount.parse(USD, "14987.90"))
REASONS = (ReasonCode.DOCUMENT_UNREADABLE, ReasonCode.DOCUMENT_EXPIRED)
BANK = kinds.BankInstructions("000123456789", "110000000", "First Bank")
TOKENS = kinds.TokenInstructions("ETHEREUM", "0x71C7656EC7ab88b098defB751B7401B5f6d8976F")

SAMPLES: tuple[MessageFacts, ...] = (
    kinds.ApprovalWaiting("Suspend a person", AT),
    desk_kinds.MentionedInNote(PublicId("usr_01")),
    desk_kinds.GoodwillCredited(Amount.parse(USD, "15000.00")),
    account_kinds.ApiKeyCreated("pbk_x8Tq1z", "9k_A", AT, AT.replace(year=2027)),
    account_kinds.ConfirmEmail(LINK_ID),
    kinds.CashReceiptRequested(
        "MAIN-1204", "Cash deposit", Amount.parse(USD, "15000.00"), "Main Street", AT
    ),
    kinds.DebtCollected(Amount.parse(USD, "15000.00"), owed=Amount.parse(USD, "14000.50")),
    kinds.DepositCredited(DEPOSIT, FEE, AT),
    kinds.DepositDisputed(DEPOSIT, owed=Amount.parse(USD, "14000.50")),
    refund_kinds.CardRefundFailed(PublicId("dep_01"), Amount.parse(USD, "15000.00")),
    kinds.DepositRefunded(DEPOSIT, owed=Amount.parse(USD, "14000.50")),
    kinds.DepositFailed(DEPOSIT, "The card has expired."),
    kinds.DepositPending(DEPOSIT, FEE),
    kinds.UnsupportedTokensArrived("25.00 USDT"),
    kinds.TransferAwaited(BANK_DEPOSIT, FEE, BANK, 10),
    account_kinds.ExportReady(PublicId("exp_01"), AT),
    order_kinds.GoodsOrderPaid(
        PublicId("ord_01"),
        10_000_001,
        "We pack your goods and tell you when they are on their way.",
        "2 x American Gold Eagle, 1 oz: 8,310.00 USD\n1 x Gold bar, 100 g: 12,950.00 USD",
        Amount.parse(USD, "0.62"),
        Amount.parse(USD, "9.95"),
        Amount.parse(USD, "53.15"),
        Amount.parse(USD, "21323.72"),
        AT,
    ),
    shipment_kinds.GoodsShipped(
        PublicId("shp_01"), 50_000_001, "order 10000001", "FedEx 794600000015"
    ),
    shipment_kinds.GoodsDelayed(
        PublicId("shp_01"), 50_000_002, "order 10000001", "1 x Gold bar, 100 g", date(2026, 12, 5)
    ),
    shipment_kinds.GoodsDelivered(PublicId("shp_01"), 50_000_001, "order 10000001", AT),
    shipment_kinds.GoodsReady(
        LINK_ID, PublicId("shp_01"), 50_000_001, "order 10000001", "Harbour Street 1, Kingston, JM"
    ),
    order_kinds.GoodsOrderWaiting(
        PublicId("ord_01"),
        10_000_001,
        "1 x American Gold Eagle, 1 oz: 4,155.00 USD",
        Amount.parse(USD, "21323.72"),
        Amount.parse(USD, "4155.00"),
        AT,
    ),
    order_kinds.GoodsOrderReminder(
        PublicId("ord_01"),
        10_000_001,
        Amount.parse(USD, "21323.72"),
        Amount.parse(USD, "4155.00"),
        AT,
    ),
    document_kinds.DocumentIssued(
        PublicId("sdc_01"), "Invoice PBCEX-INV-000123", Amount.parse(USD, "21323.72"), AT
    ),
    order_kinds.OrderReviewDue(PublicId("ord_01"), 10_000_001, AT, "Then it is cancelled."),
    order_kinds.GoodsOrderReaddressed(
        PublicId("ord_01"), 10_000_001, "1 Beacon Street, Boston, MA 02108, US", AT
    ),
    order_kinds.GoodsOrderStopped(PublicId("ord_01"), 10_000_001, Amount.parse(USD, "21323.72")),
    order_kinds.GoodsOrderNote(PublicId("ord_01"), 10_000_001, "Your coins are of the year 2025."),
    order_kinds.GoodsOrderHeld(
        PublicId("ord_01"),
        10_000_001,
        "1 x American Gold Eagle, 1 oz: 4,155.00 USD",
        Amount.parse(USD, "21323.72"),
    ),
    return_kinds.GoodsReturnChanged(
        PublicId("rma_01"), 70_000_001, 10_000_001, "The goods that you return have arrived."
    ),
    fee_kinds.StorageFeeCharged(
        PublicId("sfe_01"),
        "Nov 2026",
        Amount.parse(USD, "12.10"),
        "10.00 USD from your dollars, 2.10 USD by selling 0.00052606 XAU-s at 3,992.00 USD",
        "Gold: 28.2 ozt on average, 1 ozt free; worth 108,800.00 USD x 0.12 % x 30/365 days = "
        "10.73 USD\nSilver: 120 ozt on average, 50 ozt free; worth 3,473.68 USD x 0.48 % x "
        "30/365 days = 1.37 USD",
    ),
    fee_kinds.StorageFeeOwed(
        PublicId("sfe_01"),
        "Nov 2026",
        Amount.parse(USD, "12.10"),
        Amount.parse(USD, "14000.50"),
        "1.10 USD from your dollars",
        "Gold: 31.7 ozt on average, 1 ozt free; worth 122,700.00 USD x 0.12 % x 30/365 days = "
        "12.10 USD",
    ),
    fee_kinds.StorageFeeWaived(PublicId("sfe_01"), "Nov 2026", Amount.parse(USD, "12.10")),
    refund_kinds.GoodsOrderRefunded(
        PublicId("ord_01"),
        10_000_001,
        "You cancelled it.",
        Amount.parse(USD, "841.68"),
        Amount.parse(USD, "1.00"),
        Amount.parse(USD, "30.99"),
        Amount.parse(USD, "100.00"),
        Amount.parse(USD, "12.10"),
        Amount.parse(USD, "831.37"),
        owed=Amount.parse(USD, "14000.50"),
    ),
    order_kinds.GoodsOrderCancelled(
        PublicId("ord_01"),
        10_000_001,
        "Your payment did not arrive in time.",
        Amount.parse(USD, "21323.72"),
    ),
    account_kinds.GuestSignIn(LINK_ID),
    account_kinds.Invitation(LINK_ID, Role.TELLER),
    kinds.DocumentUnusable("Proof of address", FileProblem.ENCRYPTED.label),
    kinds.KycApproved("your company", 2, Amount.parse(USD, "1000.00")),
    kinds.KycExpiring("your company", date(2026, 11, 22)),
    kinds.KycMoreNeeded("your company", REASONS),
    kinds.KycRejected("your company", REASONS),
    kinds.NewDestination(WITHDRAWAL, AT),
    account_kinds.PasskeyAdded(AT),
    account_kinds.PasskeyRemoved(AT),
    account_kinds.PasswordChanged(AT, 3),
    account_kinds.PhoneChanged(AT, "789"),
    account_kinds.PinChanged(AT),
    account_kinds.PhoneCodeRequested(LINK_ID),
    account_kinds.ErasureConfirmed(PublicId("usr_01"), "31 CFR 1010.430", AT, date(2033, 1, 2)),
    account_kinds.RecoveryCodesRenewed(AT),
    kinds.RedemptionSubmitted(
        PublicId("rdm_01"),
        Amount.parse(XAU, "2.50000000"),
        "2 x American Gold Eagle, 1 oz\n1 x American Gold Eagle, 1/2 oz",
        Amount.parse(USD, "124.95"),
        AT,
    ),
    kinds.RedemptionApproved(
        PublicId("rdm_01"),
        "We pack your goods and tell you when they are on their way.",
        "2 x American Gold Eagle, 1 oz",
        Amount.parse(XAU, "2.00000000"),
        Amount.parse(USD, "124.95"),
    ),
    kinds.RedemptionEnded(PublicId("rdm_01"), "You cancelled it.", Amount.parse(XAU, "2.50000000")),
    account_kinds.ResetPassword(LINK_ID),
    account_kinds.SecondFactorOff(AT),
    account_kinds.SecondFactorOn(AT),
    account_kinds.SecondFactorRemoved(AT),
    account_kinds.WrongCodes(AT),
    kinds.StockLow(2, "AG-EAGLE-1OZ at NYC-STORE: low\nAU-EAGLE-1OZ at NYC-VAULT: out of stock"),
    kinds.TradeConfirmed(
        PublicId("trd_01"),
        Amount.parse(USD, "1000.00"),
        Amount.parse(XAU, "0.02487500"),
        Decimal("4008.000000"),
        Amount.parse(USD, "5.00"),
        AT,
    ),
    kinds.WithdrawalCancelled(WITHDRAWAL, AT),
    kinds.WithdrawalCompleted(WITHDRAWAL, FEE, AT),
    kinds.WithdrawalFailed(
        WITHDRAWAL, "The payment was returned to us.", released=Amount.parse(USD, "14998.00")
    ),
    kinds.WithdrawalNeedsApproval(WITHDRAWAL, FEE),
    kinds.WithdrawalRequested(WITHDRAWAL, FEE, AT),
    kinds.WithdrawalSent(WITHDRAWAL, FEE, AT),
)


def sample_values(kind: str) -> dict[str, str]:
    """Return the values of a kind's first sample."""
    return next(write_values(message) for message in SAMPLES if message.kind.name == kind)
