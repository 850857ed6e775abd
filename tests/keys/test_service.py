"""Seal and open values through the database, as rooms do."""

import pytest

from app.keys import registry as keys_registry
from app.keys import service as keys
from app.keys.registry import Sealed, sealed_columns
from app.kit import ids
from app.kit.crypto import DecryptionFailed
from app.models import metadata
from tests.keys.conftest import PLACE


def test_value_moved_to_another_row_does_not_open(values):
    first, second = values.add(2)
    stored = values.stored()
    values.put(second, stored[first])
    with pytest.raises(DecryptionFailed):
        keys.open_sealed(values.stored()[second], **PLACE, key=second)
    values.put(second, stored[second])
    assert values.all_open()


def test_undeclared_column_cannot_be_sealed(values):
    for table, column in (("users", "phone"), ("users", "nothing"), ("nothing", "id")):
        with pytest.raises(LookupError):
            keys.seal("x", table=table, column=column, key=ids.new())


def test_every_column_named_sealed_is_declared():
    named = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    declared = {(column.table, column.column) for column in sealed_columns()}
    assert ("addresses", "details_sealed") in named <= declared


def test_sealed_column_requires_a_single_column_primary_key(values):
    sa = keys_registry.sa
    two_key_table = sa.Table(
        "made_by_test",
        metadata,
        sa.Column("a", sa.Integer, primary_key=True),
        sa.Column("b", sa.Integer, primary_key=True),
        sa.Column("x_sealed", Sealed),
    )
    try:
        with pytest.raises(LookupError, match="one column"):
            keys.seal("x", table="made_by_test", column="x_sealed", key="1")
    finally:
        metadata.remove(two_key_table)


def test_blind_index_matches_the_same_text_in_the_same_column_only(values):
    index = keys.blind_index("ada@example.com", table="users", column="email")
    assert len(index) == 32
    assert index == keys.blind_index("ada@example.com", table="users", column="email")
    assert len({
        index,
        keys.blind_index("Ada@example.com", table="users", column="email"),
        keys.blind_index("ada@example.com", table="users", column="phone"),
        keys.blind_index("ada@example.com", table="people", column="email"),
    }) == 4  # fmt: skip
