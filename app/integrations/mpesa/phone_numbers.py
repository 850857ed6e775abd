"""Phone numbers in the form that Daraja uses."""

import re

from app.providers.errors import ProviderRefused

_KENYAN = re.compile(r"254[17][0-9]{8}", re.ASCII)


def to_msisdn(phone: str) -> str:
    """Return `254712345678` for `+254712345678`. Other countries: `phone_not_kenyan`."""
    digits = phone.removeprefix("+").replace(" ", "")
    if not _KENYAN.fullmatch(digits):
        raise ProviderRefused("phone_not_kenyan")
    return digits
