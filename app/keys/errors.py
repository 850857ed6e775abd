"""What keys refuses. Customers meet only `unavailable`; the rest is told on the command line."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, Unavailable


class KeyRingUnavailable(Unavailable):
    """The key ring is missing, cannot be read, or is readable by others.

    `reason` is for whoever runs the house, and for the log; customers are told the title.
    """

    title = "What is sealed cannot be read at the moment"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class KeyLost(KeyRingUnavailable):
    """A value was sealed by a key that the ring no longer has. A backup may."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"The key ring has no key {key_id}")


class KeyInUse(Conflict):
    """A key that seals, or that sealed values still need, is not given up."""

    code = "key_in_use"
    title = "The key is still needed"


class RotationRunning(Conflict):
    """Another rotation of the key ring began at the same moment."""

    code = "rotation_running"
    title = "Another rotation began at this moment"


class BackupRefused(Conflict):
    """The backup cannot be read with this passphrase, or does not fit this key ring."""

    code = "key_backup_refused"
    title = "The backup was not imported"


register_refusal("key_rotations_unfinished_key", lambda _detail: RotationRunning())
