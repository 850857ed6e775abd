"""The lists of payments are read through an index."""

from datetime import timedelta

import pytest

from app.funding.deposits.queries import DEPOSITS
from app.funding.withdrawals.queries import WITHDRAWALS
from app.kit import clock
from app.kit.db import Database
from app.kit.list_query import ListSource
from app.kit.statements import compile_select


@pytest.mark.parametrize("source", [DEPOSITS, WITHDRAWALS], ids=["deposits", "withdrawals"])
def test_list_of_a_day_is_read_through_the_index_of_its_order(
    database: Database, source: ListSource[object]
) -> None:
    day = clock.now() - timedelta(days=1)
    of_day = source.where(source.filters["from"](day), source.filters["to"](clock.now())).select
    select = of_day.order_by(source.sorts["requested"].desc(), source.key.desc()).limit(26)
    text, values = compile_select(select).statement
    with database.transaction() as session:
        # The tables of a test are so small that PostgreSQL would read and sort them whole.
        for way in ("seqscan", "bitmapscan", "sort"):
            session.send(f"SET LOCAL enable_{way} TO off")
        plan = [line for (line,) in session.rows(f"EXPLAIN {text}", values)]
    assert "requested_at_id_idx" in plan[1]
    assert not any("Sort" in line for line in plan)
