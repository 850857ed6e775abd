"""What is flagged at the top of a customer's page, and the kinds of its timeline."""

from typing import Self

from app.access import Permission
from app.kit.labels import LabelledEnum, Mark, StatusEnum


class CustomerFlag(StatusEnum):
    """What staff have to know of a customer before they say or do anything."""

    BLOCKED = "blocked", "On a sanctions list", Mark.STOPPED
    SUSPENDED = "suspended", "Suspended", Mark.STOPPED
    HIT = "hit", "Sanctions check open", Mark.REVIEW
    OWES = "owes", "Owes PBCEx", Mark.PROBLEM
    CASE_OPEN = "case_open", "Open case", Mark.REVIEW


class VerifiedMark(StatusEnum):
    """Whether an email address or a phone number was shown to be the customer's."""

    VERIFIED = "verified", "Verified", Mark.DONE
    UNVERIFIED = "unverified", "Not verified", Mark.UNCERTAIN

    @classmethod
    def of(cls, verified_at: object) -> Self:
        """Return the mark of what was verified at this time, None if it never was."""
        return cls("unverified" if verified_at is None else "verified")


class TimelineKind(LabelledEnum):
    """What an entry of the timeline is about, and the permission to see it."""

    permission: Permission

    ORDER = "order", "Order", Permission.SHOP_ORDERS_READ
    REDEMPTION = "redemption", "Redemption", Permission.REDEMPTIONS_READ
    DEPOSIT = "deposit", "Deposit", Permission.PAYMENTS_READ
    WITHDRAWAL = "withdrawal", "Withdrawal", Permission.PAYMENTS_READ
    TRADE = "trade", "Conversion", Permission.PAYMENTS_READ
    VERIFICATION = "verification", "Verification", Permission.KYC_READ
    MESSAGE = "message", "Message", Permission.PEOPLE_READ
    SIGN_IN = "sign_in", "Sign-in", Permission.PEOPLE_READ
    CASE = "case", "Case", Permission.CASES_READ

    def __init__(self, value: str, label: str = "", permission: Permission | None = None) -> None:
        super().__init__(value, label)
        if permission is None:
            raise TypeError(f"{value!r} has no permission")
        self.permission = permission
