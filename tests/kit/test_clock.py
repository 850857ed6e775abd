from datetime import UTC, datetime, timedelta

import pytest

from app.kit import clock, ids

LONG_AGO = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_clock_that_was_set_runs_on_and_dates_new_identifiers() -> None:
    with clock.time_travel() as set_clock:
        set_clock(LONG_AGO)
        first, second = clock.now(), clock.now()
        identifiers = [ids.new() for _ in range(100)]
        later = ids.first_at(LONG_AGO + timedelta(minutes=1))
    assert LONG_AGO <= first <= second < LONG_AGO + timedelta(minutes=1)
    assert identifiers == sorted(identifiers)
    assert ids.first_at(LONG_AGO - timedelta(seconds=1)) < identifiers[0] < later
    assert {identifier.version for identifier in identifiers} == {7}


def test_clock_is_right_after_the_travel_whatever_happened() -> None:
    def travel_and_fail() -> None:
        with clock.time_travel() as set_clock:
            set_clock(LONG_AGO)
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        travel_and_fail()
    assert clock.now() - datetime.now(UTC) < timedelta(seconds=1)
    assert ids.first_at(datetime.now(UTC) - timedelta(seconds=1)) < ids.new()
