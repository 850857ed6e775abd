"""Whether a withdrawal may go to where it is to go: the customer's own, and on no list. Checked
when it is asked for, and again for as long as it is in question.
"""

from collections.abc import Mapping
from uuid import UUID

from app.access import Actor
from app.custody import addresses
from app.funding import destinations
from app.funding.errors import RecipientBlocked
from app.funding.ports import Method
from app.funding.statuses import PaymentLimits, WithdrawalStatus
from app.identity import queries as people
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.screening import queries as standings
from app.screening import service as screening
from app.screening.errors import NoSanctionsList
from app.screening.rules import Named, Verdict

PURPOSE = "payout"


def check_owner(session: Session, actor: Actor, method: Method, where: Mapping[str, str]) -> None:
    """Raises `Invalid` for a destination that cannot be the customer's own."""
    person = people.person_by_id(session, actor.user_id)
    if method is Method.BANK and not destinations.names_person(
        where["holder"], person.first_name, person.last_name
    ):
        raise Invalid(
            "destination.accountHolder", "must be yourself: we pay to your own account only"
        )
    if method is Method.MOBILE_MONEY and where["phone"] != person.phone:
        raise Invalid("destination.phone", "must be the phone number of your profile")
    if method is Method.CRYPTO and addresses.is_ours(session, where["address"]):
        raise Invalid("destination.address", "is one of our own deposit addresses")


def screen(
    session: Session, user_id: UUID, about: str, method: Method, where: Mapping[str, str]
) -> Verdict | None:
    """What the sanctions list says of the recipient; None while there is no list. Raises
    `RecipientBlocked`."""
    person = people.person_by_id(session, user_id)
    name = where.get("holder") or f"{person.first_name} {person.last_name}"
    try:
        found = [
            screening.screen(
                session, Named((name,)), about=about, purpose=PURPOSE, person_id=user_id
            )
        ]
        if method is Method.CRYPTO:
            found.append(
                screening.screen_address(
                    session, where["address"], about=about, purpose=PURPOSE, person_id=user_id
                )
            )
    except NoSanctionsList:
        return None
    # What the customer themselves are taken for counts too, whatever name the account bears.
    verdicts = {each.verdict for each in found} | {standings.standing(session, user_id)}
    if Verdict.BLOCKED in verdicts:
        raise RecipientBlocked
    return Verdict.REVIEW if Verdict.REVIEW in verdicts else Verdict.CLEAR


def after_screening(
    verdict: Verdict | None, value: Amount, allowed: PaymentLimits
) -> WithdrawalStatus:
    if verdict is not Verdict.CLEAR:
        return WithdrawalStatus.IN_REVIEW
    if allowed.approval_from <= value:
        return WithdrawalStatus.AWAITING_APPROVAL
    return WithdrawalStatus.APPROVED
