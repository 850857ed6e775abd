"""The states of the USA and the District of Columbia, with the clock by which their days begin."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum

_EASTERN, _CENTRAL = "America/New_York", "America/Chicago"
_MOUNTAIN, _PACIFIC = "America/Denver", "America/Los_Angeles"


class UsState(LabelledEnum):
    """A state, or the District of Columbia: its postal code, its name and the time zone in which
    most of its people live."""

    zone: str

    def __init__(self, value: str, label: str = "", zone: str = "") -> None:
        super().__init__(value, label)
        self.zone = zone

    AL = "AL", "Alabama", _CENTRAL
    AK = "AK", "Alaska", "America/Anchorage"
    AZ = "AZ", "Arizona", "America/Phoenix"
    AR = "AR", "Arkansas", _CENTRAL
    CA = "CA", "California", _PACIFIC
    CO = "CO", "Colorado", _MOUNTAIN
    CT = "CT", "Connecticut", _EASTERN
    DE = "DE", "Delaware", _EASTERN
    DC = "DC", "District of Columbia", _EASTERN
    FL = "FL", "Florida", _EASTERN
    GA = "GA", "Georgia", _EASTERN
    HI = "HI", "Hawaii", "Pacific/Honolulu"
    ID = "ID", "Idaho", _MOUNTAIN
    IL = "IL", "Illinois", _CENTRAL
    IN = "IN", "Indiana", _EASTERN
    IA = "IA", "Iowa", _CENTRAL
    KS = "KS", "Kansas", _CENTRAL
    KY = "KY", "Kentucky", _EASTERN
    LA = "LA", "Louisiana", _CENTRAL
    ME = "ME", "Maine", _EASTERN
    MD = "MD", "Maryland", _EASTERN
    MA = "MA", "Massachusetts", _EASTERN
    MI = "MI", "Michigan", _EASTERN
    MN = "MN", "Minnesota", _CENTRAL
    MS = "MS", "Mississippi", _CENTRAL
    MO = "MO", "Missouri", _CENTRAL
    MT = "MT", "Montana", _MOUNTAIN
    NE = "NE", "Nebraska", _CENTRAL
    NV = "NV", "Nevada", _PACIFIC
    NH = "NH", "New Hampshire", _EASTERN
    NJ = "NJ", "New Jersey", _EASTERN
    NM = "NM", "New Mexico", _MOUNTAIN
    NY = "NY", "New York", _EASTERN
    NC = "NC", "North Carolina", _EASTERN
    ND = "ND", "North Dakota", _CENTRAL
    OH = "OH", "Ohio", _EASTERN
    OK = "OK", "Oklahoma", _CENTRAL
    OR = "OR", "Oregon", _PACIFIC
    PA = "PA", "Pennsylvania", _EASTERN
    RI = "RI", "Rhode Island", _EASTERN
    SC = "SC", "South Carolina", _EASTERN
    SD = "SD", "South Dakota", _CENTRAL
    TN = "TN", "Tennessee", _CENTRAL
    TX = "TX", "Texas", _CENTRAL
    UT = "UT", "Utah", _MOUNTAIN
    VT = "VT", "Vermont", _EASTERN
    VA = "VA", "Virginia", _EASTERN
    WA = "WA", "Washington", _PACIFIC
    WV = "WV", "West Virginia", _EASTERN
    WI = "WI", "Wisconsin", _CENTRAL
    WY = "WY", "Wyoming", _MOUNTAIN

    def day_at(self, instant: datetime) -> date:
        """Return the day that it is there."""
        return instant.astimezone(ZoneInfo(self.zone)).date()


def parse_state(field: str, text: str) -> UsState:
    """Return the state with this postal code. Raises `Invalid` naming the field."""
    state = UsState.with_value(text.strip().upper())
    if state is None:
        raise Invalid(field, "Enter the two letters of a state, like CA, or DC.")
    return state
