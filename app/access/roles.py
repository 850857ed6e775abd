"""Every role."""

from app.kit.labels import LabelledEnum


class Role(LabelledEnum):
    """A person's role. A customer is a USER; all other roles are staff."""

    USER = "USER", "Customer"
    """Buys, holds and sells metal on their own account."""
    SUPPORT = "SUPPORT", "Support"
    """Helps customers."""
    TELLER = "TELLER", "Teller"
    """Serves customers at a branch."""
    INVENTORY = "INVENTORY", "Inventory"
    """Manages the vault."""
    COMPLIANCE = "COMPLIANCE", "Compliance"
    """Reviews people and payments."""
    AUDITOR = "AUDITOR", "Auditor"
    """Reads everything and changes nothing."""
    ADMIN = "ADMIN", "Administrator"
    """Administers PBCEx."""


#: Roles whose holders work at one branch. Their `branch:` permissions cover that branch only.
BRANCH_BOUND_ROLES = frozenset({Role.TELLER})
