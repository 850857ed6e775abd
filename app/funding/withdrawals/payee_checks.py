"""Checks of a withdrawal's payee: the customer themselves, and not on the sanctions list.

The payee is screened at the request, while the withdrawal is in review, and at its release.
"""

from collections.abc import Mapping
from uuid import UUID

from app.access import Actor
from app.catalog.rules import PaymentMethod
from app.custody import addresses
from app.funding.errors import PayeeBlocked
from app.funding.limits import PaymentLimits
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import destinations
from app.identity.accounts import queries as account_queries
from app.identity.accounts.queries import PersonProfile
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kyc.submission import queries as submission_queries
from app.screening import queries as screening_queries
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject, Verdict

PURPOSE = "payout"


def check_destination_owner(
    session: Session, actor: Actor, method: PaymentMethod, destination: Mapping[str, str]
) -> None:
    """Raise `Invalid` for a destination that cannot belong to the customer."""
    person = account_queries.get_person(session, actor.user_id)
    if method is PaymentMethod.BANK and not destinations.holder_is_person(
        destination["holder"], *_name_of(session, person)
    ):
        raise Invalid(
            "destination.accountHolder", "Enter your own name. We pay out to your own account only."
        )
    if method is PaymentMethod.MOBILE_MONEY and destination["phone"] != person.phone:
        raise Invalid("destination.phone", "Enter the phone number of your profile.")
    if method is PaymentMethod.CRYPTO and addresses.is_own_address(session, destination["address"]):
        raise Invalid(
            "destination.address",
            "Enter an address of your own. This is one of our deposit addresses.",
        )


def _name_of(session: Session, person: PersonProfile) -> tuple[str, str]:
    """Return the verified names, or those of the profile for a tier that was set by hand."""
    verified = submission_queries.verified_name(session, person.id)
    return verified or (person.first_name, person.last_name)


def screen_payee(
    session: Session,
    user_id: UUID,
    reference: str,
    method: PaymentMethod,
    destination: Mapping[str, str],
) -> Verdict | None:
    """Screen the payee against the sanctions list, and return the verdict; None without a list.

    Raises `PayeeBlocked`.
    """
    person = account_queries.get_person(session, user_id)
    name = destination.get("holder") or " ".join(_name_of(session, person))
    try:
        screenings = [
            screening.screen(
                session,
                ScreeningSubject((name,)),
                about=reference,
                purpose=PURPOSE,
                person_id=user_id,
            )
        ]
        if method is PaymentMethod.CRYPTO:
            screenings.append(
                screening.screen_wallet(
                    session,
                    destination["address"],
                    about=reference,
                    purpose=PURPOSE,
                    person_id=user_id,
                )
            )
    except NoSanctionsList:
        return None
    # The verdict on the customer counts too, whatever name the account bears.
    verdicts = {result.verdict for result in screenings} | {
        screening_queries.verdict_of(session, user_id)
    }
    if Verdict.BLOCKED in verdicts:
        raise PayeeBlocked
    return Verdict.REVIEW if Verdict.REVIEW in verdicts else Verdict.CLEAR


def status_after_screening(
    verdict: Verdict | None, value: Amount, payment_limits: PaymentLimits
) -> WithdrawalStatus:
    """Return the status that follows from the verdict and the value in dollars."""
    if verdict is not Verdict.CLEAR:
        return WithdrawalStatus.IN_REVIEW
    if payment_limits.approval_from <= value:
        return WithdrawalStatus.AWAITING_APPROVAL
    return WithdrawalStatus.APPROVED
