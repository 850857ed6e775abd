"""What each value of an enum means, as the OpenAPI document says it."""

from collections.abc import Mapping
from enum import StrEnum

from app.kit.enum_docstrings import read_docstrings
from app.kit.labels import LabelledEnum


def describe_members(kind: type[StrEnum]) -> dict[str, str]:
    """Return what each member means, by its value: its label, and the docstring below it."""
    docstrings = read_docstrings(kind)
    return {
        member.value: " ".join(filter(None, (_label_of(member), docstrings.get(member.value))))
        for member in kind
    }


def describe_values(meanings: Mapping[str, str]) -> str:
    """Return a Markdown list of values with their meanings."""
    return "\n".join(f"- `{value}`: {meaning}" for value, meaning in meanings.items())


def _label_of(member: StrEnum) -> str:
    if not isinstance(member, LabelledEnum):
        return ""
    return member.label if member.label.endswith(".") else f"{member.label}."
