"""Refusals of keys. Customers only see `unavailable`; the others appear on the command line."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, Unavailable


class KeyRingUnavailable(Unavailable):
    """The key ring is missing, cannot be read, or is readable by others.

    `reason` is for operators and the log; customers only see the title.
    """

    title = "Sealed data cannot be read at the moment"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class KeyLost(KeyRingUnavailable):
    """A value was sealed by a key that the ring no longer has. A backup may still have it."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"The key ring has no key {key_id}.")


class KeyInUse(Conflict):
    """The active key, or a key that sealed values still need, cannot be retired."""

    code = "key_in_use"
    title = "The key is still needed"


class RotationRunning(Conflict):
    """Another rotation of the key ring started at the same moment."""

    code = "rotation_running"
    title = "Another rotation has just started"


class BackupRefused(Conflict):
    """The backup cannot be read with this passphrase, or does not fit this key ring."""

    code = "key_backup_refused"
    title = "The backup was not imported"


register_refusal("key_rotations_unfinished_key", lambda _detail: RotationRunning())
