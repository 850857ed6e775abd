"""Price files: what is read, and which line is refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.rules import Metal
from app.integrations.replay.feed import InvalidPriceFile, ReplayFeed
from app.pricing.ports import Observation


def write_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "prices.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def gold_price(price: str, *date: int) -> Observation:
    return Observation(Metal.AU, None, None, Decimal(price), datetime(*date, tzinfo=UTC))


def test_dates_may_be_months_or_days(tmp_path: Path) -> None:
    path = write_file(tmp_path, "\ufeffDate,Price\r\n1968-01,35.190\r\n1968-02-29,35\r\n")
    assert ReplayFeed(path, Metal.AU).observations == [
        gold_price("35.190", 1968, 1, 1),
        gold_price("35", 1968, 2, 29),
    ]


def test_fetch_returns_the_last_known_price(tmp_path: Path) -> None:
    feed = ReplayFeed(write_file(tmp_path, "Date,Price\n1968-01,35\n1968-02,36\n"), Metal.AU)
    february = datetime(1968, 2, 1, tzinfo=UTC)
    assert feed.fetch(datetime(1967, 12, 31, 23, 59, 59, tzinfo=UTC)) == []
    assert feed.fetch(february - timedelta(microseconds=1)) == [gold_price("35", 1968, 1, 1)]
    assert feed.fetch(february) == [gold_price("36", 1968, 2, 1)]
    assert feed.fetch(datetime(2026, 1, 1, tzinfo=UTC)) == [gold_price("36", 1968, 2, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: must be Date,Price"),
        ("date,price\n1968-01,35\n", "line 1: must be Date,Price"),
        ("1968-01,35\n", "line 1: must be Date,Price"),
        ("Date,Price\n", "holds no prices"),
        ("Date,Price\n1968-01,35\n\n1968-02,35\n", "line 3: must be a date and a price"),
        ("Date,Price\n1968-01,35,USD\n", "line 2: must be a date and a price"),
        ("Date,Price\n1968-01\n", "line 2: must be a date and a price"),
        ("Date,Price\n1968-13,35\n", "line 2: 1968-13 is not in the calendar"),
        ("Date,Price\n1967-02-29,35\n", "line 2: 1967-02-29 is not in the calendar"),
        ("Date,Price\n0000-01,35\n", "line 2: 0000-01 is not in the calendar"),
        ("Date,Price\n1/1/1968,35\n", "line 2: '1/1/1968' is not a month"),
        ("Date,Price\n1968-1,35\n", "line 2: '1968-1' is not a month"),
        ("Date,Price\n１９６８-01,35\n", "line 2: '１９６８-01' is not a month"),
        ("Date,Price\n1968-01, 35\n", "line 2: ' 35' is not a plain decimal price"),
        ("Date,Price\n1968-01,\n", "line 2: '' is not a plain decimal price"),
        ("Date,Price\n1968-01,-35\n", "line 2: '-35' is not a plain decimal price"),
        ("Date,Price\n1968-01,1e5\n", "line 2: '1e5' is not a plain decimal price"),
        ("Date,Price\n1968-01,NaN\n", "line 2: 'NaN' is not a plain decimal price"),
        ("Date,Price\n1968-01,٣٥\n", "line 2: '٣٥' is not a plain decimal price"),
        ('Date,Price\n1968-01,"1,000"\n', "line 2: '1,000' is not a plain decimal price"),
        ("Date,Price\n1968-01,1234567890\n", "line 2: '1234567890' is not a plain decimal price"),
        ("Date,Price\n1968-01,0\n", "line 2: AU: bid 0, mid 0, ask 0 are not in order"),
        ("Date,Price\n1968-02,35\n1968-01,35\n", "line 3: 1968-01 is not later"),
        ("Date,Price\n1968-01,35\n1968-01-01,35\n", "line 3: 1968-01-01 is not later"),
        ('Date,Price\n1968-01,35\n"1968-02,35\n', "line 3: unexpected end of data"),
        (b"Date,Price\n1968-01,\xff\n", "is not text in UTF-8"),
    ],
)
def test_invalid_file_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InvalidPriceFile) as refused:
        ReplayFeed(write_file(tmp_path, text), Metal.AU)
    assert str(refused.value).startswith(message)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPriceFile, match="cannot be read: No such file"):
        ReplayFeed(tmp_path / "prices.csv", Metal.AU)
