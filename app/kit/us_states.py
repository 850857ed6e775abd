"""The states of the United States by their postal codes, with the District of Columbia."""

from app.kit.errors import Invalid

#: Codes of the United States Postal Service.
US_STATES = frozenset(
    {
        "AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL",
        "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE",
        "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT",
        "VA", "VT", "WA", "WI", "WV", "WY",
    }
)  # fmt: skip


def parse_us_states(field: str, text: str) -> tuple[str, ...]:
    """Return the codes in a text like `CA, TX`, each once and in order.

    Raises `Invalid` naming the field and the code that is no state.
    """
    codes = sorted({code.upper() for code in text.replace(",", " ").split()})
    for code in codes:
        if code not in US_STATES:
            raise Invalid(field, f"{code} is not a state. Enter codes of two letters, like CA, TX.")
    return tuple(codes)
