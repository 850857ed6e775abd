"""What pages show of a stored value stands beside its enum, and is complete and unambiguous."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest
import sqlalchemy as sa

import app
from app.access import Role
from app.approvals.rules import ApprovalStatus
from app.audit.rules import AuditOutcome
from app.blueprints import nav
from app.cases.rules import CaseState
from app.catalog.rules import PaymentMethod
from app.custody.rules import SendState
from app.funding.states import DepositStatus, WithdrawalStatus
from app.identity.accounts.rules import AccountStatus
from app.kit.db import Base
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kyc.rules import DocumentPurpose, VerificationKind, VerificationStatus
from app.privacy.rules import ExportStatus
from app.screening.rules import PartyType, Verdict
from tests.house.source import CHECKOUT


def subclasses_of(enum: type[LabelledEnum]) -> Iterator[type[LabelledEnum]]:
    for subclass in enum.__subclasses__():
        yield from subclasses_of(subclass)
        if subclass.__members__ and subclass.__module__.startswith("app."):
            yield subclass


@pytest.fixture(scope="module")
def enums() -> list[type[LabelledEnum]]:
    """Return every enum of the application that pages show."""
    for module in walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return list(subclasses_of(LabelledEnum))


#: Columns whose values pages show, with their enum.
STORED = (
    ("approvals", "status", ApprovalStatus),
    ("audit_records", "outcome", AuditOutcome),
    ("cases", "state", CaseState),
    ("custody_sends", "state", SendState),
    ("exports", "status", ExportStatus),
    ("deposits", "method", PaymentMethod),
    ("deposits", "status", DepositStatus),
    ("kyc_documents", "purpose", DocumentPurpose),
    ("sanctions_entries", "sort", PartyType),
    ("screenings", "verdict", Verdict),
    ("users", "role", Role),
    ("users", "status", AccountStatus),
    ("verifications", "kind", VerificationKind),
    ("verifications", "status", VerificationStatus),
    ("withdrawals", "method", PaymentMethod),
    ("withdrawals", "status", WithdrawalStatus),
)


@pytest.mark.usefixtures("enums")
@pytest.mark.parametrize(("table", "column", "enum"), STORED)
def test_database_holds_exactly_the_members_of_the_enum(
    table: str, column: str, enum: type[LabelledEnum]
) -> None:
    """A page never meets a value that its enum does not know."""
    limits = [
        set(re.findall(r"'([^']+)'", limit.group(1)))
        for constraint in Base.metadata.tables[table].constraints
        if isinstance(constraint, sa.CheckConstraint)
        if (limit := re.fullmatch(rf"{column} IN \((.*)\)", str(constraint.sqltext), re.DOTALL))
    ]
    assert limits == [{member.value for member in enum}]


def test_members_of_an_enum_have_different_labels(enums: list[type[LabelledEnum]]) -> None:
    ambiguous = [
        enum.__qualname__ for enum in enums if len({member.label for member in enum}) < len(enum)
    ]
    assert enums
    assert ambiguous == []


def test_labels_read_as_text(enums: list[type[LabelledEnum]]) -> None:
    """A label begins with a capital or a digit, and is no stored value."""
    wrong = [
        repr(member)
        for enum in enums
        for member in enum
        if not re.fullmatch(r"[A-Z0-9](?:.*\S)?", member.label) or "_" in member.label
    ]
    assert wrong == []


def test_every_mark_has_an_icon_of_its_own() -> None:
    drawn = set(
        re.findall(r'<symbol id="([^"]+)"', (CHECKOUT / "app/static/icons.svg").read_text())
    )
    assert {mark.icon for mark in Mark} <= drawn
    assert len({mark.icon for mark in Mark}) == len(Mark)


def test_no_page_of_the_sidebar_has_the_icon_of_a_mark() -> None:
    icons = {entry.icon for section in nav.SECTIONS for entry in section.entries}
    assert icons.isdisjoint(mark.icon for mark in Mark)


def test_every_mark_is_in_use(enums: list[type[LabelledEnum]]) -> None:
    used = {member.mark for enum in enums if issubclass(enum, StatusEnum) for member in enum}
    assert set(Mark) - used == set()


@pytest.mark.parametrize(("base", "shown"), [(LabelledEnum, ()), (StatusEnum, ("Sent",))])
def test_member_without_its_label_or_mark_is_refused(
    base: type[LabelledEnum], shown: tuple[str, ...]
) -> None:
    with pytest.raises(TypeError, match="'sent' has no"):
        base("Incomplete", {"SENT": ("sent", *shown)})
