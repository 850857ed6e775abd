from dataclasses import replace
from uuid import UUID

import pytest

from app.access import (
    DEFAULT_PERMISSIONS,
    NEEDS_CONFIRMED_EMAIL,
    NEEDS_CONSENTS,
    Actor,
    EmailNotConfirmed,
    Permission,
    PoliciesNotAccepted,
    Role,
    require,
)
from app.access.consents import POLICIES, missing_consents
from app.access.policy import select_staff_permissions
from app.kit.errors import PermissionDenied

READS = {
    Permission.BALANCES_READ,
    Permission.GOODS_READ,
    Permission.ORDERS_READ,
    Permission.OWN_REDEMPTIONS_READ,
}
MONEY = {
    Permission.BALANCES_READ,
    Permission.DEPOSITS_CREATE,
    Permission.GOODS_BUY,
    Permission.GOODS_READ,
    Permission.ORDERS_PLACE,
    Permission.ORDERS_READ,
    Permission.OWN_REDEMPTIONS_READ,
    Permission.QUOTES_CREATE,
    Permission.REDEMPTIONS_CREATE,
    Permission.TRANSFERS_CREATE,
    Permission.WITHDRAWALS_CREATE,
}
#: The first and the current version of each required policy.
FIRST, CURRENT = (
    frozenset(
        f"{policy.name}.{1 if first else policy.version}"
        for policy in POLICIES.values()
        if policy.required
    )
    for first in (True, False)
)


def make_actor(role: Role) -> Actor:
    return Actor(UUID(int=1), None, "a@example.com", role, DEFAULT_PERMISSIONS[role])


def test_every_role_has_permissions_and_every_permission_a_role() -> None:
    assert set(DEFAULT_PERMISSIONS) == set(Role)
    assert frozenset().union(*DEFAULT_PERMISSIONS.values()) == set(Permission)


def test_a_permission_names_scope_resource_and_action_in_order() -> None:
    values = [permission.value for permission in Permission]
    assert values == sorted(values)
    for value in values:
        scope, resource, action = value.split(":")
        assert scope in {"all", "branch", "own"}
        assert resource
        assert action


def test_customers_hold_customer_permissions_and_no_staff_permissions() -> None:
    assert DEFAULT_PERMISSIONS[Role.USER] >= MONEY
    assert not [p for p in DEFAULT_PERMISSIONS[Role.USER] if not p.startswith("own:")]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_staff_hold_no_customer_permissions(role: Role) -> None:
    assert not MONEY & DEFAULT_PERMISSIONS[role]


def test_only_oversight_roles_read_exposure() -> None:
    holders = {role for role in Role if Permission.EXPOSURE_READ in DEFAULT_PERMISSIONS[role]}
    assert holders == {Role.ADMIN, Role.AUDITOR}


def test_require_passes_or_names_the_missing_permission() -> None:
    customer = replace(make_actor(Role.USER), email_confirmed=True, accepted=CURRENT)
    require(customer, Permission.ORDERS_PLACE)
    with pytest.raises(PermissionDenied, match="own:orders:place"):
        require(make_actor(Role.ADMIN), Permission.ORDERS_PLACE)


@pytest.mark.parametrize("permission", sorted(NEEDS_CONFIRMED_EMAIL))
def test_unconfirmed_email_blocks_money_and_new_credentials(permission: Permission) -> None:
    with pytest.raises(EmailNotConfirmed):
        require(make_actor(Role.USER), permission)
    # A missing permission is named first, and nothing about email addresses.
    with pytest.raises(PermissionDenied) as refusal:
        require(replace(make_actor(Role.USER), permissions=frozenset()), permission)
    assert not isinstance(refusal.value, EmailNotConfirmed)


def test_unconfirmed_email_allows_all_other_permissions() -> None:
    for permission in DEFAULT_PERMISSIONS[Role.USER] - NEEDS_CONFIRMED_EMAIL:
        require(make_actor(Role.USER), permission)
    credentials = {Permission.API_KEYS_MANAGE, Permission.SECOND_FACTOR_CHANGE}
    assert (MONEY - READS) | credentials == NEEDS_CONFIRMED_EMAIL


def test_money_moves_only_with_the_required_consents() -> None:
    customer = replace(make_actor(Role.USER), email_confirmed=True)
    assert MONEY - READS == NEEDS_CONSENTS
    for permission in sorted(NEEDS_CONSENTS):
        with pytest.raises(PoliciesNotAccepted, match="terms, version 5 and privacy, version 2"):
            require(customer, permission)
        with pytest.raises(PoliciesNotAccepted, match="privacy, version 2"):
            require(replace(customer, accepted=CURRENT - {"privacy.2"}), permission)
        require(replace(customer, accepted=CURRENT), permission)
    for permission in customer.permissions - NEEDS_CONSENTS:
        require(customer, permission)


def test_a_person_who_accepted_an_earlier_version_can_still_withdraw() -> None:
    customer = replace(make_actor(Role.USER), email_confirmed=True, accepted=FIRST)
    assert FIRST != CURRENT
    leaving = {Permission.REDEMPTIONS_CREATE, Permission.WITHDRAWALS_CREATE}
    for permission in leaving:
        require(customer, permission)
    for permission in sorted(NEEDS_CONSENTS - leaving):
        with pytest.raises(PoliciesNotAccepted, match="terms, version 5"):
            require(customer, permission)


def test_an_unknown_version_is_no_consent() -> None:
    assert missing_consents(frozenset({"terms.3", "privacy.0"}), any_version=True)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_administrator_may_assign_every_role(role: Role) -> None:
    """Assigners hold every permission of the role: no one could assign a role above ADMIN."""
    assert select_staff_permissions(DEFAULT_PERMISSIONS[role]) <= DEFAULT_PERMISSIONS[Role.ADMIN]
