"""What stops the anchoring."""


class AuditTrailBroken(RuntimeError):
    """The chain is not the one that was anchored: somebody cut or replaced it."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"position {position} of the audit trail is not what was anchored: "
            "run flask audit verify"
        )
