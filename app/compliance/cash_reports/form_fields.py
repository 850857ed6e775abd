"""The fields of a cash report, as the form asks for them: FinCEN Form 112 or Form 8300."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.branches import queries as branches_queries
from app.branches.entities import queries as entities_queries
from app.branches.entities.rules import CashReportRegime
from app.compliance.cash_reports import queries
from app.compliance.cash_reports.queries import (
    CashReportSummary,
    CashTransactionRow,
    NamedPerson,
)
from app.kit.db import Session
from app.kit.formatting import format_amount, format_date
from app.kit.postal_addresses import PostalAddress
from app.kyc import queries as kyc_queries
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import PersonDetails

_FORMS: Mapping[CashReportRegime, str] = {
    CashReportRegime.CTR: "FinCEN Form 112, currency transaction report",
    CashReportRegime.FORM_8300: "Form 8300, cash received in a trade or business",
}


@dataclass(frozen=True, slots=True)
class FormSection:
    """A part of the form: its fields by their label, None for one that is missing."""

    title: str
    fields: Mapping[str, str | None]

    @property
    def missing(self) -> Sequence[str]:
        """The labels of the fields that are missing."""
        return [label for label, value in self.fields.items() if value is None]

    def to_json(self) -> Mapping[str, object]:
        """Return the part as it is kept."""
        return {"title": self.title, "fields": dict(self.fields)}


def list_sections(session: Session, report: CashReportSummary) -> list[FormSection]:
    """Return the parts of the form as the facts are now."""
    transactions = queries.list_transactions(session, report.id)
    people = queries.list_people(session, report.id)
    return [
        *(_describe_person(session, each, transactions) for each in people),
        _describe_cash(report, transactions),
        *_describe_places(session, transactions),
        _describe_filer(session, report),
    ]


def find_identity_id(session: Session, person_id: UUID) -> UUID | None:
    """Return the verification that says who a person is; None without one."""
    verifications = kyc_queries.verifications_of(session, person_id)
    identity = kyc_queries.effective_identity(verifications)
    return identity.id if identity else None


def _describe_person(
    session: Session, named: NamedPerson, transactions: Sequence[CashTransactionRow]
) -> FormSection:
    identity_id = find_identity_id(session, named.person_id)
    details = submission_queries.details_of(session, identity_id) if identity_id else None
    person = details if isinstance(details, PersonDetails) else None
    conducts = [each for each in transactions if each.conductor_id == named.person_id]
    benefits = [each for each in transactions if each.beneficiary_id == named.person_id]
    both = [each for each in conducts if each in benefits]
    roles = [
        *(["conducted a transaction on their own behalf"] if both else []),
        *(["conducted a transaction for another person"] if len(conducts) > len(both) else []),
        *(["person on whose behalf it was conducted"] if len(benefits) > len(both) else []),
    ]
    relationship = {"Relationship": ", ".join(roles).capitalize()}
    occupation = {"Occupation or type of business": named.occupation}
    title = f"Person involved: {person.name}" if person else "Person involved"
    return FormSection(title, relationship | _describe_identity(person) | occupation)


def _describe_identity(person: PersonDetails | None) -> dict[str, str | None]:
    labels = (
        "Last name",
        "First name",
        "Date of birth",
        "Form of identification",
        "Identification number",
    )
    if person is None:
        return {**dict.fromkeys(labels), **_describe_address(None)}
    values = (
        person.last_name,
        person.first_name,
        format_date(person.date_of_birth),
        person.id_type.label if person.id_type else None,
        person.id_number,
    )
    return {**dict(zip(labels, values, strict=True)), **_describe_address(person.address)}


def _describe_address(address: PostalAddress | None) -> dict[str, str | None]:
    """Return the fields of an address. Not every country has states and postal codes."""
    labels = ("Address", "City", "State", "ZIP or postal code", "Country")
    if address is None:
        return dict.fromkeys(labels)
    street = ", ".join(filter(None, (address.street, address.street2)))
    state = address.state_code or address.state or ""
    values = (street, address.city or "", state, address.zip_code or "", address.country)
    return dict(zip(labels, values, strict=True))


def _describe_cash(
    report: CashReportSummary, transactions: Sequence[CashTransactionRow]
) -> FormSection:
    # The label is short, because a phone shows it beside the value.
    each_amount = {
        f"Transaction {number}": ", ".join(
            (
                format_date(each.at.date()),
                each.instrument.label.lower(),
                format_amount(each.amount),
                each.reference,
            )
        )
        for number, each in enumerate(transactions, start=1)
    }
    return FormSection(
        "Cash",
        {
            "Form": _FORMS[report.regime],
            "Date of transaction": format_date(report.business_day),
            f"Total {report.direction.label.lower()}": format_amount(report.total),
            **each_amount,
        },
    )


def _describe_places(
    session: Session, transactions: Sequence[CashTransactionRow]
) -> list[FormSection]:
    sections = []
    for branch_id in dict.fromkeys(each.branch_id for each in transactions):
        branch = branches_queries.get_any_branch(session, branch_id)
        fields = {"Name": branch.name, **_describe_address(branch.postal)}
        sections.append(FormSection(f"Where it took place: {branch.name}", fields))
    return sections


def _describe_filer(session: Session, report: CashReportSummary) -> FormSection:
    entity = entities_queries.get_entity(session, report.legal_entity_id)
    fields = {
        "Legal name": entity.name,
        "EIN": entity.tax_number,
        **_describe_address(entity.postal),
    }
    return FormSection("Filing institution", fields)
