"""An environment without settings, and one with those of production."""

import pytest

from app.config import Settings
from app.integrations import registry
from tests.production_settings import SAFE


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every setting from the environment."""
    for section in (Settings, *registry.SECTIONS):
        for field in section.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
