"""Bodies of a checkout that are wrong by themselves: the field is named, and nothing is sold."""

from typing import Any

import pytest

from app.kit import ids
from tests.api_client import ApiClient, wrong_fields

_CHECKOUT = "/api/shop/checkout"
_BALANCE, _CARD = {"method": "balance"}, {"method": "card"}
_VAULT = {"destination": "vault"}

pytestmark = pytest.mark.usefixtures("open_app")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"quoteId": 5}, ["quoteId"]),
        ({"payment": None}, ["payment"]),
        ({"payment": {"method": "cheque"}}, ["payment.method"]),
        ({"payment": {**_BALANCE, "amount": "1.001"}}, ["payment.amount"]),
        ({"payment": {**_BALANCE, "asset": "XAU-s"}}, ["payment.asset"]),
        ({"payment": _CARD}, ["payment.paymentMethod"]),
        ({"payments": []}, ["payments"]),
        ({"payments": [_BALANCE]}, ["payments"]),
        ({"destination": "moon"}, ["destination"]),
        ({"destination": "ship"}, ["shippingAddress"]),
        ({"destination": "pickup"}, ["pickupBranchId"]),
        ({"pickupBranchId": ids.encode("brn", ids.new())}, ["pickupBranchId"]),
        ({"total": "1.00"}, ["total"]),
    ],
)
def test_checkout_names_the_field_that_is_wrong(
    customer: ApiClient, changes: dict[str, Any], fields: list[str]
) -> None:
    body = {"quoteId": ids.encode("lck", ids.new()), **_VAULT, "payment": _BALANCE, **changes}
    assert wrong_fields(customer.post(_CHECKOUT, body)) == fields


def test_checkout_names_the_one_of_several_payments_that_lacks_its_card(
    customer: ApiClient,
) -> None:
    body = {"quoteId": ids.encode("lck", ids.new()), **_VAULT}
    several = {"payments": [{**_BALANCE, "amount": "1.00"}, _CARD]}
    assert wrong_fields(customer.post(_CHECKOUT, body | several)) == ["payments.1.paymentMethod"]
