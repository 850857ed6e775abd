"""The refusals of parcels."""

from app.kit.errors import Conflict


class NotInsurable(Conflict):
    """One piece is worth more than any parcel is insured for."""

    code = "not_insurable"
    title = (
        "One piece is worth more than a parcel is insured for. Raise the insured value with the"
        " carrier and in the settings first."
    )
