"""docs/configuration.md lists every setting, its default and whether production requires it."""

import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.config import PROJECT, Settings, UnsafeSettings
from app.integrations import registry
from tests.house.source import CHECKOUT

_ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`|(required))? *\| (\S.*) \|$", re.MULTILINE)


FIELDS = [
    field for section in (Settings, *registry.SECTIONS) for field in section.model_fields.values()
]


def _default_text(default: Any) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, Path):
        default = default.relative_to(PROJECT)
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default in ("", ()) else str(default)


def _required() -> set[str]:
    nothing: dict[str, Any] = {str(f.alias): f.default for f in FIELDS}
    try:
        Settings.load(**{**nothing, "PBCEX_ENV": "production"})
    except UnsafeSettings as unsafe:
        return set(unsafe.problems)
    return set()


def test_documented_settings_match_the_code() -> None:
    text = (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8")
    stated = {name: required or value for name, value, required, _ in _ROW.findall(text)}
    required = _required()
    assert stated == {
        str(field.alias): "required" if field.alias in required else _default_text(field.default)
        for field in FIELDS
    }
