"""Phone numbers as Daraja writes them."""

import re

from app.providers.errors import ProviderRefused

_KENYAN = re.compile(r"254[17][0-9]{8}", re.ASCII)


def to_msisdn(phone: str) -> str:
    """`254712345678` of `+254712345678`. Refused with `phone_not_kenyan` for any other number."""
    digits = phone.removeprefix("+").replace(" ", "")
    if not _KENYAN.fullmatch(digits):
        raise ProviderRefused("phone_not_kenyan")
    return digits
