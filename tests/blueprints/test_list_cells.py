"""Cells of lists: a text of any script leaves what is beside it alone."""

import pytest
from flask import Flask, get_template_attribute

from app.blueprints.list_cells import cell_text
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


def test_unknown_person_has_the_same_name_on_the_page_and_in_the_csv(app: Flask) -> None:
    with app.test_request_context():
        cell = get_template_attribute("components/list.html", "list_cell")
        text = cell_text(PersonCell(PERSON), {})
        assert text == ids.encode("usr", PERSON)
        assert f"<bdi>{text}</bdi>" in cell(PersonCell(PERSON), {})
