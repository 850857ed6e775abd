"""Settings: bounds, a second person where money moves, and the instant from which a value counts.

Changes are made in years that no other test visits: the table is append-only.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.funding.limits import PaymentLimits
from app.hedging.rules import ExposureRules
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.ports import provide
from app.kyc.rules import KycRules
from app.messages.text_budgets import TextBudgets
from app.settings import queries, rules, service
from app.settings.errors import SettingsContradict, SettingUnchanged
from app.settings.ports import CurrentSettings
from app.settings.queries import StoredSettings
from app.settings.rules import LEAD
from tests.people import People
from tests.unchanged_database import database_unchanged

NOW = datetime(2041, 3, 1, 12, 0, tzinfo=UTC)
REASON = "decided by the board"


@pytest.fixture(autouse=True)
def _own_settings():
    """Read the settings anew in each test, and after it: others do not see what a process read."""
    provide(CurrentSettings, StoredSettings())
    yield
    provide(CurrentSettings, StoredSettings())


def change(database: Database, actor: Actor, name: str, text: str, **options: datetime):
    with database.transaction() as session:
        return service.change_setting(session, actor, name, text, reason=REASON, **options)


def in_effect(database: Database, group: type, settings: CurrentSettings | None = None):
    with database.reading() as session:
        return (settings or StoredSettings()).current(session, group)


def test_change_counts_a_minute_later_in_every_process_at_the_same_instant(
    database: Database, admin: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        early = StoredSettings()
        before = in_effect(database, ExposureRules, early)
        assert change(database, admin, "exposure.band_pd", "321.5") is None
        clock.shift(LEAD - timedelta(microseconds=1))
        assert in_effect(database, ExposureRules, early) == before
        assert in_effect(database, ExposureRules) == before
        clock.shift(timedelta(microseconds=1))
        for settings in (early, StoredSettings()):
            assert in_effect(database, ExposureRules, settings).band_pd == Decimal("321.5")


def test_change_from_a_day_on_waits_for_it_and_is_listed_as_the_next_value(
    database: Database, admin: Actor
) -> None:
    day = datetime(2042, 1, 1, tzinfo=UTC)
    with time_machine.travel(datetime(2041, 12, 1, tzinfo=UTC), tick=False) as clock:
        change(database, admin, "exposure.band_pt", "77", effective_at=day)
        with database.reading() as session:
            row = queries.get_setting_row(session, "exposure.band_pt")
        assert (row.upcoming, row.next_at) == ("77 troy ounces", day)
        clock.move_to(day - timedelta(seconds=1))
        assert in_effect(database, ExposureRules).band_pt == 200
        clock.move_to(day)
        assert in_effect(database, ExposureRules).band_pt == 77


def test_transaction_reads_one_value_throughout(database: Database, admin: Actor) -> None:
    with time_machine.travel(datetime(2043, 1, 1, tzinfo=UTC), tick=False) as clock:
        change(database, admin, "exposure.band_cu", "1")
        with database.reading() as session:
            before = queries.current(session, ExposureRules)
            clock.shift(2 * LEAD)
            assert queries.current(session, ExposureRules) == before
        with database.reading() as session:
            assert queries.current(session, ExposureRules).band_cu == 1


def test_change_where_money_moves_waits_for_a_second_person(
    database: Database, people: People, admin: Actor
) -> None:
    checker = people.staff(Role.COMPLIANCE)
    with time_machine.travel(datetime(2044, 1, 1, tzinfo=UTC), tick=False) as clock:
        approval_id = change(database, admin, "payments.card_max", "9,000.50")
        assert isinstance(approval_id, UUID)
        clock.shift(2 * LEAD)
        assert in_effect(database, PaymentLimits) == PaymentLimits()
        with database.reading() as session:
            request = approvals_queries.get_approval(session, approval_id)
        with pytest.raises(SelfApproval), database.transaction() as session:
            approvals.approve(session, admin, approval_id, seen_hash=request.hash)
        with database.transaction() as session:
            assert approvals.approve(session, checker, approval_id, seen_hash=request.hash) is None
        assert in_effect(database, PaymentLimits) == PaymentLimits()
        clock.shift(LEAD)
        assert str(in_effect(database, PaymentLimits).card_max) == "9000.50"
    with database.reading() as session:
        [record] = session.rows(
            "SELECT actor_id, before, after, reason FROM audit_records"
            " WHERE action = 'setting.changed' AND subject = 'payments.card_max'"
        )
        [stored] = session.rows(
            "SELECT maker_id, approval_id FROM setting_changes WHERE name = 'payments.card_max'"
        )
    actor_id, before, after, reason = record
    assert (actor_id, before["value"], after["value"]) == (checker.user_id, "10000.00", "9000.50")
    assert reason == REASON
    assert stored == (admin.user_id, approval_id)


def test_operator_sets_up_an_instance_with_values_that_count_at_once(database: Database) -> None:
    with time_machine.travel(datetime(2046, 1, 1, tzinfo=UTC), tick=False):
        with database.transaction() as session:
            name = "texts.per_phone_day"
            service.set_by_operator(session, name, "7", reason=REASON, lead=timedelta())
        assert in_effect(database, TextBudgets).per_phone_day == 7


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("trading.fee_bps", ("0", "1000"), ("-1", "1001", "1.5", "", "fee", "١")),
        ("payments.card_max", ("1", "100000.00"), ("0.99", "100000.01", "1.001", "1e3")),
        ("transfers.ounces_min", ("0.00000001", "1"), ("0", "1.00000001", "0.000000001")),
    ],
)
def test_value_is_taken_up_to_its_bounds_and_refused_beyond(
    name: str, allowed: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    setting = rules.get_setting(name)
    for text in allowed:
        assert setting.parse(text) is not None
    for text in refused:
        with pytest.raises(Invalid, match=f"Enter {setting.bounds}"):
            setting.parse(text)


def test_what_contradicts_changes_nothing_or_is_unknown_is_refused(
    database: Database, people: People, admin: Actor
) -> None:
    with (
        database_unchanged(database),
        pytest.raises(SettingsContradict, match="higher tier cannot allow less"),
    ):
        change(database, admin, "verification.daily_tier_2", "5")
    with database_unchanged(database), pytest.raises(SettingUnchanged):
        change(database, admin, "trading.fee_bps", "50")
    with pytest.raises(NotFound):
        change(database, admin, "trading.bonus", "50")
    with pytest.raises(PermissionDenied):
        change(database, people.staff(Role.AUDITOR), "trading.fee_bps", "51")


def test_every_default_is_within_its_bounds_and_its_group() -> None:
    settings = rules.list_settings()
    assert len({setting.id for setting in settings}) == len(settings) >= 20
    for setting in settings:
        default = setting.declared.default
        written = f"{default:f}" if isinstance(default, Decimal) else str(default)
        assert setting.parse(written) == default
    assert KycRules().daily_limit(3) == rules.build(KycRules, {}).daily_tier_3


def test_operator_changes_a_setting_at_once_where_no_process_runs_yet(database: Database) -> None:
    with database.transaction() as session:
        service.set_by_operator(
            session, "payments.card_max", "9000", reason="First set-up", lead=timedelta()
        )
    with database.transaction() as session:
        in_effect_now = queries.values_at(queries.list_changes(session), clock.now())
    assert in_effect_now["payments.card_max"] == "9000.00"
