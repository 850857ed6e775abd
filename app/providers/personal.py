"""Personal data in the records of provider calls and webhooks."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "providers",
    {
        "provider_calls": PersonalDataTable(
            "The calls to providers about a deposit, withdrawal or check, by its id",
            ErasureEffect.EXPIRES,
            "Deleted after half a year. Identifies the person only by that id.",
            not_exported="Technical records; the results are exported with the payment or check.",
        ),
        "webhook_events": PersonalDataTable(
            "A provider's webhooks about a payment or a check, sealed",
            ErasureEffect.EXPIRES,
            "Deleted after half a year: evidence of what the provider reported.",
            not_exported="Providers' copies; the results are exported with the payment or check.",
        ),
    },
)
