"""What custody refuses."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class SendDiffers(Conflict):
    """A send with this reference was asked for before, and it was another one."""

    code = "send_differs"
    title = "Another send has this reference"


class AddressTaken(Conflict):
    """A custodian gave us an address that it had given us before. It is used for nobody else."""

    code = "address_taken"
    title = "This address belongs to somebody already"


register_refusal("custody_addresses_network_address_key", lambda _detail: AddressTaken())
