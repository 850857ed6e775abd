"""Every permission, and what some of them need."""

from enum import StrEnum


class Permission(StrEnum):
    """A permission is written `scope:resource:action`.

    `own`: only the actor's own data. `branch`: the data of the actor's branch, for a role that is
    bound to one (`BRANCH_BOUND_ROLES`). `all`: everyone's data.
    """

    APPROVALS_DECIDE = "all:approvals:decide"
    """Approve or reject requests for acts that one may do oneself."""
    APPROVALS_READ = "all:approvals:read"
    """See requests that need a second person, and their outcome."""
    AUDIT_READ = "all:audit:read"
    """Read the audit trail: every act and every denial."""
    BOOKS_CLOSE = "all:books:close"
    """Close and reopen periods of the books, and post adjusting entries, with a second person's
    approval."""
    BOOKS_READ = "all:books:read"
    """Read the trial balance, balance sheet and income statement, with their entries."""
    BRANCHES_EDIT = "all:branches:edit"
    """Open branches and tills, and change the details and hours of branches."""
    CASES_READ = "all:cases:read"
    """See cases and their outcome."""
    CASES_WORK = "all:cases:work"
    """Work on cases: add notes, assign, close and reopen."""
    CASH_REPORTS_FILE = "all:cash_reports:file"
    """Complete and file cash reports, withdraw one with a second person's approval, and see cases
    about patterns of cash, which the law keeps secret."""
    CASH_REPORTS_READ = "all:cash_reports:read"
    """See which cash is reported, and until when."""
    COUNTS_READ = "all:counts:read"
    """See counts of the shelves; what was expected, once a count was submitted."""
    COUNTS_WORK = "all:counts:work"
    """Count the shelves of a location, and submit the count."""
    CUSTODY_READ = "all:custody:read"
    """See what custodians hold for PBCEx, and the transfers in and out."""
    ENTITIES_EDIT = "all:entities:edit"
    """Add legal entities, change their facts and keep licences. How one reports cash takes a second
    person's approval."""
    ENTITIES_READ = "all:entities:read"
    """See legal entities with their tax numbers, and licences."""
    EXPOSURE_READ = "all:exposure:read"
    """See what PBCEx owes and owns in each metal."""
    FLAGS_EDIT = "all:flags:edit"
    """Narrow a feature to some people, and widen it with a second person's approval."""
    FLAGS_READ = "all:flags:read"
    """See which features are switched on, and for whom."""
    GRANTS_EDIT = "all:grants:edit"
    """Change what a role may do."""
    IMPORTS_USE = "all:imports:use"
    """Import and export CSV files of what one may change."""
    JOBS_READ = "all:jobs:read"
    """See waiting and failed background jobs, without their contents."""
    JOBS_REVIVE = "all:jobs:revive"
    """Retry failed background jobs."""
    KEYS_READ = "all:keys:read"
    """See which keys seal data, without the secrets."""
    KEYS_ROTATE = "all:keys:rotate"
    """Rotate the key that seals data, with a second person's approval."""
    KYC_DECIDE = "all:kyc:decide"
    """Withdraw the approval of an identity or company, also one that a colleague gave."""
    KYC_READ = "all:kyc:read"
    """See identity and company reviews, with their documents."""
    KYC_REVIEW = "all:kyc:review"
    """Approve or reject an identity, or request more information. Tier 3 and companies need a
    second person's approval."""
    MARKETS_HALT = "all:markets:halt"
    """Halt a market, and lift the halt."""
    MARKETS_READ = "all:markets:read"
    """See the markets with their prices, and who halted which."""
    PAYMENTS_READ = "all:payments:read"
    """See deposits and withdrawals, and their status."""
    PAYMENTS_RELEASE = "all:payments:release"
    """Reject withdrawals, and release large ones with a second person's approval."""
    PEOPLE_ASSIST = "all:people:assist"
    """Send a customer links for a new password and to confirm their email, and end their
    sessions."""
    PEOPLE_CREDIT = "all:people:credit"
    """Credit customers for goodwill; large credits with a second person's approval."""
    PEOPLE_ERASE = "all:people:erase"
    """Erase a customer on their written request, with a second person's approval."""
    PEOPLE_NOTE = "all:people:note"
    """Write notes on customers, for staff alone."""
    PEOPLE_READ = "all:people:read"
    """Find people, and see their profile and status."""
    PEOPLE_RECOVER = "all:people:recover"
    """Remove a second factor that a person has lost, with a second person's approval."""
    PEOPLE_SUSPEND = "all:people:suspend"
    """Suspend a person or lift a suspension, with a second person's approval."""
    PRICES_EDIT = "all:prices:edit"
    """Change price rules; large changes take a second person's approval."""
    PRICES_READ = "all:prices:read"
    """See price rules, and what a change does to the price of each product."""
    PRODUCTS_EDIT = "all:products:edit"
    """Add products, and change their texts, their categories and the words of the search."""
    PURCHASES_ORDER = "all:purchases:order"
    """Order goods from suppliers, large orders with a second person's approval."""
    QUEUE_STATS = "all:queue:stats"
    """See how fast support responds and resolves, all together and each colleague."""
    QUEUE_WORK = "all:queue:work"
    """Work on the queue of support: claim, hand over, snooze and escalate what one may decide."""
    RECONCILIATION_ASK = "all:reconciliation:ask"
    """Compare the books with providers now, not only at night."""
    RECONCILIATION_READ = "all:reconciliation:read"
    """See the results of comparing the books with providers."""
    REDEMPTIONS_DECIDE = "all:redemptions:decide"
    """Approve redemptions, large ones with a second person's approval, and reject them."""
    REDEMPTIONS_READ = "all:redemptions:read"
    """See customers' redemptions, with where they go."""
    ROLES_ASSIGN = "all:roles:assign"
    """Change a person's role and branch."""
    ROLES_READ = "all:roles:read"
    """See what each role may do."""
    SCREENING_READ = "all:screening:read"
    """See sanctions lists, screenings and hits."""
    SETTINGS_EDIT = "all:settings:edit"
    """Change fees, limits and thresholds; where money moves, with a second person's approval."""
    SETTINGS_READ = "all:settings:read"
    """See fees, limits and thresholds, and their history."""
    SHIPMENTS_READ = "all:shipments:read"
    """See shipments of goods, with where they go."""
    SHIPMENTS_WORK = "all:shipments:work"
    """Pick, pack and ship goods, and hand them over."""
    SHOP_ORDERS_NOTE = "all:shop_orders:note"
    """Write notes on customers' orders, for staff or for the customer."""
    SHOP_ORDERS_READ = "all:shop_orders:read"
    """See customers' orders of goods, with where they go."""
    SHOP_ORDERS_REFUND = "all:shop_orders:refund"
    """Cancel paid orders of goods, and give money back for them; large refunds with a second
    person's approval."""
    SHOP_ORDERS_REVIEW = "all:shop_orders:review"
    """Release or reject orders on hold; large ones are released with a second person's approval."""
    STAFF_INVITE = "all:staff:invite"
    """Invite staff to a role whose permissions one holds oneself."""
    STORAGE_FEES_READ = "all:storage_fees:read"
    """See what customers pay for storing metal, with the arithmetic."""
    STORAGE_FEES_WAIVE = "all:storage_fees:waive"
    """Waive storage fees, large ones with a second person's approval."""
    SUPPLIERS_EDIT = "all:suppliers:edit"
    """Add suppliers, and change their terms and products."""
    SUPPLIERS_PAY = "all:suppliers:pay"
    """Pay suppliers, and accept invoices that differ, with a second person's approval."""
    TAX_EDIT = "all:tax:edit"
    """Change the rules of sales tax, and record customers' exemption certificates, with a second
    person's approval."""
    TAX_READ = "all:tax:read"
    """See the rules of sales tax and customers' exemption certificates, and compute examples."""
    VAULT_ADJUST = "all:vault:adjust"
    """Book goods that were lost or found, with a second person's approval."""
    VAULT_ASSAY = "all:vault:assay"
    """Put goods into quarantine, and record what an assay found."""
    VAULT_EDIT = "all:vault:edit"
    """Open locations of goods."""
    VAULT_READ = "all:vault:read"
    """See goods by location, what they cost and where they came from."""
    VAULT_RECEIVE = "all:vault:receive"
    """Receive goods of suppliers."""
    VAULT_TRANSFER = "all:vault:transfer"
    """Send goods from one location to another, and receive them there."""
    BRANCHES_READ = "branch:branches:read"
    """See branches and their staff."""
    DRAWERS_READ = "branch:drawers:read"
    """See drawers and safes, with what came in and left."""
    DRAWERS_SETTLE = "branch:drawers:settle"
    """Count a drawer and close it, one with a large variance together with a second person."""
    DRAWERS_WORK = "branch:drawers:work"
    """Open a drawer, move its cash, and be the second person of a colleague."""
    KYC_VERIFY = "branch:kyc:verify"
    """Record that a customer showed their document at the counter."""
    SHIPMENTS_HAND_OVER = "branch:shipments:hand_over"
    """Hand goods over at a branch, against a code and a document."""
    ACCOUNT_CHANGE = "own:account:change"
    """Change one's own names and phone number."""
    ACCOUNT_ERASE = "own:account:erase"
    """Close one's own account and erase one's personal data."""
    ACCOUNT_READ = "own:account:read"
    """See one's own name, email address and role."""
    ADDRESSES_CHANGE = "own:addresses:change"
    """Change one's own address book."""
    ADDRESSES_READ = "own:addresses:read"
    """See one's own address book."""
    API_KEYS_MANAGE = "own:api_keys:manage"
    """Create, see and revoke one's own API keys."""
    OWN_AUDIT_READ = "own:audit:read"
    """See one's own acts, as the audit trail has them."""
    BALANCES_READ = "own:balances:read"
    """See one's own balances."""
    CARTS_MANAGE = "own:carts:manage"
    """Fill one's own cart in the shop."""
    CONSENTS_MANAGE = "own:consents:manage"
    """See, give and withdraw one's own consents."""
    DEPOSITS_CREATE = "own:deposits:create"
    """Deposit money."""
    DEPOSITS_READ = "own:deposits:read"
    """See one's own deposits."""
    EMAIL_CONFIRM = "own:email:confirm"
    """Request another link that confirms one's own email address."""
    EXPORTS_MANAGE = "own:exports:manage"
    """Request a copy of one's own data, and download it."""
    GOODS_BUY = "own:goods:buy"
    """Buy goods, and say where they go."""
    GOODS_READ = "own:goods:read"
    """See one's own orders of goods."""
    KYC_STATUS = "own:kyc:read"
    """See one's own verification status and limits."""
    KYC_SUBMIT = "own:kyc:submit"
    """Submit one's own identity or company for verification, with documents."""
    MESSAGES_READ = "own:messages:read"
    """Read one's own messages."""
    NOTIFICATIONS_CHOOSE = "own:notifications:choose"
    """Choose one's own notification topics and channels."""
    ORDERS_PLACE = "own:orders:place"
    """Convert one's own assets at a quoted or market price."""
    ORDERS_READ = "own:orders:read"
    """See one's own orders."""
    PASSWORD_CHANGE = "own:password:change"  # noqa: S105 - names a permission, is no secret
    """Change one's own password."""
    QUOTES_CREATE = "own:quotes:create"
    """Request a price that is kept for a while."""
    REDEMPTIONS_CREATE = "own:redemptions:create"
    """Redeem one's own metal as coins and bars, and say where they go."""
    OWN_REDEMPTIONS_READ = "own:redemptions:read"
    """See one's own redemptions."""
    SECOND_FACTOR_CHANGE = "own:second_factor:change"
    """Turn one's own second factor on and off."""
    SESSIONS_REVOKE = "own:sessions:revoke"
    """Sign out."""
    TRANSFERS_CREATE = "own:transfers:create"
    """Move one's own assets between one's own accounts."""
    WITHDRAWALS_CREATE = "own:withdrawals:create"
    """Withdraw money to oneself."""
    WITHDRAWALS_READ = "own:withdrawals:read"
    """See one's own withdrawals."""


#: What a customer may allow their own programs: nothing about who they are, or where goods go.
API_KEY_SCOPES = frozenset(
    {
        Permission.ACCOUNT_READ,
        Permission.ADDRESSES_READ,
        Permission.BALANCES_READ,
        Permission.CARTS_MANAGE,
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

#: Money moves, and credentials are added, only for a person with a confirmed email address: until
#: then another person may have registered it.
NEEDS_CONFIRMED_EMAIL = frozenset(
    {
        Permission.API_KEYS_MANAGE,
        Permission.DEPOSITS_CREATE,
        Permission.GOODS_BUY,
        Permission.ORDERS_PLACE,
        Permission.QUOTES_CREATE,
        Permission.REDEMPTIONS_CREATE,
        Permission.SECOND_FACTOR_CHANGE,
        Permission.TRANSFERS_CREATE,
        Permission.WITHDRAWALS_CREATE,
    }
)

#: Money moves only for a person who has accepted the required policies (`access.consents`): the
#: current version to come in, trade or be transferred; to leave, one of any version, so that a
#: person who does not agree to a new one can take their money with them.
NEEDS_CURRENT_CONSENTS = frozenset(
    {
        Permission.DEPOSITS_CREATE,
        Permission.GOODS_BUY,
        Permission.ORDERS_PLACE,
        Permission.QUOTES_CREATE,
        Permission.TRANSFERS_CREATE,
    }
)
NEEDS_CONSENTS = NEEDS_CURRENT_CONSENTS | {
    Permission.REDEMPTIONS_CREATE,
    Permission.WITHDRAWALS_CREATE,
}
