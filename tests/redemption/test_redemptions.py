"""Redemptions: what they hold, post and release, to the cent and to the last unit of metal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.strategies.rules import FulfillmentRules
from app.funding.errors import VerificationRequired
from app.hedging import queries as hedging_queries
from app.identity.errors import ReauthenticationRequired
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.ledger.errors import InsufficientFunds
from app.limits.errors import LimitExceeded
from app.privacy.personal_data_tables import ROOMS
from app.redemption.errors import (
    NoPieces,
    OwnRedemption,
    PiecesGone,
    RecipientUnderReview,
    WrongRedemptionStatus,
)
from app.redemption.quotes import service as quotes
from app.redemption.quotes.rules import RedemptionRules
from app.redemption.requests import service as redemptions
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import PaidIn, RedemptionStatus
from app.redemption.requests.service import RedemptionRequest
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed
from tests import sanctions
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.redemption.counter import Counter, redeemer
from tests.second_person import approve
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE
from tests.vault.goods import Goods, postings_of

DAY = timedelta(days=1)


@pytest.fixture
def counter(people: People) -> Counter:
    return Counter.open(people)


def statuses(counter: Counter, redemption: Redemption) -> list[str]:
    return [event.status for event in counter.now(redemption).events]


def test_quote_of_a_coin_costs_one_percent_of_its_metal_at_mid(counter: Counter) -> None:
    quote = counter.quote()
    [item] = quote.items
    assert (item.sku, item.quantity, str(item.ounces)) == (counter.coins.sku, 1, "1.00000000")
    assert [str(each) for each in (quote.fee, quote.shipping, quote.top_up, quote.total)] == [
        "40.00", "0.00", "0.00", "40.00",
    ]  # fmt: skip
    assert str(quote.total_in_metal) == "0.01002005"
    assert quote.expires_at - quote.quoted_at == timedelta(minutes=10)


def test_shipped_coin_costs_its_parcel_and_its_insurance_too(counter: Counter) -> None:
    """JM Bullion sends it for 15.00; a quarter of a percent of 4,000.00 is 10.00."""
    quote = counter.quote(pickup_branch_id=None)
    assert [str(each) for each in (quote.fee, quote.shipping, quote.insurance, quote.total)] == [
        "40.00", "15.00", "10.00", "65.00",
    ]  # fmt: skip


def test_who_sends_it_follows_from_the_value_or_the_wish_and_costs_its_fee(
    counter: Counter,
) -> None:
    wished = counter.quote(pickup_branch_id=None, strategy=FulfilmentStrategy.BRINKS)
    assert (wished.strategy, str(wished.shipping)) == ("BRINKS", "75.00")
    with fixed_settings(FulfillmentRules(brinks_from=Amount.parse(USD, "4000"))):
        chosen = counter.quote(pickup_branch_id=None)
    assert chosen.strategy_reason == "The goods are worth at least 4,000.00 USD."
    with pytest.raises(Invalid) as refused:
        counter.submit(chosen, shipping_address=BOSTON, strategy=FulfilmentStrategy.JM)
    assert refused.value.field == "strategy"


def test_cash_tops_up_to_a_whole_coin_at_the_ask(counter: Counter) -> None:
    """A tenth of an ounce at 4,008.00, and one percent of 3,600.00."""
    quote = counter.quote("0.9")
    assert (str(quote.top_up_ounces), str(quote.top_up), str(quote.fee)) == (
        "0.10000000", "400.80", "36.00",
    )  # fmt: skip


def test_approved_redemption_is_one_entry_with_two_legs(counter: Counter) -> None:
    before = exposure(counter.database)
    redemption = counter.submit()
    assert redemption.status is RedemptionStatus.PENDING_APPROVAL
    assert (counter.balances, counter.held) == (
        {"XAU-s": "3.00000000", "USD": "500.00"}, {"XAU-s": "1.00000000", "USD": "40.00"},
    )  # fmt: skip
    assert counter.coins.free() == 9
    counter.assert_sound()
    assert counter.approve(redemption) is None
    assert (counter.balances, counter.held) == ({"XAU-s": "2.00000000", "USD": "460.00"}, {})
    assert counter.units == {"available": 9, "allocated": 1}
    assert statuses(counter, redemption) == ["pending_approval", "approved"]
    sku = counter.coins.sku
    assert postings_of(counter.database, redemption.public_id) == {
        ("customer.trading", "XAU-s"): "1.00000000",
        ("inventory.metal", "XAU-s"): "-1.00000000",
        ("customer.funding", "USD"): "40.00",
        ("fees", "USD"): "-40.00",
        # The coin cost 4,100.00 while its metal was worth 4,000.00.
        ("inventory.premium", "USD"): "-100.00",
        ("sales.premium_cost", "USD"): "100.00",
        ("stock.available", sku): "-1",
        ("stock.position", sku): "1",
        ("stock.allocated", sku): "1",
        ("customer.goods", sku): "-1",
    }
    assert exposure(counter.database) == before
    assert counter.message_kinds() == ["redemption_submitted", "redemption_approved"]
    counter.assert_sound()


def exposure(database: Database) -> str:
    with database.reading() as session:
        [gold] = [
            each for each in hedging_queries.current_exposure(session).metals if each.metal == "AU"
        ]
    return str(gold.net)


def test_top_up_buys_the_missing_ounces_with_its_spread(counter: Counter) -> None:
    redemption = counter.submit(counter.quote("0.9"))
    counter.approve(redemption)
    posted = postings_of(counter.database, redemption.public_id)
    assert {key: posted[key] for key in posted if key[0] in {"position", "spread", "fees"}} == {
        ("position", "XAU-s"): "0.10000000",
        ("position", "USD"): "-400.00",
        ("spread", "USD"): "-0.80",
        ("fees", "USD"): "-36.00",
    }
    assert counter.balances == {"XAU-s": "2.10000000", "USD": "63.20"}
    counter.assert_sound()


def test_further_metal_pays_the_costs_at_the_bid(counter: Counter) -> None:
    """40.00 at 3,992.00 an ounce; PBCEx keeps 8.00 an ounce."""
    redemption = counter.submit(paid_in=PaidIn.METAL)
    assert counter.held == {"XAU-s": "1.01002005"}
    counter.approve(redemption)
    posted = postings_of(counter.database, redemption.public_id)
    assert {key: posted[key] for key in posted if key[0] in {"position", "spread", "fees"}} == {
        ("position", "XAU-s"): "-0.01002005",
        ("position", "USD"): "40.08",
        ("spread", "USD"): "-0.08",
        ("fees", "USD"): "-40.00",
    }
    assert counter.balances == {"XAU-s": "1.98997995", "USD": "500.00"}
    counter.assert_sound()


def test_bar_is_redeemed_by_its_own_weight(counter: Counter, people: People) -> None:
    """Of 398.025 and 402.500 fine ounces, 400 ounces take the heavier bar."""
    sku = counter.stall.range.add(
        form=ProductForm.BAR, gross="400", fineness="0.995", is_serialized=True
    )
    bars = Goods(counter.database, sku, counter.coins.location)
    bars.receive_bars(
        "A1, Valcambi, 400.025, 0.9950\nA2, Valcambi, 404.525, 0.9950", cost="3200000.00"
    )
    owner = redeemer(people, XAU_s="400", USD="100000")
    rich = replace(counter, owner=owner, staff=people.staff(Role.SUPPORT))
    quote = rich.quote("400", form=ProductForm.BAR)
    [item] = quote.items
    assert str(item.ounces) == "402.50200000"
    redemption = rich.submit(quote)
    approval_id = rich.approve(redemption)
    assert rich.now(redemption).status is RedemptionStatus.PENDING_APPROVAL
    approve(rich.database, people.staff(Role.ADMIN), approval_id)
    assert rich.now(redemption).status is RedemptionStatus.APPROVED
    assert bars.free() == 1
    rich.assert_sound()


@pytest.mark.parametrize(
    ("act", "status", "kind"),
    [
        (Counter.reject, "rejected", "redemption_ended"),
        (Counter.cancel, "cancelled", "redemption_ended"),
    ],
)
def test_ended_redemption_releases_everything(
    counter: Counter, act: Callable[[Counter, Redemption], None], status: str, kind: str
) -> None:
    redemption = counter.submit()
    act(counter, redemption)
    assert statuses(counter, redemption) == ["pending_approval", status]
    assert (counter.held, counter.coins.free()) == ({}, 10)
    assert counter.message_kinds() == ["redemption_submitted", kind]
    with pytest.raises(WrongRedemptionStatus):
        counter.approve(redemption)
    counter.assert_sound()


def test_undecided_redemption_lapses_after_a_day_and_not_before(counter: Counter) -> None:
    redemption = counter.submit()
    counter.lapse(redemption)
    assert counter.now(redemption).status is RedemptionStatus.PENDING_APPROVAL
    with time_machine.travel(clock.now() + DAY, tick=False):
        with pytest.raises(WrongRedemptionStatus):
            counter.approve(redemption)
        counter.lapse(redemption)
        counter.lapse(redemption)
    assert statuses(counter, redemption) == ["pending_approval", "expired"]
    assert (counter.held, counter.coins.free()) == ({}, 10)
    assert counter.message_kinds() == ["redemption_submitted", "redemption_ended"]
    counter.assert_sound()


@pytest.mark.parametrize("paid_in", list(PaidIn))
def test_cancelling_an_approved_redemption_undoes_every_posting(
    counter: Counter, paid_in: PaidIn
) -> None:
    before = exposure(counter.database)
    redemption = counter.submit(counter.quote("0.9"), paid_in=paid_in)
    counter.approve(redemption)
    run_pending_jobs(counter.database, "redemption.request_shipments")
    with pytest.raises(WrongRedemptionStatus):
        counter.reject(redemption)
    counter.cancel(redemption)
    posted = postings_of(counter.database, redemption.public_id)
    undone = postings_of(counter.database, f"{redemption.public_id}:undone")
    assert undone == {key: negated(text) for key, text in posted.items()}
    assert counter.balances == {"XAU-s": "3.00000000", "USD": "500.00"}
    assert counter.units == {"available": 10, "allocated": 0}
    assert exposure(counter.database) == before
    assert statuses(counter, redemption)[-1] == "cancelled"
    counter.assert_sound()
    run_pending_jobs(counter.database, "redemption.shipment_changed")
    assert statuses(counter, redemption)[-1] == "cancelled"


def negated(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


def test_strategy_decides_until_when_an_approved_redemption_is_cancelled(
    counter: Counter,
) -> None:
    for strategy, hours in ((FulfilmentStrategy.JM, 24), (FulfilmentStrategy.BRINKS, 0)):
        quote = counter.quote(strategy=strategy)
        redemption = counter.submit(quote)
        counter.approve(redemption)
        late = clock.now() + timedelta(hours=hours)
        with time_machine.travel(late, tick=False), pytest.raises(CancelWindowClosed):
            counter.cancel(redemption)


def test_second_person_approves_what_is_worth_as_much_as_the_setting(
    counter: Counter, people: People
) -> None:
    with fixed_settings(RedemptionRules(approval_from=Amount.parse(USD, "4000"))):
        redemption = counter.submit()
        approval_id = counter.approve(redemption)
        assert counter.now(redemption).status is RedemptionStatus.PENDING_APPROVAL
        approve(counter.database, people.staff(Role.ADMIN), approval_id)
    assert counter.now(redemption).status is RedemptionStatus.APPROVED
    assert counter.units == {"available": 9, "allocated": 1}


def test_recipient_on_a_list_stops_the_approval_and_the_case_stays(
    counter: Counter, people: People
) -> None:
    address = replace(NEW_HAMPSHIRE, recipient=sanctions.LISTED_NAME)
    quote = counter.quote(pickup_branch_id=None)
    redemption = counter.submit(quote, shipping_address=address, pickup_branch_id=None)
    with pytest.raises(RecipientUnderReview):
        counter.approve(redemption)
    assert statuses(counter, redemption) == ["pending_approval", "pending_approval"]
    with counter.database.reading() as session:
        found = session.value(
            "SELECT count(*) FROM screenings WHERE about = %s AND case_id IS NOT NULL",
            (redemption.public_id,),
        )
    assert found == 1


def test_quote_is_used_once_in_time_and_by_its_owner(counter: Counter, people: People) -> None:
    quote = counter.quote()
    counter.submit(quote)
    with pytest.raises(QuoteUsed):
        counter.submit(quote)
    other = replace(counter, owner=redeemer(people, XAU_s="3", USD="500"))
    with pytest.raises(QuoteNotFound):
        other.submit(counter.quote())
    late = counter.quote()
    at_its_end = clock.now() + timedelta(minutes=10)
    with time_machine.travel(at_its_end, tick=False), pytest.raises(QuoteExpired):
        counter.submit(late)
    assert counter.held == {"XAU-s": "1.00000000", "USD": "40.00"}


def test_pieces_that_were_sold_meanwhile_are_not_promised(counter: Counter) -> None:
    quote = counter.quote("3")
    counter.coins.reserve(8)
    with pytest.raises(PiecesGone):
        counter.submit(quote)
    with pytest.raises(NoPieces):
        counter.quote("3")
    assert counter.held == {}


def test_customer_who_has_too_little_holds_nothing(counter: Counter) -> None:
    with pytest.raises(InsufficientFunds):
        counter.submit(counter.quote("4"))
    assert (counter.held, counter.coins.free()) == ({}, 10)


def test_goods_go_where_the_quote_says(counter: Counter) -> None:
    for request, field in (
        ({"pickup_branch_id": None, "shipping_address": BOSTON}, "pickupBranchId"),
        ({"pickup_branch_id": None}, "pickupBranchId"),
    ):
        with pytest.raises(Invalid) as refused:
            counter.submit(**request)
        assert refused.value.field == field
    quote = counter.quote(pickup_branch_id=None, country="CA")
    with pytest.raises(Invalid) as refused:
        counter.submit(quote, shipping_address=BOSTON)
    assert refused.value.field == "shippingAddress.country"


def test_shipping_needs_a_recent_sign_in_and_every_redemption_tier_2(
    counter: Counter, people: People
) -> None:
    quote = counter.quote(pickup_branch_id=None)
    stale = replace(counter.owner, proven_at=None)
    with counter.database.transaction() as session, pytest.raises(ReauthenticationRequired):
        redemptions.submit(session, stale, RedemptionRequest(quote.id, BOSTON))
    stranger = replace(counter, owner=people.customer(XAU_s="3", USD="500"))
    with pytest.raises(VerificationRequired):
        stranger.submit()


def test_goods_are_not_kept_from_others_by_asking_again_and_again(counter: Counter) -> None:
    with fixed_settings(RedemptionRules(open_max=1, given_up_per_day=2)):
        first = counter.submit()
        with pytest.raises(LimitExceeded):
            counter.submit()
        counter.cancel(first)
        counter.cancel(counter.submit())
        with pytest.raises(LimitExceeded):
            counter.submit()


def test_no_one_decides_about_their_own_or_cancels_that_of_others(
    counter: Counter, people: People
) -> None:
    redemption = counter.submit()
    with pytest.raises(OwnRedemption):
        counter.approve(redemption, replace(counter.staff, user_id=counter.owner.user_id))
    with pytest.raises(NotFound):
        replace(counter, owner=people.customer()).cancel(redemption)


def test_unused_quotes_are_forgotten_and_used_ones_stay(counter: Counter) -> None:
    used, unused = counter.quote(), counter.quote()
    counter.submit(used)
    later = clock.now() + quotes.QUOTE_RETENTION + DAY
    with time_machine.travel(later, tick=False), counter.database.transaction() as session:
        quotes.delete_expired_quotes(session)
        found = session.rows(
            "SELECT id FROM redemption_quotes WHERE id = ANY(%s)", ([used.id, unused.id],)
        )
    assert [quote_id for (quote_id,) in found] == [used.id]


def test_open_redemption_blocks_an_erasure_and_is_exported(counter: Counter) -> None:
    redemption = counter.submit()
    [room] = [room for room in ROOMS if room.name == "redemption"]
    assert room.export_sections is not None
    assert room.erasure_blockers is not None
    with counter.database.reading() as session:
        [exported] = room.export_sections(session, counter.owner.user_id)["redemptions"]
        [blocker] = room.erasure_blockers(session, counter.owner.user_id)
    assert (exported["id"], exported["total"]) == (redemption.public_id, "40.00")
    assert blocker.field == f"redemptions.{redemption.public_id}"
