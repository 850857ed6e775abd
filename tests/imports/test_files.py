"""Reading of CSV files: encodings, separators, broken rows and headings."""

import pytest

from app.imports import rules
from app.kit.errors import Invalid
from app.kit.spreadsheets import escape_formula, unescape_formula

COLUMNS = ["sku", "name", "mint"]


def read(text: str) -> list[rules.CsvRow]:
    return list(rules.read_rows(text, COLUMNS, ["sku"]))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["UTF-8", "with a byte order mark"])
def test_text_is_in_utf_8(mark: bytes) -> None:
    assert rules.decode(mark + "sku\nMédaille".encode()) == "sku\nMédaille"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        ("sku\nA".encode("utf-16"), "UTF-16"),
        ("sku,name\nA,x\nB,Médaille".encode("cp1252"), "Line 3 .*“B,Médaille”.*Windows-1252"),
        (b"PK\x03\x04\0\0", "no CSV"),
        (b"sku\nA\0B", "no CSV"),
    ],
)
def test_other_encoding_is_refused_with_what_to_do(raw: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=f"file: .*{said}"):
        rules.decode(raw)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_read_with_the_lines_on_which_they_begin(separator: str, end: str) -> None:
    lines = [
        ["SKU ", "name"],
        ["A", '"two\nlines"'],
        ["", ""],
        ["B", "'=1+1"],
        ["C"],
        ["D", "x", "y"],
    ]
    text = end.join(separator.join(cells) for cells in lines)
    first, second, short, long = read(text)
    assert (first.line, first.cells) == (2, {"sku": "A", "name": "two\nlines"})
    # What an export made a text is the text itself again.
    assert (second.line, second.cells["name"], second.problem) == (5, "=1+1", "")
    assert (short.line, short.problem) == (6, "The row has 1 cells, and the heading 2.")
    assert long.problem == "The row has 3 cells, and the heading 2."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nA", "lacks sku"),
        ("sku,colour\nA,red", "names colour"),
        ("sku,sku\nA,A", "names sku twice"),
        ("sku,\nA,", "without a name"),
        ('sku,name\nA,"open', "begins on line 2 cannot be read"),
        ('sku,name\nA,x\nB,"a"b', "begins on line 3 cannot be read"),
        ("sku\n" + "A\n" * (rules.ROWS_MAX + 1), "at most 50,000 rows"),
    ],
)
def test_file_that_cannot_be_read_is_refused_with_words(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=f"file: .*{said}"):
        read(text)


def test_largest_file_is_read() -> None:
    assert len(read("sku\n" + "A\n" * rules.ROWS_MAX)) == rules.ROWS_MAX


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1 x", "-cmd", "@SUM(A1)", "|x", "%x", "-1.5", "plain", "'x"]
)
def test_cell_is_the_same_after_export_and_import(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == cell
