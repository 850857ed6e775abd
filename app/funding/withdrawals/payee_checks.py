"""Whether a withdrawal may go to where it is to go: the customer's own, and on no list. Checked
when it is asked for, and again for as long as it is in question.
"""

from collections.abc import Mapping
from uuid import UUID

from app.access import Actor
from app.custody import addresses
from app.funding.errors import PayeeBlocked
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentMethod
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
    session: Session, actor: Actor, method: PaymentMethod, where: Mapping[str, str]
) -> None:
    """Raises `Invalid` for a destination that cannot be the customer's own."""
    person = account_queries.get_person(session, actor.user_id)
    if method is PaymentMethod.BANK and not destinations.holder_is_person(
        where["holder"], *_name_of(session, person)
    ):
        raise Invalid(
            "destination.accountHolder", "Enter your own name. We pay out to your own account only."
        )
    if method is PaymentMethod.MOBILE_MONEY and where["phone"] != person.phone:
        raise Invalid("destination.phone", "Enter the phone number of your profile.")
    if method is PaymentMethod.CRYPTO and addresses.is_own_address(session, where["address"]):
        raise Invalid(
            "destination.address",
            "Enter an address of your own. This is one of our deposit addresses.",
        )


def _name_of(session: Session, person: PersonProfile) -> tuple[str, str]:
    """As they were verified; by what they call themselves only where that was nobody's business:
    whoever was lifted by hand, as the people of the sample are."""
    verified = submission_queries.verified_name(session, person.id)
    return verified or (person.first_name, person.last_name)


def screen_payee(
    session: Session, user_id: UUID, about: str, method: PaymentMethod, where: Mapping[str, str]
) -> Verdict | None:
    """What the sanctions list says of the recipient; None while there is no list. Raises
    `PayeeBlocked`."""
    person = account_queries.get_person(session, user_id)
    name = where.get("holder") or " ".join(_name_of(session, person))
    try:
        found = [
            screening.screen(
                session, ScreeningSubject((name,)), about=about, purpose=PURPOSE, person_id=user_id
            )
        ]
        if method is PaymentMethod.CRYPTO:
            found.append(
                screening.screen_wallet(
                    session, where["address"], about=about, purpose=PURPOSE, person_id=user_id
                )
            )
    except NoSanctionsList:
        return None
    # What the customer themselves are taken for counts too, whatever name the account bears.
    verdicts = {each.verdict for each in found} | {screening_queries.verdict_of(session, user_id)}
    if Verdict.BLOCKED in verdicts:
        raise PayeeBlocked
    return Verdict.REVIEW if Verdict.REVIEW in verdicts else Verdict.CLEAR


def status_after_screening(
    verdict: Verdict | None, value: Amount, allowed: PaymentLimits
) -> WithdrawalStatus:
    if verdict is not Verdict.CLEAR:
        return WithdrawalStatus.IN_REVIEW
    if allowed.approval_from <= value:
        return WithdrawalStatus.AWAITING_APPROVAL
    return WithdrawalStatus.APPROVED
