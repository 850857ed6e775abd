"""What a document says, and its number. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from app.catalog.rules import USD
from app.kit.labels import LabelledEnum
from app.kit.money import Amount

#: The prefix of a sales document's public id.
PREFIX = "sdc"
_DIGITS = 6


class DocumentKind(LabelledEnum):
    """A kind of document. Each legal entity numbers each kind by itself."""

    INVOICE = "invoice", "Invoice"
    """What a customer bought, with its tax."""
    CREDIT_NOTE = "credit_note", "Credit note"
    """What of an invoice was given back, with its tax."""


_CODES = {DocumentKind.INVOICE: "INV", DocumentKind.CREDIT_NOTE: "CRN"}


def format_number(entity_code: str, kind: DocumentKind, number: int) -> str:
    """Return a number as a document shows it: `PBCEX-INV-000123`."""
    return f"{entity_code}-{_CODES[kind]}-{number:0{_DIGITS}}"


@dataclass(frozen=True, slots=True)
class Party:
    """The seller or the customer. `address` is in one line; `tax_number` is a company's."""

    name: str
    address: str = ""
    tax_number: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """Units of a product, in US dollars."""

    sku: str
    name: str
    quantity: int
    price: Amount
    tax: Amount
    tax_reason: str


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What a document says for ever, whatever is changed later. Amounts are US dollars."""

    seller: Party
    customer: Party
    #: The order's number for people, and when it was placed and paid; None of a pro-forma invoice.
    order_number: str
    placed_at: datetime
    paid_at: datetime | None
    lines: Sequence[DocumentLine]
    shipping: Amount
    insurance: Amount
    #: How it was paid, or is to be paid, in words.
    payment: str

    @property
    def goods(self) -> Amount:
        """The price of all lines, before tax."""
        return sum((line.price for line in self.lines), Amount(USD, 0))

    @property
    def tax(self) -> Amount:
        """The sales tax of all lines."""
        return sum((line.tax for line in self.lines), Amount(USD, 0))

    @property
    def total(self) -> Amount:
        """What the customer pays for it."""
        return self.goods + self.tax + self.shipping + self.insurance

    def to_json(self) -> dict[str, Any]:
        """Return it for storage."""
        return {
            "seller": _party_to_json(self.seller),
            "customer": _party_to_json(self.customer),
            "orderNumber": self.order_number,
            "placedAt": self.placed_at.isoformat(),
            "paidAt": self.paid_at.isoformat() if self.paid_at else None,
            "lines": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "price": line.price.units,
                    "tax": line.tax.units,
                    "taxReason": line.tax_reason,
                }
                for line in self.lines
            ],
            "shipping": self.shipping.units,
            "insurance": self.insurance.units,
            "payment": self.payment,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Return what `to_json` returned."""
        return cls(
            _party_from_json(stored["seller"]),
            _party_from_json(stored["customer"]),
            stored["orderNumber"],
            datetime.fromisoformat(stored["placedAt"]),
            datetime.fromisoformat(stored["paidAt"]) if stored["paidAt"] else None,
            [
                DocumentLine(
                    line["sku"],
                    line["name"],
                    line["quantity"],
                    Amount(USD, line["price"]),
                    Amount(USD, line["tax"]),
                    line["taxReason"],
                )
                for line in stored["lines"]
            ],
            Amount(USD, stored["shipping"]),
            Amount(USD, stored["insurance"]),
            stored["payment"],
        )


def _party_to_json(party: Party) -> dict[str, str]:
    return {"name": party.name, "address": party.address, "taxNumber": party.tax_number}


def _party_from_json(stored: dict[str, str]) -> Party:
    return Party(stored["name"], stored["address"], stored["taxNumber"])
