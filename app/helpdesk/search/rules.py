"""What a person may mean by a text, and what is found. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import phones
from app.kit.labels import LabelledEnum

#: Rows of each kind.
RESULTS_MAX = 8
#: Fewer letters are in nearly every name.
_LETTERS_MIN = 2
_DIGITS_MAX = 18
_LAST_FOUR = 4
_NUMBER_IN_CODE = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*-0*([1-9][0-9]{0,17})", re.ASCII)
#: The smallest number of an order or a shipment.
_GOODS_NUMBER_MIN = 10_000_001
_REFERENCE = re.compile(r"[A-Za-z0-9._/-]{6,128}", re.ASCII)
_REQUEST_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TRACKING_NUMBER = re.compile(r"(?=.*[0-9])[A-Z0-9]{10,40}", re.ASCII)
_SERIAL = re.compile(r"(?=.*[0-9])[A-Z0-9][A-Z0-9 ./-]{2,29}", re.ASCII)


class ResultKind(LabelledEnum):
    """What was found. The members are in the order in which results are shown."""

    CUSTOMER = "customer", "Customers"
    STAFF = "staff", "Staff"
    ORDER = "order", "Orders"
    REDEMPTION = "redemption", "Redemptions"
    DEPOSIT = "deposit", "Deposits"
    WITHDRAWAL = "withdrawal", "Withdrawals"
    SHIPMENT = "shipment", "Shipments"
    COLLECTION = "collection", "Goods to hand over"
    INVOICE = "invoice", "Invoices"
    CASE = "case", "Cases"
    PRODUCT = "product", "Products"
    BAR = "bar", "Bars"
    RECORD = "record", "Audit trail"
    SETTING = "setting", "Settings"


@dataclass(frozen=True, slots=True)
class SearchText:
    """A text as it was typed, and what it may be."""

    text: str

    @property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @property
    def code(self) -> str:
        """The text as a code: capital letters without blanks."""
        return "".join(self.text.upper().split())

    @property
    def number(self) -> int | None:
        """A number for people, such as 10000001 or #10000001; also that of PBCEX-INV-000123."""
        digits = self.text.removeprefix("#")
        if (in_code := _NUMBER_IN_CODE.fullmatch(digits)) is not None:
            digits = in_code[1]
        return int(digits) if _is_number(digits) else None

    @property
    def last_four(self) -> str | None:
        """The last four digits of an account."""
        return self.text if _is_number(self.text) and len(self.text) == _LAST_FOUR else None

    @property
    def phone(self) -> str | None:
        """A phone number in E.164."""
        return phones.parse_phone(self.text)

    @property
    def goods_number(self) -> int | None:
        """The number of an order or a shipment."""
        number = self.number
        return number if number is not None and number >= _GOODS_NUMBER_MIN else None

    @property
    def reference(self) -> str | None:
        """What a provider may call a payment."""
        has_digit = any(map(str.isdecimal, self.text))
        return self.text if has_digit and _REFERENCE.fullmatch(self.text) else None

    @property
    def tracking_number(self) -> str | None:
        """What a carrier may call a parcel."""
        return self.code if _TRACKING_NUMBER.fullmatch(self.code) else None

    @property
    def serial(self) -> str | None:
        """What may be stamped on a bar."""
        serial = self.text.upper()
        return serial if _SERIAL.fullmatch(serial) else None

    @property
    def request_id(self) -> str | None:
        """The id of a request, which its response and its log lines name."""
        return self.lower if _REQUEST_ID.fullmatch(self.lower) else None

    @property
    def words(self) -> str | None:
        """A part of a name or a title, in lower case."""
        return self.lower if sum(map(str.isalnum, self.text)) >= _LETTERS_MIN else None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A row that was found. `key` names it: a public id, or a SKU, a request or a setting.

    `person_id` is whose it is. It is exact if the text is all that people call it by.
    """

    kind: ResultKind
    key: str
    title: str
    detail: str
    at: datetime | None = None
    person_id: UUID | None = None
    status: LabelledEnum | None = None
    is_exact: bool = False
    #: The name of the person.
    person: str = ""


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """What was found of one kind: exact results first, then the latest."""

    kind: ResultKind
    results: Sequence[SearchResult]


def parse_text(text: str) -> SearchText:
    """Return the text without blanks around it and in between doubled."""
    return SearchText(" ".join(text.split()))


def is_named(text: SearchText, name: str) -> bool:
    """Return whether words of a name begin with the words of the text, in its order."""
    return text.words is not None and f" {text.words}" in f" {name.lower()}"


def find_only_exact(groups: Sequence[SearchGroup]) -> SearchResult | None:
    """Return the result that the text names, if there is one and no other."""
    exact = [result for group in groups for result in group.results if result.is_exact]
    return exact[0] if len(exact) == 1 else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
