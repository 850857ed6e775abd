import psycopg
import pytest
import sqlalchemy as sa

from app.kit.errors import Conflict, NotFinished
from app.outbox import rules as outbox_rules


class Halted(Conflict):
    """A refusal for these tests."""

    title = "Refused by a test"
    code = "market_halted"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Halted("Gold is halted"), "Halted (market_halted): Gold is halted"),
        # Its message may contain personal data.
        (KeyError("price"), "KeyError"),
        (NotFinished("first\nsecond"), "NotFinished: first"),
    ],
)
def test_error_description_is_one_line(error, line):
    assert outbox_rules.describe_error(error) == line


def test_long_error_description_is_truncated():
    assert len(outbox_rules.describe_error(NotFinished("x" * 10_000))) == 300


def test_database_error_description_contains_no_values(database):
    text = "INSERT INTO timetable VALUES (%s, 't', 0, now())"
    with pytest.raises(psycopg.Error) as raw, database.transaction() as session:
        session.rows(text, ("my secret",))
    with pytest.raises(sa.exc.DBAPIError) as wrapped, database.engine.connect() as connection:
        connection.exec_driver_sql(text, ("my secret",))
    assert "my secret" in str(raw.value)
    assert outbox_rules.describe_error(raw.value) == "CheckViolation: period_is_positive"
    assert outbox_rules.describe_error(wrapped.value) == "IntegrityError: period_is_positive"
