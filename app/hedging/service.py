"""The verbs of hedging: remember how exposure moved."""

from datetime import timedelta

from app.hedging import queries
from app.hedging.rules import ExposureRules
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.tasks import task

#: How long the record is kept.
KEPT = timedelta(days=7)

_RECORD = """
INSERT INTO exposures (taken_at, metal, net_units, net_usd)
SELECT %s, m.* FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) m
ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM exposures WHERE taken_at < %s"


@task("hedging.record_exposure")
def record_exposure(session: Session) -> None:
    """Keep the net of every metal at this moment, and forget those of more than a week ago."""
    seen = queries.exposure(session, resolve(ExposureRules))
    session.send(
        _RECORD,
        (
            seen.as_of,
            [metal.metal.value for metal in seen.metals],
            [metal.net.units for metal in seen.metals],
            [None if usd is None else usd.units for usd in (m.net_usd for m in seen.metals)],
        ),
    )
    session.send(_FORGET, (seen.as_of - KEPT,))
