"""How many items wait for a person on pages of the sidebar."""

from collections.abc import Callable
from dataclasses import dataclass

from app.access import Actor
from app.approvals import queries as approvals_queries
from app.cases import queries as cases_queries
from app.compliance.cash_reports import queries as cash_reports_queries
from app.fulfillment.restock.needs import queries as needs_queries
from app.funding.withdrawals import queries as withdrawal_queries
from app.kit.counts import Count
from app.kyc import queries as kyc_queries
from app.outbox import queries as outbox_queries
from app.redemption.requests import queries as redemption_queries
from app.shop.orders import listed_orders
from app.shop.returns import queries as returns_queries
from app.vault.alerts import queries as alerts_queries
from app.vault.assays import queries as assays_queries


@dataclass(frozen=True, slots=True)
class NavCount:
    """The number of items that wait for the person on a page, and its label. `of` returns None for
    a person who may see the items and do nothing about them."""

    of: Callable[[Actor], Count | None]
    words: str


DECISIONS = NavCount(approvals_queries.decidable_count, "waiting for you")
WITHDRAWALS = NavCount(lambda _actor: withdrawal_queries.AWAITING_STAFF, "waiting")
CASES = NavCount(cases_queries.workable_count, "to investigate")
CASH_REPORTS = NavCount(lambda _actor: cash_reports_queries.DRAFTS, "to be filed")
HELD_ORDERS = NavCount(lambda _actor: listed_orders.AWAITING_STAFF, "on hold")
RETURNS = NavCount(lambda _actor: returns_queries.WAITING, "to be decided or inspected")
VERIFICATIONS = NavCount(lambda _actor: kyc_queries.IN_REVIEW, "in review")
LOW_STOCK = NavCount(alerts_queries.open_count, "low")
QUARANTINE = NavCount(assays_queries.waiting_count, "to be examined")
NEEDS = NavCount(needs_queries.open_count, "to be ordered")
REDEMPTIONS = NavCount(lambda _actor: redemption_queries.WAITING, "to be decided")
FAILED_JOBS = NavCount(lambda _actor: outbox_queries.DEAD_JOBS, "failed")
