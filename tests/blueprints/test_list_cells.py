"""Cells of lists: a text of any script leaves what is beside it alone."""

import pytest
from flask import Flask, get_template_attribute

from app.blueprints.lists import PersonCell, ReferenceCell
from app.kit import ids

NAME = "عمر (Omar)"
PERSON = ids.new()


@pytest.mark.parametrize(
    "value",
    [NAME, PersonCell(PERSON), ReferenceCell(NAME), ReferenceCell(ids.encode("usr", PERSON), NAME)],
)
def test_text_in_a_cell_does_not_turn_what_is_beside_it(app: Flask, value: object) -> None:
    with app.test_request_context():
        cell = get_template_attribute("components/list.html", "list_cell")
        assert f"<bdi>{NAME}</bdi>" in cell(value, {PERSON: NAME})
