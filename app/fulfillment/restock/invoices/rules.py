"""Statuses of suppliers' invoices. Pure."""

from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions

#: The prefix of an invoice's public id.
PREFIX = "siv"


class InvoiceStatus(StatusEnum):
    """The status of a supplier's invoice."""

    DIFFERS = "differs", "Differs", Mark.PROBLEM
    """It asks for more or less than what was received cost, by more than is accepted."""
    ACCEPTED = "accepted", "To be paid", Mark.WAITING
    PAID = "paid", "Paid", Mark.DONE
    REJECTED = "rejected", "Rejected", Mark.ENDED
    """The supplier sends another one."""


_S = InvoiceStatus
TRANSITIONS = Transitions({_S.DIFFERS: {_S.ACCEPTED, _S.REJECTED}, _S.ACCEPTED: {_S.PAID}})
