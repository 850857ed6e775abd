"""Refusals of settings."""

from app.kit.errors import Conflict


class SettingUnchanged(Conflict):
    """The setting already has this value."""

    code = "setting_unchanged"
    title = "This setting already has this value. Enter another one."
    field = "value"


class SettingsContradict(Conflict):
    """The value does not go together with another setting of its group."""

    code = "settings_contradict"
    title = "This value does not go together with another setting."
    field = "value"
