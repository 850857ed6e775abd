"""The account of sales tax: what a branch collected and has not remitted."""

from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Database
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from tests.people import People
from tests.tax.invoices import usd


def test_tax_is_owed_from_the_sale_until_it_is_remitted(database: Database, people: People) -> None:
    """It is a liability of the branch that sold, and nothing of it is income."""
    branch_id, buyer, tax = people.branch(), people.customer(USD="100"), usd("6.25")
    account = chart.sales_tax(USD, branch_id)
    steps = (
        (chart.customer(buyer.user_id, USD), account),
        (account, chart.bank(USD, BANK)),
    )
    owed = []
    for debited, credited in steps:
        with database.transaction() as session:
            ledger.post(
                session,
                cause="test_tax",
                reference=f"tax:{ids.new()}",
                posted_at=clock.now(),
                postings=[ledger.debit(debited, tax), ledger.credit(credited, tax)],
            )
            [own] = [
                each
                for each in ledger_queries.account_balances(session)
                if each.account_class == account.account_class and each.owner_id == branch_id
            ]
            owed.append((own.kind, own.units))
    assert owed == [("liability", -tax.units), ("liability", 0)]
