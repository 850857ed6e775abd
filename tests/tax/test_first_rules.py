"""The rules of a new installation: every state has some, and the tax that they give."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.tax import queries
from app.tax.assessment import assess
from app.tax.rules import TaxRule
from app.tax.states import UsState
from tests.tax.invoices import NOON, line, shipped_to, usd

BULLION, COIN, RARE = TaxClass.BULLION, TaxClass.LEGAL_TENDER, TaxClass.NUMISMATIC
AU, AG, PT = Metal.AU, Metal.AG, Metal.PT
#: While Maryland exempted large invoices.
EARLY_2025 = datetime(2025, 6, 30, 12, tzinfo=UTC)
AFTER_IT = datetime(2025, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules(app: Flask) -> list[TaxRule]:
    """The rules that the installation brings."""
    with app.extensions["database"].reading() as session:
        found = [each for state in UsState for each in queries.list_rules(session, state)]
    return [each for each in found if each.maker_id is None]


@pytest.mark.parametrize(
    ("state", "tax_class", "metal", "fineness", "price", "at", "tax"),
    [
        # Taxed below a threshold; the last cent below, the threshold, the first cent above.
        ("CA", BULLION, AU, ".9999", "1999.99", NOON, "145.00"),
        ("CA", BULLION, AU, ".9999", "2000.00", NOON, "0.00"),
        ("CA", RARE, AG, ".900", "2000.00", NOON, "0.00"),
        ("CA", BULLION, PT, ".9995", "2000.00", NOON, "145.00"),
        ("CT", COIN, AG, ".999", "999.99", NOON, "63.50"),
        ("CT", COIN, AG, ".999", "1000.00", NOON, "0.00"),
        ("FL", BULLION, PT, ".9995", "499.99", NOON, "30.00"),
        ("FL", BULLION, PT, ".9995", "500.00", NOON, "30.00"),
        ("FL", BULLION, PT, ".9995", "500.01", NOON, "0.00"),
        ("MA", COIN, AU, ".9167", "999.99", NOON, "62.50"),
        ("MA", COIN, AU, ".9167", "1000.00", NOON, "0.00"),
        ("MA", COIN, AU, ".9167", "1000.01", NOON, "0.00"),
        ("MD", BULLION, AU, ".9999", "999.99", EARLY_2025, "60.00"),
        ("MD", BULLION, AU, ".9999", "1000.00", EARLY_2025, "60.00"),
        ("MD", BULLION, AU, ".9999", "1000.01", EARLY_2025, "0.00"),
        ("MD", BULLION, AU, ".9999", "1000.01", AFTER_IT, "60.00"),
        # Exempt from a fineness.
        ("AL", BULLION, AG, ".9", "100.00", NOON, "0.00"),
        ("AL", BULLION, AG, ".89999", "100.00", NOON, "4.00"),
        ("IL", BULLION, AU, ".98", "100.00", NOON, "0.00"),
        ("IL", COIN, AU, ".9167", "100.00", NOON, "6.25"),
        # Nothing is exempt, however much it is.
        ("DC", BULLION, AU, ".9999", "100000.00", NOON, "6000.00"),
        ("HI", BULLION, AU, ".9999", "100000.00", NOON, "4000.00"),
        ("ME", COIN, AG, ".999", "100000.00", NOON, "5500.00"),
        ("KY", BULLION, AU, ".9999", "100000.00", NOON, "6000.00"),
        # No tax of the state.
        ("AK", TaxClass.ACCESSORY, None, None, "100.00", NOON, "0.00"),
        ("DE", TaxClass.COPPER, Metal.CU, ".999", "100.00", NOON, "0.00"),
        ("MT", BULLION, AU, ".9999", "100.00", NOON, "0.00"),
        ("NH", BULLION, AU, ".9999", "100.00", NOON, "0.00"),
        ("OR", TaxClass.PROCESSED, AU, ".585", "100.00", NOON, "0.00"),
        # What is no bullion is taxed where bullion is exempt.
        ("MA", TaxClass.PROCESSED, AU, ".9999", "5000.00", NOON, "312.50"),
        ("AL", TaxClass.COPPER, Metal.CU, ".999", "100.00", NOON, "4.00"),
        # Not looked up, so taxed.
        ("TX", BULLION, AU, ".9999", "5000.00", NOON, "312.50"),
    ],
)  # fmt: skip
def test_invoice_of_one_line_owes(
    rules: list[TaxRule],
    state: str,
    tax_class: TaxClass,
    metal: Metal | None,
    fineness: str | None,
    price: str,
    at: datetime,
    tax: str,
) -> None:
    sold = line(price, tax_class, metal, fineness)
    assert assess([sold], shipped_to(UsState(state)), at, (), rules).tax == usd(tax)


def test_every_state_taxes_or_exempts_every_class_by_a_rule_with_a_source(
    rules: list[TaxRule],
) -> None:
    assert len(UsState) == 51
    for state in UsState:
        for tax_class in TaxClass:
            [assessed] = assess([line("1.00", tax_class)], shipped_to(state), NOON, (), rules).lines
            rule = assessed.applied.rule
            assert rule is not None
            assert rule.source
            assert not rule.is_verified
