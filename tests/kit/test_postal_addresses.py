"""Postal addresses, normalized and validated by country."""

from dataclasses import replace

import pytest

from app.kit import postal_areas
from app.kit.countries import COUNTRY_NAMES
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress, normalize

US = PostalAddress(
    "US",
    "1600 Amphitheatre Pkwy",
    city="Mountain View",
    state="CA",
    zip_code="94043",
    state_code="CA",
)


def make_address(**changes):
    return replace(US, **changes)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (make_address(), make_address()),
        (make_address(country="us"), make_address()),
        # What was typed is kept, with the code beside it.
        (make_address(state="california"), make_address(state="california")),
        (make_address(state=" ca ", city="  Mountain View "), make_address(state="ca")),
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
            PostalAddress(
                "JP",
                "千代田1-1",
                city="千代田区",
                state="Tokyo",
                zip_code="100-0001",
                state_code="13",
            ),
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
    ("country", "state", "code"),
    [
        ("BR", "Sao Paulo", "SP"),
        ("MX", "Ciudad de Mexico", "CMX"),
        ("MX", "Mexico City", "CMX"),
        ("CO", "Bogota", "DC"),
        ("CL", "Region Metropolitana", "RM"),
        ("CN", "Guangdong", "44"),
        ("VN", "Ha Noi", "HN"),
        ("UA", "Kyiv", "30"),
        ("IT", "Rome", "RM"),
        ("IT", "ROMA", "RM"),
        ("AE", "Dubai", "DU"),
        ("TH", "Bangkok", "10"),
        ("JP", "Tokyo", "13"),
        ("KR", "Seoul", "11"),
        ("EG", "Cairo", "C"),
        ("TW", "Taipei", "TPE"),
        ("ES", "Malaga", "MA"),
        ("US", "new york", "NY"),
        ("CA", "Québec", "QC"),
        ("IN", "कर्नाटक", "KA"),
    ],
)
def test_state_is_found_without_marks_and_by_its_english_name(country, state, code):
    address = PostalAddress(
        country, "Main Street 1", city="A", state=state, zip_code=ZIPS.get(country)
    )
    normalized = normalize(address)
    assert (normalized.state, normalized.state_code) == (state, code)
    shown = state if state.upper() == code else f"{state} ({code})"
    assert shown in normalized.in_one_line


#: Postal codes where they are required or checked.
ZIPS = {
    "BR": "01310-100", "MX": "06082", "CN": "510000", "UA": "01001", "IT": "00144",
    "JP": "100-0001", "KR": "03051", "TW": "10603", "ES": "29001", "US": "10001", "CA": "H3Z 2Y7",
    "IN": "560001",
}  # fmt: skip


def test_every_name_in_the_data_finds_its_own_area():
    for country in COUNTRY_NAMES:
        for area in postal_areas.list_areas(country):
            for name in area.names:
                assert postal_areas.find_area(country, name) is area, (country, name)


@pytest.mark.parametrize(
    ("country", "typed", "zip_code"),
    [
        ("PL", "00001", "00-001"),
        ("PL", "00-950", "00-950"),
        ("PT", "1000001", "1000-001"),
        ("LT", "LT-01103", "01103"),
        ("LU", "L-1111", "1111"),
        ("SI", "SI-1000", "1000"),
        ("DE", "１０１１７", "10117"),
        ("DE", "D-10117", "10117"),
        ("SE", "114 55", "114 55"),
        ("NL", "1234ab", "1234AB"),
        ("GB", "sw1a  2aa", "SW1A 2AA"),
    ],
)
def test_postal_code_is_read_as_it_is_meant(country, typed, zip_code):
    address = PostalAddress(country, "Main Street 1", city="A", zip_code=typed)
    assert normalize(address).zip_code == zip_code


@pytest.mark.parametrize(
    ("address", "field", "message"),
    [
        (
            make_address(state="NY", zip_code="90001"),
            "zipCode",
            "90001 is in California, not in New York. Correct one of the two.",
        ),
        (
            make_address(state="Califronia"),
            "state",
            "Enter a state or province of the country (United States), like California or Micro",
        ),
        (
            make_address(zip_code="9404"),
            "zipCode",
            "Enter a postal code of the country (United States), like 95014.",
        ),
        (make_address(country="UK"), "country", "Enter GB for United Kingdom."),
        (
            PostalAddress("DE", "Unter den Linden 1", zip_code="10117"),
            "city",
            "Enter this part of the address. Addresses in Germany have it.",
        ),
    ],
)
def test_refusal_says_what_would_be_right(address, field, message):
    with pytest.raises(Invalid) as refusal:
        normalize(address)
    assert refusal.value.field == field
    assert refusal.value.message.startswith(message)


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
