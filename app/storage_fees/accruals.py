"""Accrue days and close months: each for all customers at once, and each once.

A day is accrued in one transaction that adds its rows of `storage_days` first: who finds them there
has nothing to do. The ounces of a customer are read back from now to 24:00 UTC of the day, so that
a day which was missed is accrued like any other. What is booked later with an earlier time changes
no day that is accrued.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.consents import terms_with_storage_fees
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, Metal
from app.identity.models import User
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.pipeline import Row, Statement
from app.kit.statements import compile_statement
from app.ledger import past_balances
from app.ledger.chart import AccountClass
from app.pricing import queries as pricing_queries
from app.settings import queries as settings_queries
from app.storage_fees import rules
from app.storage_fees.models import StorageAccrual, StorageDay
from app.storage_fees.rules import FeeLine, StorageFeeRules

#: After the end of a day, until what was booked before it is surely stored.
MARGIN = timedelta(minutes=15)
#: Ounces of days are deleted this long after their month: charges keep their arithmetic.
_KEPT = timedelta(days=400)

# For the statements about all customers.
_NO_LIMIT = "SET LOCAL statement_timeout TO 0"
_ADD_DAY = """
INSERT INTO storage_days (day, metal, mid, rate_percent, allowance_units, accrued_at)
SELECT %(day)s, metal, mid, rate, allowance, %(now)s
FROM unnest(%(metals)s::text[], %(mids)s::numeric[], %(rates)s::numeric[], %(allowances)s::bigint[])
    AS m (metal, mid, rate, allowance)
ON CONFLICT DO NOTHING RETURNING metal
"""
_day = sa.bindparam("day", type_=sa.Date)
_end = sa.bindparam("end", type_=sa.DateTime(timezone=True))
_metal = past_balances.balances_at(AccountClass.CUSTOMER_TRADING, _end)
_goods = past_balances.balances_at(
    AccountClass.CUSTOMER_GOODS,
    _end,
    credited_before=sa.bindparam("goods_since", type_=sa.DateTime(timezone=True)),
)
_kept = sa.union_all(
    sa.select(
        _metal.c.owner_id,
        sa.case(
            {SYNTHETIC[metal].code: metal.value for metal in Metal}, value=_metal.c.asset
        ).label("metal"),
        _metal.c.units,
    ).where(_metal.c.units > 0),
    sa.select(
        _goods.c.owner_id,
        Product.metal,
        (_goods.c.units * products_queries.ACCOUNTED_UNITS).label("units"),
    )
    .join(Product, Product.sku == _goods.c.asset)
    .where(_goods.c.units > 0),
).subquery("kept")
_ounces = sa.func.sum(_kept.c.units)
# Those who never agreed to a fee pay none.
_has_agreed = sa.and_(
    User.id == _kept.c.owner_id,
    User.erased_at.is_(None),
    User.accepted_policies.overlap(sa.bindparam("terms", type_=ARRAY(sa.Text))),
)
_ACCRUE = compile_statement(
    sa.insert(StorageAccrual).from_select(
        ["day", "metal", "user_id", "ounces_units"],
        sa.select(StorageDay.day, StorageDay.metal, _kept.c.owner_id, _ounces)
        .join(StorageDay, StorageDay.metal == _kept.c.metal)
        .join(User, _has_agreed)
        .where(StorageDay.day == _day, StorageDay.mid.is_not(None))
        .group_by(StorageDay.day, StorageDay.metal, _kept.c.owner_id)
        .having(_ounces > StorageDay.allowance_units),
    )
)
LAST_DAY = "SELECT max(day) FROM storage_days"

# Each metal of a customer is rounded once: a line gets what is due up to it, halves up, less what
# the lines before it got. Ounces are 10^-8, a rate is a percentage of a year: so cents are
# value_days * rate / (10^8 * 365). `div` is exact where a quotient of `/` would be cut off.
_LINES = f"""
SELECT user_id, row_number() OVER (
        PARTITION BY user_id ORDER BY metal, first_day, rate_percent, allowance_units
    ) - 1 AS position,
    metal, days, ounce_days_units, allowance_units, rate_percent, value_days,
    div(2 * due + whole, 2 * whole) - div(2 * (due - own) + whole, 2 * whole) AS fee_units
FROM (
    SELECT *, value_days * rate_percent AS own, 100000000 * {rules.YEAR_DAYS}::numeric AS whole,
        sum(value_days * rate_percent) OVER (
            PARTITION BY user_id, metal ORDER BY first_day, rate_percent, allowance_units
        ) AS due
    FROM (
        SELECT a.user_id, metal, rate_percent, allowance_units, min(day) AS first_day,
            count(*) AS days, sum(a.ounces_units) AS ounce_days_units,
            sum((a.ounces_units - allowance_units) * mid) AS value_days
        FROM storage_days JOIN storage_accruals a USING (day, metal)
        WHERE day >= %(first)s AND day < %(next)s
            AND (%(user)s::uuid IS NULL OR a.user_id = %(user)s)
        GROUP BY a.user_id, metal, rate_percent, allowance_units
    ) AS part
) AS line
"""  # noqa: S608 - the days of a year, of the rules
_ADD_MONTH = """
INSERT INTO storage_months (month, closed_at) VALUES (%s, %s)
ON CONFLICT DO NOTHING RETURNING month
"""
_CLOSE = f"""
WITH line AS MATERIALIZED ({_LINES}), charge AS (
    INSERT INTO storage_charges (id, user_id, month, status, fee_units, try_at)
    SELECT gen_random_uuid(), user_id, %(first)s, 'due', sum(fee_units), %(now)s
    FROM line
    GROUP BY user_id HAVING sum(fee_units) > 0
    RETURNING id, user_id
)
INSERT INTO storage_charge_lines (charge_id, position, metal, days, ounce_days_units,
    allowance_units, rate_percent, value_days, fee_units)
SELECT charge.id, position, metal, days, ounce_days_units, allowance_units, rate_percent,
    value_days, fee_units
FROM charge JOIN line USING (user_id)
"""  # noqa: S608 - the statement above
_UNCLOSED_MONTHS = """
SELECT DISTINCT date_trunc('month', day)::date FROM storage_days d
WHERE NOT EXISTS (SELECT FROM storage_months m WHERE m.month = date_trunc('month', d.day))
ORDER BY 1
"""
_FORGET = "DELETE FROM storage_accruals WHERE day < %s"


def catch_up(database: Database) -> None:
    """Accrue every day that has ended and is not accrued, and close every month whose days all
    are: each in a transaction of its own, so that what is done stays done."""
    with database.reading() as session:
        last = session.value(LAST_DAY)
    for day in rules.days_to_accrue(last, clock.now(), MARGIN):
        with database.transaction() as session:
            accrue_day(session, day)
    with database.reading() as session:
        last = session.value(LAST_DAY)
        months = [month for (month,) in session.rows(_UNCLOSED_MONTHS)]
    for month in months:
        if last >= rules.next_month(month) - timedelta(days=1):
            with database.transaction() as session:
                close_month(session, month)


def accrue_day(session: Session, day: date) -> bool:
    """Accrue a day that has ended, for all customers; return False where it was done before."""
    end = rules.day_end(day)
    # A change that takes effect at midnight is of the next day.
    terms = settings_queries.at(session, StorageFeeRules, end - timedelta.resolution)
    mids = pricing_queries.mids_at(session, [end])[end]
    parameters = {
        "day": day,
        "end": end,
        "goods_since": end - timedelta(days=terms.goods_free_days),
        "now": clock.now(),
        "metals": [metal.value for metal in Metal],
        "assets": [SYNTHETIC[metal].code for metal in Metal],
        "mids": [mids.get(metal) for metal in Metal],
        "rates": [terms.rate_of(metal) for metal in Metal],
        "allowances": [terms.allowance_of(metal).units for metal in Metal],
        "terms": terms_with_storage_fees(),
    }
    if not session.rows(_ADD_DAY, parameters):
        return False
    session.send(_NO_LIMIT)
    text, constants = _ACCRUE
    assert isinstance(constants, Mapping)
    session.send(text, {**constants, **parameters})
    return True


def close_month(session: Session, month: date) -> bool:
    """Fix the charges of a month, whose days are all accrued; return False where it was closed
    before."""
    now = clock.now()
    if not session.rows(_ADD_MONTH, (month, now)):
        return False
    session.send(_NO_LIMIT)
    session.send(
        _CLOSE, {"first": month, "next": rules.next_month(month), "user": None, "now": now}
    )
    session.send(_FORGET, (month - _KEPT,))
    return True


def read_of_lines(user_id: UUID, first: date, end: date) -> Statement:
    """Return a statement of what a customer has to pay for the days from `first` up to but not
    including `end`, as far as they are accrued; pass its rows to `lines_from`."""
    return f"{_LINES} ORDER BY position", {"user": user_id, "first": first, "next": end}


def lines_from(rows: Sequence[Row]) -> tuple[FeeLine, ...]:
    """Return the lines in the rows of `read_of_lines`."""
    return tuple(
        FeeLine(Metal(metal), days, ounces, allowance, rate, value, int(fee))
        for _user, _position, metal, days, ounces, allowance, rate, value, fee in rows
    )
