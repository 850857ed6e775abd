"""Exemption certificates: they count once two people have seen them, until their end."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import time_machine

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals.errors import ApprovalOutdated
from app.approvals.registry import get_action
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.tax import personal, queries
from app.tax.certificates import queries as certificates_queries
from app.tax.certificates import service
from app.tax.certificates.errors import CertificateEnded
from app.tax.certificates.rules import CertificateGround, CertificateHolder, CertificateStatus
from app.tax.certificates.service import NewCertificate
from app.tax.states import UsState
from tests.people import People
from tests.second_person import approve
from tests.tax.invoices import line, shipped_to
from tests.unchanged_database import database_unchanged

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REASON = "sent with the first order"


@pytest.fixture
def checker(people: People) -> Actor:
    return people.staff(Role.COMPLIANCE)


@pytest.fixture
def certificate(people: People) -> NewCertificate:
    return NewCertificate(
        people.customer().user_id, UsState.NM, CertificateHolder.COMPANY,
        CertificateGround.RESALE, "nttc-5 1234567", date(2027, 5, 31), "docs/2026/0017",
    )  # fmt: skip


def record(database: Database, actor: Actor, certificate: NewCertificate) -> UUID:
    with database.transaction() as session:
        return service.record_certificate(session, actor, certificate, reason=REASON)


def tax_of(database: Database, customer_id: UUID, at: datetime, state: UsState = UsState.NM) -> str:
    with database.reading() as session:
        sold, place = [line("100.00")], shipped_to(state)
        return str(queries.assess_invoice(session, sold, place, customer_id=customer_id, at=at).tax)


def test_certificate_exempts_from_its_verification_to_its_last_day(
    database: Database, admin: Actor, checker: Actor, certificate: NewCertificate
) -> None:
    customer = certificate.user_id
    with time_machine.travel(NOW, tick=False) as clock:
        approval_id = record(database, admin, certificate)
        assert tax_of(database, customer, NOW) == "4.88"
        clock.shift(timedelta(minutes=5))
        approve(database, checker, approval_id)
    verified = NOW + timedelta(minutes=5)
    assert tax_of(database, customer, verified - timedelta(microseconds=1)) == "4.88"
    assert tax_of(database, customer, verified) == "0.00"
    assert tax_of(database, customer, verified, UsState.VA) == "5.30"
    # The last minute of its last day in New Mexico, and the next day.
    midnight = datetime(2027, 6, 1, 6, tzinfo=UTC)
    assert tax_of(database, customer, midnight - timedelta(seconds=1)) == "0.00"
    assert tax_of(database, customer, midnight) == "4.88"


def test_revoked_certificate_exempts_no_later_sale_and_no_request_revives_it(
    database: Database, admin: Actor, checker: Actor, certificate: NewCertificate
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        first = record(database, admin, certificate)
        second = record(database, admin, replace(certificate, state=UsState.VA))
        approve(database, checker, first)
        with database.reading() as session:
            valid, waiting = certificates_queries.list_certificates(session, certificate.user_id)
        clock.shift(timedelta(days=1))
        for each in (valid, waiting):
            with database.transaction() as session:
                service.revoke_certificate(session, admin, each.id, reason=REASON)
        with pytest.raises(CertificateEnded), database.transaction() as session:
            service.revoke_certificate(session, admin, valid.id, reason=REASON)
        with pytest.raises(ApprovalOutdated):
            approve(database, checker, second)
    customer, revoked = certificate.user_id, NOW + timedelta(days=1)
    assert tax_of(database, customer, revoked - timedelta(microseconds=1)) == "0.00"
    assert tax_of(database, customer, revoked) == "4.88"
    assert tax_of(database, customer, revoked, UsState.VA) == "5.30"


def test_number_is_shown_to_the_checker_and_in_the_copy_of_the_customer_only(
    database: Database, admin: Actor, checker: Actor, certificate: NewCertificate
) -> None:
    approval_id = record(database, admin, replace(certificate, valid_until=date(2099, 1, 1)))
    with database.reading() as session:
        request = approvals_queries.get_approval(session, approval_id)
        details = get_action(service.VERIFY).describe(session, checker, request.subject)
        exported = personal.PERSONAL_DATA.export_sections(session, certificate.user_id)
    assert details["Number"] == "NTTC-5 1234567"
    assert "1234567" not in str((request.payload, request.before, request.after))
    [section] = exported["exemptionCertificates"]
    assert (section["number"], section["status"]) == ("NTTC-5 1234567", "unverified")


def test_certificate_counts_no_longer_than_the_setting(
    database: Database, admin: Actor, certificate: NewCertificate
) -> None:
    with time_machine.travel(NOW, tick=False):
        record(database, admin, replace(certificate, valid_until=date(2099, 1, 1)))
    with database.reading() as session:
        [stored] = certificates_queries.list_certificates(session, certificate.user_id)
    assert stored.valid_until == date(2026, 6, 1) + timedelta(days=1461)
    assert stored.status_at(NOW) is CertificateStatus.UNVERIFIED


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("number", {"number": "12?"}),
        ("valid_until", {"valid_until": date(2026, 5, 31)}),
        ("evidence", {"evidence": "a"}),
    ],
)
def test_certificate_that_cannot_be_is_refused_at_its_field(
    database: Database,
    admin: Actor,
    certificate: NewCertificate,
    field: str,
    changes: dict[str, object],
) -> None:
    with time_machine.travel(NOW, tick=False), database_unchanged(database):
        with pytest.raises(Invalid) as refused:
            record(database, admin, replace(certificate, **changes))
        assert refused.value.field == field


def test_certificate_of_staff_or_by_a_reader_is_refused(
    database: Database, admin: Actor, people: People, certificate: NewCertificate
) -> None:
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        record(database, admin, replace(certificate, user_id=admin.user_id))
    assert refused.value.field == "customer"
    with pytest.raises(PermissionDenied):
        record(database, people.staff(Role.SUPPORT), certificate)
