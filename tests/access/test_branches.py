"""A teller sees their own branch, the others every branch."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.access import DEFAULT_PERMISSIONS, Actor, Role, branch_scope, check_branch
from app.access.descriptions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS
from app.access.permissions import Permission
from app.access.policy import is_editable, parse_permissions, select_staff_permissions
from app.kit.errors import NotFound, PermissionDenied

HERE, THERE = uuid4(), uuid4()


def actor(role: Role, branch_id: UUID | None = None) -> Actor:
    return Actor(UUID(int=1), None, "a@example.com", role, DEFAULT_PERMISSIONS[role], branch_id)


def test_a_teller_sees_their_own_branch_only() -> None:
    teller = actor(Role.TELLER, HERE)
    assert branch_scope(teller) == HERE
    check_branch(teller, HERE)
    for other in (THERE, None):
        with pytest.raises(NotFound):
            check_branch(teller, other)


def test_a_teller_without_a_branch_sees_nothing() -> None:
    """The scope must never read as `every branch`."""
    lost = actor(Role.TELLER)
    with pytest.raises(PermissionDenied, match="no branch"):
        branch_scope(lost)
    with pytest.raises(PermissionDenied):
        check_branch(lost, None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.TELLER])
def test_the_others_see_every_branch(role: Role) -> None:
    assert branch_scope(actor(role)) is None
    check_branch(actor(role), THERE)
    assert branch_scope(replace(actor(role), branch_id=HERE)) is None


def test_every_permission_and_role_says_what_it_means() -> None:
    assert PERMISSION_DESCRIPTIONS.keys() == set(Permission)
    assert ROLE_DESCRIPTIONS.keys() == set(Role)
    assert all(
        text.endswith(".")
        for text in [*PERMISSION_DESCRIPTIONS.values(), *ROLE_DESCRIPTIONS.values()]
    )


def test_names_that_this_program_does_not_know_open_nothing() -> None:
    assert parse_permissions("all:exposure:read all:moon:sell") == {Permission.EXPOSURE_READ}
    assert parse_permissions("") == frozenset()


def test_what_follows_from_being_somebody_is_not_granted() -> None:
    assert not any(is_editable(Role.USER, each) for each in Permission)
    editable = {each for each in Permission if is_editable(Role.SUPPORT, each)}
    assert editable == select_staff_permissions(frozenset(Permission))
    assert not any(each.startswith("own:") for each in editable)
