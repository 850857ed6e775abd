"""The personal data of the audit trail: ids, and the networks of sign-ins."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "audit",
    {
        "audit_records": PersonalDataTable(
            "Who did what, by id; for a sign-in also the network. No email address, name, phone"
            " number or postal address: records say which fields changed, not their values, and a"
            " reason with an email address or a phone number is refused",
            ErasureEffect.RETAINED,
            "A trail whose records can be removed proves nothing. Records are hashed, sealed and"
            f" anchored. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control. The archive has the person's own sessions.",
        ),
        "audit_seals": PersonalDataTable(
            "A record's position in the chain",
            ErasureEffect.RETAINED,
            "Belongs to the record.",
            not_exported="Says nothing about the person.",
        ),
        "denial_counts": PersonalDataTable(
            "How often requests of a person were denied within an hour, by ids and route",
            ErasureEffect.EXPIRES,
            "Becomes a record of the audit trail within minutes of the hour's end.",
            not_exported="Lasts an hour at most.",
        ),
    },
)
