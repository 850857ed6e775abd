"""Statements are compiled once for each shape, and each has its own values."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from app.identity.models import User
from app.kit import ids, statements
from app.kit.statements import compile_select, compile_statement, insert_rows

ONE, OTHER = ids.new(), ids.new()


def _filled(text: str, values: dict[str, object]) -> str:
    return text % {name: repr(value) for name, value in values.items()}


def test_statements_of_one_shape_have_their_own_values_and_are_compiled_once() -> None:
    def select(user_id: UUID) -> str:
        text, values = compile_select(
            sa.select(User.email_key).where(User.id == user_id, User.first_name != "Ada")
        ).statement
        return _filled(text, values)

    def write(user_id: UUID, name: str) -> str:
        change = sa.update(User).where(User.id == user_id).values(first_name=name)
        return _filled(*compile_statement(change))

    statements._compile_shape.cache_clear()
    assert select(ONE).replace(repr(ONE), repr(OTHER)) == select(OTHER)
    assert write(ONE, "Ada").replace(repr(ONE), repr(OTHER)) == write(OTHER, "Ada")
    assert "'Ada'" in write(ONE, "Ada")
    assert "'Eve'" in write(ONE, "Eve")
    assert statements._compile_shape.cache_info().misses == 2


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_list_of_values_is_written_at_its_own_length(count: int) -> None:
    wanted = [f"{number}@example.com" for number in range(count)]
    compile_select(sa.select(User.id).where(User.email_key.in_(["a", "b"])))
    compiled = compile_select(sa.select(User.id).where(User.email_key.in_(wanted)))
    text, values = compiled.statement
    assert list(values.values()) == wanted
    assert all(f"%({name})s" in text for name in values)
    assert text.count("%(") == count


def test_other_columns_and_conditions_are_other_statements() -> None:
    shapes = [
        sa.select(User.id),
        sa.select(User.id.label("user_id")),
        sa.select(User.id).where(User.first_name.is_(None)),
        sa.select(User.id).where(User.first_name == "Ada"),
        sa.select(User.id).limit(1),
        sa.select(User.id).with_for_update(),
    ]
    compiled = [compile_select(select) for select in shapes]
    assert len({(each.text, each.names) for each in compiled}) == len(shapes)


def test_limit_is_the_one_of_this_statement() -> None:
    limits = [compile_select(sa.select(User.id).limit(limit)).statement for limit in (10, 51)]
    assert [list(values.values()) for _, values in limits] == [[10], [51]]


def test_awaited_parameter_is_not_taken_from_a_statement_that_has_a_value() -> None:
    def select(value: object) -> statements.CompiledSelect:
        return compile_select(sa.select(User.id).where(User.first_name == value))

    with_value, awaiting = select("Ada"), select(sa.bindparam("name"))
    assert with_value.parameters == frozenset()
    assert awaiting.parameters == {"name"}
    assert awaiting.with_values({"name": "Eve"})[1] == {"name": "Eve"}


def test_value_that_is_known_is_written_into_a_statement_that_awaits_others() -> None:
    known = User.first_name != "100 % %(name)s d'Or"
    compiled = compile_select(
        sa.select(User.id).where(known, User.last_name == sa.bindparam("name"))
    )
    text, values = compiled.with_values({"name": "Eve"})
    assert values == {"name": "Eve"}
    assert "users.first_name != '100 %% %%(name)s d''Or'::VARCHAR" in text


def test_rows_of_several_tables_are_added_by_one_statement_whatever_the_sizes_of_numbers() -> None:
    def insert(units: int | None) -> tuple[str, list[object]]:
        parts = [{"order_id": ONE, "units": units, "name": "a"} for _ in range(2)]
        text, values = insert_rows((User, [{"id": ONE}]), (User, []), (User, parts))
        assert isinstance(values, list)
        return text, values

    text, values = insert(10**12)
    assert text == (
        "WITH part_0 AS (INSERT INTO users (id) VALUES (%s))"
        " INSERT INTO users (order_id, units, name) VALUES (%s, %s, %s), (%s, %s, %s)"
    )
    assert values == [str(ONE), *(str(ONE), str(10**12), "a") * 2]
    # A number as text has no type by which the statement would be prepared once more.
    assert insert(1) == (text, [str(ONE), *(str(ONE), "1", "a") * 2])
    assert insert(None) == (text, [str(ONE), *(str(ONE), None, "a") * 2])
