"""Postal addresses, normalized and validated by country."""

from dataclasses import replace

import pytest

from app.identity.accounts.postal_addresses import PostalAddress, normalize
from app.kit.errors import Invalid

US = PostalAddress(
    "US", "1600 Amphitheatre Pkwy", city="Mountain View", state="CA", zip_code="94043"
)


def make_address(**changes):
    return replace(US, **changes)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (make_address(), make_address()),
        (make_address(country="us", state="California"), make_address()),
        (make_address(state=" ca ", city="  Mountain View "), make_address()),
        (make_address(street2="", company="  ", label="Home"), make_address(label="Home")),
        (make_address(phone="+1 202 555 0123"), make_address(phone="+12025550123")),
        (
            PostalAddress("gb", "10 Downing St", city="London", zip_code="sw1a 2aa"),
            PostalAddress("GB", "10 Downing St", city="London", zip_code="SW1A 2AA"),
        ),
        # No city in Singapore's form, and none needed; what was typed is kept.
        (
            PostalAddress("SG", "10 Bayfront Avenue", zip_code="018956"),
            PostalAddress("SG", "10 Bayfront Avenue", zip_code="018956"),
        ),
        (
            PostalAddress("DE", "Unter den Linden 1", city="Berlin", state="B", zip_code="10117"),
            PostalAddress("DE", "Unter den Linden 1", city="Berlin", state="B", zip_code="10117"),
        ),
        (
            PostalAddress("JP", "千代田1-1", city="千代田区", state="Tokyo", zip_code="100-0001"),
            PostalAddress("JP", "千代田1-1", city="千代田区", state="東京都", zip_code="100-0001"),
        ),
        # Half the world has no postal codes.
        (PostalAddress("AE", "Sheikh Zayed Road 1", state="Dubai"), None),
        (PostalAddress("GH", "Independence Avenue 1", city="Accra"), None),
    ],
)  # fmt: skip
def test_address_is_normalized_for_its_country(address, expected):
    normalized = normalize(address)
    assert expected is None or normalized == expected
    assert normalize(normalized) == normalized


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (make_address(country=""), "country"),
        (make_address(country="U"), "country"),
        (make_address(country="XX"), "country"),
        (make_address(country="ZZ"), "country"),
        (make_address(country="us "), None),
        (make_address(country="../"), "country"),
        (make_address(country="ÜS"), "country"),
        (make_address(country="١٢"), "country"),
        (make_address(country="12"), "country"),
        (make_address(street=" "), "street"),
        (make_address(city=None), "city"),
        (make_address(state=None), "state"),
        (make_address(state="Bavaria"), "state"),
        (make_address(zip_code=None), "zipCode"),
        (make_address(zip_code="9404"), "zipCode"),
        (make_address(zip_code="10001"), "zipCode"),
        (make_address(zip_code="94043; DROP TABLE"), "zipCode"),
        (make_address(street="x" * 101), "street"),
        (make_address(city="a\nb"), "city"),
        (make_address(recipient="a\x07"), "recipient"),
        (make_address(phone="12"), "phone"),
        (make_address(country="GB", state=None), "zipCode"),
        (PostalAddress("DE", "Unter den Linden 1", zip_code="10117"), "city"),
        (PostalAddress("DE", "Unter den Linden 1", city="Berlin", zip_code="1011"), "zipCode"),
    ],
)
def test_invalid_address_names_the_field(address, field):
    if field is None:
        assert normalize(address) == US
        return
    with pytest.raises(Invalid) as refusal:
        normalize(address)
    assert refusal.value.field == field
