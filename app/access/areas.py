"""The areas in which pages group the permissions."""

from collections.abc import Mapping
from types import MappingProxyType

from app.access.permissions import Permission
from app.kit.labels import LabelledEnum


class PermissionArea(LabelledEnum):
    """What a permission is about."""

    PEOPLE = "people", "People, roles and branches"
    VERIFICATION = "verification", "Identity and sanctions"
    OVERSIGHT = "oversight", "Approvals, cases and audit trail"
    TREASURY = "treasury", "Payments, custody and exposure"
    GOODS = "goods", "Products, vault and sales tax"
    SYSTEM = "system", "Jobs, keys, settings and features"
    OWN_ACCOUNT = "own-account", "One's own account"
    OWN_ASSETS = "own-assets", "One's own money and metal"


_OWN = "own"
_OWN_ASSETS = frozenset(
    {
        "addresses",
        "api_keys",
        "balances",
        "deposits",
        "kyc",
        "orders",
        "quotes",
        "redemptions",
        "transfers",
        "withdrawals",
    }
)
#: The area of each resource of staff.
_STAFF: Mapping[str, PermissionArea] = MappingProxyType(
    {
        "approvals": PermissionArea.OVERSIGHT,
        "audit": PermissionArea.OVERSIGHT,
        "books": PermissionArea.TREASURY,
        "branches": PermissionArea.PEOPLE,
        "cases": PermissionArea.OVERSIGHT,
        "cash_reports": PermissionArea.VERIFICATION,
        "counts": PermissionArea.GOODS,
        "entities": PermissionArea.PEOPLE,
        "custody": PermissionArea.TREASURY,
        "drawers": PermissionArea.TREASURY,
        "exposure": PermissionArea.TREASURY,
        "flags": PermissionArea.SYSTEM,
        "grants": PermissionArea.PEOPLE,
        "imports": PermissionArea.GOODS,
        "jobs": PermissionArea.SYSTEM,
        "keys": PermissionArea.SYSTEM,
        "kyc": PermissionArea.VERIFICATION,
        "markets": PermissionArea.TREASURY,
        "payments": PermissionArea.TREASURY,
        "people": PermissionArea.PEOPLE,
        "prices": PermissionArea.GOODS,
        "products": PermissionArea.GOODS,
        "queue": PermissionArea.OVERSIGHT,
        "purchases": PermissionArea.GOODS,
        "reconciliation": PermissionArea.TREASURY,
        "redemptions": PermissionArea.GOODS,
        "roles": PermissionArea.PEOPLE,
        "screening": PermissionArea.VERIFICATION,
        "settings": PermissionArea.SYSTEM,
        "shipments": PermissionArea.GOODS,
        "shop_orders": PermissionArea.GOODS,
        "staff": PermissionArea.PEOPLE,
        "storage_fees": PermissionArea.TREASURY,
        "suppliers": PermissionArea.GOODS,
        "tax": PermissionArea.GOODS,
        "vault": PermissionArea.GOODS,
    }
)


def area_of(permission: Permission) -> PermissionArea:
    """Return the area of a permission. A resource of staff without one is a `KeyError`."""
    scope, resource, _action = permission.split(":")
    if scope != _OWN:
        return _STAFF[resource]
    return PermissionArea.OWN_ASSETS if resource in _OWN_ASSETS else PermissionArea.OWN_ACCOUNT


def resource_of(permission: Permission) -> str:
    """Return what a permission is about, as pages name it: `Shop orders`."""
    return permission.split(":")[1].replace("_", " ").capitalize()


def _in_order(area: PermissionArea) -> tuple[Permission, ...]:
    """Return the permissions of an area, those of one resource together."""
    return tuple(sorted((each for each in Permission if area_of(each) is area), key=resource_of))


#: Every permission by area, those of one resource together. An area without any is left out.
PERMISSIONS_BY_AREA: Mapping[PermissionArea, tuple[Permission, ...]] = MappingProxyType(
    {area: permissions for area in PermissionArea if (permissions := _in_order(area))}
)
