"""Which pieces cover an amount of metal: the fewest, exactly."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import USD, XAU
from app.kit.money import Amount
from app.redemption.quotes.rules import Pieces, RedemptionRules, choose_pieces

OUNCE = 10**8
COINS = [Pieces("ONE", OUNCE, 20), Pieces("HALF", OUNCE // 2, 20), Pieces("TENTH", OUNCE // 10, 20)]
#: Grams as the catalogue has them: no sum of the smaller ones is just a larger one.
GRAM_BARS = [
    Pieces(f"G{grams}", grams * 3_215_075, 40) for grams in (1, 5, 10, 20, 50, 100, 250, 500, 1000)
]


def chosen(ounces: str, free: Sequence[Pieces], count_max: int = 100) -> dict[str, int] | None:
    pieces = choose_pieces(Amount.parse(XAU, ounces).units, free, count_max)
    return None if pieces is None else {each.sku: each.count for each in pieces}


@pytest.mark.parametrize(
    ("ounces", "expected"),
    [
        ("1", {"ONE": 1}),
        ("2.5", {"ONE": 2, "HALF": 1}),
        ("0.92", {"ONE": 1}),
        ("1.05", {"ONE": 1, "TENTH": 1}),
        ("0.00000001", {"TENTH": 1}),
        ("33", None),
    ],
)
def test_fewest_coins_cover_the_amount(ounces: str, expected: dict[str, int] | None) -> None:
    assert chosen(ounces, COINS) == expected


def test_no_one_is_offered_a_large_bar_for_an_ounce() -> None:
    bars = [Pieces("B400", 400 * OUNCE, 3), Pieces("B10", 10 * OUNCE, 3), Pieces("B1", OUNCE, 3)]
    assert chosen("1", bars) == {"B1": 1}
    assert chosen("2.4", bars) == {"B1": 3}


def test_pieces_too_few_to_be_of_use_do_not_hide_larger_ones() -> None:
    assert chosen("1.25", [Pieces("ONE", OUNCE, 5), Pieces("TENTH", OUNCE // 10, 1)]) == {"ONE": 2}


def test_no_more_pieces_than_allowed_are_chosen() -> None:
    assert chosen("5", [Pieces("ONE", OUNCE, 10)], 5) == {"ONE": 5}
    assert chosen("5", [Pieces("ONE", OUNCE, 10)], 4) is None


def test_hundreds_of_gram_bars_are_chosen_at_once() -> None:
    pieces = choose_pieces(777 * OUNCE + 12_345_678, GRAM_BARS, 100)
    assert pieces is not None
    assert sum(each.count for each in pieces) == 29
    assert sum(each.total_units for each in pieces) >= 777 * OUNCE + 12_345_678


FREE = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 3)),
    min_size=1,
    max_size=4,
    unique_by=lambda x: x[0],
)


@given(FREE, st.integers(1, 60), st.integers(1, 8))
def test_choice_is_the_best_of_all_choices(
    free: list[tuple[int, int]], needed: int, count_max: int
) -> None:
    pieces = [Pieces(f"W{weight}", weight, count) for weight, count in free]
    found = choose_pieces(needed, pieces, count_max)
    best = best_of_all(free, needed, count_max)
    if found is None:
        assert best is None
    else:
        weight = sum(each.total_units for each in found)
        assert (sum(each.count for each in found), weight - needed) == best


def best_of_all(free: list[tuple[int, int]], needed: int, count_max: int) -> tuple[int, int] | None:
    """Return the pieces of the best choice, and by how much it is heavier, by looking at all."""
    while free:
        lightest = min(weight for weight, _ in free)
        choices = [
            (sum(counts), sum(n * w for n, (w, _) in zip(counts, free, strict=True)) - needed)
            for counts in product(*(range(count + 1) for _, count in free))
        ]
        fitting = [
            (count, over) for count, over in choices if count <= count_max and 0 <= over < lightest
        ]
        if fitting:
            return min(fitting)
        free = [each for each in free if each[0] > lightest]
    return None


@pytest.mark.parametrize(
    ("value", "fee"), [("4000.00", "40.00"), ("0.49", "0.00"), ("0.50", "0.01"), ("150.50", "1.51")]
)
def test_fee_is_one_percent_to_the_cent(value: str, fee: str) -> None:
    assert str(RedemptionRules().fee_of(Amount.parse(USD, value))) == fee
