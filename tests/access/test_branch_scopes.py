"""Branch scopes: a teller sees their own branch, other roles every branch."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.access import DEFAULT_PERMISSIONS, Actor, Role, branch_scope, check_branch
from app.access.descriptions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS
from app.access.permissions import Permission
from app.access.policy import is_editable, parse_permissions, select_staff_permissions
from app.kit.errors import NotFound, PermissionDenied

BRANCH, OTHER_BRANCH = uuid4(), uuid4()


def make_actor(role: Role, branch_id: UUID | None = None) -> Actor:
    return Actor(UUID(int=1), None, "a@example.com", role, DEFAULT_PERMISSIONS[role], branch_id)


def test_teller_sees_only_their_own_branch() -> None:
    teller = make_actor(Role.TELLER, BRANCH)
    assert branch_scope(teller) == BRANCH
    check_branch(teller, BRANCH)
    for other in (OTHER_BRANCH, None):
        with pytest.raises(NotFound):
            check_branch(teller, other)


def test_teller_without_a_branch_sees_nothing() -> None:
    """The scope of such a teller must not be None, which means every branch."""
    unassigned = make_actor(Role.TELLER)
    with pytest.raises(PermissionDenied, match="no branch"):
        branch_scope(unassigned)
    with pytest.raises(PermissionDenied):
        check_branch(unassigned, None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.TELLER])
def test_other_roles_see_every_branch(role: Role) -> None:
    assert branch_scope(make_actor(role)) is None
    check_branch(make_actor(role), OTHER_BRANCH)
    assert branch_scope(replace(make_actor(role), branch_id=BRANCH)) is None


def test_every_permission_and_role_has_a_description() -> None:
    assert PERMISSION_DESCRIPTIONS.keys() == set(Permission)
    assert ROLE_DESCRIPTIONS.keys() == set(Role)
    assert all(
        text.endswith(".")
        for text in [*PERMISSION_DESCRIPTIONS.values(), *ROLE_DESCRIPTIONS.values()]
    )


def test_unknown_permission_names_grant_nothing() -> None:
    assert parse_permissions("all:exposure:read all:moon:sell") == {Permission.EXPOSURE_READ}
    assert parse_permissions("") == frozenset()


def test_own_and_customer_permissions_are_not_editable() -> None:
    assert not any(is_editable(Role.USER, permission) for permission in Permission)
    editable = {permission for permission in Permission if is_editable(Role.SUPPORT, permission)}
    assert editable == select_staff_permissions(frozenset(Permission))
    assert not any(permission.startswith("own:") for permission in editable)
