"""Cursors and pages."""

from uuid import UUID

import pytest

from app.kit import ids, pagination
from app.kit.errors import Invalid


def test_cursor_decodes_to_its_id():
    identifier = ids.new()
    assert pagination.decode_cursor(pagination.encode_cursor(identifier)) == identifier


def test_cursor_is_22_characters_safe_in_a_url():
    assert pagination.encode_cursor(UUID(int=2**128 - 1)) == "_____________________w"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "_____________________x",  # the same 16 bytes in another spelling
        "_____________________w==",
        "_____________________w ",
        "____________________w",
        "../../../../etc/passwd",
        "①____________________w",
        "A" * 10_000,
    ],
)
def test_any_other_text_is_refused_as_cursor(text):
    with pytest.raises(Invalid) as refused:
        pagination.decode_cursor(text)
    assert refused.value.field == "cursor"


def test_cursor_of_a_page_is_its_last_id():
    items = [ids.new() for _ in range(3)]
    page = pagination.paginate(items, 2, lambda item: item)
    assert page.data == items[:2]
    assert page.next_cursor == pagination.encode_cursor(items[1])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_last_page_has_no_cursor(count):
    items = [ids.new() for _ in range(count)]
    assert pagination.paginate(items, 2, lambda item: item) == pagination.Page(items, None)
