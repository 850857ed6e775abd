"""Labels of stored values: none is missing, and an unknown value is shown as it is stored."""

from enum import StrEnum

import pytest

from app.access import Role
from app.blueprints import labels
from app.funding.ports import PaymentMethod
from app.kyc.rules import DocumentPurpose, ReviewFlag, VerificationKind


@pytest.mark.parametrize(
    ("values", "family"),
    [
        (Role, labels.ROLES),
        (PaymentMethod, labels.METHODS),
        (VerificationKind, labels.REVIEWS),
        (ReviewFlag, labels.FLAGS),
        (DocumentPurpose, labels.DOCUMENTS),
    ],
)
def test_every_value_has_a_label_of_its_own(values: type[StrEnum], family: dict[str, str]) -> None:
    assert set(family) == set(values)
    assert len(set(family.values())) == len(family)


def test_value_without_a_label_is_shown_as_stored() -> None:
    assert labels.FILTERS["provider_label"]("a new provider") == "a new provider"
    assert labels.FILTERS["provider_label"]("daraja") == "M-Pesa"
