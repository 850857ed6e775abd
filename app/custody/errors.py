"""What custody refuses."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class SendDiffers(Conflict):
    """A send with this reference exists, with another amount or destination."""

    code = "send_differs"
    title = "Another send has this reference."


class AddressTaken(Conflict):
    """A custodian returned an address that is assigned to another person. It is not used."""

    code = "address_taken"
    title = "This address is already assigned."


register_refusal("custody_addresses_network_address_key", lambda _detail: AddressTaken())
