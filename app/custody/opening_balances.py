"""What custodians keep before anything moves through us: the owners put it there."""

import structlog

from app.audit import service as audit
from app.custody.ports import Custodian, Custodians
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import task
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger

_log = structlog.get_logger()

# Whoever opens the books of a custodian, opens them alone.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('custody opening ' || %s))"
_HAS_BEGUN = """
SELECT EXISTS (SELECT FROM custody_arrivals WHERE custodian = %(custodian)s)
    OR EXISTS (SELECT FROM custody_sends WHERE custodian = %(custodian)s)
"""


@task("custody.open_books", own_transactions=True)
def open_books(database: Database) -> None:
    """Book what each custodian keeps as the owners' capital, where nothing was booked or moved
    before; elsewhere nothing changes. Raises what asking a custodian raises: those that were asked
    before it are done.
    """
    for custodian in resolve(Custodians).values():
        opened = open_custodian(database, custodian)
        _log.info("custody_opened", custodian=custodian.name, assets=len(opened))


def open_custodian(database: Database, custodian: Custodian) -> list[Amount]:
    """The same of one custodian; answers what was booked."""
    kept = [each.total for each in custodian.balances() if each.total.units > 0]
    with database.transaction() as session:
        session.send(_LOCK, (custodian.name,))
        if _has_begun(session, custodian, kept):
            return []
        for amount in kept:
            _book(session, custodian, amount)
    return kept


def _has_begun(session: Session, custodian: Custodian, kept: list[Amount]) -> bool:
    accounts = (chart.custody(each.asset, custodian.provider_id) for each in kept)
    if any(ledger_queries.account_balance(session, account) for account in accounts):
        return True
    return bool(session.rows(_HAS_BEGUN, {"custodian": custodian.name})[0][0])


def _book(session: Session, custodian: Custodian, amount: Amount) -> None:
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
        action="custody.opened",
        subject=custodian.name,
        after={"asset": code, "amount": str(amount)},
    )
