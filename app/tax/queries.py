"""Named reads of sales tax: the rules, and what an invoice owes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.kit import clock
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.statements import StoredEnum, compile_select
from app.settings import queries as settings_queries
from app.tax import assessment
from app.tax.assessment import Assessment, Reassessment, TaxableLine, TaxDestination
from app.tax.certificates import queries as certificates_queries
from app.tax.models import TaxRuleRow
from app.tax.rules import TaxRule, TaxRuleKey, TaxRuleStatus, TaxSettings
from app.tax.states import UsState

_COLUMNS = (
    TaxRuleRow.id,
    TaxRuleRow.state,
    TaxRuleRow.tax_class,
    TaxRuleRow.metal,
    TaxRuleRow.fineness_min,
    TaxRuleRow.postal_prefix,
    TaxRuleRow.rate_percent,
    TaxRuleRow.exempt_from_units,
    TaxRuleRow.threshold,
    TaxRuleRow.valid_from,
    TaxRuleRow.valid_until,
    TaxRuleRow.source,
    TaxRuleRow.source_url,
    TaxRuleRow.source_date,
    TaxRuleRow.is_verified,
    TaxRuleRow.maker_id,
    TaxRuleRow.approval_id,
    TaxRuleRow.recorded_at,
)
_SELECT = sa.select(*_COLUMNS)
_OF_STATE = compile_select(_SELECT.where(TaxRuleRow.state == sa.bindparam("state", type_=sa.Text)))
#: A state with its rules, those for all goods first.
_GOODS = sa.func.concat_ws(
    " ",
    TaxRuleRow.state,
    TaxRuleRow.tax_class,
    TaxRuleRow.metal,
    TaxRuleRow.postal_prefix,
    type_=sa.Text,
)
_KEY = ("state", "tax_class", "metal", "fineness_min", "postal_prefix")


@dataclass(frozen=True, slots=True)
class ListedTaxRule:
    """A version of a rule, and whether it counts today (UTC)."""

    rule: TaxRule
    status: TaxRuleStatus

    @property
    def id(self) -> UUID:
        """The id of the version."""
        return self.rule.id


def _listed(*, status: TaxRuleStatus, **columns: Any) -> ListedTaxRule:
    return ListedTaxRule(TaxRule(**columns), status)


def every_rule(today: date) -> ListSource[ListedTaxRule]:
    """Return every version of every rule, with its status on a day."""
    status = _status_on(today)
    return ListSource(
        _listed,
        sa.select(*_COLUMNS, sa.type_coerce(status, StoredEnum(TaxRuleStatus)).label("status")),
        key=TaxRuleRow.id,
        sorts={"goods": _GOODS, "recorded": TaxRuleRow.recorded_at},
        filters={
            "state": lambda state: TaxRuleRow.state == state,
            "class": lambda tax_class: TaxRuleRow.tax_class == tax_class,
            "status": lambda wanted: status == wanted.value,
            "check": TaxRuleRow.is_verified.is_,
        },
    )


def _status_on(today: date) -> sa.Case[str]:
    """Return the status as SQL: of the versions that are valid today the one that began last, and
    of those the one that was recorded last, as `assessment.in_effect` decides it."""
    other = aliased(TaxRuleRow)
    is_same = (
        getattr(other, name).is_not_distinct_from(getattr(TaxRuleRow, name)) for name in _KEY
    )
    order = (sa.tuple_(each.valid_from, each.recorded_at, each.id) for each in (other, TaxRuleRow))
    later, own = order
    is_replaced = sa.exists().where(*is_same, _is_valid(other, today), later > own)
    return sa.case(
        (TaxRuleRow.valid_from > today, TaxRuleStatus.LATER.value),
        (sa.or_(sa.not_(_is_valid(TaxRuleRow, today)), is_replaced), TaxRuleStatus.OVER.value),
        else_=TaxRuleStatus.IN_EFFECT.value,
    )


def _is_valid(row: type[TaxRuleRow], today: date) -> sa.ColumnElement[bool]:
    is_not_over = sa.or_(row.valid_until.is_(None), row.valid_until >= today)
    return sa.and_(row.valid_from <= today, is_not_over)


def get_rule(session: Session, rule_id: UUID) -> TaxRule:
    """Return a version of a rule. Raises `NotFound`."""
    return session.get(TaxRule, _SELECT.where(TaxRuleRow.id == rule_id))


def list_rules(session: Session, state: UsState) -> list[TaxRule]:
    """Return every version of every rule of a state."""
    return session.select(TaxRule, _OF_STATE, state=state)


def find_rule(session: Session, key: TaxRuleKey, at: datetime) -> TaxRule | None:
    """Return the version of a rule that counts at an instant, or None."""
    versions = assessment.in_effect(list_rules(session, key.state), at)
    return next((rule for rule in versions if rule.key == key), None)


def assess_invoice(
    session: Session,
    lines: Sequence[TaxableLine],
    destination: TaxDestination,
    *,
    customer_id: UUID | None,
    at: datetime | None = None,
) -> Assessment:
    """Return the tax of an invoice, now or as it was at an instant.

    The rules and certificates are those that were known and valid then, so an old invoice has the
    tax that it had. Raises `TaxUnknown`.
    """
    instant = at or clock.now()
    if destination.state is None:
        return assessment.assess(lines, destination, instant, (), ())
    exemptions = (
        certificates_queries.list_exemptions(session, customer_id, instant)
        if customer_id is not None
        else ()
    )
    rules = list_rules(session, destination.state)
    return assessment.assess(lines, destination, instant, exemptions, rules)


def reassess_invoice(
    session: Session, original: Assessment, remaining: Sequence[TaxableLine]
) -> Reassessment:
    """Return what a return of goods changes, with the share of the refund that tax may take."""
    settings = settings_queries.current(session, TaxSettings)
    return assessment.reassess(original, remaining, refund_percent_max=settings.refund_percent_max)
