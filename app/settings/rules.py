"""Groups of settings: dataclasses whose fields say what they are, their unit and their bounds.

    @settings_group("payments", "Payments")
    @dataclass(frozen=True, slots=True)
    class PaymentLimits:
        card_max: Amount = setting(
            "Largest card payment", dollars("10000"), minimum=dollars("1"), maximum=dollars("50000")
        )

The type of the default is the type of the setting: an amount, a decimal number or a whole number. A
group that has rules between its settings raises `ValueError` from `__post_init__`, saying what is
wrong in a sentence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

from app.kit.errors import Invalid, NotFound
from app.kit.formatting import format_amount
from app.kit.money import Amount

#: The least time from a change to its effect. Every process has read the change by then.
LEAD = timedelta(minutes=1)

Value = Amount | Decimal | int
GroupT = TypeVar("GroupT")

_DECLARATION = "setting"
_WHOLE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_DECIMAL_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a field of a group says of itself. `unit` is empty for an amount."""

    label: str
    default: Value
    minimum: Value
    maximum: Value
    unit: str
    about: str
    #: Whether a second person approves a change: where money or rights move.
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """A declared setting. `name` is stored: `payments.card_max`."""

    name: str
    group: str
    declared: Declaration

    @property
    def id(self) -> UUID:
        """The identifier of the setting, the same in every installation."""
        return uuid5(NAMESPACE_OID, f"pbcex setting {self.name}")

    @property
    def bounds(self) -> str:
        """What may be entered, for people."""
        return f"{self.write(self.declared.minimum)} to {self.write(self.declared.maximum)}"

    def parse(self, text: str) -> Value:
        """Return the value that a person entered. Raises `Invalid` naming `value`."""
        value = self._read(text.strip().replace(",", ""))
        if value is None or not self._is_within_bounds(value):
            raise Invalid("value", f"Enter {self.bounds}.")
        return value

    def load(self, text: str) -> Value:
        """Return a stored value, also when the bounds have changed since. Raises `ValueError`."""
        value = self._read(text)
        if value is None:
            raise ValueError(f"{self.name} cannot be {text!r}")
        return value

    def write(self, value: Value) -> str:
        """Return the value with its unit, for people."""
        if isinstance(value, Amount):
            return format_amount(value)
        return f"{value:,} {self.declared.unit}"

    def _read(self, text: str) -> Value | None:
        default = self.declared.default
        pattern = _WHOLE_NUMBER if isinstance(default, int) else _DECIMAL_NUMBER
        if not pattern.fullmatch(text):
            return None
        if isinstance(default, int):
            return int(text)
        number = Decimal(text)
        if isinstance(default, Decimal):
            return number
        units = number * default.asset.unit
        return Amount(default.asset, int(units)) if units == int(units) else None

    def _is_within_bounds(self, value: Value) -> bool:
        low, high = _magnitude(self.declared.minimum), _magnitude(self.declared.maximum)
        return low <= _magnitude(value) <= high


def _magnitude(value: Value) -> Decimal:
    return Decimal(value.units) if isinstance(value, Amount) else Decimal(value)


def setting(
    label: str,
    default: Any,
    *,
    minimum: Value,
    maximum: Value,
    unit: str = "",
    about: str = "",
    needs_approval: bool = True,
) -> Any:
    """Declare a field of a group. Returns a dataclass field."""
    declared = Declaration(label, default, minimum, maximum, unit, about, needs_approval)
    return field(default=default, metadata={_DECLARATION: declared})


@dataclass(frozen=True, slots=True)
class Group:
    """A registered group: its dataclass, and its settings by the name of their field."""

    title: str
    settings: Mapping[str, Setting]


_GROUPS: dict[type[Any], Group] = {}
_SETTINGS: dict[str, tuple[type[Any], Setting]] = {}


def settings_group(name: str, title: str) -> Callable[[type[GroupT]], type[GroupT]]:
    """Register a dataclass as a group. Raises `TypeError` for a name that is taken."""

    def register(group: type[GroupT]) -> type[GroupT]:
        declared: tuple[Field[Any], ...] = fields(group)  # type: ignore[arg-type] # every group is a dataclass
        settings = {
            each.name: Setting(f"{name}.{each.name}", title, each.metadata[_DECLARATION])
            for each in declared
        }
        for entry in settings.values():
            if entry.name in _SETTINGS:
                raise TypeError(f"two settings are named {entry.name}")
            _SETTINGS[entry.name] = group, entry
        _GROUPS[group] = Group(title, MappingProxyType(settings))
        return group

    return register


def get_group(group: type[Any]) -> Group:
    """Return the registered group of a dataclass. Raises `KeyError`."""
    return _GROUPS[group]


def list_settings() -> list[Setting]:
    """Return every setting, in order of name."""
    return [_SETTINGS[name][1] for name in sorted(_SETTINGS)]


def get_setting(name: str) -> Setting:
    """Return the setting. Raises `NotFound`."""
    return _find(name)[1]


def group_of(name: str) -> type[Any]:
    """Return the dataclass to which a setting belongs. Raises `NotFound`."""
    return _find(name)[0]


def _find(name: str) -> tuple[type[Any], Setting]:
    try:
        return _SETTINGS[name]
    except KeyError:
        raise NotFound from None


def build(group: type[GroupT], values: Mapping[str, str]) -> GroupT:
    """Return the group with these stored values by setting name; the others have their defaults.

    Raises `ValueError` for values that do not go together.
    """
    settings = get_group(group).settings
    return group(
        **{
            field_name: entry.load(values[entry.name])
            for field_name, entry in settings.items()
            if entry.name in values
        }
    )
