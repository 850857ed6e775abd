"""Every permission and role, and which role has which permission."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person is to the house. A customer is a USER; the others are staff."""

    USER = "USER"
    """Buys, holds and redeems metal on their own account."""
    SUPPORT = "SUPPORT"
    """Answers customers."""
    TELLER = "TELLER"
    """Serves customers at a branch."""
    INVENTORY = "INVENTORY"
    """Keeps the vault."""
    COMPLIANCE = "COMPLIANCE"
    """Checks people and payments."""
    AUDITOR = "AUDITOR"
    """Reads everything, changes nothing."""
    ADMIN = "ADMIN"
    """Runs the house."""


class Permission(StrEnum):
    """A permission is written `scope:resource:action`.

    `own`: only the actor's own things. `branch`: those of the actor's branch, for a role that is
    bound to one (`BRANCH_BOUND_ROLES`). `all`: whoever's they are.
    """

    APPROVALS_DECIDE = "all:approvals:decide"
    """Approve or reject what another person asked for, where one may do it oneself."""
    APPROVALS_READ = "all:approvals:read"
    """See what waits for a second person, and what became of it."""
    AUDIT_READ = "all:audit:read"
    """Read the audit trail: what everybody did, and what was denied."""
    BRANCHES_EDIT = "all:branches:edit"
    """Open branches."""
    CASES_READ = "all:cases:read"
    """See what was found that somebody has to look into, and what became of it."""
    CASES_WORK = "all:cases:work"
    """Look into cases: note, assign, close and open again."""
    CUSTODY_READ = "all:custody:read"
    """See what custodians keep for the house, and what comes in and goes out there."""
    EXPOSURE_READ = "all:exposure:read"
    """See what the house owes and owns in each metal."""
    GRANTS_EDIT = "all:grants:edit"
    """Change what a role may do."""
    JOBS_READ = "all:jobs:read"
    """See which background jobs wait and which were given up, and not what they are about."""
    JOBS_REVIVE = "all:jobs:revive"
    """Have background jobs that were given up tried again."""
    KEYS_READ = "all:keys:read"
    """See which keys seal what is sealed, and not the keys."""
    KEYS_ROTATE = "all:keys:rotate"
    """Have a new key seal what is sealed, with a second person's approval."""
    KYC_DECIDE = "all:kyc:decide"
    """Have the last word on who somebody is: take back what was approved, whoever approved it."""
    KYC_READ = "all:kyc:read"
    """See what people and companies submitted to be verified, with their documents."""
    KYC_REVIEW = "all:kyc:review"
    """Approve and reject who somebody is, or ask them for more; tier 3 and companies with a second
    person's approval."""
    PAYMENTS_READ = "all:payments:read"
    """See deposits and withdrawals, and where they stand."""
    PAYMENTS_RELEASE = "all:payments:release"
    """Reject withdrawals, and let large ones go with a second person's approval."""
    PEOPLE_ERASE = "all:people:erase"
    """Erase a customer on their written wish, with a second person's approval."""
    PEOPLE_READ = "all:people:read"
    """Find people, and see who they are and how they stand."""
    PEOPLE_SUSPEND = "all:people:suspend"
    """Suspend a person and let them back in, with a second person's approval."""
    RECONCILIATION_ASK = "all:reconciliation:ask"
    """Have the books compared now with what providers say, not only at night."""
    RECONCILIATION_READ = "all:reconciliation:read"
    """See how the books compared with what providers say."""
    ROLES_ASSIGN = "all:roles:assign"
    """Change a person's role and branch."""
    ROLES_READ = "all:roles:read"
    """See what each role may do."""
    SCREENING_READ = "all:screening:read"
    """See sanctions lists, who was screened against them, and what was found."""
    STAFF_INVITE = "all:staff:invite"
    """Invite people to work here, with a role that grants no more than one has."""
    BRANCHES_READ = "branch:branches:read"
    """See branches and who works there."""
    KYC_VERIFY = "branch:kyc:verify"
    """Confirm of whoever stands at the counter that their document was seen there."""
    ACCOUNT_CHANGE = "own:account:change"
    """Change one's own names and phone number."""
    ACCOUNT_ERASE = "own:account:erase"
    """Be forgotten: close one's own account and have erased who one is."""
    ACCOUNT_READ = "own:account:read"
    """See one's own name, address and role."""
    ADDRESSES_CHANGE = "own:addresses:change"
    """Keep one's own address book."""
    ADDRESSES_READ = "own:addresses:read"
    """See one's own address book."""
    API_KEYS_MANAGE = "own:api_keys:manage"
    """Make, see and revoke keys for programs of one's own."""
    BALANCES_READ = "own:balances:read"
    """See one's own balances."""
    CONSENTS_MANAGE = "own:consents:manage"
    """See what one agreed to, agree, and take consent back."""
    DEPOSITS_CREATE = "own:deposits:create"
    """Pay money in."""
    DEPOSITS_READ = "own:deposits:read"
    """See one's own deposits."""
    EMAIL_CONFIRM = "own:email:confirm"
    """Ask for another link that confirms one's own address."""
    EXPORTS_MANAGE = "own:exports:manage"
    """Have a copy made of what is held on oneself, and fetch it."""
    KYC_STATUS = "own:kyc:read"
    """See how far one is verified, and what one may move for it."""
    KYC_SUBMIT = "own:kyc:submit"
    """Say who one is and what one's company is, and send documents that show it."""
    MESSAGES_READ = "own:messages:read"
    """Read the messages one was sent."""
    NOTIFICATIONS_CHOOSE = "own:notifications:choose"
    """Choose of what one is told, and how."""
    ORDERS_PLACE = "own:orders:place"
    """Convert one's own assets at a quoted or market price."""
    ORDERS_READ = "own:orders:read"
    """See one's own orders."""
    PASSWORD_CHANGE = "own:password:change"  # noqa: S105 - names a right, is no secret
    """Change one's own password."""
    QUOTES_CREATE = "own:quotes:create"
    """Ask for a price that is kept for a while."""
    SECOND_FACTOR_CHANGE = "own:second_factor:change"
    """Switch one's own second factor on and off."""
    SESSIONS_REVOKE = "own:sessions:revoke"
    """Log out."""
    TRANSFERS_CREATE = "own:transfers:create"
    """Move one's own assets between one's own accounts."""
    WITHDRAWALS_CREATE = "own:withdrawals:create"
    """Have money paid out to oneself."""
    WITHDRAWALS_READ = "own:withdrawals:read"
    """See one's own withdrawals."""


_EVERY_ROLE = frozenset(
    {
        Permission.ACCOUNT_CHANGE,
        Permission.ACCOUNT_READ,
        Permission.CONSENTS_MANAGE,
        Permission.EMAIL_CONFIRM,
        Permission.EXPORTS_MANAGE,
        Permission.MESSAGES_READ,
        Permission.NOTIFICATIONS_CHOOSE,
        Permission.PASSWORD_CHANGE,
        Permission.SECOND_FACTOR_CHANGE,
        Permission.SESSIONS_REVOKE,
    }
)
_CUSTOMER = frozenset(
    {
        Permission.ACCOUNT_ERASE,
        Permission.ADDRESSES_CHANGE,
        Permission.ADDRESSES_READ,
        Permission.API_KEYS_MANAGE,
        Permission.BALANCES_READ,
        Permission.DEPOSITS_CREATE,
        Permission.DEPOSITS_READ,
        Permission.KYC_STATUS,
        Permission.KYC_SUBMIT,
        Permission.ORDERS_PLACE,
        Permission.ORDERS_READ,
        Permission.QUOTES_CREATE,
        Permission.TRANSFERS_CREATE,
        Permission.WITHDRAWALS_CREATE,
        Permission.WITHDRAWALS_READ,
    }
)
_OVERSIGHT = frozenset(
    {
        Permission.APPROVALS_READ,
        Permission.AUDIT_READ,
        Permission.BRANCHES_READ,
        Permission.CASES_READ,
        Permission.CUSTODY_READ,
        Permission.EXPOSURE_READ,
        Permission.JOBS_READ,
        Permission.KEYS_READ,
        Permission.KYC_READ,
        Permission.PAYMENTS_READ,
        Permission.PEOPLE_READ,
        Permission.RECONCILIATION_READ,
        Permission.ROLES_READ,
        Permission.SCREENING_READ,
    }
)
_CASEWORK = frozenset({Permission.CASES_READ, Permission.CASES_WORK})
_OPERATIONS = frozenset(
    {
        Permission.APPROVALS_DECIDE,
        Permission.APPROVALS_READ,
        Permission.CUSTODY_READ,
        Permission.PAYMENTS_READ,
        Permission.PAYMENTS_RELEASE,
        Permission.PEOPLE_ERASE,
        Permission.PEOPLE_READ,
        Permission.PEOPLE_SUSPEND,
        Permission.RECONCILIATION_ASK,
        Permission.RECONCILIATION_READ,
    }
)
#: Of who looks at what people submitted to be verified.
_KYC = frozenset({Permission.KYC_READ, Permission.KYC_REVIEW})
_ADMINISTRATION = frozenset(
    {
        Permission.BRANCHES_EDIT,
        Permission.GRANTS_EDIT,
        Permission.JOBS_REVIVE,
        Permission.KEYS_ROTATE,
        Permission.ROLES_ASSIGN,
        Permission.STAFF_INVITE,
    }
)
#: What a customer may let a program of their own do: nothing that changes who they are, how they
#: sign in, or where things are sent.
API_KEY_SCOPES = frozenset(
    {
        Permission.ACCOUNT_READ,
        Permission.ADDRESSES_READ,
        Permission.BALANCES_READ,
        Permission.DEPOSITS_READ,
        Permission.KYC_STATUS,
        Permission.MESSAGES_READ,
        Permission.ORDERS_PLACE,
        Permission.ORDERS_READ,
        Permission.QUOTES_CREATE,
        Permission.TRANSFERS_CREATE,
        Permission.WITHDRAWALS_READ,
    }
)

#: Money moves only for a person whose address is known to be theirs.
NEEDS_CONFIRMED_EMAIL = frozenset(
    {
        Permission.DEPOSITS_CREATE,
        Permission.ORDERS_PLACE,
        Permission.QUOTES_CREATE,
        Permission.TRANSFERS_CREATE,
        Permission.WITHDRAWALS_CREATE,
    }
)

#: Roles whose holders work at one branch, and whose `branch:` permissions end there.
BRANCH_BOUND_ROLES = frozenset({Role.TELLER})

#: What each role may do in a new house. From then on the database says (identity/grants.py); a
#: permission that is new to the database gets its holders from here. Staff act for the house: they
#: hold no customer's right to their own money.
DEFAULT_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.USER: _EVERY_ROLE | _CUSTOMER,
        Role.SUPPORT: _EVERY_ROLE
        | {Permission.PAYMENTS_READ}
        | _CASEWORK
        | _KYC
        | {Permission.PEOPLE_READ},
        Role.TELLER: _EVERY_ROLE | {Permission.BRANCHES_READ, Permission.KYC_VERIFY},
        Role.INVENTORY: _EVERY_ROLE,
        Role.COMPLIANCE: _EVERY_ROLE
        | _OPERATIONS
        | _CASEWORK
        | _KYC
        | {Permission.KYC_DECIDE, Permission.SCREENING_READ},
        Role.AUDITOR: _EVERY_ROLE | _OVERSIGHT,
        Role.ADMIN: _EVERY_ROLE
        | _OVERSIGHT
        | _OPERATIONS
        | _CASEWORK
        | _ADMINISTRATION
        | _KYC
        | {Permission.KYC_DECIDE, Permission.KYC_VERIFY},
    }
)
