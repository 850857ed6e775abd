"""The error that stops anchoring."""


class AuditTrailBroken(RuntimeError):
    """The chain is not the one that was anchored: it was cut or replaced."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"Position {position} of the audit trail is not what was anchored. "
            "Run flask audit verify."
        )
