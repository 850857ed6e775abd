"""The way of a person from nothing to tier 2, and what stops it."""

from app.kyc.rules import Flag, Status
from tests.kyc.applicant import Applicant
from tests.played import Sandbox


def test_who_submitted_nothing_has_nothing(ada: Applicant) -> None:
    assert ada.status == {
        "id": None,
        "status": "none",
        "tier": 0,
        "limits": {"daily": {"asset": "USD", "amount": "0.00"}, "redemption": False},
        "submittedAt": None,
        "decidedAt": None,
        "expiresAt": None,
        "reasons": [],
        "missing": ["identity"],
        "verificationUrl": None,
        "documents": [],
        "renewal": None,
        "upgrade": None,
        "business": None,
    }


def test_data_give_tier_1_and_the_provider_tier_2(ada: Applicant, sandbox: Sandbox) -> None:
    shown = ada.submitted(idNumber="123-45-6789", idType="SSN")
    assert (shown["status"], shown["tier"]) == ("pending", 1)
    assert shown["limits"]["daily"]["amount"] == "1000.00"
    ada.work()
    waiting = ada.status
    assert (waiting["status"], waiting["tier"]) == ("pending", 1)
    assert waiting["verificationUrl"].startswith("https://verify.plaid.com/verify/idv_")
    ada.work(sandbox)
    done = ada.status
    assert (done["status"], done["tier"]) == ("approved", 2)
    assert done["limits"] == {"daily": {"asset": "USD", "amount": "10000.00"}, "redemption": True}
    assert done["missing"] == ["document:identity", "document:address", "document:funds"]
    assert done["verificationUrl"] is None
    assert ada.messages == ["You are verified: tier 2"]
