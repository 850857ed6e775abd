"""A branch with coins on its shelf, and customers who redeem gold there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.access import Actor, Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import TRADABLE
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.reconciliation.invariants import find_violations
from app.redemption.quotes import service as quotes
from app.redemption.quotes.queries import RedemptionQuote
from app.redemption.quotes.service import QuoteRequest
from app.redemption.requests import queries, review
from app.redemption.requests import service as redemptions
from app.redemption.requests.queries import Redemption
from app.redemption.requests.service import RedemptionRequest
from tests import sanctions
from tests.paying_customer import verify_without_evidence
from tests.people import People
from tests.shop.stall import Stall
from tests.vault.goods import Goods


@dataclass(frozen=True)
class Counter:
    """Coins of an ounce of gold at one branch, a customer with gold and dollars, and staff."""

    stall: Stall
    coins: Goods
    owner: Actor
    staff: Actor

    @classmethod
    def open(cls, people: People, units: int = 10, **amounts: str) -> "Counter":
        """Open one, with gold at 4,000 dollars: the customer has 3 ounces and 500 dollars."""
        sanctions.import_sample_list(people.database)
        stall = Stall.open(people)
        owner = redeemer(people, **(amounts or {"XAU_s": "3", "USD": "500"}))
        return cls(stall, stall.coins(units), owner, people.staff(Role.SUPPORT))

    @property
    def database(self) -> Database:
        return self.stall.database

    def quote(self, ounces: str = "1", code: str = "XAU-s", **request: Any) -> RedemptionQuote:
        """Quote coins that are collected at the branch, unless the request says otherwise."""
        wanted = QuoteRequest(
            Amount.parse(TRADABLE[code], ounces),
            ProductForm.COIN,
            pickup_branch_id=self.stall.branch_id,
        )
        with self.database.transaction() as session:
            return quotes.create_quote(session, self.owner, replace(wanted, **request))

    def submit(self, quote: RedemptionQuote | None = None, **request: Any) -> Redemption:
        """Submit a redemption of one coin that is collected, unless the request says otherwise."""
        quote = quote or self.quote()
        wanted = RedemptionRequest(quote.id, pickup_branch_id=quote.pickup_branch_id)
        with self.database.transaction() as session:
            actor = replace(self.owner, proven_at=clock.now())
            return redemptions.submit(session, actor, replace(wanted, **request))

    def approve(self, redemption: Redemption, staff: Actor | None = None) -> UUID | None:
        with self.database.transaction() as session:
            return review.approve(session, staff or self.staff, redemption.id)

    def reject(self, redemption: Redemption, reason: str = "not plausible") -> None:
        with self.database.transaction() as session:
            review.reject(session, self.staff, redemption.id, reason=reason)

    def cancel(self, redemption: Redemption) -> None:
        with self.database.transaction() as session:
            redemptions.cancel(session, self.owner, redemption.id)

    def lapse(self, redemption: Redemption) -> None:
        with self.database.transaction() as session:
            redemptions.let_lapse(session, redemption.id)

    def now(self, redemption: Redemption) -> Redemption:
        """Return the redemption as it is now."""
        with self.database.reading() as session:
            return queries.get_redemption(session, redemption.id)

    @property
    def balances(self) -> Mapping[str, str]:
        """The customer's balances."""
        return self.stall.people.balances(self.owner)

    @property
    def held(self) -> Mapping[str, str]:
        """What is held of the customer's balances."""
        with self.database.reading() as session:
            return {
                each.asset: str(Amount(TRADABLE[each.asset], each.held))
                for each in ledger_queries.customer_balances(session, self.owner.user_id)
                if each.held
            }

    @property
    def units(self) -> Mapping[str, int]:
        """The coins for sale, and those of customers on the shelf."""
        return self.stall.units(self.coins)

    def assert_sound(self) -> None:
        """Check every invariant of books and stock."""
        with self.database.reading() as session:
            assert find_violations(session) == []

    def message_kinds(self) -> list[str]:
        """Return the kinds of the customer's messages, oldest first."""
        with self.database.reading() as session:
            rows = session.rows(
                "SELECT args ->> 'kind' FROM outbox WHERE task = 'messages.deliver'"
                " AND args ->> 'kind' LIKE 'redemption%%'"
                " AND args ->> 'user_id' = %s ORDER BY id",
                (str(self.owner.user_id),),
            )
        return [kind for (kind,) in rows]


def redeemer(people: People, **amounts: str) -> Actor:
    """Return a new customer of tier 3 with these amounts."""
    owner = people.customer(**amounts)
    verify_without_evidence(people.database, owner.user_id)
    return owner
