"""Which role has which permission in a new database."""

from collections.abc import Mapping
from types import MappingProxyType

from app.access.permissions import Permission
from app.access.roles import Role

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
_EVERY_MEMBER_OF_STAFF = _EVERY_ROLE | {Permission.OWN_AUDIT_READ}
_CUSTOMER = frozenset(
    {
        Permission.ACCOUNT_ERASE,
        Permission.ADDRESSES_CHANGE,
        Permission.ADDRESSES_READ,
        Permission.API_KEYS_MANAGE,
        Permission.BALANCES_READ,
        Permission.CARTS_MANAGE,
        Permission.DEPOSITS_CREATE,
        Permission.DEPOSITS_READ,
        Permission.GOODS_BUY,
        Permission.GOODS_READ,
        Permission.KYC_STATUS,
        Permission.KYC_SUBMIT,
        Permission.ORDERS_PLACE,
        Permission.ORDERS_READ,
        Permission.OWN_REDEMPTIONS_READ,
        Permission.QUOTES_CREATE,
        Permission.REDEMPTIONS_CREATE,
        Permission.TRANSFERS_CREATE,
        Permission.WITHDRAWALS_CREATE,
        Permission.WITHDRAWALS_READ,
    }
)
_OVERSIGHT = frozenset(
    {
        Permission.APPROVALS_READ,
        Permission.AUDIT_READ,
        Permission.BOOKS_READ,
        Permission.BRANCHES_READ,
        Permission.CASES_READ,
        Permission.CASH_REPORTS_READ,
        Permission.COUNTS_READ,
        Permission.CUSTODY_READ,
        Permission.DRAWERS_READ,
        Permission.ENTITIES_READ,
        Permission.EXPOSURE_READ,
        Permission.FLAGS_READ,
        Permission.JOBS_READ,
        Permission.KEYS_READ,
        Permission.KYC_READ,
        Permission.MARKETS_READ,
        Permission.PAYMENTS_READ,
        Permission.PEOPLE_READ,
        Permission.PRICES_READ,
        Permission.QUEUE_STATS,
        Permission.RECONCILIATION_READ,
        Permission.REDEMPTIONS_READ,
        Permission.ROLES_READ,
        Permission.SCREENING_READ,
        Permission.SETTINGS_READ,
        Permission.SHIPMENTS_READ,
        Permission.SHOP_ORDERS_READ,
        Permission.STORAGE_FEES_READ,
        Permission.TAX_READ,
        Permission.VAULT_READ,
    }
)
_CASEWORK = frozenset({Permission.CASES_READ, Permission.CASES_WORK, Permission.QUEUE_WORK})
_OPERATIONS = frozenset(
    {
        Permission.APPROVALS_DECIDE,
        Permission.APPROVALS_READ,
        Permission.CASH_REPORTS_FILE,
        Permission.CASH_REPORTS_READ,
        Permission.CUSTODY_READ,
        Permission.DRAWERS_READ,
        Permission.MARKETS_HALT,
        Permission.MARKETS_READ,
        Permission.PAYMENTS_READ,
        Permission.PAYMENTS_RELEASE,
        Permission.PEOPLE_ERASE,
        Permission.PEOPLE_READ,
        Permission.PEOPLE_RECOVER,
        Permission.PEOPLE_SUSPEND,
        Permission.RECONCILIATION_ASK,
        Permission.RECONCILIATION_READ,
        Permission.SETTINGS_EDIT,
        Permission.SETTINGS_READ,
        Permission.SHOP_ORDERS_REVIEW,
        Permission.TAX_EDIT,
        Permission.TAX_READ,
    }
)
_GOODS = frozenset(
    {
        Permission.COUNTS_READ,
        Permission.COUNTS_WORK,
        Permission.IMPORTS_USE,
        Permission.PRICES_EDIT,
        Permission.PRICES_READ,
        Permission.PRODUCTS_EDIT,
        Permission.PURCHASES_ORDER,
        Permission.REDEMPTIONS_READ,
        Permission.SHIPMENTS_HAND_OVER,
        Permission.SHIPMENTS_READ,
        Permission.SHIPMENTS_WORK,
        Permission.SHOP_ORDERS_NOTE,
        Permission.SHOP_ORDERS_READ,
        Permission.SUPPLIERS_EDIT,
        Permission.VAULT_ADJUST,
        Permission.VAULT_ASSAY,
        Permission.VAULT_READ,
        Permission.VAULT_RECEIVE,
        Permission.VAULT_TRANSFER,
    }
)
#: For helping a customer who calls.
_ASSISTANCE = frozenset(
    {Permission.PEOPLE_ASSIST, Permission.PEOPLE_CREDIT, Permission.PEOPLE_NOTE}
)
#: For reviewing identities and companies.
_KYC = frozenset({Permission.KYC_READ, Permission.KYC_REVIEW})
_ADMINISTRATION = frozenset(
    {
        Permission.BOOKS_CLOSE,
        Permission.BRANCHES_EDIT,
        Permission.DRAWERS_WORK,
        Permission.FLAGS_EDIT,
        Permission.ENTITIES_EDIT,
        Permission.GRANTS_EDIT,
        Permission.JOBS_REVIVE,
        Permission.KEYS_ROTATE,
        Permission.REDEMPTIONS_DECIDE,
        Permission.ROLES_ASSIGN,
        Permission.SHOP_ORDERS_REFUND,
        Permission.STAFF_INVITE,
        Permission.STORAGE_FEES_WAIVE,
        Permission.SUPPLIERS_PAY,
        Permission.VAULT_EDIT,
    }
)

#: What each role may do in a new database. From then on the database decides
#: (identity/roles/role_permissions.py). A change here is carried to it by a migration
#: (`set_default_holders`, 0028). Staff act for PBCEx: they hold no customer's permissions.
DEFAULT_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.USER: _EVERY_ROLE | _CUSTOMER,
        Role.SUPPORT: _EVERY_MEMBER_OF_STAFF
        | {Permission.PAYMENTS_READ}
        | _ASSISTANCE
        | _CASEWORK
        | _KYC
        | {
            Permission.PEOPLE_READ,
            Permission.REDEMPTIONS_DECIDE,
            Permission.REDEMPTIONS_READ,
            Permission.SHIPMENTS_READ,
            Permission.SHOP_ORDERS_NOTE,
            Permission.SHOP_ORDERS_READ,
            Permission.SHOP_ORDERS_REFUND,
            Permission.STORAGE_FEES_READ,
            Permission.STORAGE_FEES_WAIVE,
            Permission.TAX_READ,
            Permission.VAULT_READ,
        },
        Role.TELLER: _EVERY_MEMBER_OF_STAFF
        | {
            Permission.BRANCHES_READ,
            Permission.DRAWERS_READ,
            Permission.DRAWERS_SETTLE,
            Permission.DRAWERS_WORK,
            Permission.KYC_VERIFY,
            Permission.SHIPMENTS_HAND_OVER,
        },
        Role.INVENTORY: _EVERY_MEMBER_OF_STAFF | _GOODS,
        Role.COMPLIANCE: _EVERY_MEMBER_OF_STAFF
        | _OPERATIONS
        | _CASEWORK
        | _KYC
        | {
            Permission.AUDIT_READ,
            Permission.COUNTS_READ,
            Permission.ENTITIES_READ,
            Permission.KYC_DECIDE,
            Permission.PRICES_READ,
            Permission.PURCHASES_ORDER,
            Permission.REDEMPTIONS_READ,
            Permission.SCREENING_READ,
            Permission.SHIPMENTS_READ,
            Permission.SHOP_ORDERS_NOTE,
            Permission.SHOP_ORDERS_READ,
            Permission.STORAGE_FEES_READ,
            Permission.SUPPLIERS_PAY,
            Permission.VAULT_ADJUST,
            Permission.VAULT_READ,
        },
        Role.AUDITOR: _EVERY_MEMBER_OF_STAFF | _OVERSIGHT,
        Role.ADMIN: _EVERY_MEMBER_OF_STAFF
        | _OVERSIGHT
        | _OPERATIONS
        | _CASEWORK
        | _ASSISTANCE
        | _GOODS
        | _ADMINISTRATION
        | _KYC
        | {
            Permission.DRAWERS_SETTLE,
            Permission.DRAWERS_WORK,
            Permission.KYC_DECIDE,
            Permission.KYC_VERIFY,
        },
    }
)
