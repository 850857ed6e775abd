"""Checks of a withdrawal's payee: the customer themselves, and not on the sanctions list.

The payee is screened at the request, while the withdrawal is in review, and at its release.
"""

from uuid import UUID

from app.catalog.rules import PaymentMethod
from app.custody import addresses
from app.funding import limits
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import destinations
from app.funding.withdrawals.destinations import Destination
from app.identity.errors import PhoneNotVerified
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kyc.submission.queries import CustomerIdentity
from app.screening import queries as screening_queries
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.rules import PartyType, ScreeningSubject, Verdict

PURPOSE = "payout"


def check_destination_owner(
    session: Session,
    customer: CustomerIdentity,
    method: PaymentMethod,
    destination: Destination,
) -> None:
    """Raise `Invalid` for a destination that cannot belong to the customer, and `PhoneNotVerified`
    for a phone that has not shown it."""
    match method:
        case PaymentMethod.BANK:
            if not destinations.holder_is_person(
                destination["holder"], customer.first_name, customer.last_name
            ):
                raise Invalid(
                    "destination.accountHolder",
                    "Enter your own name. We pay out to your own account only.",
                )
        case PaymentMethod.CRYPTO:
            if addresses.is_own_address(session, destination["address"]):
                raise Invalid(
                    "destination.address",
                    "Enter an address of your own. This is one of our deposit addresses.",
                )
        case _:
            if destination["phone"] != customer.phone:
                raise Invalid("destination.phone", "Enter the phone number of your profile.")
            if not customer.phone_verified:
                raise PhoneNotVerified


def screen_payee(
    session: Session, customer: CustomerIdentity, reference: str, destination: Destination
) -> Verdict | None:
    """Screen the payee against the sanctions list, and return the verdict; None without a list."""
    name = destination.get("holder") or customer.name
    try:
        results = [
            screening.screen(
                session,
                _payee(customer, name),
                about=reference,
                purpose=PURPOSE,
                person_id=customer.id,
            )
        ]
        if "address" in destination:
            results.append(
                screening.screen_wallet(
                    session,
                    destination["address"],
                    about=reference,
                    purpose=PURPOSE,
                    person_id=customer.id,
                )
            )
    except NoSanctionsList:
        return None
    # The verdict on the customer counts too, whatever name the account bears.
    verdicts = {result.verdict for result in results} | {
        screening_queries.verdict_of(session, customer.id)
    }
    if Verdict.BLOCKED in verdicts:
        return Verdict.BLOCKED
    return Verdict.REVIEW if Verdict.REVIEW in verdicts else Verdict.CLEAR


def _payee(customer: CustomerIdentity, name: str) -> ScreeningSubject:
    """Return the customer under the account's name, with what was verified about them."""
    return ScreeningSubject(
        (name,),
        customer.birth_date,
        party_type=PartyType.INDIVIDUAL,
        residences=frozenset({customer.country} if customer.country else ()),
        numbers=(customer.phone,) if customer.phone else (),
    )


def status_after_screening(
    session: Session, verdict: Verdict | None, user_id: UUID, withdrawal_id: UUID, value: Amount
) -> WithdrawalStatus:
    """Return the status that follows from the verdict and the value in dollars, with those of the
    person's other withdrawals."""
    match verdict:
        case Verdict.BLOCKED:
            return WithdrawalStatus.REJECTED
        case Verdict.CLEAR if limits.needs_approval(session, user_id, withdrawal_id, value):
            return WithdrawalStatus.AWAITING_APPROVAL
        case Verdict.CLEAR:
            return WithdrawalStatus.APPROVED
        case _:
            return WithdrawalStatus.IN_REVIEW


def evidence_of(verdict: Verdict | None) -> str:
    """Return what the records say about the screening."""
    return f"screening: {verdict or 'no list'}"
