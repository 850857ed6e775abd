"""The verbs of hedging: record exposure over time."""

from datetime import timedelta

from app.hedging import queries
from app.kit.db import Session

#: How long recorded exposure is kept.
RETENTION = timedelta(days=7)

_INSERT_EXPOSURES = """
INSERT INTO exposures (taken_at, metal, net_units, net_usd)
SELECT %s, m.* FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) m
ON CONFLICT DO NOTHING
"""
_DELETE_OLD_EXPOSURES = "DELETE FROM exposures WHERE taken_at < %s"


def record_exposure(session: Session) -> None:
    """Record the net exposure of every metal now, and delete records older than `RETENTION`."""
    exposure = queries.current_exposure(session)
    session.send(
        _INSERT_EXPOSURES,
        (
            exposure.as_of,
            [metal.metal.value for metal in exposure.metals],
            [metal.net.units for metal in exposure.metals],
            [None if usd is None else usd.units for usd in (m.net_usd for m in exposure.metals)],
        ),
    )
    session.send(_DELETE_OLD_EXPOSURES, (exposure.as_of - RETENTION,))
