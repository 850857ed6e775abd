"""What the audit trail holds on a person: ids, and the networks that they came from."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "audit",
    {
        "audit_records": PersonalDataTable(
            "Who did what, by id; of a log-in the network that it came from. No e-mail address,"
            " name, phone number or postal address stands in it: verbs record which fields changed,"
            " and not what they say, and a reason with an e-mail address or a phone number in it is"
            " refused",
            ErasureEffect.RETAINED,
            "A trail from which something can be taken out proves nothing; its rows are hashed,"
            f" sealed and anchored. {RETAINED_BY_LAW}",
            not_exported="How the house watches over itself. The person's own sessions are in the"
            " archive.",
        ),
        "audit_seals": PersonalDataTable(
            "A record's place in the chain",
            ErasureEffect.RETAINED,
            "Belongs to the record.",
            not_exported="Says nothing about anybody.",
        ),
    },
)
