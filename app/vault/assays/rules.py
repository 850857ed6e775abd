"""How goods are examined, and with which result."""

from app.kit.labels import LabelledEnum, Mark, StatusEnum


class AssayMethod(LabelledEnum):
    """How units were examined."""

    XRF = "xrf", "X-ray fluorescence"
    ULTRASOUND = "ultrasound", "Ultrasound"
    CONDUCTIVITY = "conductivity", "Electrical conductivity"
    SPECIFIC_GRAVITY = "specific_gravity", "Specific gravity"
    FIRE_ASSAY = "fire_assay", "Fire assay"
    WEIGHT_AND_SIZE = "weight_and_size", "Weight and dimensions"


class AssayResult(StatusEnum):
    """The result of an assay."""

    PASSED = "passed", "Passed", Mark.DONE
    """They are what they should be, and are for sale."""
    FAILED = "failed", "Failed", Mark.FAILED
    """They are not, and stay in quarantine."""


class QuarantineStatus(StatusEnum):
    """Whether all units of a quarantine were examined."""

    WAITING = "waiting", "To be examined", Mark.WAITING
    EXAMINED = "examined", "Examined", Mark.DONE
