"""Names, normalized or refused."""

import pytest

from app.kit import names
from app.kit.errors import Invalid


def test_name_is_trimmed_and_composed() -> None:
    assert names.clean_name("firstName", "  Ame\u0301lie ") == "Am\u00e9lie"


def test_name_of_any_script_is_taken_whole() -> None:
    for name in (
        "\u0645\u062d\u0645\u062f \u0639\u0644\u064a",
        "\ud64d\uae38\ub3d9",
        "O\u2019Brien-Mu\u00f1oz Jr.",
        "a" * 100,
    ):
        assert names.clean_name("firstName", f"\N{NO-BREAK SPACE}{name} ") == name


@pytest.mark.parametrize(
    "character",
    [
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\N{LEFT-TO-RIGHT ISOLATE}",
        "\N{ZERO WIDTH SPACE}",
        "\N{ZERO WIDTH NO-BREAK SPACE}",
        "\N{SOFT HYPHEN}",
        "\N{LINE SEPARATOR}",
        "\N{PARAGRAPH SEPARATOR}",
        "\N{HANGUL FILLER}",
        "\N{HALFWIDTH HANGUL FILLER}",
        "\N{BRAILLE PATTERN BLANK}",
        "\N{COMBINING GRAPHEME JOINER}",
        "\N{VARIATION SELECTOR-16}",
        "\N{TAG LATIN SMALL LETTER A}",
        "\ue000",
    ],
)
def test_invisible_character_in_a_name_is_refused(character: str) -> None:
    for text in (f"A{character}da", f"Ada{character}a"):
        with pytest.raises(Invalid, match="invisible"):
            names.clean_name("firstName", text)


@pytest.mark.parametrize("text", ["", "   ", "a" * 101, "a\x00b", "a\nb", "a\ud800"])
def test_invalid_name_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        names.clean_name("firstName", text)
