"""The keys that open the sandbox and sign its webhooks. No secrets: everybody may know them."""

from hashlib import sha256


def known(name: str) -> str:
    """The key of that name, as the exchange knows it too where nobody configured another."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()
