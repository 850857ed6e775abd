"""What a custodian says that it keeps, against what our books say that it keeps."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.custody.ports import Custodian
from app.funding.crypto import CustodyRail
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFinished
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries

# What a custodian has done and our books do not have yet, or the reverse: a send that is not over,
# and an arrival that was not credited. What came to nobody stays a difference until it is booked.
_IS_MOVING = """
SELECT EXISTS (
    SELECT FROM custody_sends
    WHERE custodian = %(custodian)s AND asset = %(asset)s AND settled_at IS NULL
) OR EXISTS (
    SELECT FROM withdrawals
    WHERE provider = %(rail)s AND asset = %(asset)s AND status IN ('sending', 'unknown', 'sent')
) OR EXISTS (
    SELECT FROM custody_arrivals a
    WHERE a.custodian = %(custodian)s AND a.asset = %(asset)s AND a.address_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM deposits d WHERE d.provider = %(rail)s AND d.credited_at IS NOT NULL
        AND d.provider_ref = a.custodian || ':' || a.provider_ref
    )
)
"""


class OnTheMove(NotFinished):
    """Something is on its way in or out, so that the amounts say nothing yet. The message names the
    assets."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a custodian has of an asset, there and in our books. While it `is_moving` the two may
    differ and nothing be wrong."""

    there: Amount
    here: Amount
    is_moving: bool

    @property
    def asset(self) -> Asset:
        """Of what."""
        return self.here.asset

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.there == self.here


def compare(database: Database, custodian: Custodian) -> list[Holding]:
    """Each asset that the custodian keeps or our books say that it keeps. Raises what asking the
    custodian raises."""
    first = _read(database, custodian)
    if all(each.agrees for each in first):
        return first
    # Something may have come and been booked between the question and our look at the books.
    return _read(database, custodian)


def _read(database: Database, custodian: Custodian) -> list[Holding]:
    there = {each.total.asset: each.total for each in custodian.balances()}
    assets = {each.asset for each in custodian.terms} | there.keys()
    with database.transaction(SNAPSHOT) as session:
        return list(_holdings(session, custodian, there, assets))


def _holdings(
    session: Session, custodian: Custodian, there: dict[Asset, Amount], assets: Iterable[Asset]
) -> Iterable[Holding]:
    for asset in sorted(assets, key=lambda each: each.code):
        here = ledger_queries.balance(session, chart.custody(asset, custodian.provider_id))
        values = {"custodian": custodian.name, "asset": asset.code, "rail": CustodyRail.name}
        is_moving = bool(session.rows(_IS_MOVING, values)[0][0])
        yield Holding(there.get(asset, Amount(asset, 0)), Amount(asset, here), is_moving)
