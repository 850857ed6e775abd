"""The refusals of claims."""

from app.kit.errors import Conflict


class ClaimFiled(Conflict):
    """There is a claim for the shipment."""

    code = "claim_filed"
    title = "A claim for this shipment is filed already."


class ClaimDecided(Conflict):
    """The claim is paid or refused."""

    code = "claim_decided"
    title = "This claim is decided already. Reload the page."


class NothingToClaim(Conflict):
    """The goods of the shipment did not come back, and are not lost."""

    code = "nothing_to_claim"
    title = "There is nothing to claim: the goods of this shipment are neither lost nor back."
