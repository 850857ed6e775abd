"""A redemption that many decide at once, and a balance that many redeem: each ends once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import time_machine

from app.fulfillment.errors import CancelWindowClosed
from app.kit import clock
from app.ledger.errors import HoldExpired, HoldNotPending, InsufficientFunds
from app.redemption.errors import NoPieces, WrongRedemptionStatus
from app.redemption.quotes.rules import RedemptionRules
from app.redemption.requests.rules import RedemptionStatus
from app.trading.errors import QuoteUsed
from tests.drill import choose_size, rounds, seeded_random
from tests.fixed_settings import fixed_settings
from tests.races.contest import THREADS, Arena, winners
from tests.redemption.counter import Counter, redeemer

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
Record = Callable[[str, object], None]
QUARTER = THREADS // 4
_S = RedemptionStatus


@pytest.fixture(autouse=True)
def wide_limits(arena: Arena) -> Iterator[None]:
    """Lift the limits of redemptions: these races are about metal and goods."""
    with fixed_settings(RedemptionRules(open_max=100, given_up_per_day=1000)):
        yield


@pytest.fixture
def counter(arena: Arena) -> Counter:
    return Counter.open(arena.people, units=1000)


def test_redemption_is_approved_rejected_or_cancelled_once(
    arena: Arena, counter: Counter, record_property: Record
) -> None:
    """What comes first holds; the metal is taken, or is the customer's, as it says."""
    chances = seeded_random("redemptions decided")
    ended: dict[str, int] = {}
    for _ in rounds(ROUNDS, "redemptions decided by many"):
        one = replace(counter, owner=redeemer(arena.people, XAU_s="1", USD="40"))
        redemption, free = one.submit(), one.coins.free()
        acts = [
            partial(act, redemption)
            for act in (one.approve, one.reject, one.cancel, one.lapse)
            for _ in range(QUARTER)
        ]
        winners(arena.all_at_once(acts, chances), WrongRedemptionStatus, CancelWindowClosed)
        now = one.now(redemption)
        # What is approved may still be cancelled: then its entry is undone.
        steps = [str(event.status) for event in now.events if event.status is not _S.APPROVED]
        ended_by = [] if now.status is _S.APPROVED else [now.status]
        assert steps == [_S.PENDING_APPROVAL, *ended_by]
        assert one.held == {}
        if now.status is _S.APPROVED:
            assert (one.balances, one.coins.free()) == ({}, free)
        else:
            assert one.balances == {"XAU-s": "1.00000000", "USD": "40.00"}
            assert one.coins.free() == free + 1
        ended[now.status] = ended.get(now.status, 0) + 1
    counter.assert_sound()
    record_property(
        "evidence",
        f"A redemption approved, rejected and cancelled by {THREADS} at once: {ROUNDS} rounds;"
        f" {', '.join(f'{count} {status}' for status, count in sorted(ended.items()))}.",
    )


def test_redemption_lapses_is_cancelled_or_approved_at_its_last_instant(
    arena: Arena, counter: Counter, record_property: Record
) -> None:
    """The holds end at the same moment as the time for the decision."""
    chances = seeded_random("redemptions lapse")
    for _ in rounds(ROUNDS, "redemptions at their last instant"):
        one = replace(counter, owner=redeemer(arena.people, XAU_s="1", USD="40"))
        redemption = one.submit()
        left = redemption.expires_at - clock.now() - timedelta(milliseconds=15)
        with time_machine.travel(clock.now() + left, tick=True):
            acts = [
                partial(act, redemption)
                for act in (one.approve, one.lapse, one.lapse, one.cancel)
                for _ in range(QUARTER)
            ]
            # Whether the database or the redemption says it, it is too late.
            winners(
                arena.all_at_once(acts, chances),
                WrongRedemptionStatus,
                CancelWindowClosed,
                HoldExpired,
                HoldNotPending,
            )
        with time_machine.travel(redemption.expires_at + timedelta(seconds=1), tick=False):
            one.lapse(redemption)
        now = one.now(redemption)
        assert now.status in {_S.APPROVED, _S.EXPIRED, _S.CANCELLED}
        gone: dict[str, str] = {}
        kept = {"XAU-s": "1.00000000", "USD": "40.00"}
        assert (one.balances, one.held) == (gone if now.status is _S.APPROVED else kept, {})
    counter.assert_sound()
    record_property(
        "evidence", f"A redemption approved or cancelled as it lapses: {ROUNDS} rounds, once."
    )


def test_one_balance_is_redeemed_as_often_as_it_covers(
    arena: Arena, counter: Counter, record_property: Record
) -> None:
    """Half of the requests use a quote of their own, the others share one."""
    chances = seeded_random("balances redeemed")
    for _ in rounds(ROUNDS, "balances redeemed by many"):
        affordable = chances.randrange(1, THREADS // 2)
        one = replace(
            counter, owner=redeemer(arena.people, XAU_s=str(affordable), USD=str(40 * affordable))
        )
        shared = one.quote()
        acts = [partial(one.submit, one.quote()) for _ in range(THREADS // 2)]
        acts += [partial(one.submit, shared)] * (THREADS // 2)
        won = winners(arena.all_at_once(acts, chances), InsufficientFunds, QuoteUsed, NoPieces)
        assert len(won) == affordable
        assert one.held == {"XAU-s": f"{affordable}.00000000", "USD": f"{40 * affordable}.00"}
    counter.assert_sound()
    record_property(
        "evidence",
        f"One balance redeemed by {THREADS} requests at once, half of them with one quote:"
        f" {ROUNDS} rounds; as many succeeded as it covers.",
    )
