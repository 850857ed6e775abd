"""The people of the sample: who `flask sample load` adds, `bin/run` prints and the sign-in page of
the sample offers."""

from dataclasses import dataclass

PASSWORD = "demo-Passw0rd!"  # noqa: S105 - published on purpose: it opens the sample only
#: A domain that exists nowhere: every person of the sample has an address there.
DOMAIN = "pbcex.local"


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person of the sample, and where their work is."""

    #: The part of the email address before the @.
    name: str
    #: A member of `app.access.Role`.
    role: str
    first_name: str
    last_name: str
    #: The path of the page on which they land.
    home: str
    #: What to look at as this person.
    about: str
    #: The code of the branch at which a teller works.
    branch: str = ""

    @property
    def email(self) -> str:
        """The email address."""
        return f"{self.name}@{DOMAIN}"

    @property
    def password(self) -> str:
        """The password, the same for everyone."""
        return PASSWORD

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


_DECIDES = "Decide what the other {} requested."
SAMPLE_PEOPLE = (
    SamplePerson("admin", "ADMIN", "Ada", "Admin", "/admin/", "See what waits, and exposure."),
    SamplePerson("admin2", "ADMIN", "Abe", "Admin", "/admin/", _DECIDES.format("administrator")),
    SamplePerson(
        "support", "SUPPORT", "Sam", "Support", "/support/", "Find a customer; review an identity."
    ),
    SamplePerson(
        "support2", "SUPPORT", "Sue", "Support", "/support/", "Work on the cases assigned to you."
    ),
    SamplePerson(
        "teller",
        "TELLER",
        "Tess",
        "Teller",
        "/teller/",
        "Take cash in at Main Street.",
        "MAIN",
    ),
    SamplePerson(
        "teller2", "TELLER", "Theo", "Teller", "/teller/", "Check one at Harbour Quay.", "HARBOUR"
    ),
    SamplePerson(
        "inventory",
        "INVENTORY",
        "Ivo",
        "Inventory",
        "/admin/",
        "Stock: what is low, and receiving a delivery.",
    ),
    SamplePerson("inventory2", "INVENTORY", "Ina", "Inventory", "/admin/", "The same as Ivo."),
    SamplePerson(
        "compliance", "COMPLIANCE", "Cleo", "Compliance", "/admin/", "Close a sanctions case."
    ),
    SamplePerson(
        "compliance2", "COMPLIANCE", "Cyd", "Compliance", "/admin/", "Release a large withdrawal."
    ),
    SamplePerson(
        "auditor", "AUDITOR", "Aude", "Auditor", "/admin/", "Read every act of the staff."
    ),
    SamplePerson("auditor2", "AUDITOR", "Axel", "Auditor", "/admin/", "The same as Aude."),
    SamplePerson(
        "customer", "USER", "Carl", "Customer", "/api/docs", "Trade, pay in and out by the API."
    ),
)
#: Those who sign in at the staff's page.
SAMPLE_STAFF = tuple(person for person in SAMPLE_PEOPLE if person.role != "USER")
