"""Exemption certificates: record one, see which count, and revoke one."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    date_field,
    reason_field,
    text_field,
)
from app.blueprints.lists import (
    Column,
    EnumFilter,
    ListForm,
    ListPage,
    PersonCell,
    PersonFilter,
    ReferenceCell,
    find_person,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_date
from app.tax.assessment import CERTIFICATE_PREFIX
from app.tax.certificates import queries, rules, service
from app.tax.certificates.queries import CertificateSummary
from app.tax.certificates.rules import CertificateGround, CertificateHolder, CertificateStatus
from app.tax.certificates.service import NewCertificate
from app.tax.states import UsState, parse_state

blp = PageBlueprint("certificates", "/admin/certificates")


class CertificateSchema(FormSchema):
    """A certificate as its document says."""

    customer = text_field("Customer", "Enter a customer.", hint="Email or ID")
    state = choice_field("State", "Choose a state.", UsState.options())
    holder = choice_field(
        "The certificate names", "Choose whom it names.", CertificateHolder.options()
    )
    ground = choice_field("Ground", "Choose a ground.", CertificateGround.options())
    number = text_field("Number", "Enter the number.", check=rules.clean_number)
    valid_until = date_field("Last day", "Enter the last day of the certificate.")
    evidence = text_field(
        "Document",
        "Enter the reference under which the document is filed.",
        check=rules.clean_evidence,
    )
    reason = reason_field()


class RevocationSchema(FormSchema):
    """Why a certificate is revoked."""

    reason = reason_field()


RECORD = Form(
    "record",
    title="Record a certificate",
    about="It counts once a second person has compared it with its document.",
    schema=CertificateSchema,
    button="Record certificate",
    success="Certificate recorded. A second person has to verify it.",
    failure="The certificate was not recorded",
)
REVOKE = Form(
    "revoke",
    title="Revoke",
    about="Sales from now on are taxed. Earlier ones stay as they are.",
    schema=RevocationSchema,
    button="Revoke certificate",
    success="Certificate revoked.",
    failure="The certificate was not revoked",
    is_dangerous=True,
    confirm="Revoke this certificate?",
)


def _approval(certificate: CertificateSummary) -> ReferenceCell | None:
    public_id = certificate.approval_public_id
    return ReferenceCell(public_id) if public_id else None


CERTIFICATES = ListPage(
    name="certificates",
    title="Exemption certificates",
    about="Customers who buy without sales tax in a state.",
    source=lambda _session, _actor: queries.CERTIFICATES,
    columns=(
        Column("id", "Certificate", lambda certificate: certificate.public_id),
        Column("customer", "Customer", lambda certificate: PersonCell(certificate.user_id)),
        Column("state", "State", lambda certificate: certificate.state.label),
        Column("ground", "Ground", lambda certificate: certificate.ground.label),
        Column("status", "Status", lambda certificate: certificate.status),
        Column(
            "until",
            "Last day",
            lambda certificate: format_date(certificate.valid_until),
            sort="until",
        ),
        Column("holder", "Names", lambda certificate: certificate.holder.label, is_hidden=True),
        Column("document", "Document", lambda certificate: certificate.evidence, is_hidden=True),
        Column("verified", "Verified by", _approval, is_hidden=True),
        Column(
            "recorded",
            "Recorded",
            lambda certificate: certificate.recorded_at,
            sort="recorded",
        ),
    ),
    row_url=lambda certificate: url_for(
        "certificates_pages.show_certificate", certificate_id=certificate.public_id
    ),
    default_sort="-recorded",
    filters=(
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("state", "State", UsState),
    ),
    empty=("No certificates yet", "Record the first one here."),
)
list_certificates = blp.add_list(
    "",
    CERTIFICATES,
    permission=Permission.TAX_READ,
    form=ListForm(RECORD, Permission.TAX_EDIT),
)


@blp.form("", RECORD, shown_on=list_certificates, permission=Permission.TAX_EDIT, fresh=True)
def record_certificate(session: Session, actor: Actor, fields: Mapping[str, Any]) -> str:
    """Record an exemption certificate, which a second person verifies."""
    certificate = NewCertificate(
        find_person(session, "customer", fields["customer"]),
        parse_state("state", fields["state"]),
        CertificateHolder(fields["holder"]),
        CertificateGround(fields["ground"]),
        fields["number"],
        fields["valid_until"],
        fields["evidence"],
    )
    approval_id = service.record_certificate(session, actor, certificate, reason=fields["reason"])
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))


@blp.view("GET", "/<certificate_id>", permission=Permission.TAX_READ, shows=CERTIFICATE_PREFIX)
def show_certificate(session: Session, actor: Actor, certificate_id: str) -> Response:
    """Show an exemption certificate, and the form to revoke it."""
    certificate = queries.get_certificate(session, ids.decode(CERTIFICATE_PREFIX, certificate_id))
    may_edit = Permission.TAX_EDIT in actor.permissions
    return render_page(
        "admin/certificates/certificate.html",
        certificate=certificate,
        number=queries.get_number(session, certificate.id) if may_edit else None,
        names=people.get_names(session, {certificate.user_id, certificate.recorded_by}),
        revoke_form=REVOKE,
        may_revoke=may_edit and certificate.status is not CertificateStatus.REVOKED,
    )


@blp.form(
    "/<certificate_id>/revoke",
    REVOKE,
    shown_on=show_certificate,
    permission=Permission.TAX_EDIT,
    fresh=True,
)
def revoke_certificate(
    session: Session, actor: Actor, fields: Mapping[str, str], certificate_id: str
) -> None:
    """Revoke an exemption certificate."""
    service.revoke_certificate(
        session, actor, ids.decode(CERTIFICATE_PREFIX, certificate_id), reason=fields["reason"]
    )
