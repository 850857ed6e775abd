"""The customers of the sample: who they are, and what they submit about themselves."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """A customer, or the representative of a company. `name` is the part before the @."""

    name: str
    first_name: str
    last_name: str
    born: str
    street: str
    city: str
    state: str
    zip_code: str
    #: How many days before now they registered.
    days: int
    phone: str = ""
    country: str = "US"

    def identity(self) -> dict[str, Any]:
        """Return what they submit to be verified."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "date_of_birth": self.born,
            "address": self.address(),
        }

    def address(self) -> dict[str, str]:
        """Return their postal address as they submit it."""
        fields = {
            "country": self.country, "street": self.street, "city": self.city, "state": self.state,
            "zip_code": self.zip_code,
        }  # fmt: skip
        return {name: text for name, text in fields.items() if text}


CUSTOMERS = (
    SampleCustomer("customer", "Carl", "Customer", "1979-04-12", "12 Cedar Street", "Reno", "NV",
                   "89501", 89, "+12025550101"),
    SampleCustomer("maria", "Maria", "Santos", "1988-09-30", "480 Alvarado Street", "Monterey",
                   "CA", "93940", 88, "+12025550102"),
    SampleCustomer("james", "James", "Okafor", "1975-01-22", "9 Riverside Drive", "Nairobi", "",
                   "00100", 86, "+254712345677", "KE"),
    SampleCustomer("lena", "Lena", "Hoffmann", "1983-11-05", "77 Prospect Avenue", "Hartford",
                   "CT", "06105", 84, "+12025550104"),
    SampleCustomer("felix", "Felix", "Marlowe", "1969-06-17", "3 Beacon Street", "Boston", "MA",
                   "02108", 80, "+12025550105"),
    SampleCustomer("yuki", "Yuki", "Tanaka", "1991-02-28", "815 Pine Street", "Seattle", "WA",
                   "98101", 62),
    SampleCustomer("george", "George", "Bell", "1986-07-19", "2200 Elm Street", "Dallas", "TX",
                   "75201", 58),
    SampleCustomer("peter", "Peter", "Vance", "1995-12-01", "41 Canal Road", "Denver", "CO",
                   "80202", 40),
    SampleCustomer("tomas", "Tomas", "Novak", "1990-03-14", "640 Lake Drive", "Chicago", "IL",
                   "60611", 21),
    SampleCustomer("amara", "Amara", "Diallo", "1993-08-08", "18 Peachtree Lane", "Atlanta", "GA",
                   "30303", 9),
    # Lives with Amara: two accounts at one address are a case.
    SampleCustomer("nora", "Nora", "Lindqvist", "1998-05-25", "18 Peachtree Lane", "Atlanta",
                   "GA", "30303", 2),
    SampleCustomer("olga", "Olga", "Ivers", "1984-10-10", "1 Hill Road", "Austin", "TX", "78701",
                   1),
)  # fmt: skip
#: Who represent companies.
REPRESENTATIVES = (
    SampleCustomer("helena", "Helena", "Brandt", "1972-02-09", "200 Market Street",
                   "San Francisco", "CA", "94103", 87, "+12025550111"),
    SampleCustomer("victor", "Victor", "Osei", "1980-06-03", "900 Copper Avenue", "Phoenix", "AZ",
                   "85004", 15),
)  # fmt: skip
#: Who closed her account again.
FORMER = SampleCustomer("rosa", "Rosa", "Klein", "1977-07-07", "66 Orchard Lane", "Albany", "NY",
                        "12207", 35)  # fmt: skip
BY_NAME = {customer.name: customer for customer in (*CUSTOMERS, *REPRESENTATIVES, FORMER)}


def company(legal_name: str, number: str, owner: SampleCustomer) -> dict[str, Any]:
    """Return a company that belongs to its representative, as it is submitted."""
    return {
        "legal_name": legal_name,
        "registration_number": number,
        "entity_type": "LLC",
        "address": owner.address(),
        "incorporated_on": "2014-03-01",
        "licences": [],
        "beneficial_owners": [
            {
                "first_name": owner.first_name,
                "last_name": owner.last_name,
                "date_of_birth": owner.born,
                "country": "US",
                "ownership_percent": "60",
                "controls": True,
            }
        ],
    }
