"""Ids: the public form, the texts that are none, and their order."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import ids
from app.kit.errors import NotFound

EXAMPLE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
PUBLIC = "trd_01h455vb4pex5vsknk084sn02q"  # the example of the TypeID specification


def test_public_form_is_the_one_of_the_convention() -> None:
    assert ids.encode("trd", EXAMPLE) == PUBLIC
    assert ids.decode("trd", PUBLIC) == EXAMPLE


@given(st.uuids())
def test_every_id_is_read_back_from_its_public_form(identifier: UUID) -> None:
    public = ids.encode("usr", identifier)
    assert len(public) == len("usr_") + 26
    assert ids.decode("usr", public) == identifier
    assert ids.prefix_of(public) == "usr"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trd",
        PUBLIC.removeprefix("trd_"),
        PUBLIC.replace("trd", "usr"),
        PUBLIC.upper(),
        PUBLIC + "0",
        PUBLIC[:-1],
        PUBLIC[:-1] + "u",  # a letter that the alphabet lacks
        PUBLIC.replace("_0", "_8"),  # above 128 bits
        str(EXAMPLE),
    ],
)
def test_any_other_text_is_an_unknown_id(text: str) -> None:
    with pytest.raises(NotFound):
        ids.decode("trd", text)
    assert ids.try_decode("trd", text) is None


def test_ids_and_their_public_forms_sort_by_time() -> None:
    before = ids.first_at(datetime(2026, 1, 1, tzinfo=UTC))
    after = ids.first_at(datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC))
    assert before < after
    assert ids.encode("trd", before) < ids.encode("trd", after)
    assert ids.first_at(datetime(2020, 1, 1, tzinfo=UTC)) < ids.new()
