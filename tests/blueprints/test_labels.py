"""Labels of stored values: none is missing, and an unknown value is shown as it is stored."""

from enum import StrEnum

import pytest
from flask import Flask

from app.access import Role
from app.approvals.rules import ApprovalStatus
from app.blueprints import labels
from app.custody.rules import CustodianHealth, SendState
from app.privacy.rules import ConsentState, ExportStatus


@pytest.mark.parametrize(
    ("values", "family"),
    [
        (Role, labels.ROLES),
    ],
)
def test_every_stored_value_has_its_own_label(
    values: type[StrEnum], family: dict[str, str]
) -> None:
    assert set(family) == set(values)
    assert len(set(family.values())) == len(family)


def test_value_without_a_label_is_shown_as_stored() -> None:
    assert labels.FILTERS["provider_label"]("a new provider") == "a new provider"
    assert labels.FILTERS["provider_label"]("daraja") == "M-Pesa"


def test_every_status_has_a_label_text(app: Flask) -> None:
    families = {
        "approval": ApprovalStatus,
        "consent": ConsentState,
        "export": ExportStatus,
        "send": SendState,
        "custodian": CustodianHealth,
    }
    with app.test_request_context():
        status_text = app.jinja_env.get_template("components/status.html").module.status_text
        unlabelled = [
            f"{family} {code}"
            for family, codes in families.items()
            for code in codes
            if status_text(code.value, family) == code.value
        ]
    assert unlabelled == []
