"""Proof that the books are right: each invariant of the ledger as a query for its violations."""

from collections.abc import Iterable
from typing import NamedTuple

from app.catalog.rules import TRADABLE
from app.kit.db import Session

_NO_GOODS = ", ".join(f"'{code}'" for code in TRADABLE)


class Invariant(NamedTuple):
    """An invariant, and a query with a row of text for each violation."""

    name: str
    violations_sql: str


class Violation(NamedTuple):
    """A violated invariant, and where. Its `str` is the key of a case: the names here are
    stored."""

    invariant: str
    offender: str


INVARIANTS = (
    Invariant(
        "an entry sums to zero in each asset",
        """SELECT format('entry %s is off by %s %s', p.entry_id, sum(p.units), a.asset)
           FROM postings p JOIN accounts a ON a.id = p.account_id
           GROUP BY p.entry_id, a.asset HAVING sum(p.units) <> 0""",
    ),
    Invariant(
        "an entry has at least two postings",
        """SELECT format('entry %s has %s', e.id, count(p.entry_id))
           FROM entries e LEFT JOIN postings p ON p.entry_id = e.id
           GROUP BY e.id HAVING count(p.entry_id) < 2""",
    ),
    Invariant(
        "a posting belongs to an entry and an account",
        """SELECT format('posting of entry %s on account %s', p.entry_id, p.account_id)
           FROM postings p LEFT JOIN entries e ON e.id = p.entry_id
           LEFT JOIN accounts a ON a.id = p.account_id WHERE e.id IS NULL OR a.id IS NULL""",
    ),
    Invariant(
        "a guarded balance is the sum of its postings",
        """SELECT format('account %s (%s %s of %s) says %s, its postings %s', a.id, a.class,
                         a.asset, a.owner_id, b.posted, a.normal * coalesce(s.units, 0))
           FROM accounts a LEFT JOIN balances b ON b.account_id = a.id
           LEFT JOIN (SELECT account_id, sum(units) AS units FROM postings GROUP BY account_id) s
               ON s.account_id = a.id
           WHERE a.guarded AND b.posted IS DISTINCT FROM a.normal * coalesce(s.units, 0)""",
    ),
    Invariant(
        "held is the sum of pending holds",
        """SELECT format('account %s says %s, its pending holds %s', b.account_id, b.held,
                         coalesce(h.units, 0))
           FROM balances b
           LEFT JOIN (SELECT account_id, sum(units) AS units FROM holds
                      WHERE status = 'pending' GROUP BY account_id) h ON h.account_id = b.account_id
           WHERE b.held <> coalesce(h.units, 0)""",
    ),
    Invariant(
        "a guarded balance covers what is held, and neither is negative",
        """SELECT format('account %s: posted %s, held %s', account_id, posted, held)
           FROM balances WHERE held < 0 OR posted < held""",
    ),
    Invariant(
        "what a customer owes is the sum of the postings of their receivable",
        """SELECT format('%s of %s: the balance says %s, its postings %s', asset, owner_id,
                         coalesce(b.owed, 0), coalesce(s.units, 0))
           FROM (SELECT a.owner_id, a.asset, sum(b.owed) AS owed
                 FROM balances b JOIN accounts a ON a.id = b.account_id
                 WHERE b.owed <> 0 GROUP BY a.owner_id, a.asset) b
           FULL JOIN (SELECT a.owner_id, a.asset, sum(p.units) AS units
                      FROM postings p JOIN accounts a ON a.id = p.account_id
                      WHERE a.class = 'customer.receivable' GROUP BY a.owner_id, a.asset) s
               USING (owner_id, asset)
           WHERE coalesce(b.owed, 0) <> coalesce(s.units, 0)""",
    ),
    Invariant(
        "nothing is free on an account while its owner owes",
        """SELECT format('account %s: posted %s, held %s, owed %s', account_id, posted, held, owed)
           FROM balances WHERE owed < 0 OR (owed > 0 AND posted > held)""",
    ),
    Invariant(
        "a roll-up is the sum of the postings below the watermark",
        """SELECT format('account %s says %s, its postings %s', a.id, coalesce(r.units, 0),
                         coalesce(s.units, 0))
           FROM accounts a LEFT JOIN rollups r ON r.account_id = a.id
           LEFT JOIN (SELECT p.account_id, sum(p.units) AS units
                      FROM postings p JOIN entries e ON e.id = p.entry_id
                      WHERE e.xid < (SELECT xid FROM rollup_watermark) GROUP BY p.account_id) s
               ON s.account_id = a.id
           WHERE NOT a.guarded AND coalesce(r.units, 0) <> coalesce(s.units, 0)""",
    ),
    Invariant(
        "a daily total is the sum of the postings below the watermark",
        f"""SELECT format('%s of %s on %s: the total says %s, the postings %s', asset, class, day,
                         coalesce(t.units, 0), coalesce(s.units, 0))
           FROM (SELECT day, class, asset, sum(units) AS units FROM daily_totals
                 GROUP BY day, class, asset) t
           FULL JOIN (SELECT (e.posted_at AT TIME ZONE 'UTC')::date AS day, a.class, a.asset,
                             sum(p.units) AS units
                      FROM postings p JOIN entries e ON e.id = p.entry_id
                      JOIN accounts a ON a.id = p.account_id
                      WHERE a.asset IN ({_NO_GOODS})
                          AND e.xid < (SELECT xid FROM rollup_watermark) GROUP BY 1, 2, 3) s
               USING (day, class, asset)
           WHERE coalesce(t.units, 0) <> coalesce(s.units, 0)""",  # noqa: S608 - all are constants
    ),
    Invariant(
        "a posted hold took from its account no more than was held",
        """SELECT format('entry %s took %s from account %s, where its holds were %s', h.entry_id,
                         coalesce(-a.normal * p.units, 0), h.account_id, h.units)
           FROM (SELECT entry_id, account_id, sum(units) AS units FROM holds
                 WHERE status = 'posted' GROUP BY entry_id, account_id) h
           JOIN accounts a ON a.id = h.account_id
           LEFT JOIN postings p ON p.entry_id = h.entry_id AND p.account_id = h.account_id
           WHERE coalesce(-a.normal * p.units, 0) NOT BETWEEN 1 AND h.units""",
    ),
    Invariant(
        "a reversal mirrors the entry it reverses",
        """SELECT format('entry %s does not mirror %s on account %s',
                         r.id, r.reverses_id, p.account_id)
           FROM entries r JOIN postings p ON p.entry_id IN (r.id, r.reverses_id)
           WHERE r.reverses_id IS NOT NULL
           GROUP BY r.id, r.reverses_id, p.account_id HAVING sum(p.units) <> 0""",
    ),
    Invariant(
        "an account agrees with its class",
        """SELECT format('account %s of class %s', a.id, a.class)
           FROM accounts a LEFT JOIN account_classes c ON c.code = a.class
           WHERE c.code IS NULL OR c.guarded <> a.guarded
              OR (c.kind IN ('asset', 'expense')) <> (a.normal = 1)""",
    ),
)


def find_violations(
    session: Session, invariants: Iterable[Invariant] = INVARIANTS
) -> list[Violation]:
    """Return the violations of the invariants; empty if the books are right.

    Reads everything. Call it in one repeatable-read transaction, so that concurrent entries are not
    mistaken for violations.
    """
    return [
        Violation(invariant.name, offender)
        for invariant in invariants
        for (offender,) in session.rows(invariant.violations_sql)
    ]
