"""Notes and coins: counting them, and which of them make up a sum."""

from itertools import product
from random import Random

import pytest

from app.catalog.rules import USD
from app.counter.drawers.rules import PIECES, CashPieces, parse_pieces, suggest
from app.kit.errors import Invalid
from app.kit.money import Amount

_NOTES = 12


def test_pieces_are_worth_what_they_say() -> None:
    counted = parse_pieces({"usd_10000": "2", "usd_25": "3", "cheques": "1,250.50", "usd_1": ""})
    assert counted.amount == Amount(USD, 200_00 + 75 + 1250_50)
    assert str(counted) == "2 × $100, 3 × 25¢, Cashier's cheques 1250.50 USD"


@pytest.mark.parametrize(
    ("name", "text"), [("usd_100", "--1"), ("usd_100", "1.5"), ("cheques", "12.345")]
)
def test_count_that_is_no_number_is_refused_at_its_field(name: str, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_pieces({name: text})
    assert refusal.value.field == name


def test_suggestion_is_payable_wherever_the_sum_is() -> None:
    """Against every choice out of small drawers."""
    random, payable = Random(23), 0
    for _ in range(60):
        counts = [random.choice((0, 0, 1, 2, 3, 5)) for _ in range(_NOTES)]
        kept = random.sample(range(_NOTES), 5)
        counts = [count if at in kept else 0 for at, count in enumerate(counts)]
        held = CashPieces((*counts, 0, 0))
        sums = {
            sum(taken * piece.units for taken, piece in zip(choice, PIECES, strict=False))
            for choice in product(*(range(count + 1) for count in counts))
        }
        for cents in [*random.sample(sorted(sums), min(20, len(sums))), random.randrange(50_000)]:
            chosen = suggest(Amount(USD, cents), held)
            assert (chosen is not None) == (cents in sums), (cents, held)
            if chosen is not None:
                payable += 1
                assert chosen.amount.units == cents
                assert (held - chosen).is_payable
    assert payable > 100


def test_large_notes_come_first_unless_they_cannot_pay() -> None:
    held = CashPieces.of({"usd_5000": 1, "usd_2000": 3, "usd_1": 99})
    assert suggest(Amount(USD, 6_000), held) == CashPieces.of({"usd_2000": 3})
    assert suggest(Amount(USD, 7_003), held) == CashPieces.of(
        {"usd_5000": 1, "usd_2000": 1, "usd_1": 3}
    )
    assert suggest(Amount(USD, 8_000), held) is None
