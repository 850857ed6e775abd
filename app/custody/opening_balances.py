"""Opening balances: what the owners put at custodians before anything moved through PBCEx."""

import structlog

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.custody.ports import Custodian, Custodians
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger

_log = structlog.get_logger()

# One process at a time opens the books of a custodian.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('custody opening ' || %s))"
_HAS_BEGUN = """
SELECT EXISTS (SELECT FROM custody_arrivals WHERE custodian = %(custodian)s)
    OR EXISTS (SELECT FROM custody_sends WHERE custodian = %(custodian)s)
"""


def open_books(database: Database) -> None:
    """Post each custodian's balances as owners' capital, unless anything was posted or moved
    before.

    Raises what calling a custodian raises; the custodians before it are done then.
    """
    for custodian in resolve(Custodians).values():
        opened = open_custodian(database, custodian)
        _log.info("custody_opened", custodian=custodian.name, assets=len(opened))


def open_custodian(database: Database, custodian: Custodian) -> list[Amount]:
    """Open the books of one custodian; return the amounts that were posted."""
    balances = [balance.total for balance in custodian.balances() if balance.total.units > 0]
    with database.transaction() as session:
        session.send(_LOCK, (custodian.name,))
        if _has_begun(session, custodian, balances):
            return []
        for amount in balances:
            _post_opening(session, custodian, amount)
    return balances


def _has_begun(session: Session, custodian: Custodian, balances: list[Amount]) -> bool:
    accounts = (chart.custody(amount.asset, custodian.provider_id) for amount in balances)
    if any(ledger_queries.account_balance(session, account) for account in accounts):
        return True
    return bool(session.value(_HAS_BEGUN, {"custodian": custodian.name}))


def _post_opening(session: Session, custodian: Custodian, amount: Amount) -> None:
    code = amount.asset.code
    ledger.post(
        session,
        cause="custody_opening",
        reference=f"custody_opening {custodian.name} {code}",
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.custody(amount.asset, custodian.provider_id), amount),
            ledger.credit(chart.capital(amount.asset), amount),
        ],
    )
    audit.record(
        session,
        actor=None,
        action=AuditAction.CUSTODY_OPENED,
        subject=custodian.name,
        after={"asset": code, "amount": str(amount)},
    )
