"""Labels of stored values: none is missing, and an unknown value is shown as it is stored."""

from flask import Flask

from app.blueprints import labels
from app.custody.rules import CustodianHealth, SendState


def test_value_without_a_label_is_shown_as_stored() -> None:
    assert labels.FILTERS["provider_label"]("a new provider") == "a new provider"
    assert labels.FILTERS["provider_label"]("daraja") == "M-Pesa"


def test_every_status_has_a_label_text(app: Flask) -> None:
    families = {
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
