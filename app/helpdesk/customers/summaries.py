"""What is at the top of a customer's page, on each of its parts."""

from dataclasses import dataclass

from app.access import Actor, Permission
from app.cases import queries as cases_queries
from app.funding import customer_limits
from app.funding.customer_limits import TierLimits
from app.helpdesk.customers.rules import CustomerFlag, VerifiedMark
from app.identity.accounts.people import AccountDetails
from app.identity.accounts.rules import AccountStatus
from app.kit.db import Session
from app.kyc import queries as kyc_queries
from app.ledger import queries as ledger_queries
from app.screening import queries as screening_queries
from app.screening.rules import Verdict


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """A customer at a glance: their account, limits, and what to know before an answer."""

    account: AccountDetails
    limits: TierLimits
    flags: list[CustomerFlag]

    @property
    def email_mark(self) -> VerifiedMark:
        """Whether the email address was confirmed."""
        return VerifiedMark.of(self.account.email_confirmed_at)

    @property
    def phone_mark(self) -> VerifiedMark:
        """Whether the phone number was verified."""
        return VerifiedMark.of(self.account.phone_verified_at)


def summarize_customer(session: Session, actor: Actor, account: AccountDetails) -> CustomerSummary:
    """Return a customer at a glance, as far as the actor may read it."""
    limits = customer_limits.tier_limits(session, account.id)
    found, [(is_anything_owed,)], [(has_open_case,)] = session.fetch(
        screening_queries.select_verdict(account.id),
        ledger_queries.select_is_anything_owed(kyc_queries.accounts_of_person(session, account.id)),
        cases_queries.select_has_open_case(actor, account.id),
    )
    verdict, may_see_cases = (
        screening_queries.to_verdict(found),
        Permission.CASES_READ in actor.permissions,
    )
    raised = {
        CustomerFlag.BLOCKED: verdict is Verdict.BLOCKED,
        CustomerFlag.SUSPENDED: account.status is AccountStatus.SUSPENDED,
        CustomerFlag.HIT: verdict is Verdict.REVIEW,
        CustomerFlag.OWES: is_anything_owed,
        CustomerFlag.CASE_OPEN: has_open_case and may_see_cases,
    }
    return CustomerSummary(account, limits, [flag for flag, is_up in raised.items() if is_up])
