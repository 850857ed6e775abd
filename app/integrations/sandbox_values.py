"""What customers can send to see how a payment, a phone or a verification goes wrong.

Each row has the field, its value, and what the sandbox of providers does with it. That is a program
of its own, which servers do not have: tests/sandbox compares the values with those of its modules.
"""

SPECIAL_VALUES = (
    ("`paymentMethod` of a card", "pm_card_visa", "The payment succeeds."),
    ("`paymentMethod` of a card", "pm_card_mastercard", "The payment succeeds."),
    ("`paymentMethod` of a card", "pm_card_chargeDeclined", "The card is declined."),
    (
        "`paymentMethod` of a card",
        "pm_card_chargeDeclinedInsufficientFunds",
        "The card is declined: it has too little money.",
    ),
    (
        "`paymentMethod` of a card",
        "pm_card_chargeDeclinedLostCard",
        "The card is declined: it was reported lost.",
    ),
    (
        "`paymentMethod` of a card",
        "pm_card_authenticationRequired",
        "The card's bank wants the payment confirmed: the deposit stays `pending`.",
    ),
    (
        "`paymentMethod` of a card",
        "pm_card_createDispute",
        "The payment succeeds, and is disputed after that.",
    ),
    ("`accountNumber` of a withdrawal", "…0001", "The payout fails."),
    ("`accountNumber` of a withdrawal", "…0002", "The payout is returned after it arrived."),
    ("`phone` of mobile money", "…01", "The phone has too little money; a payout to it fails."),
    ("`phone` of mobile money", "…02", "The prompt is cancelled."),
    ("`phone` of mobile money", "…03", "The phone is switched off."),
    ("`phone` of mobile money", "…04", "A wrong PIN is entered."),
    ("`phone` of the profile", "…0001", "Text messages do not arrive: the number is unknown."),
    ("`phone` of the profile", "…0003", "Text messages do not arrive: it cannot be reached."),
    ("`lastName` of a verification", "Failed…", "The verification is rejected."),
    ("`lastName` of a verification", "Review…", "Staff review the verification."),
    ("`lastName` of a verification", "Expired…", "It is not finished in time at the provider."),
    ("`lastName` of a verification", "Canceled…", "It is cancelled at the provider."),
    ("`lastName` of a verification", "Waiting…", "The verification stays `pending`."),
    ("`street` of a shipping address", "Lost…", "The parcel is lost on its way."),
    ("`street` of a shipping address", "Damaged…", "The parcel is damaged on its way."),
    ("`street` of a shipping address", "Returned…", "The parcel comes back to us."),
    ("`street` of a shipping address", "Held…", "The carrier holds the parcel."),
    ("`street` of a shipping address", "Wrong…", "The carrier asks for another address."),
)
