"""Every setting, typed, in one place. Settings are read from the environment once at start."""

from app.config.checks import PROJECT, SECRET_LENGTH_MIN, Environment
from app.config.section import UnsafeSettings
from app.config.settings import Settings

VERSION = "0.1.0"

__all__ = ["PROJECT", "SECRET_LENGTH_MIN", "VERSION", "Environment", "Settings", "UnsafeSettings"]
