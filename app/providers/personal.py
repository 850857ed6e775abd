"""What is kept of what providers and we said."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "providers",
    {
        "provider_calls": PersonalDataTable(
            "Which call to a provider was about which deposit, withdrawal or check, by its id",
            ErasureEffect.EXPIRES,
            "Deleted after half a year. Says nothing about the person but the id.",
            not_exported="Notes on our own calls; what came of them is with what they were about.",
        ),
        "webhook_events": PersonalDataTable(
            "What a provider told us about a payment or a check, sealed",
            ErasureEffect.EXPIRES,
            "Deleted after half a year: the evidence that a provider did say so.",
            not_exported="Copies of what providers hold; what came of it is told elsewhere.",
        ),
    },
)
