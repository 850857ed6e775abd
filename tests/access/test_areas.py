from collections import Counter

from app.access import Permission
from app.access.areas import PERMISSIONS_BY_AREA, PermissionArea, area_of


def test_every_permission_is_in_one_area_and_every_area_has_permissions() -> None:
    placed = Counter(each for permissions in PERMISSIONS_BY_AREA.values() for each in permissions)
    assert placed == Counter(Permission)
    assert set(PERMISSIONS_BY_AREA) == set(PermissionArea)


def test_verification_of_others_and_of_oneself_are_in_different_areas() -> None:
    assert area_of(Permission.KYC_READ) is PermissionArea.VERIFICATION
    assert area_of(Permission.KYC_STATUS) is PermissionArea.OWN_ASSETS
