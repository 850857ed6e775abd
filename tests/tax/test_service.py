"""Rules of sales tax: a version that two people record, and what is refused.

Each test has a state of its own, because the table is append-only.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import time_machine

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals.errors import ApprovalOutdated
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.kit.list_query import ListQuery, fetch_page
from app.tax import queries, service
from app.tax.errors import TaxRuleUnchanged
from app.tax.rules import TaxRuleKey, TaxRuleStatus, ThresholdDirection
from app.tax.service import NewTaxRule
from app.tax.states import UsState
from tests.people import People
from tests.second_person import approve
from tests.tax.invoices import line, shipped_to, usd
from tests.unchanged_database import database_unchanged

NOW = datetime(2031, 3, 1, 12, tzinfo=UTC)
REASON = "decided by the legislature"
BARS = NewTaxRule(
    TaxRuleKey(UsState.VT, TaxClass.BULLION, Metal.AU),
    rate="",
    exempt_from="1,000.00",
    threshold=ThresholdDirection.AT_OR_ABOVE,
    valid_from=date(2031, 4, 1),
    valid_until=None,
    source="32 V.S.A. 9741",
    source_url="https://legislature.vermont.gov/statutes",
    source_date=date(2031, 2, 1),
)


@pytest.fixture
def checker(people: People) -> Actor:
    return people.staff(Role.COMPLIANCE)


def request(database: Database, actor: Actor, rule: NewTaxRule = BARS) -> UUID:
    with database.transaction() as session:
        return service.request_rule(session, actor, rule, reason=REASON)


def tax_on(database: Database, price: str, state: UsState, at: datetime) -> str:
    with database.reading() as session:
        place = shipped_to(state)
        assessed = queries.assess_invoice(session, [line(price)], place, customer_id=None, at=at)
    return str(assessed.tax)


def test_rule_counts_from_its_first_day_once_a_second_person_has_seen_its_effect(
    database: Database, admin: Actor, checker: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        approval_id = request(database, admin)
        with database.reading() as session:
            shown = approvals_queries.get_approval(session, approval_id)
        assert shown.before == {
            "says": "No rule of its own",
            "example below": "999.99 USD: 60.00 USD tax",
            "example at the threshold": "1,000.00 USD: 60.00 USD tax",
            "example above": "1,000.01 USD: 60.00 USD tax",
        }
        after = dict(shown.after)
        assert after["says"] == "Exempt from 1,000.00 USD, else the rate of all goods"
        assert after["example below"] == "999.99 USD: 60.00 USD tax"
        assert after["example at the threshold"] == "1,000.00 USD: 0.00 USD tax"
        april = datetime(2031, 4, 1, 4, tzinfo=UTC)
        assert tax_on(database, "1000.00", UsState.VT, april) == "60.00"
        clock.shift(timedelta(hours=1))
        approve(database, checker, approval_id)
    just_before = april - timedelta(microseconds=1)
    assert tax_on(database, "1000.00", UsState.VT, just_before) == "60.00"
    assert tax_on(database, "1000.00", UsState.VT, april) == "0.00"
    with database.reading() as session:
        rule = queries.find_rule(session, BARS.key, april)
        assert rule is not None
        [record] = session.rows(
            "SELECT actor_id, after FROM audit_records WHERE subject = %s", (rule.public_id,)
        )
    assert (rule.maker_id, rule.approval_id, rule.is_verified) == (admin.user_id, approval_id, True)
    actor_id, audited = record
    assert (actor_id, audited["goods"]) == (checker.user_id, "bullion bar or round, gold")


def test_rule_that_is_approved_late_counts_from_the_day_of_its_approval(
    database: Database, admin: Actor, checker: Actor
) -> None:
    rule = replace(BARS, key=TaxRuleKey(UsState.WY), rate="4.5", exempt_from="", threshold=None)
    with time_machine.travel(NOW, tick=False) as clock:
        approval_id = request(database, admin, replace(rule, valid_from=date(2031, 2, 1)))
        clock.shift(timedelta(days=2))
        approve(database, checker, approval_id)
    with database.reading() as session:
        found = queries.find_rule(session, rule.key, NOW + timedelta(days=3))
    assert found is not None
    assert (found.valid_from, found.rate_percent) == (date(2031, 3, 3), Decimal("4.5"))
    assert tax_on(database, "100.00", UsState.WY, NOW + timedelta(days=1)) == "4.00"


def test_request_is_outdated_when_its_rule_has_changed_meanwhile(
    database: Database, admin: Actor, checker: Actor, people: People
) -> None:
    base = replace(
        BARS, key=TaxRuleKey(UsState.NE), rate="5", exempt_from="", threshold=None,
        valid_from=date(2031, 3, 1),
    )  # fmt: skip
    bars = replace(BARS, key=replace(BARS.key, state=UsState.NE), valid_from=date(2031, 3, 1))
    with time_machine.travel(NOW, tick=False) as clock:
        first, second = request(database, admin, base), request(database, admin, bars)
        clock.shift(timedelta(minutes=1))
        approve(database, checker, first)
        clock.shift(timedelta(minutes=1))
        with pytest.raises(ApprovalOutdated):
            approve(database, checker, second)


def test_list_says_which_version_is_in_effect(
    database: Database, admin: Actor, checker: Actor
) -> None:
    rule = replace(BARS, key=TaxRuleKey(UsState.SD), rate="4", exempt_from="", threshold=None)
    steps = ((date(2031, 3, 1), "4"), (date(2031, 3, 1), "4.1"), (date(2032, 1, 1), "4.3"))
    with time_machine.travel(NOW, tick=False) as clock:
        for day, rate in steps:
            approval_id = request(database, admin, replace(rule, valid_from=day, rate=rate))
            approve(database, checker, approval_id)
            clock.shift(timedelta(minutes=1))
    with database.reading() as session:
        query = ListQuery({"state": UsState.SD}, "recorded")
        listed = fetch_page(session, queries.every_rule(date(2031, 3, 1)), query).rows
    over, late = TaxRuleStatus.OVER, TaxRuleStatus.LATER
    assert [(each.rule.terms, each.status) for each in listed] == [
        ("4.2 %", over), ("4 %", over), ("4.1 %", TaxRuleStatus.IN_EFFECT), ("4.3 %", late),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("rate", {"rate": "-1"}),
        ("rate", {"rate": "20.0001"}),
        ("rate", {"rate": "7.25 %"}),
        ("rate", {"key": TaxRuleKey(UsState.OH)}),
        ("exempt_from", {"exempt_from": "0"}),
        ("exempt_from", {"rate": "0"}),
        ("threshold", {"threshold": None}),
        ("valid_until", {"valid_until": date(2031, 3, 31)}),
        ("valid_until", {"valid_from": date(2031, 2, 1), "valid_until": date(2031, 2, 28)}),
        ("source", {"source": "MGL"}),
        ("source_url", {"source_url": "legislature.vermont.gov"}),
    ],
)
def test_rule_that_cannot_be_is_refused_at_its_field(
    database: Database, admin: Actor, field: str, changes: dict[str, Any]
) -> None:
    with time_machine.travel(NOW, tick=False), database_unchanged(database):
        with pytest.raises(Invalid) as refused:
            request(database, admin, replace(BARS, **changes))
        assert refused.value.field == field


def test_request_is_outdated_when_the_last_day_of_its_rule_has_passed(
    database: Database, admin: Actor, checker: Actor
) -> None:
    short = replace(
        BARS, key=TaxRuleKey(UsState.ND, TaxClass.BULLION), valid_from=date(2031, 3, 1),
        valid_until=date(2031, 3, 1),
    )  # fmt: skip
    with time_machine.travel(NOW, tick=False) as clock:
        approval_id = request(database, admin, short)
        clock.shift(timedelta(days=1))
        with pytest.raises(ApprovalOutdated):
            approve(database, checker, approval_id)


def test_verified_rule_is_not_recorded_again_and_an_unverified_one_is(
    database: Database, admin: Actor, checker: Actor
) -> None:
    with database.reading() as session:
        stored = queries.find_rule(session, TaxRuleKey(UsState.OK), NOW)
    assert stored is not None
    same = replace(
        BARS, key=stored.key, rate="4.5", exempt_from="", threshold=None,
        source=stored.source, source_url="", valid_from=date(2031, 3, 1),
    )  # fmt: skip
    with time_machine.travel(NOW, tick=False) as clock:
        approve(database, checker, request(database, admin, same))
        clock.shift(timedelta(minutes=1))
        with database_unchanged(database), pytest.raises(TaxRuleUnchanged):
            request(database, admin, same)


def test_who_may_only_read_rules_requests_none(database: Database, people: People) -> None:
    with pytest.raises(PermissionDenied):
        request(database, people.staff(Role.AUDITOR))


def test_customer_is_charged_what_the_cap_of_the_settings_allows(database: Database) -> None:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with database.reading() as session:
        place = shipped_to(UsState.MA)
        sold = [line("900.00"), line("150.00", name="small bar")]
        whole = queries.assess_invoice(session, sold, place, customer_id=None, at=at)
        returned = queries.reassess_invoice(session, whole, sold[:1])
    assert (returned.owed, returned.borne) == (usd("56.25"), usd("0"))
