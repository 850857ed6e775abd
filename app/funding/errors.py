"""What funding refuses, by name."""

from app.kit.errors import Conflict


class GateClosed(Conflict):
    """PAXG strays too far from gold for a move one to one by weight."""

    code = "gate_closed"
    title = "PAXG and gold are too far apart in price; transfers wait until they meet again"


class TransferLimitExceeded(Conflict):
    """More moved within a day than the limit."""

    code = "transfer_limit_exceeded"
    title = "This would move more than the limit of one day"
