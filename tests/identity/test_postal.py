"""Addresses as their countries write them."""

from dataclasses import replace

import pytest

from app.identity.accounts.postal_addresses import PostalAddress, normalize
from app.kit.errors import Invalid

US = PostalAddress(
    "US", "1600 Amphitheatre Pkwy", city="Mountain View", state="CA", zip_code="94043"
)


def put(**changes):
    return replace(US, **changes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (put(), put()),
        (put(country="us", state="California"), put()),
        (put(state=" ca ", city="  Mountain View "), put()),
        (put(street2="", company="  ", label="Home"), put(label="Home")),
        (put(phone="+1 202 555 0123"), put(phone="+12025550123")),
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
def test_are_written_as_their_country_does(given, said):
    written = normalize(given)
    assert said is None or written == said
    assert normalize(written) == written


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (put(country=""), "country"),
        (put(country="U"), "country"),
        (put(country="XX"), "country"),
        (put(country="ZZ"), "country"),
        (put(country="us "), None),
        (put(country="../"), "country"),
        (put(country="ÜS"), "country"),
        (put(country="١٢"), "country"),
        (put(country="12"), "country"),
        (put(street=" "), "street"),
        (put(city=None), "city"),
        (put(state=None), "state"),
        (put(state="Bavaria"), "state"),
        (put(zip_code=None), "zipCode"),
        (put(zip_code="9404"), "zipCode"),
        (put(zip_code="10001"), "zipCode"),
        (put(zip_code="94043; DROP TABLE"), "zipCode"),
        (put(street="x" * 101), "street"),
        (put(city="a\nb"), "city"),
        (put(recipient="a\x07"), "recipient"),
        (put(phone="12"), "phone"),
        (put(country="GB", state=None), "zipCode"),
        (PostalAddress("DE", "Unter den Linden 1", zip_code="10117"), "city"),
        (PostalAddress("DE", "Unter den Linden 1", city="Berlin", zip_code="1011"), "zipCode"),
    ],
)
def test_say_which_field_is_wrong(given, field):
    if field is None:
        assert normalize(given) == US
        return
    with pytest.raises(Invalid) as refused:
        normalize(given)
    assert refused.value.field == field
