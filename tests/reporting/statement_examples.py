"""A statement to render."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.catalog.rules import USD, Wallet
from app.kit.money import Amount, Asset
from app.reporting.movement_labels import MovementKind
from app.reporting.movements import Movement
from app.reporting.statements import AccountStatement, AssetStatement, Period, StatementLine

START = datetime(2026, 11, 1, tzinfo=UTC)
CUSTOMER = UUID("019a9f3c-7d00-7abc-8def-0123456789ab")


def statement(
    count: int = 2, *, name: str = "Ada Lovelace", description: str = "Trade", asset: Asset = USD
) -> AccountStatement:
    """Return a statement with `count` movements, alternating up and down."""
    balance, lines = Amount(asset, 125_000), []
    for number in range(count):
        amount = Amount(asset, (2_500, -1_005)[number % 2])
        balance += amount
        at, fee = START + timedelta(hours=number), Amount(asset, 5) if number % 2 else None
        movement = Movement(
            CUSTOMER, at, MovementKind.TRADE, description, f"trd_{number}", amount, fee
        )
        lines.append(StatementLine(movement, balance))
    asset_statement = AssetStatement(
        Amount(asset, 125_000), lines, balance, Amount(asset, 1_000), Amount(asset, 0)
    )
    period = Period(START, START + timedelta(days=30))
    return AccountStatement(
        CUSTOMER, name, "ada@example.com", Wallet.FUNDING, period, [asset_statement]
    )
