"""The personal data in fulfilment."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

_WITH_THE_ORDER = "Exported with the order or redemption that it is of."

PERSONAL_DATA = PersonalData(
    "fulfillment",
    {
        "parcel_labels": PersonalDataTable(
            "The labels of parcels, sealed, with the recipient's address",
            ErasureEffect.EXPIRES,
            "The document is deleted after 30 days; the rest identifies the person only by the"
            " parcel.",
            not_exported=_WITH_THE_ORDER,
        ),
        "tracked_parcels": PersonalDataTable(
            "Where parcels are, and the proof of delivery, sealed, with the recipient's signature",
            ErasureEffect.EXPIRES,
            "Deleted after two years: evidence of the delivery until then.",
            not_exported=_WITH_THE_ORDER,
        ),
        "tracking_events": PersonalDataTable(
            "What happened to parcels on their way, with the city",
            ErasureEffect.EXPIRES,
            "Deleted after two years, with the parcel.",
            not_exported=_WITH_THE_ORDER,
        ),
    },
)
