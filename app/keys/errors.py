"""What keys refuses. Customers meet only `unavailable`; the rest is told on the command line."""

from app.kit.errors import Conflict, Unavailable


class KeyRingUnavailable(Unavailable):
    """The key ring is missing, cannot be read, or is readable by others."""

    title = "The keys of this exchange cannot be read"


class KeyLost(Unavailable):
    """A value was sealed by a key that the ring no longer has. A backup may."""

    title = "A key of this exchange is missing"

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"The key ring has no key {key_id}")


class KeyInUse(Conflict):
    """A key that seals, or that sealed values still need, is not given up."""

    code = "key_in_use"
    title = "The key is still needed"


class BackupRefused(Conflict):
    """The backup cannot be read with this passphrase, or does not fit this key ring."""

    code = "key_backup_refused"
    title = "The backup was not imported"
