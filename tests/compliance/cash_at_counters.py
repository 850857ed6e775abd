"""Verified customers who bring and get cash at counters of a company."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from app.branches import service as branches
from app.branches.entities import service as entities
from app.branches.entities.rules import CashReportRegime
from app.branches.entities.service import EntityFacts
from app.branches.service import BranchDetails
from app.catalog.rules import USD
from app.compliance.cash_reports import queries, service
from app.compliance.cash_reports.queries import CashReportSummary
from app.compliance.cash_reports.rules import CashDirection
from app.compliance.cash_reports.service import CounterCash
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.kyc import queries as kyc_queries
from app.kyc.models import Verification
from app.kyc.rules import IdType
from app.kyc.submission.applicant_details import PersonDetails
from tests.paying_customer import verify_without_evidence
from tests.people import People
from tests.rows import change_rows

_ADDRESS = PostalAddress("US", "1 Main Street", city="Reno", state="NV", zip_code="89501")


@dataclass(frozen=True)
class Counters:
    """The counters of a company of its own."""

    database: Database
    people: People
    branch_ids: Sequence[UUID]

    @classmethod
    def of_new_company(
        cls,
        people: People,
        regime: CashReportRegime = CashReportRegime.CTR,
        *,
        branches_count: int = 1,
    ) -> "Counters":
        code = f"E{ids.new().hex[-11:].upper()}"
        facts = EntityFacts("A company of tests", "US-DE", _ADDRESS, "12-3456789")
        with people.database.transaction() as session:
            entity_id = entities.add_entity(session, None, code, facts, regime)
            opened = [
                branches.open_branch(
                    session, None, code=f"B{ids.new().hex[-11:].upper()}", name="A counter",
                    entity_id=entity_id,
                )
                for _ in range(branches_count)
            ]  # fmt: skip
            for branch_id in opened:
                details = BranchDetails("A counter", _ADDRESS, "", "America/New_York", False)
                branches.change_details(session, None, branch_id, details)
        return cls(people.database, people, opened)

    def customer(self) -> UUID:
        """Return a new customer whose identity is verified, with a passport."""
        user_id = self.people.customer().user_id
        verify_without_evidence(self.database, user_id)
        with self.database.transaction() as session:
            [identity] = kyc_queries.verifications_of(session, user_id)
            details = PersonDetails(
                "Ada", "Lovelace", date(1990, 12, 10), _ADDRESS, IdType.PASSPORT, "X1234567"
            )
            sealed = keys.seal(
                details.to_json(), table="verifications", column="details_sealed", key=identity.id
            )
            change_rows(
                session, Verification, Verification.id == identity.id, details_sealed=sealed
            )
        return user_id

    def cash(self, person_id: UUID, amount: str, branch: int = 0, **changes: Any) -> CounterCash:
        brought = CounterCash(
            self.branch_ids[branch],
            person_id,
            person_id,
            CashDirection.IN,
            Amount.parse(USD, amount),
            f"test {ids.new()}",
        )
        return replace(brought, **changes)

    def record(self, *all_cash: CounterCash) -> None:
        for cash in all_cash:
            with self.database.transaction() as session:
                service.record_cash(session, cash)

    def bring(self, person_id: UUID, amount: str, branch: int = 0, **changes: Any) -> None:
        self.record(self.cash(person_id, amount, branch, **changes))

    def reports(self, person_id: UUID) -> list[CashReportSummary]:
        """Return the reports about an account, oldest first."""
        source = queries.REPORTS
        with self.database.reading() as session:
            select = source.select.where(source.filters["person"](person_id)).order_by(source.key)
            return session.select(CashReportSummary, select)

    def totals(self, person_id: UUID) -> list[str]:
        return [str(report.total) for report in self.reports(person_id)]
